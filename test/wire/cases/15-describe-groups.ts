import { codecOf } from '../../../protocol/codec/codec.ts'
import { Writer } from '../../../protocol/codec/writer.ts'
import { OffsetCommit } from '../../../protocol/messages/08-offset-commit.ts'
import { JoinGroup } from '../../../protocol/messages/11-join-group.ts'
import { DescribeGroups } from '../../../protocol/messages/15-describe-groups.ts'
import { ListGroups } from '../../../protocol/messages/16-list-groups.ts'
import { DeleteGroups } from '../../../protocol/messages/42-delete-groups.ts'
import { OffsetDelete } from '../../../protocol/messages/47-offset-delete.ts'
import { ConsumerProtocolSubscription } from '../../../protocol/messages/consumer-protocol.ts'
import { GroupMember, isParked, joinRequest, stableMember } from '../group-member.ts'
import { including, matching, without } from '../matcher.ts'
import { versionsOf, wireCases } from '../wire-case.ts'
import type { WireTest } from '../wire-test.ts'
import { commitRequest, committedOffset } from './08-offset-commit.ts'

const NOT_ASKED = -2147483648
const EVERY_GROUP_OPERATION = 3400

function ask(groups: readonly string[], includeAuthorizedOperations = false) {
  return { groups, includeAuthorizedOperations }
}

function unknown(group: string, version: number) {
  const message = `Group ${group} not found.`
  return {
    errorCode: version < 6 ? 0 : 69,
    errorMessage: version < 6 ? null : message,
    groupId: group,
    groupState: 'Dead',
    protocolType: '',
    protocolData: '',
    members: [],
    authorizedOperations: NOT_ASKED,
  }
}

function described(group: string, groupState: string, changes: object = {}) {
  return {
    errorCode: 0,
    errorMessage: null,
    groupId: group,
    groupState,
    protocolType: 'consumer',
    protocolData: '',
    members: [],
    authorizedOperations: NOT_ASKED,
    ...changes,
  }
}

function member(memberId: string, memberMetadata = '', memberAssignment = '', groupInstanceId: string | null = null) {
  return {
    memberId,
    groupInstanceId,
    clientId: 'wire',
    clientHost: matching(/^\/127\.0\.0\.1$/),
    memberMetadata: Buffer.from(memberMetadata),
    memberAssignment: Buffer.from(memberAssignment),
  }
}

/** The subscription of a consumer, as clients put it into JoinGroup. */
function subscriptionTo(...topics: readonly string[]): Buffer {
  const writer = new Writer()
  writer.int16(1)
  codecOf(ConsumerProtocolSubscription, 1).encode(writer, { topics, userData: null, ownedPartitions: [] })
  return writer.bytes()
}

export const describeGroupsCases = wireCases('DescribeGroups', (wireCase) => {
  for (const version of versionsOf(DescribeGroups)) {
    wireCase(`v${version} of a stable group`, async (test) => {
      const group = await test.group()
      const { memberId } = await stableMember(test, group)
      const members = [member(memberId, 'meta', 'mine')]
      const expected = described(group, 'Stable', { protocolData: 'range', members })
      await test.expect(DescribeGroups, version, ask([group]), { groups: [expected] })
    })

    wireCase(`trap 76: v${version} of an unknown group`, async (test) => {
      const group = await test.group()
      await test.expect(DescribeGroups, version, ask([group]), { groups: [unknown(group, version)] })
    })

    wireCase(`v${version} of a group that is empty, and of one that has only offsets`, async (test) => {
      const [group, simple, topic] = [await test.group(), await test.group(), await test.topic()]
      await (await stableMember(test, group)).leave()
      await test.expect(DescribeGroups, version, ask([group]), { groups: [described(group, 'Empty')] })
      await test.call(OffsetCommit, 8, commitRequest(simple, topic, 1))
      const expected = described(simple, 'Empty', { protocolType: '' })
      await test.expect(DescribeGroups, version, ask([simple]), { groups: [expected] })
    })

    wireCase(`v${version} of several groups answers each`, async (test) => {
      const [one, two] = [await test.group(), await test.group()]
      await stableMember(test, one)
      const { groups } = await test.call(DescribeGroups, version, ask([one, two]))
      test.same(
        Object.fromEntries(groups.map(({ groupId, groupState }) => [groupId, groupState])),
        { [one]: 'Stable', [two]: 'Dead' },
        'states',
      )
    })

    wireCase(`v${version} of no groups`, async (test) => {
      await test.expect(DescribeGroups, version, ask([]), { groups: [] })
    })
  }

  for (const version of versionsOf(DescribeGroups, 3)) {
    wireCase(`v${version} tells what one may do when asked`, async (test) => {
      const group = await test.group()
      const { memberId } = await stableMember(test, group)
      const members = [member(memberId, 'meta', 'mine')]
      const expected = described(group, 'Stable', {
        protocolData: 'range',
        members,
        authorizedOperations: EVERY_GROUP_OPERATION,
      })
      await test.expect(DescribeGroups, version, ask([group], true), { groups: [expected] })
    })
  }

  wireCase('v6 of the group with the empty name', async (test) => {
    await test.untilCoordinated('')
    const { groups } = await test.call(DescribeGroups, 6, ask(['']))
    test.same(groups.length, 1, 'groups')
  })

  wireCase('v4 and later name the instance of a static member', async (test) => {
    const group = await test.group()
    const { memberId } = await stableMember(test, group, { instanceId: 'i1' })
    for (const version of versionsOf(DescribeGroups)) {
      const members = [member(memberId, 'meta', 'mine', 'i1')]
      const expected = described(group, 'Stable', { protocolData: 'range', members })
      await test.expect(DescribeGroups, version, ask([group]), { groups: [expected] })
    }
  })

  wireCase('during a rebalance members have no metadata, but the assignment they had', async (test) => {
    const group = await test.group()
    const one = await stableMember(test, group)
    const two = await GroupMember.connect(test, group)
    const joining = two.join()
    await isParked(test, joining)
    const { groups } = await test.call(DescribeGroups, 5, ask([group]))
    const { groupState, protocolData, members } = groups[0]!
    test.same([groupState, protocolData, members.length], ['PreparingRebalance', '', 2], 'group')
    test.same(
      members.map(({ memberMetadata }) => memberMetadata.length),
      [0, 0],
      'metadata',
    )
    test.same(
      members.map(({ memberAssignment }) => memberAssignment.toString()).toSorted(),
      ['', 'mine'],
      'assignments',
    )
    await Promise.all([one.join(), joining])
    const completing = await test.call(DescribeGroups, 5, ask([group]))
    test.same(completing.groups[0]!.groupState, 'CompletingRebalance', 'state')
  })

  wireCase('a member that is pending makes no group, or an empty one', async (test) => {
    const group = await test.group()
    await test.call(JoinGroup, 9, joinRequest(group, ''))
    const { groups } = await test.call(DescribeGroups, 5, ask([group]))
    test.same([groups[0]!.groupState, groups[0]!.members.length], ['Empty', 0], 'state and members')
  })
})

export const listGroupsCases = wireCases('ListGroups', (wireCase) => {
  const entry = (groupId: string, groupState: string, protocolType = 'consumer') => ({
    groupId,
    protocolType,
    groupState,
    groupType: 'classic',
  })
  const everything = { statesFilter: [], typesFilter: [] }

  for (const version of versionsOf(ListGroups)) {
    wireCase(`v${version} lists groups with members, empty ones and those that have only offsets`, async (test) => {
      const [stable, empty, simple, topic] = [
        await test.group(),
        await test.group(),
        await test.group(),
        await test.topic(),
      ]
      await stableMember(test, stable)
      await (await stableMember(test, empty)).leave()
      await test.call(OffsetCommit, 8, commitRequest(simple, topic, 1))
      await test.expect(ListGroups, version, everything, {
        errorCode: 0,
        groups: including(entry(stable, 'Stable'), entry(empty, 'Empty'), entry(simple, 'Empty', '')),
      })
    })
  }

  /** Which of two groups, one stable and one empty, the filters let through. */
  async function filtered(
    test: WireTest,
    version: number,
    filters: { statesFilter?: string[]; typesFilter?: string[] },
  ) {
    const [stable, empty] = [await test.group(), await test.group()]
    await stableMember(test, stable)
    await (await stableMember(test, empty)).leave()
    const { groups } = await test.call(ListGroups, version, { ...everything, ...filters })
    const ids = groups.map(({ groupId }) => groupId)
    return [ids.includes(stable), ids.includes(empty)]
  }

  for (const version of [4, 5]) {
    for (const [states, expected] of [
      [['Stable'], [true, false]],
      [['stable'], [true, false]],
      [['EMPTY'], [false, true]],
      [
        ['Empty', 'Stable'],
        [true, true],
      ],
      [['NoSuchState'], [false, false]],
      [['Dead'], [false, false]],
      [
        ['NoSuchState', 'Stable'],
        [true, false],
      ],
    ] as const) {
      wireCase(`v${version} of the states ${states}`, async (test) => {
        test.same(await filtered(test, version, { statesFilter: [...states] }), expected, 'stable and empty group')
      })
    }
  }

  for (const [types, expected] of [
    [['classic'], [true, true]],
    [['Classic'], [true, true]],
    [['consumer'], [false, false]],
    [
      ['share', 'streams'],
      [false, false],
    ],
    [
      ['consumer', 'classic'],
      [true, true],
    ],
    [['nonsense'], [false, false]],
  ] as const) {
    wireCase(`v5 of the types ${types}`, async (test) => {
      test.same(await filtered(test, 5, { typesFilter: [...types] }), expected, 'stable and empty group')
    })
  }

  wireCase('v5 with both filters needs both', async (test) => {
    const found = await filtered(test, 5, { statesFilter: ['Empty'], typesFilter: ['classic'] })
    test.same(found, [false, true], 'stable and empty group')
  })
})

export const deleteGroupsCases = wireCases('DeleteGroups', (wireCase) => {
  for (const version of versionsOf(DeleteGroups)) {
    wireCase(`v${version} deletes an empty group with its offsets, and says what it cannot delete`, async (test) => {
      const [empty, busy, missing, topic] = [
        await test.group(),
        await test.group(),
        await test.group(),
        await test.topic(),
      ]
      await stableMember(test, busy)
      await test.call(OffsetCommit, 8, commitRequest(empty, topic, 5))
      const { results } = await test.call(DeleteGroups, version, { groupsNames: [empty, busy, missing] })
      const codes = Object.fromEntries(results.map(({ groupId, errorCode }) => [groupId, errorCode]))
      test.same(codes, { [empty]: 0, [busy]: 68, [missing]: 69 }, 'errors')
      test.same((await committedOffset(test, empty, topic)).offset, -1, 'offset')
      const { groups } = await test.call(ListGroups, 2, {})
      test.same(groups, without({ groupId: empty, protocolType: '', groupState: '', groupType: '' }), 'groups')
    })
  }

  wireCase('a group that everybody has left may be deleted, and made again', async (test) => {
    const group = await test.group()
    const one = await stableMember(test, group)
    await one.leave()
    await test.expect(DeleteGroups, 2, { groupsNames: [group] }, { results: [{ groupId: group, errorCode: 0 }] })
    await test.expect(DeleteGroups, 2, { groupsNames: [group] }, { results: [{ groupId: group, errorCode: 69 }] })
    const two = await GroupMember.connect(test, group)
    test.same((await two.join()).generationId, 1, 'generation')
  })

  wireCase('the group with the empty name may be deleted', async (test) => {
    const topic = await test.topic()
    await test.untilCoordinated('')
    await test.call(OffsetCommit, 8, commitRequest('', topic, 5))
    await test.expect(DeleteGroups, 2, { groupsNames: [''] }, { results: [{ groupId: '', errorCode: 0 }] })
  })

  wireCase('no groups, no answer', async (test) => {
    await test.expect(DeleteGroups, 2, { groupsNames: [] }, { results: [] })
  })
})

export const offsetDeleteCases = wireCases('OffsetDelete', (wireCase) => {
  const request = (groupId: string, name: string, ...indexes: readonly number[]) => ({
    groupId,
    topics: [{ name, partitions: indexes.map((partitionIndex) => ({ partitionIndex })) }],
  })
  const answer = (name: string, ...codes: readonly (readonly [number, number])[]) => ({
    errorCode: 0,
    topics: [{ name, partitions: codes.map(([partitionIndex, errorCode]) => ({ partitionIndex, errorCode })) }],
  })

  wireCase('v0 deletes offsets of a group without members', async (test) => {
    const [group, topic] = [await test.group(), await test.topic({ partitions: 2 })]
    for (const index of [0, 1]) await test.call(OffsetCommit, 8, commitRequest(group, topic, 5, { index }))
    await test.expect(OffsetDelete, 0, request(group, topic.name, 0), answer(topic.name, [0, 0]))
    test.same((await committedOffset(test, group, topic, 0)).offset, -1, 'deleted')
    test.same((await committedOffset(test, group, topic, 1)).offset, 5, 'kept')
  })

  wireCase('v0 of an unknown group', async (test) => {
    const [group, topic] = [await test.group(), await test.topic()]
    await test.expect(OffsetDelete, 0, request(group, topic.name, 0), { errorCode: 69, topics: [] })
  })

  wireCase('v0 of an unknown topic and an unknown partition', async (test) => {
    const [group, topic] = [await test.group(), await test.topic()]
    await test.call(OffsetCommit, 8, commitRequest(group, topic, 5))
    const nowhere = test.unique('unknown')
    await test.expect(OffsetDelete, 0, request(group, nowhere, 0), answer(nowhere, [0, 3]))
    await test.expect(OffsetDelete, 0, request(group, topic.name, 7), answer(topic.name, [7, 3]))
  })

  wireCase('v0 of a partition that was never committed is a success', async (test) => {
    const [group, topic] = [await test.group(), await test.topic({ partitions: 2 })]
    await test.call(OffsetCommit, 8, commitRequest(group, topic, 5))
    await test.expect(OffsetDelete, 0, request(group, topic.name, 1), answer(topic.name, [1, 0]))
  })

  wireCase('v0 of a topic that a member subscribes to, and of one that it does not', async (test) => {
    const [group, mine, other] = [await test.group(), await test.topic(), await test.topic()]
    await test.call(OffsetCommit, 8, commitRequest(group, mine, 1))
    await test.call(OffsetCommit, 8, commitRequest(group, other, 2))
    await stableMember(test, group, { protocols: [['range', subscriptionTo(mine.name)]] })
    await test.expect(OffsetDelete, 0, request(group, mine.name, 0), answer(mine.name, [0, 86]))
    await test.expect(OffsetDelete, 0, request(group, other.name, 0), answer(other.name, [0, 0]))
    test.same(
      [(await committedOffset(test, group, mine)).offset, (await committedOffset(test, group, other)).offset],
      [1, -1],
      'offsets',
    )
  })

  wireCase('v0 of a group whose members are no consumers', async (test) => {
    const [group, topic] = [await test.group(), await test.topic()]
    await stableMember(test, group, { protocolType: 'connect', protocols: [['range', 'x']] })
    await test.expect(OffsetDelete, 0, request(group, topic.name, 0), { errorCode: 68, topics: [] })
  })

  wireCase('v0 of a group whose subscriptions nobody can read: every topic counts as subscribed', async (test) => {
    const [group, topic] = [await test.group(), await test.topic()]
    await test.call(OffsetCommit, 8, commitRequest(group, topic, 1))
    await stableMember(test, group, { protocols: [['range', 'meta']] })
    await test.expect(OffsetDelete, 0, request(group, topic.name, 0), answer(topic.name, [0, 86]))
  })
})
