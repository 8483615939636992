import { Heartbeat } from '../../../protocol/messages/12-heartbeat.ts'
import { LeaveGroup } from '../../../protocol/messages/13-leave-group.ts'
import { SyncGroup } from '../../../protocol/messages/14-sync-group.ts'
import { GroupMember, isParked, stableMember, stablePair } from '../group-member.ts'
import { versionsOf, wireCases } from '../wire-case.ts'

interface Beat {
  readonly groupId: string
  readonly memberId?: string
  readonly generationId?: number
  readonly groupInstanceId?: string | null
}

function beat({ groupId, memberId = 'nobody', generationId = 1, groupInstanceId = null }: Beat) {
  return { groupId, memberId, generationId, groupInstanceId }
}

export const heartbeatCases = wireCases('Heartbeat', (wireCase) => {
  for (const version of versionsOf(Heartbeat)) {
    wireCase(`v${version} of a member is a success`, async (test) => {
      const group = await test.group()
      const { memberId } = await stableMember(test, group)
      await test.expect(Heartbeat, version, beat({ groupId: group, memberId }), { errorCode: 0 })
    })

    wireCase(`v${version} in an unknown group, of an unknown member, without a group`, async (test) => {
      const group = await test.group()
      await test.expect(Heartbeat, version, beat({ groupId: group }), { errorCode: 25 })
      await stableMember(test, group)
      await test.expect(Heartbeat, version, beat({ groupId: group }), { errorCode: 25 })
      await test.expect(Heartbeat, version, beat({ groupId: group, memberId: '' }), { errorCode: 25 })
      await test.expect(Heartbeat, version, beat({ groupId: '' }), { errorCode: 24 })
    })

    wireCase(`v${version} of another generation`, async (test) => {
      const group = await test.group()
      const { memberId } = await stableMember(test, group)
      for (const generationId of [0, 2, -1]) {
        await test.expect(Heartbeat, version, beat({ groupId: group, memberId, generationId }), { errorCode: 22 })
      }
    })
  }

  for (const version of [3, 4]) {
    wireCase(`v${version} of a static member`, async (test) => {
      const group = await test.group()
      const { memberId } = await stableMember(test, group, { instanceId: 'i1' })
      const right = beat({ groupId: group, memberId, groupInstanceId: 'i1' })
      await test.expect(Heartbeat, version, right, { errorCode: 0 })
      const unknown = beat({ groupId: group, memberId, groupInstanceId: 'i2' })
      await test.expect(Heartbeat, version, unknown, { errorCode: 25 })
      const stolen = beat({ groupId: group, memberId: 'somebody', groupInstanceId: 'i1' })
      await test.expect(Heartbeat, version, stolen, { errorCode: 82 })
      await test.expect(Heartbeat, version, beat({ groupId: group, memberId }), { errorCode: 0 })
    })
  }

  wireCase('while the group completes a heartbeat is a success', async (test) => {
    const group = await test.group()
    const member = await GroupMember.connect(test, group)
    await member.join()
    test.same(await member.heartbeat(), 0, 'heartbeat')
  })

  wireCase('trap 64: during a rebalance a heartbeat says so, as often as it comes', async (test) => {
    const group = await test.group()
    const one = await stableMember(test, group)
    const two = await GroupMember.connect(test, group)
    const joining = two.join()
    await isParked(test, joining)
    for (const version of versionsOf(Heartbeat)) test.same(await one.heartbeat(version), 27, 'heartbeat')
    await Promise.all([one.join(), joining])
  })
})

export const leaveGroupCases = wireCases('LeaveGroup', (wireCase) => {
  for (const version of versionsOf(LeaveGroup, 0, 2)) {
    wireCase(`v${version}: a member leaves`, async (test) => {
      const group = await test.group()
      const member = await stableMember(test, group)
      const request = { groupId: group, memberId: member.memberId }
      await test.expect(LeaveGroup, version, request, { errorCode: 0 })
      test.same(await member.heartbeat(), 25, 'heartbeat')
    })

    wireCase(`v${version}: nobody leaves`, async (test) => {
      const group = await test.group()
      const request = { groupId: group, memberId: 'nobody' }
      await test.expect(LeaveGroup, version, request, { errorCode: 25 })
      await stableMember(test, group)
      await test.expect(LeaveGroup, version, request, { errorCode: 25 })
      await test.expect(
        LeaveGroup,
        version,
        { groupId: '', memberId: 'nobody' },
        { errorCode: test.differs({ kafka: 24, odradek: 24, why: 'the same' }) },
      )
    })
  }

  const member = (memberId: string, groupInstanceId: string | null = null) => ({
    memberId,
    groupInstanceId,
    reason: null,
  })

  for (const version of versionsOf(LeaveGroup, 3)) {
    wireCase(`v${version}: several leave, each with its own answer`, async (test) => {
      const group = await test.group()
      const [leader, follower] = await stablePair(test, group)
      const members = [member(leader.memberId), member('nobody'), member(follower.memberId)]
      await test.expect(
        LeaveGroup,
        version,
        { groupId: group, members },
        {
          errorCode: 0,
          members: [
            { memberId: leader.memberId, groupInstanceId: null, errorCode: 0 },
            { memberId: 'nobody', groupInstanceId: null, errorCode: 25 },
            { memberId: follower.memberId, groupInstanceId: null, errorCode: 0 },
          ],
        },
      )
      test.same([await leader.heartbeat(), await follower.heartbeat()], [25, 25], 'heartbeats')
    })

    wireCase(`v${version}: a static member is removed by its instance`, async (test) => {
      const group = await test.group()
      const one = await stableMember(test, group, { instanceId: 'i1' })
      const members = [member('', 'i1'), member('', 'i9')]
      await test.expect(
        LeaveGroup,
        version,
        { groupId: group, members },
        {
          errorCode: 0,
          members: [
            { memberId: '', groupInstanceId: 'i1', errorCode: 0 },
            { memberId: '', groupInstanceId: 'i9', errorCode: 25 },
          ],
        },
      )
      test.same(await one.heartbeat(), 25, 'heartbeat')
    })

    wireCase(`v${version}: an instance with the id of another is fenced`, async (test) => {
      const group = await test.group()
      const one = await stableMember(test, group, { instanceId: 'i1' })
      const request = { groupId: group, members: [member('somebody', 'i1')] }
      await test.expect(LeaveGroup, version, request, {
        errorCode: 0,
        members: [{ memberId: 'somebody', groupInstanceId: 'i1', errorCode: 82 }],
      })
      test.same(await one.heartbeat(), 0, 'heartbeat')
    })

    wireCase(`v${version}: from an unknown group`, async (test) => {
      const group = await test.group()
      const request = { groupId: group, members: [member('nobody'), member('', 'i1')] }
      const answer = await test.call(LeaveGroup, version, request)
      test.same([answer.errorCode, answer.members.map(({ errorCode }) => errorCode)], [0, [25, 25]], 'errors')
    })

    wireCase(`v${version}: nobody at all`, async (test) => {
      const group = await test.group()
      await stableMember(test, group)
      await test.expect(LeaveGroup, version, { groupId: group, members: [] }, { errorCode: 0, members: [] })
    })
  }

  wireCase('a member that leaves while it waits to join is answered', async (test) => {
    const group = await test.group()
    const one = await stableMember(test, group)
    const two = await GroupMember.connect(test, group)
    const joining = two.join()
    await isParked(test, joining)
    const request = { groupId: group, members: [member(two.memberId)] }
    test.same((await test.call(LeaveGroup, 5, request)).members[0]!.errorCode, 0, 'leaving')
    test.same((await joining).errorCode, 25, 'the join')
    const { members } = await one.join()
    test.same(members.length, 1, 'members')
  })
})

export const syncGroupCases = wireCases('SyncGroup', (wireCase) => {
  const ask = (member: GroupMember, changes: object = {}) => ({
    groupId: member.group,
    generationId: member.generation,
    memberId: member.memberId,
    groupInstanceId: null,
    protocolType: 'consumer',
    protocolName: 'range',
    assignments: [{ memberId: member.memberId, assignment: Buffer.from('mine') }],
    ...changes,
  })
  const answer = (assignment: string) => ({
    errorCode: 0,
    protocolType: 'consumer',
    protocolName: 'range',
    assignment: Buffer.from(assignment),
  })
  const refused = (errorCode: number) => ({
    errorCode,
    protocolType: null,
    protocolName: null,
    assignment: Buffer.alloc(0),
  })

  for (const version of versionsOf(SyncGroup)) {
    wireCase(`v${version}: the leader assigns, and gets it again when it asks again`, async (test) => {
      const group = await test.group()
      const member = await GroupMember.connect(test, group)
      await member.join()
      await test.expect(SyncGroup, version, ask(member), answer('mine'))
      await test.expect(SyncGroup, version, ask(member, { assignments: [] }), answer('mine'))
    })

    wireCase(`v${version}: errors`, async (test) => {
      const group = await test.group()
      const member = await GroupMember.connect(test, group)
      const nobody = { memberId: 'nobody' }
      await test.expect(SyncGroup, version, ask(member, nobody), refused(25))
      await member.join()
      await test.expect(SyncGroup, version, ask(member, nobody), refused(25))
      await test.expect(SyncGroup, version, ask(member, { generationId: 2 }), refused(22))
      await test.expect(SyncGroup, version, ask(member, { generationId: 0 }), refused(22))
      await test.expect(SyncGroup, version, ask(member, { groupId: '' }), refused(24))
    })
  }

  for (const change of [
    { protocolType: 'connect' },
    { protocolName: 'sticky' },
    { protocolType: null },
    { protocolName: null },
  ]) {
    wireCase(`v5 with ${JSON.stringify(change)} is inconsistent`, async (test) => {
      const group = await test.group()
      const member = await GroupMember.connect(test, group)
      await member.join()
      await test.expect(SyncGroup, 5, ask(member, change), refused(23))
      await test.expect(SyncGroup, 5, ask(member), answer('mine'))
    })
  }

  wireCase('trap 65: a follower waits for the assignment of the leader', async (test) => {
    const group = await test.group()
    const leader = await stableMember(test, group)
    const follower = await GroupMember.connect(test, group)
    const joining = follower.join()
    await isParked(test, joining)
    await Promise.all([leader.join(), joining])
    const syncing = follower.sync()
    test.same(await isParked(test, syncing), true, 'the follower waits')
    const led = await leader.sync({ [leader.memberId]: 'first', [follower.memberId]: 'second' })
    test.compare(SyncGroup, 5, led, answer('first'))
    test.compare(SyncGroup, 5, await syncing, answer('second'))
  })

  wireCase('a member that the leader leaves out gets no bytes', async (test) => {
    const group = await test.group()
    const leader = await stableMember(test, group)
    const follower = await GroupMember.connect(test, group)
    const joining = follower.join()
    await isParked(test, joining)
    await Promise.all([leader.join(), joining])
    const [, followed] = await Promise.all([leader.sync({ [leader.memberId]: 'all' }), follower.sync()])
    test.compare(SyncGroup, 5, followed, answer(''))
  })

  wireCase('what a follower assigns does not matter', async (test) => {
    const group = await test.group()
    const [leader, follower] = await stablePair(test, group)
    const again = await follower.sync({ [follower.memberId]: 'everything' })
    test.compare(SyncGroup, 5, again, answer('second'))
    test.compare(SyncGroup, 5, await leader.sync(), answer('first'))
  })

  wireCase('during a rebalance a sync is told so', async (test) => {
    const group = await test.group()
    const one = await stableMember(test, group)
    const two = await GroupMember.connect(test, group)
    const joining = two.join()
    await isParked(test, joining)
    await test.expectOn(one.client, SyncGroup, 5, ask(one), refused(27))
    await Promise.all([one.join(), joining])
  })

  wireCase('a rebalance ends the wait of those who sync', async (test) => {
    const group = await test.group()
    const leader = await stableMember(test, group)
    const follower = await GroupMember.connect(test, group)
    const joining = follower.join()
    await isParked(test, joining)
    await Promise.all([leader.join(), joining])
    const syncing = follower.sync()
    await isParked(test, syncing)
    const third = await GroupMember.connect(test, group)
    const thirdJoining = third.join()
    test.compare(SyncGroup, 5, await syncing, refused(27))
    await Promise.all([leader.join(), follower.join(), thirdJoining])
  })

  wireCase('an assignment is opaque and comes back byte for byte', async (test) => {
    const group = await test.group()
    const member = await GroupMember.connect(test, group)
    await member.join()
    const assignment = Buffer.from(Array.from({ length: 256 }, (_, byte) => 255 - byte))
    const request = ask(member, { assignments: [{ memberId: member.memberId, assignment }] })
    const synced = await test.call(SyncGroup, 3, request)
    test.same(synced.assignment, assignment, 'assignment')
  })
})
