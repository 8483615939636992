import { JoinGroup } from '../../../protocol/messages/11-join-group.ts'
import { Heartbeat } from '../../../protocol/messages/12-heartbeat.ts'
import { LeaveGroup } from '../../../protocol/messages/13-leave-group.ts'
import { DescribeGroups } from '../../../protocol/messages/15-describe-groups.ts'
import { GroupMember, isParked, joinRequest, type MemberOptions, stableMember, stablePair } from '../group-member.ts'
import { inAnyOrder, matching } from '../matcher.ts'
import { versionsOf, wireCases } from '../wire-case.ts'
import { sleep } from '../wire-client.ts'
import type { WireTest } from '../wire-test.ts'

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'

function refused(version: number, errorCode: number, memberId: string | ReturnType<typeof matching> = '') {
  return {
    errorCode,
    generationId: -1,
    protocolType: null,
    protocolName: version < 7 ? '' : null,
    leader: '',
    skipAssignment: false,
    memberId,
    members: [],
  }
}

function alone(memberId: string, generationId = 1, groupInstanceId: string | null = null, protocolName = 'range') {
  return {
    errorCode: 0,
    generationId,
    protocolType: 'consumer',
    protocolName,
    leader: memberId,
    skipAssignment: false,
    memberId,
    members: [{ memberId, groupInstanceId, metadata: Buffer.from('meta') }],
  }
}

async function stateOf(test: WireTest, group: string): Promise<string> {
  const { groups } = await test.call(DescribeGroups, 5, { groups: [group], includeAuthorizedOperations: false })
  return groups[0]!.groupState
}

/** The second joins a group whose only member joins again. */
async function joinBoth(test: WireTest, one: GroupMember, two: GroupMember) {
  const joining = two.join()
  await test.eventually('the rebalance', async () => (await one.heartbeat()) === 27)
  return Promise.all([one.join(), joining])
}

export const joinGroupCases = wireCases('JoinGroup', (wireCase) => {
  for (const version of versionsOf(JoinGroup)) {
    wireCase(
      `trap 60: v${version}: ${version < 4 ? 'a new member joins at once' : 'a new member is given its id first'}`,
      async (test) => {
        const group = await test.group()
        let memberId = ''
        if (version >= 4) {
          const expected = refused(version, 79, matching(new RegExp(`^wire-${UUID}$`)))
          memberId = (await test.expect(JoinGroup, version, joinRequest(group, ''), expected)).memberId
        }
        const joined = await test.call(JoinGroup, version, joinRequest(group, memberId))
        if (version >= 4) test.same(joined.memberId, memberId, 'member id')
        test.same(joined.memberId, matching(new RegExp(`^wire-${UUID}$`)), 'member id')
        test.compare(JoinGroup, version, joined, alone(joined.memberId))
      },
    )

    wireCase(`v${version} without a group id`, async (test) => {
      await test.expect(JoinGroup, version, joinRequest('', ''), refused(version, 24))
    })

    wireCase(`v${version} with a session timeout out of bounds`, async (test) => {
      const group = await test.group()
      for (const sessionTimeoutMs of [5999, 1_800_001, 0, -1]) {
        const request = joinRequest(group, '', { sessionTimeoutMs })
        await test.expect(JoinGroup, version, request, refused(version, 26))
      }
    })

    wireCase(`v${version} with the id of nobody`, async (test) => {
      const group = await test.group()
      await test.expect(JoinGroup, version, joinRequest(group, 'nobody'), refused(version, 25, 'nobody'))
      await stableMember(test, group)
      await test.expect(JoinGroup, version, joinRequest(group, 'nobody'), refused(version, 25, 'nobody'))
    })

    wireCase(`v${version} without protocols, or without a protocol type`, async (test) => {
      const group = await test.group()
      const none: MemberOptions = { protocols: [] }
      await test.expect(JoinGroup, version, joinRequest(group, '', none), refused(version, 23))
      const untyped: MemberOptions = { protocolType: '' }
      await test.expect(JoinGroup, version, joinRequest(group, '', untyped), refused(version, 23))
    })

    wireCase(`v${version} of another type, or with no protocol that all have`, async (test) => {
      const group = await test.group()
      await stableMember(test, group)
      const other: MemberOptions = { protocolType: 'connect' }
      await test.expect(JoinGroup, version, joinRequest(group, '', other), refused(version, 23))
      const foreign: MemberOptions = { protocols: [['sticky', 'meta']] }
      await test.expect(JoinGroup, version, joinRequest(group, '', foreign), refused(version, 23))
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
    await test.expect(JoinGroup, 9, joinRequest(group, memberId), refused(9, 25, memberId))
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
    test.compare(JoinGroup, 9, joined, alone(follower.memberId, 3))
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

export const staticMemberCases = wireCases('static membership', (wireCase) => {
  for (const version of versionsOf(JoinGroup, 5)) {
    wireCase(`trap 60: v${version}: a static member joins at once, its id begins with its instance`, async (test) => {
      const group = await test.group()
      const { memberId } = await test.expect(JoinGroup, version, joinRequest(group, '', { instanceId: 'i1' }), {
        ...alone('', 1, 'i1'),
        memberId: matching(new RegExp(`^i1-${UUID}$`)),
        leader: matching(new RegExp(`^i1-${UUID}$`)),
        members: [
          { memberId: matching(new RegExp(`^i1-${UUID}$`)), groupInstanceId: 'i1', metadata: Buffer.from('meta') },
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
    test.compare(JoinGroup, 9, joined, { ...alone(back.memberId, 1, 'i1'), skipAssignment: true })
    const { assignment } = await back.sync()
    test.same(assignment, Buffer.from('mine'), 'the assignment it had')
    test.same(await back.heartbeat(), 0, 'heartbeat')
  })

  wireCase('trap 67: v8: a restarted leader sees its old id as leader, so that it does not assign', async (test) => {
    const group = await test.group()
    const old = await stableMember(test, group, { instanceId: 'i1' })
    const back = await GroupMember.connect(test, group, { instanceId: 'i1' })
    const joined = await back.join(8)
    test.compare(JoinGroup, 8, joined, { ...alone(back.memberId, 1, 'i1'), leader: old.memberId, members: [] })
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
    test.compare(JoinGroup, 9, joined, refused(9, 82, old.memberId))
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
    await test.expect(JoinGroup, 9, request, refused(9, 25, 'somebody'))
  })
})

export const groupTimerCases = wireCases('group timers', (wireCase) => {
  wireCase(
    'trap 61: members that come within group.initial.rebalance.delay.ms share the first generation',
    async (test) => {
      const group = await test.group()
      const [one, two] = [await GroupMember.connect(test, group), await GroupMember.connect(test, group)]
      const [first, second] = await Promise.all([one.join(), two.join()])
      test.same([first.generationId, second.generationId], [1, 1], 'generations')
      test.same(first.members.length + second.members.length, 2, 'members, as the leader sees them')
    },
    'tuned',
  )

  wireCase('trap 61: without a delay the first member does not wait for others', async (test) => {
    const group = await test.group()
    const one = await GroupMember.connect(test, group)
    const joined = await one.join()
    test.compare(JoinGroup, 9, joined, alone(one.memberId))
  })

  wireCase(
    'a group that is full',
    async (test) => {
      const group = await test.group()
      const [one, two] = [await GroupMember.connect(test, group), await GroupMember.connect(test, group)]
      await Promise.all([one.join(), two.join()])
      for (const version of [0, 3, 4, 9]) {
        const answer = await test.call(JoinGroup, version, joinRequest(group, ''))
        if (answer.errorCode === 79) {
          const second = joinRequest(group, answer.memberId)
          await test.expect(JoinGroup, version, second, refused(version, 81, answer.memberId))
        } else test.compare(JoinGroup, version, answer, refused(version, 81))
      }
    },
    'tuned',
  )

  wireCase(
    'a member that is silent for its session timeout is removed',
    async (test) => {
      const group = await test.group()
      const member = await stableMember(test, group, { sessionTimeoutMs: 300 })
      await test.eventually('the group to be empty', async () => (await stateOf(test, group)) === 'Empty')
      test.same(await member.heartbeat(), 25, 'heartbeat')
    },
    'tuned',
  )

  wireCase(
    'heartbeats keep a member, and the others hear when it is gone',
    async (test) => {
      const group = await test.group()
      const [one, two] = [
        await GroupMember.connect(test, group, { sessionTimeoutMs: 30_000 }),
        await GroupMember.connect(test, group, { sessionTimeoutMs: 600 }),
      ]
      await Promise.all([one.join(), two.join()])
      const assignments = { [one.memberId]: 'a', [two.memberId]: 'b' }
      await Promise.all([one.sync(assignments), two.sync(assignments)])
      for (let beat = 0; beat < 8; beat++) {
        test.same(await two.heartbeat(), 0, 'heartbeat')
        await sleep(150)
      }
      test.same(await one.heartbeat(), 0, 'the other')
      await test.eventually('the other to hear of it', async () => (await one.heartbeat()) === 27)
      const { members } = await one.join()
      test.same(
        members.map(({ memberId }) => memberId),
        [one.memberId],
        'members',
      )
    },
    'tuned',
  )

  wireCase(
    'trap 62: a member that waits in JoinGroup is alive, however short its session',
    async (test) => {
      const group = await test.group()
      const leader = await stableMember(test, group, { sessionTimeoutMs: 30_000, rebalanceTimeoutMs: 20_000 })
      const waiting = await GroupMember.connect(test, group, { sessionTimeoutMs: 200 })
      const joining = waiting.join()
      await sleep(1200)
      test.same(await isParked(test, joining), true, 'it waits')
      const [led, joined] = await Promise.all([leader.join(), joining])
      test.same([led.members.length, joined.errorCode], [2, 0], 'members and error')
    },
    'tuned',
  )

  wireCase(
    'trap 62: a member that waits in SyncGroup is alive, however short its session',
    async (test) => {
      const group = await test.group()
      const options = { sessionTimeoutMs: 400, rebalanceTimeoutMs: 20_000 }
      const [one, two] = [
        await GroupMember.connect(test, group, options),
        await GroupMember.connect(test, group, options),
      ]
      const [first] = await Promise.all([one.join(), two.join()])
      const [leader, follower] = first.leader === one.memberId ? [one, two] : [two, one]
      const syncing = follower.sync()
      for (let beat = 0; beat < 8; beat++) {
        await sleep(150)
        test.same(await leader.heartbeat(), 0, 'the leader is alive')
      }
      test.same(await isParked(test, syncing), true, 'the follower waits')
      await leader.sync({ [follower.memberId]: 'late' })
      const { errorCode, assignment } = await syncing
      test.same([errorCode, assignment], [0, Buffer.from('late')], 'answer')
    },
    'tuned',
  )

  wireCase(
    'members that do not join again within the rebalance timeout are removed',
    async (test) => {
      const group = await test.group()
      const slow = await stableMember(test, group, { sessionTimeoutMs: 30_000, rebalanceTimeoutMs: 500 })
      const quick = await GroupMember.connect(test, group, { sessionTimeoutMs: 30_000, rebalanceTimeoutMs: 500 })
      const joined = await quick.join()
      test.same([joined.errorCode, joined.generationId, joined.leader], [0, 2, quick.memberId], 'answer')
      test.same(
        joined.members.map(({ memberId }) => memberId),
        [quick.memberId],
        'members',
      )
      test.same(await slow.heartbeat(), 25, 'the slow one')
    },
    'tuned',
  )

  wireCase(
    'members that never sync are removed after the rebalance timeout',
    async (test) => {
      const group = await test.group()
      const member = await GroupMember.connect(test, group, { sessionTimeoutMs: 30_000, rebalanceTimeoutMs: 400 })
      await member.join()
      await test.eventually('the group to be empty', async () => (await stateOf(test, group)) === 'Empty')
      test.same(await member.heartbeat(), 25, 'heartbeat')
    },
    'tuned',
  )

  wireCase(
    'a pending member that does not come back is forgotten after its session timeout',
    async (test) => {
      const group = await test.group()
      const { memberId } = await test.call(JoinGroup, 9, joinRequest(group, '', { sessionTimeoutMs: 200 }))
      await sleep(900)
      await test.expect(JoinGroup, 9, joinRequest(group, memberId), refused(9, 25, memberId))
    },
    'tuned',
  )
})
