import { type DecodedResponseOf, ZERO_UUID } from '../../../protocol/codec/schema.ts'
import { DescribeTopicPartitions } from '../../../protocol/messages/75-describe-topic-partitions.ts'
import { type Expected, including, like } from '../matcher.ts'
import { type Fixture, wireCases } from '../wire-case.ts'
import { ConnectionClosed } from '../wire-client.ts'
import type { TestTopic } from '../wire-test.ts'

type Topic = DecodedResponseOf<typeof DescribeTopicPartitions>['topics'][number]

const EVERY_TOPIC_OPERATION = 3576

interface Question {
  readonly names: readonly string[]
  readonly limit?: number
  readonly cursor?: { readonly topicName: string; readonly partitionIndex: number }
}

function ask({ names, limit = 2000, cursor }: Question) {
  return { topics: names.map((name) => ({ name })), responsePartitionLimit: limit, cursor: cursor ?? null }
}

function described({ name, id }: TestTopic, ...indexes: readonly number[]): Expected<Topic> {
  return {
    errorCode: 0,
    name,
    topicId: id,
    isInternal: false,
    partitions: indexes.map((partitionIndex) => ({
      errorCode: 0,
      partitionIndex,
      leaderId: 1,
      leaderEpoch: 0,
      replicaNodes: [1],
      isrNodes: [1],
      eligibleLeaderReplicas: [],
      lastKnownElr: [],
      offlineReplicas: [],
    })),
    topicAuthorizedOperations: EVERY_TOPIC_OPERATION,
  }
}

/** What one may do is told of unknown topics too, but not where the request is wrong. */
function missing(name: string, errorCode = 3): Expected<Topic> {
  const topicAuthorizedOperations = errorCode === 42 ? -2147483648 : EVERY_TOPIC_OPERATION
  return {
    errorCode,
    name,
    topicId: ZERO_UUID,
    isInternal: false,
    partitions: [],
    topicAuthorizedOperations,
  }
}

export const describeTopicPartitionsCases = wireCases('DescribeTopicPartitions', (wireCase) => {
  wireCase('v0 describes topics sorted by name, their partitions by index', async (test) => {
    const stem = test.unique('topic')
    const [b, a] = [await test.topic({ name: `${stem}-b`, partitions: 3 }), await test.topic({ name: `${stem}-a` })]
    const expected = { topics: [described(a, 0), described(b, 0, 1, 2)], nextCursor: null }
    await test.expect(DescribeTopicPartitions, 0, ask({ names: [b.name, a.name] }), expected)
  })

  wireCase('v0 of no topics describes all', async (test) => {
    const topic = await test.topic({ partitions: 2 })
    const cursor = { topicName: topic.name, partitionIndex: 0 }
    const expected = { topics: including(described(topic, 0, 1)), nextCursor: null }
    const answer = await test.call(DescribeTopicPartitions, 0, ask({ names: [], cursor }))
    test.same(answer.topics[0], like<Topic>({ name: topic.name, errorCode: 0 }), 'the first topic')
    test.compare(DescribeTopicPartitions, 0, { ...answer, nextCursor: null }, expected)
    const names = answer.topics.map(({ name }) => name!)
    test.same(names, names.toSorted(), 'order')
  })

  wireCase('v0 of an unknown topic and of an invalid name', async (test) => {
    const topic = await test.topic()
    const unknown = test.unique('unknown')
    const { topics } = await test.call(DescribeTopicPartitions, 0, ask({ names: [unknown, topic.name, 'a b'] }))
    test.same(topics.length, 3, 'topics')
    test.same(
      topics.find(({ name }) => name === unknown),
      missing(unknown),
      'the unknown one',
    )
    test.same(
      topics.find(({ name }) => name === 'a b'),
      missing('a b', 17),
      'the invalid one',
    )
    test.same(topics.find(({ name }) => name === topic.name)!.errorCode, 0, 'the other')
  })

  wireCase('trap 19: v0 creates nothing', async (test) => {
    const name = test.unique('unknown')
    for (let round = 0; round < 2; round++) {
      await test.expect(DescribeTopicPartitions, 0, ask({ names: [name] }), {
        topics: [missing(name)],
        nextCursor: null,
      })
    }
  })

  wireCase('the limit ends within a topic and the cursor goes on there', async (test) => {
    const stem = test.unique('topic')
    const topics = [
      await test.topic({ name: `${stem}-a`, partitions: 3 }),
      await test.topic({ name: `${stem}-b`, partitions: 3 }),
      await test.topic({ name: `${stem}-c`, partitions: 1 }),
    ] as const
    const names = topics.map(({ name }) => name)
    await test.expect(DescribeTopicPartitions, 0, ask({ names, limit: 4 }), {
      topics: [described(topics[0], 0, 1, 2), described(topics[1], 0)],
      nextCursor: { topicName: topics[1].name, partitionIndex: 1 },
    })
    const cursor = { topicName: topics[1].name, partitionIndex: 1 }
    await test.expect(DescribeTopicPartitions, 0, ask({ names, limit: 2, cursor }), {
      topics: [described(topics[1], 1, 2)],
      nextCursor: { topicName: topics[2].name, partitionIndex: 0 },
    })
    const last = { topicName: topics[2].name, partitionIndex: 0 }
    await test.expect(DescribeTopicPartitions, 0, ask({ names, limit: 2, cursor: last }), {
      topics: [described(topics[2], 0)],
      nextCursor: null,
    })
  })

  for (const limit of [0, -1]) {
    wireCase(`a limit of ${limit} is taken for one of 1`, async (test) => {
      const topic = await test.topic({ partitions: 2 })
      await test.expect(DescribeTopicPartitions, 0, ask({ names: [topic.name], limit }), {
        topics: [described(topic, 0)],
        nextCursor: { topicName: topic.name, partitionIndex: 1 },
      })
    })
  }

  wireCase('a cursor behind the last partition', async (test) => {
    const topic = await test.topic({ partitions: 2 })
    const cursor = { topicName: topic.name, partitionIndex: 2 }
    await test.expect(DescribeTopicPartitions, 0, ask({ names: [topic.name], cursor }), {
      topics: [described(topic)],
      nextCursor: null,
    })
  })

  wireCase('a cursor whose topic is not in the list', async (test) => {
    const topic = await test.topic()
    const cursor = { topicName: `${topic.name}-other`, partitionIndex: 0 }
    const answer = await test
      .call(DescribeTopicPartitions, 0, ask({ names: [topic.name], cursor }))
      .catch((error: unknown) => {
        if (error instanceof ConnectionClosed) return 'closed'
        throw error
      })
    test.same(answer, { throttleTimeMs: 0, topics: [missing(topic.name, 42)], nextCursor: null }, 'answer')
  })

  wireCase('a cursor with a negative partition', async (test) => {
    const topic = await test.topic()
    const cursor = { topicName: topic.name, partitionIndex: -1 }
    const answer = await test.call(DescribeTopicPartitions, 0, ask({ names: [topic.name], cursor }))
    test.same(answer, { throttleTimeMs: 0, topics: [missing(topic.name, 42)], nextCursor: null }, 'answer')
  })

  wireCase('a name given twice is answered once', async (test) => {
    const topic = await test.topic()
    await test.expect(DescribeTopicPartitions, 0, ask({ names: [topic.name, topic.name] }), {
      topics: [described(topic, 0)],
      nextCursor: null,
    })
  })

  const limited: Fixture = 'tuned'
  wireCase(
    'max.request.partition.size.limit bounds what a request may ask for',
    async (test) => {
      const topic = await test.topic({ partitions: 6 })
      await test.expect(DescribeTopicPartitions, 0, ask({ names: [topic.name] }), {
        topics: [described(topic, 0, 1, 2, 3)],
        nextCursor: { topicName: topic.name, partitionIndex: 4 },
      })
    },
    limited,
  )
})
