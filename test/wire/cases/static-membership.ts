import { JoinGroup } from '../../../protocol/messages/11-join-group.ts'
import { Heartbeat } from '../../../protocol/messages/12-heartbeat.ts'
import { joinBoth, joinedAlone, joinRefused, MEMBER_UUID } from '../group-answers.ts'
import { GroupMember, isParked, joinRequest, stableMember } from '../group-member.ts'
import { matching } from '../matcher.ts'
import { versionsOf, wireCases } from '../wire-case.ts'

export const staticMemberCases = wireCases('static membership', (wireCase) => {
  for (const version of versionsOf(JoinGroup, 5)) {
    wireCase(`trap 60: v${version}: a static member joins at once, its id begins with its instance`, async (test) => {
      const group = await test.group()
      const { memberId } = await test.expect(JoinGroup, version, joinRequest(group, '', { instanceId: 'i1' }), {
        ...joinedAlone('', 1, 'i1'),
        memberId: matching(new RegExp(`^i1-${MEMBER_UUID}$`)),
        leader: matching(new RegExp(`^i1-${MEMBER_UUID}$`)),
        members: [
          {
            memberId: matching(new RegExp(`^i1-${MEMBER_UUID}$`)),
            groupInstanceId: 'i1',
            metadata: Buffer.from('meta'),
          },
        ],
      })
      test.same(memberId.length, 39, 'length of the id')
    })

    wireCase(`trap 67: v${version}: a leader that restarts is given a new id and no rebalance`, async (test) => {
      const group = await test.group()
      const old = await stableMember(test, group, { instanceId: 'i1' })
      const { memberId } = await test.call(JoinGroup, version, joinRequest(group, '', { instanceId: 'i1' }))
      test.same(memberId === old.memberId, false, 'the same id')
      const again = await test.call(JoinGroup, version, joinRequest(group, memberId, { instanceId: 'i1' }))
      test.same(again.errorCode, 0, 'error')
    })
  }

  wireCase('trap 67: v9: a restarted leader is told to skip the assignment', async (test) => {
    const group = await test.group()
    await stableMember(test, group, { instanceId: 'i1' })
    const back = await GroupMember.connect(test, group, { instanceId: 'i1' })
    const joined = await back.join()
    test.compare(JoinGroup, 9, joined, { ...joinedAlone(back.memberId, 1, 'i1'), skipAssignment: true })
    const { assignment } = await back.sync()
    test.same(assignment, Buffer.from('mine'), 'the assignment it had')
    test.same(await back.heartbeat(), 0, 'heartbeat')
  })

  wireCase('trap 67: v8: a restarted leader sees its old id as leader, so that it does not assign', async (test) => {
    const group = await test.group()
    const old = await stableMember(test, group, { instanceId: 'i1' })
    const back = await GroupMember.connect(test, group, { instanceId: 'i1' })
    const joined = await back.join(8)
    test.compare(JoinGroup, 8, joined, { ...joinedAlone(back.memberId, 1, 'i1'), leader: old.memberId, members: [] })
    test.same(await back.heartbeat(), 0, 'heartbeat')
  })

  wireCase('trap 67: a restarted follower keeps generation and assignment', async (test) => {
    const group = await test.group()
    const leader = await stableMember(test, group, { instanceId: 'i1' })
    const follower = await GroupMember.connect(test, group, { instanceId: 'i2' })
    await joinBoth(test, leader, follower)
    await Promise.all([leader.sync({ [leader.memberId]: 'a', [follower.memberId]: 'b' }), follower.sync()])
    const back = await GroupMember.connect(test, group, { instanceId: 'i2' })
    const joined = await back.join()
    test.same(
      [joined.errorCode, joined.generationId, joined.skipAssignment, joined.members],
      [0, 2, false, []],
      'answer',
    )
    test.same((await back.sync()).assignment, Buffer.from('b'), 'assignment')
    test.same(await leader.heartbeat(), 0, 'the leader noticed nothing')
  })

  wireCase('trap 67: the id from before the restart is fenced everywhere', async (test) => {
    const group = await test.group()
    const old = await stableMember(test, group, { instanceId: 'i1' })
    const back = await GroupMember.connect(test, group, { instanceId: 'i1' })
    await back.join()
    test.same(await old.heartbeat(), 82, 'heartbeat')
    test.same((await old.sync({ [old.memberId]: 'x' })).errorCode, 82, 'sync')
    const joined = await old.client.call(JoinGroup, 9, joinRequest(group, old.memberId, { instanceId: 'i1' }))
    test.compare(JoinGroup, 9, joined, joinRefused(9, 82, old.memberId))
    const withoutInstance = await old.client.call(Heartbeat, 4, {
      groupId: group,
      generationId: 1,
      memberId: old.memberId,
      groupInstanceId: null,
    })
    test.same(withoutInstance.errorCode, 25, 'heartbeat without its instance')
  })

  wireCase('a restart with other metadata but the same protocol is no reason to rebalance', async (test) => {
    const group = await test.group()
    const one = await stableMember(test, group, { instanceId: 'i1' })
    const back = await GroupMember.connect(test, group, { instanceId: 'i1', protocols: [['range', 'other']] })
    const joined = await back.join()
    test.same([joined.errorCode, joined.generationId, joined.skipAssignment], [0, 1, true], 'answer')
    test.same(await one.heartbeat(), 82, 'the old one')
  })

  wireCase('a restart that changes the protocol of the group causes a rebalance', async (test) => {
    const group = await test.group()
    const both = [
      ['range', 'meta'],
      ['sticky', 'meta'],
    ] as const
    const one = await stableMember(test, group, { instanceId: 'i1', protocols: both })
    const two = await GroupMember.connect(test, group, { instanceId: 'i2', protocols: both })
    await joinBoth(test, one, two)
    await Promise.all([one.sync({ [one.memberId]: 'a', [two.memberId]: 'b' }), two.sync()])
    const back = await GroupMember.connect(test, group, { instanceId: 'i2', protocols: [['sticky', 'meta']] })
    const joining = back.join()
    await test.eventually('the rebalance', async () => (await one.heartbeat()) === 27)
    const [led, joined] = await Promise.all([one.join(), joining])
    test.same([led.generationId, joined.generationId, led.protocolName], [3, 3, 'sticky'], 'generations and protocol')
  })

  wireCase('a restart while the group completes causes a rebalance', async (test) => {
    const group = await test.group()
    const one = await GroupMember.connect(test, group, { instanceId: 'i1' })
    await one.join()
    const back = await GroupMember.connect(test, group, { instanceId: 'i1' })
    const joined = await back.join()
    test.same([joined.errorCode, joined.generationId], [0, 2], 'error and generation')
    test.same(await one.heartbeat(), 82, 'the old one')
  })

  wireCase(
    'a second process with the same instance throws out the first, also while it waits to join',
    async (test) => {
      const group = await test.group()
      const one = await stableMember(test, group)
      const old = await GroupMember.connect(test, group, { instanceId: 'i1' })
      const joining = old.join()
      test.same(await isParked(test, joining), true, 'it waits')
      const back = await GroupMember.connect(test, group, { instanceId: 'i1' })
      const again = back.join()
      test.same((await joining).errorCode, 82, 'the first')
      const [, joined] = await Promise.all([one.join(), again])
      test.same(joined.errorCode, 0, 'the second')
    },
  )

  wireCase('an unknown instance with a member id', async (test) => {
    const group = await test.group()
    await stableMember(test, group)
    const request = joinRequest(group, 'somebody', { instanceId: 'i9' })
    await test.expect(JoinGroup, 9, request, joinRefused(9, 25, 'somebody'))
  })
})
