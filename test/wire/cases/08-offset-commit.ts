import { ZERO_UUID } from '../../../protocol/codec/schema.ts'
import { OffsetCommit } from '../../../protocol/messages/08-offset-commit.ts'
import { OffsetFetch } from '../../../protocol/messages/09-offset-fetch.ts'
import { DeleteTopics } from '../../../protocol/messages/20-delete-topics.ts'
import { GroupMember, isParked, stableMember, stablePair } from '../group-member.ts'
import { versionsOf, wireCases } from '../wire-case.ts'
import type { TestTopic, WireTest } from '../wire-test.ts'

const UNKNOWN_ID = 'dGhpcy1pcy1uby10b3BpYw'

export interface CommitOptions {
  readonly memberId?: string
  readonly generation?: number
  readonly instanceId?: string | null
  readonly index?: number
  readonly metadata?: string | null
  readonly leaderEpoch?: number
}

export function commitRequest(groupId: string, topic: TestTopic, offset: number, options: CommitOptions = {}) {
  const { memberId = '', generation = -1, instanceId = null, index = 0, metadata = '', leaderEpoch = -1 } = options
  const partition = {
    partitionIndex: index,
    committedOffset: offset,
    committedLeaderEpoch: leaderEpoch,
    committedMetadata: metadata,
  }
  return {
    groupId,
    generationIdOrMemberEpoch: generation,
    memberId,
    groupInstanceId: instanceId,
    retentionTimeMs: -1,
    topics: [{ name: topic.name, topicId: topic.id, partitions: [partition] }],
  }
}

function committed(topic: TestTopic, errorCode = 0, partitionIndex = 0) {
  return { topics: [{ name: topic.name, topicId: topic.id, partitions: [{ partitionIndex, errorCode }] }] }
}

/** What OffsetFetch says of the partition. */
export async function committedOffset(test: WireTest, group: string, { name }: TestTopic, index = 0) {
  const topics = [{ name, partitionIndexes: [index] }]
  const answer = await test.call(OffsetFetch, 7, { groupId: group, topics, requireStable: false })
  const { committedOffset: offset, committedLeaderEpoch, metadata, errorCode } = answer.topics[0]!.partitions[0]!
  return { offset, leaderEpoch: committedLeaderEpoch, metadata, errorCode }
}

const by = ({ memberId, generation }: GroupMember, changes: CommitOptions = {}): CommitOptions => ({
  memberId,
  generation,
  ...changes,
})

export const offsetCommitCases = wireCases('OffsetCommit', (wireCase) => {
  for (const version of versionsOf(OffsetCommit)) {
    wireCase(`v${version} without a group creates one that has only offsets`, async (test) => {
      const [group, topic] = [await test.group(), await test.topic()]
      await test.expect(OffsetCommit, version, commitRequest(group, topic, 5), committed(topic))
      const expected = { offset: 5, leaderEpoch: -1, metadata: '', errorCode: 0 }
      test.same(await committedOffset(test, group, topic), expected, 'offset')
    })

    wireCase(`trap 69: v${version} keeps metadata and, from v6 on, the leader epoch`, async (test) => {
      const [group, topic] = [await test.group(), await test.topic()]
      const request = commitRequest(group, topic, 7, { metadata: 'täxt', leaderEpoch: 3 })
      await test.expect(OffsetCommit, version, request, committed(topic))
      const expected = { offset: 7, leaderEpoch: version < 6 ? -1 : 3, metadata: 'täxt', errorCode: 0 }
      test.same(await committedOffset(test, group, topic), expected, 'offset')
    })

    wireCase(`v${version} by a member`, async (test) => {
      const [group, topic] = [await test.group(), await test.topic()]
      const member = await stableMember(test, group)
      await test.expect(OffsetCommit, version, commitRequest(group, topic, 9, by(member)), committed(topic))
      test.same((await committedOffset(test, group, topic)).offset, 9, 'offset')
    })

    wireCase(`trap 71: v${version} of another generation, or by nobody`, async (test) => {
      const [group, topic] = [await test.group(), await test.topic()]
      const member = await stableMember(test, group)
      for (const [options, error] of [
        [by(member, { generation: 2 }), 22],
        [by(member, { generation: 0 }), 22],
        [{ memberId: 'nobody', generation: 1 }, 25],
        [{ memberId: '', generation: -1 }, 25],
      ] as const) {
        await test.expect(OffsetCommit, version, commitRequest(group, topic, 9, options), committed(topic, error))
      }
      test.same((await committedOffset(test, group, topic)).offset, -1, 'offset')
    })

    wireCase(`v${version} with a generation but no group`, async (test) => {
      const [group, topic] = [await test.group(), await test.topic()]
      const request = commitRequest(group, topic, 1, { memberId: 'nobody', generation: 1 })
      await test.expect(OffsetCommit, version, request, committed(topic, version < 9 ? 22 : 69))
    })

    wireCase(`v${version} for an unknown topic and an unknown partition`, async (test) => {
      const [group, topic] = [await test.group(), await test.topic()]
      const nowhere = { name: test.unique('unknown'), id: UNKNOWN_ID }
      const unknown = version < 10 ? 3 : 100
      await test.expect(OffsetCommit, version, commitRequest(group, nowhere, 1), committed(nowhere, unknown))
      const beyond = commitRequest(group, topic, 1, { index: 4 })
      await test.expect(OffsetCommit, version, beyond, committed(topic, 3, 4))
    })

    wireCase(`trap 69: v${version} with null metadata keeps none`, async (test) => {
      const [group, topic] = [await test.group(), await test.topic()]
      const request = commitRequest(group, topic, 1, { metadata: null })
      await test.expect(OffsetCommit, version, request, committed(topic))
      test.same((await committedOffset(test, group, topic)).metadata, '', 'metadata')
    })
  }

  wireCase('each partition has its own answer', async (test) => {
    const [group, topic] = [await test.group(), await test.topic({ partitions: 2 })]
    const partition = { committedOffset: 3, committedLeaderEpoch: -1, committedMetadata: '' }
    const partitions = [0, 7, 1].map((partitionIndex) => ({ partitionIndex, ...partition }))
    const request = { ...commitRequest(group, topic, 0), topics: [{ name: topic.name, topicId: topic.id, partitions }] }
    const { topics } = await test.call(OffsetCommit, 8, request)
    const answers = topics.flatMap((one) =>
      one.partitions.map(({ partitionIndex, errorCode }) => [partitionIndex, errorCode]),
    )
    test.same(
      answers.toSorted(),
      [
        [0, 0],
        [1, 0],
        [7, 3],
      ],
      'answers',
    )
    test.same((await committedOffset(test, group, topic, 1)).offset, 3, 'offset')
  })

  wireCase('any offset is kept: the last one committed', async (test) => {
    const [group, topic] = [await test.group(), await test.topic()]
    for (const offset of [1_000_000_000_000, 3, 0, -1]) {
      await test.expect(OffsetCommit, 8, commitRequest(group, topic, offset), committed(topic))
      test.same((await committedOffset(test, group, topic)).offset, offset, 'offset')
    }
  })

  wireCase('the group with the empty name may commit', async (test) => {
    const topic = await test.topic()
    await test.untilCoordinated('')
    for (const version of [2, 10]) {
      await test.expect(OffsetCommit, version, commitRequest('', topic, 4), committed(topic))
    }
    test.same((await committedOffset(test, '', topic)).offset, 4, 'offset')
  })

  wireCase('metadata of 4096 bytes is kept, one more is too large', async (test) => {
    const [group, topic] = [await test.group(), await test.topic()]
    const most = commitRequest(group, topic, 1, { metadata: 'm'.repeat(4096) })
    await test.expect(OffsetCommit, 8, most, committed(topic))
    const more = commitRequest(group, topic, 2, { metadata: 'm'.repeat(4097) })
    await test.expect(OffsetCommit, 8, more, committed(topic, 12))
    test.same((await committedOffset(test, group, topic)).offset, 1, 'offset')
  })

  wireCase(
    'metadata is limited in characters or bytes as the setting says',
    async (test) => {
      const [group, topic] = [await test.group(), await test.topic()]
      const most = commitRequest(group, topic, 1, { metadata: 'x'.repeat(16) })
      await test.expect(OffsetCommit, 8, most, committed(topic))
      const more = commitRequest(group, topic, 2, { metadata: 'x'.repeat(17) })
      await test.expect(OffsetCommit, 8, more, committed(topic, 12))
    },
    'tuned',
  )

  wireCase('while the group completes a commit is told of the rebalance', async (test) => {
    const [group, topic] = [await test.group(), await test.topic()]
    const member = await GroupMember.connect(test, group)
    await member.join()
    await test.expect(OffsetCommit, 8, commitRequest(group, topic, 1, by(member)), committed(topic, 27))
  })

  wireCase('during a rebalance the last generation may still commit', async (test) => {
    const [group, topic] = [await test.group(), await test.topic()]
    const one = await stableMember(test, group)
    const two = await GroupMember.connect(test, group)
    const joining = two.join()
    await isParked(test, joining)
    await test.expect(OffsetCommit, 8, commitRequest(group, topic, 6, by(one)), committed(topic))
    await Promise.all([one.join(), joining])
    test.same((await committedOffset(test, group, topic)).offset, 6, 'offset')
  })

  wireCase('trap 71: after the rebalance the last generation may not', async (test) => {
    const [group, topic] = [await test.group(), await test.topic()]
    const [leader, follower] = await stablePair(test, group)
    const zombie = commitRequest(group, topic, 1, by(leader, { generation: 1 }))
    await test.expect(OffsetCommit, 8, zombie, committed(topic, 22))
    await test.expect(OffsetCommit, 8, commitRequest(group, topic, 2, by(follower)), committed(topic))
  })

  for (const version of [7, 8]) {
    wireCase(`v${version} of a static member`, async (test) => {
      const [group, topic] = [await test.group(), await test.topic()]
      const member = await stableMember(test, group, { instanceId: 'i1' })
      const right = commitRequest(group, topic, 1, by(member, { instanceId: 'i1' }))
      await test.expect(OffsetCommit, version, right, committed(topic))
      const stolen = commitRequest(group, topic, 2, by(member, { memberId: 'somebody', instanceId: 'i1' }))
      await test.expect(OffsetCommit, version, stolen, committed(topic, 82))
      const unknown = commitRequest(group, topic, 2, by(member, { instanceId: 'i9' }))
      await test.expect(OffsetCommit, version, unknown, committed(topic, 25))
    })
  }

  wireCase('a group that everybody has left takes commits from outside again', async (test) => {
    const [group, topic] = [await test.group(), await test.topic()]
    const member = await stableMember(test, group)
    await member.leave()
    await test.expect(OffsetCommit, 8, commitRequest(group, topic, 8), committed(topic))
    const late = commitRequest(group, topic, 9, by(member))
    await test.expect(OffsetCommit, 8, late, committed(topic, 25))
  })

  wireCase('v10 with the id of a topic that was deleted', async (test) => {
    const [group, topic] = [await test.group(), await test.topic()]
    await test.call(DeleteTopics, 6, { topics: [{ name: topic.name, topicId: ZERO_UUID }], timeoutMs: 10_000 })
    await test.untilGone(topic.name)
    await test.expect(OffsetCommit, 10, commitRequest(group, topic, 1), committed(topic, 100))
  })

  wireCase('the offsets of a deleted topic are gone with it', async (test) => {
    const [group, topic, other] = [await test.group(), await test.topic(), await test.topic()]
    await test.call(OffsetCommit, 8, commitRequest(group, topic, 5))
    await test.call(OffsetCommit, 8, commitRequest(group, other, 6))
    await test.call(DeleteTopics, 6, { topics: [{ name: topic.name, topicId: ZERO_UUID }], timeoutMs: 10_000 })
    await test.untilGone(topic.name)
    await test.eventually(
      'the offsets to be gone',
      async () => (await committedOffset(test, group, topic)).offset === -1,
    )
    test.same((await committedOffset(test, group, other)).offset, 6, 'the other topic')
  })

  wireCase('no topics, no answer', async (test) => {
    const group = await test.group()
    for (const version of [2, 8, 10]) {
      const request = { ...commitRequest(group, { name: '', id: ZERO_UUID }, 0), topics: [] }
      await test.expect(OffsetCommit, version, request, { topics: [] })
    }
  })
})
