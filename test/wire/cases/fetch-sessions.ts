import type { RequestInputOf } from '../../../protocol/codec/schema.ts'
import { ZERO_UUID } from '../../../protocol/codec/schema.ts'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { DeleteTopics } from '../../../protocol/messages/20-delete-topics.ts'
import { DeleteRecords } from '../../../protocol/messages/21-delete-records.ts'
import { batchOf, batchOfBytes, stored } from '../batches.ts'
import { append, fetched, NO_RECORDS, notFetched } from '../data.ts'
import { atLeast, oneOf } from '../matcher.ts'
import { type Fixture, versionsOf, wireCases } from '../wire-case.ts'
import type { TestTopic, WireTest } from '../wire-test.ts'

interface Ask {
  readonly session?: number
  readonly epoch?: number
  readonly topics?: readonly { readonly topic: TestTopic; readonly index?: number; readonly offset?: number }[]
  readonly forgotten?: readonly { readonly topic: TestTopic; readonly index?: number }[]
  readonly maxWaitMs?: number
  readonly minBytes?: number
  readonly maxBytes?: number
}

function ask(options: Ask): RequestInputOf<typeof Fetch> {
  const {
    session = 0,
    epoch = 0,
    topics = [],
    forgotten = [],
    maxWaitMs = 0,
    minBytes = 1,
    maxBytes = 1 << 20,
  } = options
  return {
    maxWaitMs,
    minBytes,
    maxBytes,
    sessionId: session,
    sessionEpoch: epoch,
    topics: topics.map(({ topic, index = 0, offset = 0 }) => ({
      topic: topic.name,
      topicId: topic.id,
      partitions: [{ partition: index, fetchOffset: offset, partitionMaxBytes: 1 << 20 }],
    })),
    forgottenTopicsData: forgotten.map(({ topic, index = 0 }) => ({
      topic: topic.name,
      topicId: topic.id,
      partitions: [index],
    })),
  }
}

function answer(sessionId: number, parts: readonly { topic: TestTopic; partition: object }[]) {
  return {
    errorCode: 0,
    sessionId,
    responses: parts.map(({ topic, partition }) => ({ topic: topic.name, topicId: topic.id, partitions: [partition] })),
  }
}

const refusal = (errorCode: number) => ({ errorCode, sessionId: 0, responses: [] })

/** Opens a session over the topics, each from offset 0, and gives its id. */
async function open(test: WireTest, version: number, topics: readonly TestTopic[]): Promise<number> {
  const request = ask({ topics: topics.map((topic) => ({ topic })) })
  const { sessionId } = await test.call(Fetch, version, request)
  test.same(sessionId, atLeast(1), 'session id')
  return sessionId
}

export const fetchSessionCases = wireCases('Fetch sessions', (wireCase) => {
  for (const version of versionsOf(Fetch, 7)) {
    wireCase(`v${version}: a full fetch opens a session, an incremental one returns what is new`, async (test) => {
      const topic = await test.topic()
      await append(test, topic, batchOf(1))
      const first = stored(batchOf(1), 0)
      const opened = await test.expect(Fetch, version, ask({ topics: [{ topic }] }), {
        ...answer(0, [{ topic, partition: fetched(1, first) as object }]),
        sessionId: atLeast(1),
      })
      const session = opened.sessionId
      const moved = ask({ session, epoch: 1, topics: [{ topic, offset: 1 }] })
      await test.expect(Fetch, version, moved, answer(session, []))
      await append(test, topic, batchOf(2))
      const expected = answer(session, [{ topic, partition: fetched(3, stored(batchOf(2), 1)) as object }])
      await test.expect(Fetch, version, ask({ session, epoch: 2 }), expected)
    })
  }

  for (const version of [7, 13]) {
    wireCase(`v${version}: session 0 epoch -1 is sessionless`, async (test) => {
      const topic = await test.topic()
      const expected = answer(0, [{ topic, partition: fetched(0, NO_RECORDS) as object }])
      await test.expect(Fetch, version, ask({ epoch: -1, topics: [{ topic }] }), expected)
    })

    wireCase(`v${version}: session X epoch -1 closes X and is sessionless`, async (test) => {
      const topic = await test.topic()
      const session = await open(test, version, [topic])
      const expected = answer(0, [{ topic, partition: fetched(0, NO_RECORDS) as object }])
      await test.expect(Fetch, version, ask({ session, epoch: -1, topics: [{ topic }] }), expected)
      await test.expect(Fetch, version, ask({ session, epoch: 1 }), refusal(70))
    })

    wireCase(`v${version}: session X epoch 0 closes X and opens another`, async (test) => {
      const topic = await test.topic()
      const session = await open(test, version, [topic])
      const again = await test.call(Fetch, version, ask({ session, epoch: 0, topics: [{ topic }] }))
      test.same(again.responses.length, 1, 'topics')
      test.same(again.sessionId > 0 && again.sessionId !== session, true, 'another session')
      await test.expect(Fetch, version, ask({ session, epoch: 1 }), refusal(70))
      await test.expect(Fetch, version, ask({ session: again.sessionId, epoch: 1 }), answer(again.sessionId, []))
    })

    wireCase(`v${version}: an unknown session is not found`, async (test) => {
      await test.expect(Fetch, version, ask({ session: 2_147_483_000, epoch: 1, maxWaitMs: 20_000 }), refusal(70))
    })

    for (const epoch of [2, 3, 2147483647]) {
      wireCase(`v${version}: epoch ${epoch} where 1 is expected`, async (test) => {
        const topic = await test.topic()
        const session = await open(test, version, [topic])
        await test.expect(Fetch, version, ask({ session, epoch }), refusal(71))
        await test.expect(Fetch, version, ask({ session, epoch: 1 }), answer(session, []))
      })
    }

    wireCase(`v${version}: an epoch is taken once`, async (test) => {
      const topic = await test.topic()
      const session = await open(test, version, [topic])
      await test.expect(Fetch, version, ask({ session, epoch: 1 }), answer(session, []))
      await test.expect(Fetch, version, ask({ session, epoch: 1 }), refusal(71))
      await test.expect(Fetch, version, ask({ session, epoch: 2 }), answer(session, []))
    })

    wireCase(`v${version}: partitions are added and forgotten`, async (test) => {
      const [one, two] = [await test.topic(), await test.topic()]
      const session = await open(test, version, [one])
      const added = ask({ session, epoch: 1, topics: [{ topic: two }] })
      const partition = fetched(0, NO_RECORDS) as object
      await test.expect(Fetch, version, added, answer(session, [{ topic: two, partition }]))
      const forgot = ask({ session, epoch: 2, forgotten: [{ topic: one }] })
      await test.expect(Fetch, version, forgot, answer(session, []))
      await append(test, one, batchOf(1))
      await append(test, two, batchOf(1))
      const news = { topic: two, partition: fetched(1, stored(batchOf(1), 0)) as object }
      await test.expect(Fetch, version, ask({ session, epoch: 3 }), answer(session, [news]))
    })
  }

  wireCase('trap 45: forgotten partitions are not served, unrequested ones never', async (test) => {
    const topic = await test.topic({ partitions: 3 })
    const session = (
      await test.call(
        Fetch,
        12,
        ask({
          topics: [
            { topic, index: 0 },
            { topic, index: 1 },
          ],
        }),
      )
    ).sessionId
    for (const index of [0, 1, 2]) await append(test, topic, batchOf(1), index)
    const { responses } = await test.call(Fetch, 12, ask({ session, epoch: 1, forgotten: [{ topic, index: 0 }] }))
    const indexes = responses.flatMap(({ partitions }) => partitions.map(({ partitionIndex }) => partitionIndex))
    test.same(indexes, [1], 'partitions')
  })

  wireCase('trap 45: a partition in both lists is forgotten', async (test) => {
    const [stays, goes] = [await test.topic(), await test.topic()]
    const session = await open(test, 12, [stays, goes])
    await append(test, goes, batchOf(1))
    const both = ask({ session, epoch: 1, topics: [{ topic: goes }], forgotten: [{ topic: goes }] })
    await test.expect(Fetch, 12, both, answer(session, []))
    await test.expect(Fetch, 12, ask({ session, epoch: 2 }), answer(session, []))
  })

  wireCase('a session without partitions is closed, and the answer says so with session 0', async (test) => {
    const topic = await test.topic()
    const session = await open(test, 12, [topic])
    await test.expect(Fetch, 12, ask({ session, epoch: 1, forgotten: [{ topic }] }), answer(0, []))
    await test.expect(Fetch, 12, ask({ session, epoch: 2 }), refusal(70))
  })

  wireCase('a full fetch without partitions opens a session all the same', async (test) => {
    const { sessionId, responses } = await test.call(Fetch, 12, ask({}))
    test.same([sessionId > 0, responses], [true, []], 'answer')
  })

  wireCase('trap 47: a moved high watermark is news although there are no records to return', async (test) => {
    const topic = await test.topic()
    const session = await open(test, 12, [topic])
    await append(test, topic, batchOf(3))
    const moved = ask({ session, epoch: 1, topics: [{ topic, offset: 3 }] })
    const news = { topic, partition: fetched(3, NO_RECORDS) as object }
    await test.expect(Fetch, 12, moved, answer(session, [news]))
    await test.expect(Fetch, 12, ask({ session, epoch: 2 }), answer(session, []))
  })

  wireCase('trap 47: a moved log start is news', async (test) => {
    const topic = await test.topic()
    await append(test, topic, batchOf(3))
    const { sessionId: session } = await test.call(Fetch, 12, ask({ topics: [{ topic, offset: 3 }] }))
    const partitions = [{ partitionIndex: 0, offset: 2 }]
    await test.call(DeleteRecords, 2, { topics: [{ name: topic.name, partitions }], timeoutMs: 1000 })
    const news = { topic, partition: fetched(3, NO_RECORDS, { logStartOffset: 2 }) as object }
    await test.expect(Fetch, 12, ask({ session, epoch: 1 }), answer(session, [news]))
    await test.expect(Fetch, 12, ask({ session, epoch: 2 }), answer(session, []))
  })

  wireCase('trap 47: news that came while the session waited for minBytes are not lost', async (test) => {
    const topic = await test.topic()
    const session = await open(test, 12, [topic])
    const consumer = await test.connect()
    const pending = consumer.call(Fetch, 12, ask({ session, epoch: 1, maxWaitMs: 400, minBytes: 100_000 }))
    await append(test, topic, batchOf(1))
    const news = { topic, partition: fetched(1, stored(batchOf(1), 0)) as object }
    test.compare(Fetch, 12, await pending, answer(session, [news]))
  })

  wireCase('an error is told with every answer until it is gone', async (test) => {
    const topic = await test.topic()
    await append(test, topic, batchOf(1))
    const { sessionId: session } = await test.call(Fetch, 12, ask({ topics: [{ topic, offset: 9 }] }))
    const error = { topic, partition: notFetched(1) as object }
    for (const epoch of [1, 2]) await test.expect(Fetch, 12, ask({ session, epoch }), answer(session, [error]))
    const repaired = ask({ session, epoch: 3, topics: [{ topic, offset: 1 }] })
    const news = { topic, partition: fetched(1, NO_RECORDS) as object }
    await test.expect(Fetch, 12, repaired, answer(session, [news]))
    await test.expect(Fetch, 12, ask({ session, epoch: 4 }), answer(session, []))
  })

  wireCase('a session belongs to no connection', async (test) => {
    const topic = await test.topic()
    const session = await open(test, 12, [topic])
    const other = await test.connect('somebody else')
    await test.expectOn(other, Fetch, 12, ask({ session, epoch: 1 }), answer(session, []))
    await test.expect(Fetch, 12, ask({ session, epoch: 2 }), answer(session, []))
  })

  wireCase('the long poll of an incremental fetch is over all partitions of the session', async (test) => {
    const [one, two] = [await test.topic(), await test.topic()]
    const session = await open(test, 12, [one, two])
    const consumer = await test.connect()
    const pending = consumer.call(Fetch, 12, ask({ session, epoch: 1, maxWaitMs: 25_000 }))
    await append(test, two, batchOf(1))
    const news = { topic: two, partition: fetched(1, stored(batchOf(1), 0)) as object }
    test.compare(Fetch, 12, await pending, answer(session, [news]))
  })

  wireCase('fairness: what returned data goes to the end of the session', async (test) => {
    const topics = [await test.topic(), await test.topic(), await test.topic()]
    for (const topic of topics) for (let round = 0; round < 3; round++) await append(test, topic, batchOfBytes(200))
    const served: string[] = []
    const request = { ...ask({ topics: topics.map((topic) => ({ topic })) }), maxBytes: 1 }
    const opened = await test.call(Fetch, 12, request)
    const dataOf = (answered: typeof opened) =>
      answered.responses.filter(({ partitions }) => partitions[0]!.records!.length > 0).map(({ topic }) => topic)
    for (const epoch of [1, 2, 3]) {
      const next = await test.call(Fetch, 12, { ...ask({ session: opened.sessionId, epoch }), maxBytes: 1 })
      served.push(...dataOf(next))
    }
    test.same(dataOf(opened), [topics[0]!.name], 'who was served first')
    test.same(served.toSorted(), topics.map(({ name }) => name).toSorted(), 'who was served then')
  })

  wireCase('by id or by name is settled when the session is opened: names first', async (test) => {
    const topic = await test.topic()
    const session = await open(test, 12, [topic])
    const switched = ask({ session, epoch: 1, topics: [{ topic }] })
    await test.expect(Fetch, 13, switched, refusal(106))
  })

  wireCase('by id or by name is settled when the session is opened: ids first', async (test) => {
    const topic = await test.topic()
    const session = await open(test, 13, [topic])
    const switched = ask({ session, epoch: 1, topics: [{ topic }] })
    await test.expect(Fetch, 12, switched, refusal(106))
  })

  wireCase('a deleted topic shows as an error in its session', async (test) => {
    const [stays, goes] = [await test.topic(), await test.topic()]
    const session = await open(test, 13, [stays, goes])
    await test.call(DeleteTopics, 6, { topics: [{ name: goes.name, topicId: ZERO_UUID }], timeoutMs: 10_000 })
    await test.untilGone(goes.name)
    const { errorCode, responses } = await test.call(Fetch, 13, ask({ session, epoch: 1 }))
    const answers = responses.map(({ topicId, partitions }) => [topicId, partitions[0]!.errorCode])
    test.same([errorCode, answers], [0, [[goes.id, oneOf(3, 100)]]], 'answer')
  })

  wireCase('an unknown topic id may be in a session and is told each time', async (test) => {
    const topic = { name: '', id: 'dGhpcy1pcy1uby10b3BpYw' }
    const { sessionId: session, responses } = await test.call(Fetch, 13, ask({ topics: [{ topic }] }))
    test.same(responses[0]!.partitions[0]!.errorCode, 100, 'error')
    const again = await test.call(Fetch, 13, ask({ session, epoch: 1 }))
    test.same(again.responses[0]!.partitions[0]!.errorCode, 100, 'error')
  })

  const withoutSlots: Fixture = 'tuned'
  wireCase(
    'trap 46: where no session can be kept the answer says session 0, and is complete each time',
    async (test) => {
      const topic = await test.topic()
      const expected = answer(0, [{ topic, partition: fetched(0, NO_RECORDS) as object }])
      for (let round = 0; round < 2; round++) await test.expect(Fetch, 12, ask({ topics: [{ topic }] }), expected)
    },
    withoutSlots,
  )
})
