import { JoinGroup } from '../../../protocol/messages/11-join-group.ts'
import { LeaveGroup } from '../../../protocol/messages/13-leave-group.ts'
import { joinBoth, joinedAlone, joinRefused, MEMBER_UUID, stateOf } from '../group-answers.ts'
import { GroupMember, isParked, joinRequest, type MemberOptions, stableMember, stablePair } from '../group-member.ts'
import { inAnyOrder, matching } from '../matcher.ts'
import { versionsOf, wireCases } from '../wire-case.ts'

export const joinGroupCases = wireCases('JoinGroup', (wireCase) => {
  for (const version of versionsOf(JoinGroup)) {
    wireCase(
      `trap 60: v${version}: ${version < 4 ? 'a new member joins at once' : 'a new member is given its id first'}`,
      async (test) => {
        const group = await test.group()
        let memberId = ''
        if (version >= 4) {
          const expected = joinRefused(version, 79, matching(new RegExp(`^wire-${MEMBER_UUID}$`)))
          memberId = (await test.expect(JoinGroup, version, joinRequest(group, ''), expected)).memberId
        }
        const joined = await test.call(JoinGroup, version, joinRequest(group, memberId))
        if (version >= 4) test.same(joined.memberId, memberId, 'member id')
        test.same(joined.memberId, matching(new RegExp(`^wire-${MEMBER_UUID}$`)), 'member id')
        test.compare(JoinGroup, version, joined, joinedAlone(joined.memberId))
      },
    )

    wireCase(`v${version} without a group id`, async (test) => {
      await test.expect(JoinGroup, version, joinRequest('', ''), joinRefused(version, 24))
    })

    wireCase(`v${version} with a session timeout out of bounds`, async (test) => {
      const group = await test.group()
      for (const sessionTimeoutMs of [5999, 1_800_001, 0, -1]) {
        const request = joinRequest(group, '', { sessionTimeoutMs })
        await test.expect(JoinGroup, version, request, joinRefused(version, 26))
      }
    })

    wireCase(`v${version} with the id of nobody`, async (test) => {
      const group = await test.group()
      await test.expect(JoinGroup, version, joinRequest(group, 'nobody'), joinRefused(version, 25, 'nobody'))
      await stableMember(test, group)
      await test.expect(JoinGroup, version, joinRequest(group, 'nobody'), joinRefused(version, 25, 'nobody'))
    })

    wireCase(`v${version} without protocols, or without a protocol type`, async (test) => {
      const group = await test.group()
      const none: MemberOptions = { protocols: [] }
      await test.expect(JoinGroup, version, joinRequest(group, '', none), joinRefused(version, 23))
      const untyped: MemberOptions = { protocolType: '' }
      await test.expect(JoinGroup, version, joinRequest(group, '', untyped), joinRefused(version, 23))
    })

    wireCase(`v${version} of another type, or with no protocol that all have`, async (test) => {
      const group = await test.group()
      await stableMember(test, group)
      const other: MemberOptions = { protocolType: 'connect' }
      await test.expect(JoinGroup, version, joinRequest(group, '', other), joinRefused(version, 23))
      const foreign: MemberOptions = { protocols: [['sticky', 'meta']] }
      await test.expect(JoinGroup, version, joinRequest(group, '', foreign), joinRefused(version, 23))
    })
  }

  wireCase('v0 has no rebalance timeout: the session timeout is taken', async (test) => {
    const group = await test.group()
    const one = await GroupMember.connect(test, group)
    await one.join(0)
    await one.sync({ [one.memberId]: 'x' }, 0)
    const two = await GroupMember.connect(test, group)
    const joining = two.join(0)
    await test.eventually('the rebalance', async () => (await one.heartbeat(0)) === 27)
    const [first] = await Promise.all([one.join(0), joining])
    test.same(first.members.length, 2, 'members')
  })

  wireCase('a member whose id nobody asked for a second time is forgotten when it leaves', async (test) => {
    const group = await test.group()
    const { memberId } = await test.call(JoinGroup, 9, joinRequest(group, ''))
    const request = { groupId: group, members: [{ memberId, groupInstanceId: null, reason: null }] }
    await test.expect(LeaveGroup, 5, request, {
      errorCode: 0,
      members: [{ memberId, groupInstanceId: null, errorCode: 0 }],
    })
    await test.expect(JoinGroup, 9, joinRequest(group, memberId), joinRefused(9, 25, memberId))
  })

  wireCase('the ids given to pending members differ', async (test) => {
    const group = await test.group()
    const [one, two] = [
      await test.call(JoinGroup, 9, joinRequest(group, '')),
      await test.call(JoinGroup, 9, joinRequest(group, '')),
    ]
    test.same(one.memberId === two.memberId, false, 'the same id')
  })

  wireCase('two members: the leader gets all of them, the follower none', async (test) => {
    const group = await test.group()
    const one = await stableMember(test, group)
    const two = await GroupMember.connect(test, group)
    const [first, second] = await joinBoth(test, one, two)
    const common = {
      errorCode: 0,
      generationId: 2,
      protocolType: 'consumer',
      protocolName: 'range',
      leader: one.memberId,
      skipAssignment: false,
    }
    const metadata = Buffer.from('meta')
    test.compare(JoinGroup, 9, first, {
      ...common,
      memberId: one.memberId,
      members: inAnyOrder<object>(
        { memberId: one.memberId, groupInstanceId: null, metadata },
        { memberId: two.memberId, groupInstanceId: null, metadata },
      ),
    })
    test.compare(JoinGroup, 9, second, { ...common, memberId: two.memberId, members: [] })
  })

  wireCase('a join is parked until the others have joined again', async (test) => {
    const group = await test.group()
    const one = await stableMember(test, group)
    const two = await GroupMember.connect(test, group)
    const joining = two.join()
    test.same(await isParked(test, joining), true, 'the newcomer waits')
    test.same(await stateOf(test, group), 'PreparingRebalance', 'state')
    await Promise.all([one.join(), joining])
    test.same(await stateOf(test, group), 'CompletingRebalance', 'state')
  })

  wireCase('trap 63: a follower that joins again without a change is answered at once', async (test) => {
    const group = await test.group()
    const [leader, follower] = await stablePair(test, group)
    const again = await follower.join()
    test.compare(JoinGroup, 9, again, {
      errorCode: 0,
      generationId: 2,
      protocolType: 'consumer',
      protocolName: 'range',
      leader: leader.memberId,
      skipAssignment: false,
      memberId: follower.memberId,
      members: [],
    })
    test.same([await leader.heartbeat(), await stateOf(test, group)], [0, 'Stable'], 'heartbeat and state')
  })

  wireCase('trap 63: a follower that joins again with other metadata causes a rebalance', async (test) => {
    const group = await test.group()
    const [leader, follower] = await stablePair(test, group)
    const joining = follower.join(9, { protocols: [['range', 'other']] })
    test.same(await isParked(test, joining), true, 'the follower waits')
    test.same(await leader.heartbeat(), 27, 'heartbeat')
    const [led] = await Promise.all([leader.join(), joining])
    test.same(led.generationId, 3, 'generation')
    test.same(
      led.members.find(({ memberId }) => memberId === follower.memberId)!.metadata,
      Buffer.from('other'),
      'metadata',
    )
  })

  wireCase('trap 63: a leader that joins again always causes a rebalance', async (test) => {
    const group = await test.group()
    const [leader, follower] = await stablePair(test, group)
    const joining = leader.join()
    test.same(await isParked(test, joining), true, 'the leader waits')
    test.same(await follower.heartbeat(), 27, 'heartbeat')
    const [led, followed] = await Promise.all([joining, follower.join()])
    test.same([led.generationId, followed.generationId, led.leader], [3, 3, leader.memberId], 'generations and leader')
  })

  wireCase('a member that lost the answer to its join gets it again while the group completes', async (test) => {
    const group = await test.group()
    const one = await GroupMember.connect(test, group)
    const first = await one.join()
    const again = await one.join()
    test.same(again, first, 'the second answer')
    test.same(await stateOf(test, group), 'CompletingRebalance', 'state')
  })

  wireCase('changed metadata while the group completes causes another rebalance', async (test) => {
    const group = await test.group()
    const one = await GroupMember.connect(test, group)
    await one.join()
    const again = await one.join(9, { protocols: [['range', 'other']] })
    test.same([again.errorCode, again.generationId], [0, 2], 'error and generation')
  })

  wireCase('each member votes for the first protocol that all have', async (test) => {
    const group = await test.group()
    const wishes = [
      [
        ['only-mine', 'm'],
        ['sticky', 'm'],
        ['range', 'm'],
      ],
      [
        ['range', 'm'],
        ['sticky', 'm'],
      ],
      [
        ['range', 'm'],
        ['sticky', 'm'],
      ],
    ] as const
    const members: GroupMember[] = []
    for (const protocols of wishes) members.push(await GroupMember.connect(test, group, { protocols }))
    const [one, two, three] = members as [GroupMember, GroupMember, GroupMember]
    await one.join()
    test.same((await one.sync({ [one.memberId]: 'x' })).errorCode, 0, 'sync')
    const others = [two.join(), three.join()]
    test.same(await isParked(test, Promise.race(others)), true, 'they wait')
    const [led] = await Promise.all([one.join(), ...others])
    const generation = led.members.length === 3 ? led : (await Promise.all(members.map((member) => member.join())))[0]!
    test.same([generation.protocolName, generation.members.length], ['range', 3], 'protocol and members')
  })

  wireCase('a newcomer with another favourite takes the protocol with the most votes', async (test) => {
    const group = await test.group()
    const one = await stableMember(test, group, {
      protocols: [
        ['sticky', 'meta'],
        ['range', 'meta'],
      ],
    })
    const two = await GroupMember.connect(test, group, { protocols: [['range', 'meta']] })
    const [led, followed] = await joinBoth(test, one, two)
    test.same([led.protocolName, followed.protocolName], ['range', 'range'], 'protocol')
  })

  wireCase('an empty group takes any type and goes on counting generations', async (test) => {
    const group = await test.group()
    const one = await stableMember(test, group)
    await one.leave()
    test.same(await stateOf(test, group), 'Empty', 'state')
    const two = await GroupMember.connect(test, group, { protocolType: 'connect', protocols: [['sessioned', 'meta']] })
    const joined = await two.join()
    test.same([joined.protocolType, joined.protocolName], ['connect', 'sessioned'], 'type and protocol')
    // One more for the group that became empty.
    test.same(joined.generationId, 3, 'generation')
  })

  wireCase('when the leader leaves, another member leads', async (test) => {
    const group = await test.group()
    const [leader, follower] = await stablePair(test, group)
    test.same(await leader.leave(), 0, 'leaving')
    test.same(await follower.heartbeat(), 27, 'heartbeat')
    const joined = await follower.join()
    test.compare(JoinGroup, 9, joined, joinedAlone(follower.memberId, 3))
  })

  const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))

  wireCase('metadata is opaque and comes back byte for byte', async (test) => {
    const group = await test.group()
    const options = { protocolType: 'sr', protocols: [['v0', everyByte]] } as const
    const one = await GroupMember.connect(test, group, options)
    const { members } = await one.join()
    test.same(members[0]!.metadata, everyByte, 'metadata')
  })

  wireCase('metadata of a consumer that is no subscription', async (test) => {
    const group = await test.group()
    const one = await GroupMember.connect(test, group, { protocols: [['range', everyByte]] })
    const joining = one.join()
    const parked = await isParked(test, joining)
    // Kafka takes the fourth byte on for the length of a list, fails inside and never answers.
    test.same(parked, test.differs({ kafka: true, odradek: false, why: 'nobody should wait in vain' }), 'it waits')
    if (parked) {
      joining.catch(() => {})
      return
    }
    test.same((await joining).members[0]!.metadata, everyByte, 'metadata')
  })

  wireCase('empty metadata is metadata', async (test) => {
    const group = await test.group()
    const one = await GroupMember.connect(test, group, { protocols: [['range', '']] })
    const joined = await one.join()
    test.same([joined.errorCode, joined.members[0]!.metadata], [0, Buffer.alloc(0)], 'error and metadata')
  })
})
