import { ZERO_UUID } from '../../../protocol/codec/schema.ts'
import { OffsetCommit } from '../../../protocol/messages/08-offset-commit.ts'
import { OffsetFetch } from '../../../protocol/messages/09-offset-fetch.ts'
import { DeleteTopics } from '../../../protocol/messages/20-delete-topics.ts'
import { stableMember } from '../group-member.ts'
import { versionsOf, wireCases } from '../wire-case.ts'
import type { TestTopic } from '../wire-test.ts'
import { commitRequest } from './08-offset-commit.ts'

const UNKNOWN_ID = 'dGhpcy1pcy1uby10b3BpYw'

export const offsetFetchCases = wireCases('OffsetFetch', (wireCase) => {
  interface Want {
    readonly topic: TestTopic
    readonly indexes: readonly number[]
  }

  /** One group, in the place that the version has for it. */
  function ask(groupId: string, wants: readonly Want[] | null, requireStable = false) {
    const named = wants?.map(({ topic, indexes }) => ({ name: topic.name, partitionIndexes: indexes })) ?? null
    const groups = [
      {
        groupId,
        topics:
          wants?.map(({ topic, indexes }) => ({ name: topic.name, topicId: topic.id, partitionIndexes: indexes })) ??
          null,
      },
    ]
    return { groupId, topics: named, groups, requireStable }
  }

  function partition(partitionIndex: number, offset: number, metadata = '', leaderEpoch = -1, errorCode = 0) {
    return { partitionIndex, committedOffset: offset, committedLeaderEpoch: leaderEpoch, metadata, errorCode }
  }

  function answer(
    groupId: string,
    topics: readonly { topic: TestTopic; partitions: readonly object[] }[],
    errorCode = 0,
  ) {
    const listed = topics.map(({ topic, partitions }) => ({ name: topic.name, topicId: topic.id, partitions }))
    return {
      topics: topics.map(({ topic, partitions }) => ({ name: topic.name, partitions })),
      errorCode,
      groups: [{ groupId, topics: listed, errorCode }],
    }
  }

  for (const version of versionsOf(OffsetFetch)) {
    wireCase(`v${version} gives what was committed and -1 for the rest`, async (test) => {
      const [group, topic] = [await test.group(), await test.topic({ partitions: 2 })]
      await test.call(OffsetCommit, 8, commitRequest(group, topic, 5, { metadata: 'm', leaderEpoch: 0 }))
      const expected = answer(group, [{ topic, partitions: [partition(0, 5, 'm', 0), partition(1, -1)] }])
      await test.expect(OffsetFetch, version, ask(group, [{ topic, indexes: [0, 1] }]), expected)
    })

    wireCase(`trap 68: v${version} of an unknown group, an unknown topic, an unknown partition`, async (test) => {
      const [group, topic] = [await test.group(), await test.topic()]
      const unknown = answer(group, [{ topic, partitions: [partition(0, -1), partition(9, -1)] }])
      await test.expect(OffsetFetch, version, ask(group, [{ topic, indexes: [0, 9] }]), unknown)
      const nowhere = { name: test.unique('unknown'), id: UNKNOWN_ID }
      const error = version < 10 ? 0 : 100
      const missing = answer(group, [{ topic: nowhere, partitions: [partition(0, -1, '', -1, error)] }])
      await test.expect(OffsetFetch, version, ask(group, [{ topic: nowhere, indexes: [0] }]), missing)
    })

    wireCase(`v${version} of no topics`, async (test) => {
      const group = await test.group()
      await test.expect(OffsetFetch, version, ask(group, []), answer(group, []))
    })

    wireCase(`v${version} of the group with the empty name`, async (test) => {
      await test.untilCoordinated('')
      const topic = await test.topic()
      const expected = answer('', [{ topic, partitions: [partition(0, -1)] }])
      await test.expect(OffsetFetch, version, ask('', [{ topic, indexes: [0] }]), expected)
    })
  }

  for (const version of versionsOf(OffsetFetch, 2)) {
    wireCase(`v${version} of all topics gives all that is committed`, async (test) => {
      const [group, topic] = [await test.group(), await test.topic({ partitions: 3 })]
      await test.expect(OffsetFetch, version, ask(group, null), answer(group, []))
      await test.call(OffsetCommit, 8, commitRequest(group, topic, 5, { index: 1 }))
      const expected = answer(group, [{ topic, partitions: [partition(1, 5)] }])
      await test.expect(OffsetFetch, version, ask(group, null), expected)
    })
  }

  for (const version of versionsOf(OffsetFetch, 7)) {
    wireCase(`trap 70: v${version} with requireStable gives what no transaction holds back`, async (test) => {
      const [group, topic] = [await test.group(), await test.topic()]
      await test.call(OffsetCommit, 8, commitRequest(group, topic, 5))
      const expected = answer(group, [{ topic, partitions: [partition(0, 5)] }])
      await test.expect(OffsetFetch, version, ask(group, [{ topic, indexes: [0] }], true), expected)
      await test.expect(OffsetFetch, version, ask(group, null, true), expected)
    })
  }

  for (const version of versionsOf(OffsetFetch, 8)) {
    wireCase(`v${version} of several groups`, async (test) => {
      const [one, two, topic] = [await test.group(), await test.group(), await test.topic()]
      await test.call(OffsetCommit, 8, commitRequest(one, topic, 1))
      await test.call(OffsetCommit, 8, commitRequest(two, topic, 2))
      const groups = [ask(two, null).groups[0]!, ask(one, [{ topic, indexes: [0] }]).groups[0]!]
      const { groups: answered } = await test.call(OffsetFetch, version, { groups, requireStable: false })
      const offsets = answered.map((group) => [group.groupId, group.topics[0]!.partitions[0]!.committedOffset])
      test.same(Object.fromEntries(offsets), { [one]: 1, [two]: 2 }, 'offsets')
    })
  }

  for (const version of [9, 10]) {
    wireCase(`v${version}: member id and epoch do not matter to a classic group`, async (test) => {
      const [group, topic] = [await test.group(), await test.topic()]
      await stableMember(test, group)
      const groups = [{ ...ask(group, [{ topic, indexes: [0] }]).groups[0]!, memberId: 'nobody', memberEpoch: 7 }]
      const expected = { groups: [{ ...answer(group, [{ topic, partitions: [partition(0, -1)] }]).groups[0]! }] }
      await test.expect(OffsetFetch, version, { groups, requireStable: true }, expected)
    })
  }

  wireCase('v10 of all topics leaves out those that do not exist any more', async (test) => {
    const [group, topic] = [await test.group(), await test.topic()]
    await test.call(OffsetCommit, 10, commitRequest(group, topic, 3))
    await test.expect(OffsetFetch, 10, ask(group, null), answer(group, [{ topic, partitions: [partition(0, 3)] }]))
    await test.call(DeleteTopics, 6, { topics: [{ name: topic.name, topicId: ZERO_UUID }], timeoutMs: 10_000 })
    await test.untilGone(topic.name)
    await test.expect(OffsetFetch, 10, ask(group, null), answer(group, []))
  })
})
