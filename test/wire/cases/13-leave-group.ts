import { LeaveGroup } from '../../../protocol/messages/13-leave-group.ts'
import { GroupMember, isParked, stableMember, stablePair } from '../group-member.ts'
import { versionsOf, wireCases } from '../wire-case.ts'

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
