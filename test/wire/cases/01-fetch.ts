import { ZERO_UUID } from '../../../protocol/codec/schema.ts'
import { Produce } from '../../../protocol/messages/00-produce.ts'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { ApiVersions } from '../../../protocol/messages/18-api-versions.ts'
import { DeleteTopics } from '../../../protocol/messages/20-delete-topics.ts'
import { DeleteRecords } from '../../../protocol/messages/21-delete-records.ts'
import { batchOf, batchOfBytes, CODECS, stored } from '../batches.ts'
import {
  append,
  type FetchOptions,
  fetchAnswer,
  fetched,
  fetchRequest,
  NO_RECORDS,
  notFetched,
  produceRequest,
} from '../data.ts'
import { inAnyOrder, oneOf } from '../matcher.ts'
import { versionsOf, wireCases } from '../wire-case.ts'
import { frameOf } from '../wire-client.ts'
import type { TestTopic, WireTest } from '../wire-test.ts'

const UNKNOWN_ID = 'dGhpcy1pcy1uby10b3BpYw'

/** A topic with batches at 0, 3 and 4, ending at 6. */
async function filled(test: WireTest): Promise<{ topic: TestTopic; batches: [Buffer, Buffer, Buffer] }> {
  const topic = await test.topic()
  const [one, two, three] = [batchOf(3), batchOf(1), batchOf(2)]
  await append(test, topic, one)
  await append(test, topic, two)
  await append(test, topic, three)
  return { topic, batches: [stored(one, 0), stored(two, 3), stored(three, 4)] }
}

interface Part {
  readonly topic: TestTopic
  readonly index?: number
  readonly offset?: number
  readonly maxBytes?: number
}

/** Several partitions, sessionless. */
function fetchParts(parts: readonly Part[], options: FetchOptions = {}) {
  const { maxWaitMs = 0, minBytes = 1, maxBytes = 1 << 20, isolationLevel = 0 } = options
  const topics = parts.map(({ topic, index = 0, offset = 0, maxBytes: partitionMaxBytes = 1 << 20 }) => ({
    topic: topic.name,
    topicId: topic.id,
    partitions: [{ partition: index, fetchOffset: offset, partitionMaxBytes }],
  }))
  return { maxWaitMs, minBytes, maxBytes, isolationLevel, topics, forgottenTopicsData: [] }
}

async function sizesOf(test: WireTest, request: ReturnType<typeof fetchParts>): Promise<number[]> {
  const { responses } = await test.call(Fetch, 12, request)
  return responses.flatMap(({ partitions }) => partitions.map(({ records }) => records!.length))
}

export const fetchCases = wireCases('Fetch', (wireCase) => {
  for (const version of versionsOf(Fetch)) {
    wireCase(`v${version} returns what is in the log from the offset on`, async (test) => {
      const { topic, batches } = await filled(test)
      await test.expect(Fetch, version, fetchRequest(topic, 0), fetchAnswer(topic, fetched(6, Buffer.concat(batches))))
      await test.expect(Fetch, version, fetchRequest(topic, 4), fetchAnswer(topic, fetched(6, batches[2])))
    })

    wireCase(`trap 43: v${version} returns records of no length, not null, at the end of the log`, async (test) => {
      const topic = await test.topic()
      await test.expect(Fetch, version, fetchRequest(topic, 0), fetchAnswer(topic, fetched(0, NO_RECORDS)))
    })

    wireCase(`trap 52: v${version} lists aborted transactions for read_committed only`, async (test) => {
      const { topic, batches } = await filled(test)
      const request = fetchRequest(topic, 3, { isolationLevel: 1 })
      const answer = fetched(6, Buffer.concat(batches.slice(1)), { readCommitted: true })
      await test.expect(Fetch, version, request, fetchAnswer(topic, answer))
    })

    wireCase(`v${version} of an unknown topic`, async (test) => {
      const topic = { name: test.unique('unknown'), id: UNKNOWN_ID }
      await test.expect(Fetch, version, fetchRequest(topic, 0), fetchAnswer(topic, notFetched(version < 13 ? 3 : 100)))
    })

    wireCase(`v${version} of a partition that the topic does not have`, async (test) => {
      const topic = await test.topic()
      const request = fetchRequest(topic, 0, { index: 5 })
      await test.expect(Fetch, version, request, fetchAnswer(topic, notFetched(3, 5)))
    })

    wireCase(`v${version} beyond the end of the log is out of range`, async (test) => {
      const { topic } = await filled(test)
      const request = fetchRequest(topic, 7, { maxWaitMs: 20_000 })
      await test.expect(Fetch, version, request, fetchAnswer(topic, notFetched(1)))
    })
  }

  for (const offset of [-1, -2, -100]) {
    wireCase(`the offset ${offset} is out of range`, async (test) => {
      const { topic } = await filled(test)
      await test.expect(Fetch, 12, fetchRequest(topic, offset), fetchAnswer(topic, notFetched(1)))
    })
  }

  wireCase('v13 with the zero topic id', async (test) => {
    const topic = { name: '', id: ZERO_UUID }
    await test.expect(Fetch, 13, fetchRequest(topic, 0), fetchAnswer(topic, notFetched(100)))
  })

  wireCase('v13 with the id of a topic that was deleted and made again', async (test) => {
    const { topic } = await filled(test)
    await test.call(DeleteTopics, 6, { topics: [{ name: topic.name, topicId: ZERO_UUID }], timeoutMs: 10_000 })
    await test.untilGone(topic.name)
    const made = await test.topic({ name: topic.name })
    await test.expect(Fetch, 13, fetchRequest(topic, 0), fetchAnswer(topic, notFetched(100)))
    await test.expect(Fetch, 13, fetchRequest(made, 0), fetchAnswer(made, fetched(0, NO_RECORDS)))
  })

  wireCase('the offset of the log end is empty, without an error', async (test) => {
    const { topic } = await filled(test)
    await test.expect(Fetch, 12, fetchRequest(topic, 6), fetchAnswer(topic, fetched(6, NO_RECORDS)))
  })

  for (const [name, codec] of CODECS) {
    wireCase(`trap 41: an offset in the middle of a batch of ${name} returns the whole batch`, async (test) => {
      const topic = await test.topic()
      const batch = batchOf(10, { codec })
      await append(test, topic, batchOf(2))
      await append(test, topic, batch)
      for (const offset of [2, 3, 7, 11]) {
        await test.expect(Fetch, 12, fetchRequest(topic, offset), fetchAnswer(topic, fetched(12, stored(batch, 2))))
      }
    })
  }

  for (const limit of [{ partitionMaxBytes: 1 }, { maxBytes: 1 }, { partitionMaxBytes: 0 }, { maxBytes: 0 }]) {
    const [[what, bytes]] = Object.entries(limit) as [[string, number]]
    wireCase(
      `trap 42: a first batch larger than a ${what} of ${bytes} is returned whole, and nothing after it`,
      async (test) => {
        const { topic, batches } = await filled(test)
        await test.expect(Fetch, 12, fetchRequest(topic, 0, limit), fetchAnswer(topic, fetched(6, batches[0])))
        await test.expect(Fetch, 4, fetchRequest(topic, 3, limit), fetchAnswer(topic, fetched(6, batches[1])))
      },
    )
  }

  wireCase('trap 42: a negative partitionMaxBytes counts as none', async (test) => {
    const { topic, batches } = await filled(test)
    const answer = test.differs({
      kafka: { ...(notFetched(-1) as object) },
      odradek: fetched(6, batches[0]),
      why: 'Kafka fails inside; the rule of the first batch needs no exception',
    })
    await test.expect(Fetch, 12, fetchRequest(topic, 0, { partitionMaxBytes: -1 }), fetchAnswer(topic, answer))
  })

  wireCase('a limit in the middle of the second batch: no batch is cut', async (test) => {
    const { topic, batches } = await filled(test)
    const { responses } = await test.call(
      Fetch,
      12,
      fetchRequest(topic, 0, { partitionMaxBytes: batches[0].length + 20 }),
    )
    const expected = test.differs({
      kafka: Buffer.concat([batches[0], batches[1].subarray(0, 20)]),
      odradek: batches[0],
      why: 'Kafka cuts at the byte, which clients must bear; whole batches are kinder to them',
    })
    test.same(responses[0]!.partitions[0]!.records, expected, 'records')
  })

  wireCase('the limit for all partitions is shared in the order of the request', async (test) => {
    const [one, two] = [await filled(test), await filled(test)]
    const whole = Buffer.concat(one.batches).length
    const both = [{ topic: one.topic }, { topic: two.topic }]
    test.same(await sizesOf(test, fetchParts(both, { maxBytes: 1 })), [one.batches[0].length, 0], 'a limit of 1')
    test.same(
      await sizesOf(test, fetchParts(both.toReversed(), { maxBytes: 1 })),
      [two.batches[0].length, 0],
      'the other way round',
    )
    test.same(await sizesOf(test, fetchParts(both, { maxBytes: whole })), [whole, 0], 'a limit of the first')
    test.same(await sizesOf(test, fetchParts(both, { maxBytes: whole * 2 })), [whole, whole], 'a limit of both')
  })

  wireCase('a later partition whose first batch does not fit is left empty', async (test) => {
    const [small, large] = [await test.topic(), await test.topic()]
    await append(test, small, batchOf(1))
    await append(test, large, batchOfBytes(5000))
    const sizes = await sizesOf(test, fetchParts([{ topic: small }, { topic: large, maxBytes: 1000 }]))
    test.same(sizes, [batchOf(1).length, 0], 'sizes')
  })

  wireCase('an empty first partition leaves its right to one whole batch to the next', async (test) => {
    const [empty, full] = [await test.topic(), await filled(test)]
    const sizes = await sizesOf(test, fetchParts([{ topic: empty }, { topic: full.topic }], { maxBytes: 1 }))
    test.same(sizes, [0, full.batches[0].length], 'sizes')
  })

  wireCase(
    'trap 44: every partition of a sessionless fetch is in the answer, in the order of the request',
    async (test) => {
      const topic = await test.topic({ partitions: 4 })
      const partitions = [3, 1, 0, 2].map((partition) => ({ partition, fetchOffset: 0, partitionMaxBytes: 1000 }))
      const request = { ...fetchRequest(topic, 0), topics: [{ topic: topic.name, topicId: topic.id, partitions }] }
      const answers = [3, 1, 0, 2].map((index) => fetched(0, NO_RECORDS, { index }))
      for (const version of [4, 7, 13]) await test.expect(Fetch, version, request, fetchAnswer(topic, ...answers))
    },
  )

  wireCase('trap 48: DeleteRecords moves the start: below it is out of range, at it all is well', async (test) => {
    const { topic, batches } = await filled(test)
    const partitions = [{ partitionIndex: 0, offset: 3 }]
    await test.call(DeleteRecords, 2, { topics: [{ name: topic.name, partitions }], timeoutMs: 1000 })
    await test.expect(Fetch, 12, fetchRequest(topic, 2), fetchAnswer(topic, notFetched(1)))
    const answer = fetched(6, Buffer.concat(batches.slice(1)), { logStartOffset: 3 })
    await test.expect(Fetch, 12, fetchRequest(topic, 3), fetchAnswer(topic, answer))
  })

  wireCase('fetching without partitions is answered at once', async (test) => {
    const request = { maxWaitMs: 20_000, minBytes: 1, maxBytes: 1000, topics: [], forgottenTopicsData: [] }
    for (const version of [4, 7, 13, 18]) {
      await test.expect(Fetch, version, request, { errorCode: 0, sessionId: 0, responses: [] })
    }
  })
})

/** Whether the request is still unanswered when another connection has had an answer. */
async function isParked(test: WireTest, pending: Promise<unknown>): Promise<boolean> {
  let parked = true
  const note = () => {
    parked = false
  }
  pending.then(note, note)
  for (let round = 0; round < 20; round++) await test.call(ApiVersions, 0, {})
  return parked
}

export const longPollCases = wireCases('Fetch long poll', (wireCase) => {
  wireCase('trap 55: an empty log keeps the request until there is something', async (test) => {
    const topic = await test.topic()
    const consumer = await test.connect()
    const pending = consumer.call(Fetch, 12, fetchRequest(topic, 0, { maxWaitMs: 25_000 }))
    test.same(await isParked(test, pending), true, 'the fetch waits')
    await append(test, topic, batchOf(2))
    test.compare(Fetch, 12, await pending, fetchAnswer(topic, fetched(2, stored(batchOf(2), 0))))
  })

  wireCase('read_committed is woken by what is not in a transaction', async (test) => {
    const topic = await test.topic()
    const consumer = await test.connect()
    const pending = consumer.call(Fetch, 12, fetchRequest(topic, 0, { maxWaitMs: 25_000, isolationLevel: 1 }))
    test.same(await isParked(test, pending), true, 'the fetch waits')
    await append(test, topic, batchOf(1))
    const answer = fetched(1, stored(batchOf(1), 0), { readCommitted: true })
    test.compare(Fetch, 12, await pending, fetchAnswer(topic, answer))
  })

  wireCase('trap 55: when the time is up the answer has every partition and no error', async (test) => {
    const topic = await test.topic()
    const startMs = performance.now()
    await test.expect(Fetch, 12, fetchRequest(topic, 0, { maxWaitMs: 150 }), fetchAnswer(topic, fetched(0, NO_RECORDS)))
    test.same(performance.now() - startMs > 140, true, 'it did wait')
  })

  wireCase('trap 55: fewer bytes than minBytes wait, and are returned when the time is up', async (test) => {
    const topic = await test.topic()
    await append(test, topic, batchOf(1))
    const consumer = await test.connect()
    const pending = consumer.call(Fetch, 12, fetchRequest(topic, 0, { maxWaitMs: 400, minBytes: 100_000 }))
    test.same(await isParked(test, pending), true, 'the fetch waits')
    test.compare(Fetch, 12, await pending, fetchAnswer(topic, fetched(1, stored(batchOf(1), 0))))
  })

  wireCase('minBytes is reached by several appends together', async (test) => {
    const topic = await test.topic()
    const batch = batchOfBytes(1000)
    const consumer = await test.connect()
    const request = fetchRequest(topic, 0, { maxWaitMs: 25_000, minBytes: batch.length * 2 })
    const pending = consumer.call(Fetch, 12, request)
    await append(test, topic, batch)
    test.same(await isParked(test, pending), true, 'one is not enough')
    await append(test, topic, batch)
    const answer = fetched(2, Buffer.concat([stored(batch, 0), stored(batch, 1)]))
    test.compare(Fetch, 12, await pending, fetchAnswer(topic, answer))
  })

  wireCase('minBytes counts over all partitions of the request', async (test) => {
    const [one, two] = [await test.topic(), await test.topic()]
    const batch = batchOfBytes(1000)
    await append(test, one, batch)
    const consumer = await test.connect()
    const parts = [{ topic: one }, { topic: two }]
    const pending = consumer.call(Fetch, 12, fetchParts(parts, { maxWaitMs: 25_000, minBytes: batch.length + 500 }))
    test.same(await isParked(test, pending), true, 'one is not enough')
    await append(test, two, batch)
    const { responses } = await pending
    const sizes = responses.map(({ partitions }) => partitions[0]!.records!.length)
    test.same(sizes, [batch.length, batch.length], 'sizes')
  })

  for (const [what, options] of [
    ['minBytes 0', { maxWaitMs: 25_000, minBytes: 0 }],
    ['maxWaitMs 0', { maxWaitMs: 0, minBytes: 1 }],
    ['a negative maxWaitMs', { maxWaitMs: -1, minBytes: 1 }],
  ] as const) {
    wireCase(`${what} is answered at once`, async (test) => {
      const topic = await test.topic()
      await test.expect(Fetch, 12, fetchRequest(topic, 0, options), fetchAnswer(topic, fetched(0, NO_RECORDS)))
    })
  }

  wireCase('trap 56: an offset out of range is not kept waiting by the other partitions', async (test) => {
    const [one, two] = [await test.topic(), await test.topic()]
    const parts = [{ topic: one }, { topic: two, offset: 9 }]
    const { responses } = await test.call(Fetch, 12, fetchParts(parts, { maxWaitMs: 25_000 }))
    const errors = responses.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode))
    test.same(errors, [0, 1], 'errors')
  })

  wireCase('trap 56: an unknown partition is not kept waiting by the other partitions', async (test) => {
    const topic = await test.topic()
    const consumer = await test.connect()
    const pending = consumer.call(Fetch, 12, fetchParts([{ topic }, { topic, index: 3 }], { maxWaitMs: 500 }))
    const waits = test.differs({ kafka: true, odradek: false, why: 'the client should refresh its metadata soon' })
    test.same(await isParked(test, pending), waits, 'the fetch waits')
    const { responses } = await pending
    const errors = responses.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode))
    test.same(errors, inAnyOrder(0, 3), 'errors')
  })

  wireCase('trap 56: the deletion of the topic ends the wait', async (test) => {
    const topic = await test.topic()
    const consumer = await test.connect()
    const pending = consumer.call(Fetch, 12, fetchRequest(topic, 0, { maxWaitMs: 25_000 }))
    test.same(await isParked(test, pending), true, 'the fetch waits')
    await test.call(DeleteTopics, 6, { topics: [{ name: topic.name, topicId: ZERO_UUID }], timeoutMs: 10_000 })
    const { responses } = await pending
    test.same(responses[0]!.partitions[0]!.errorCode, oneOf(3, 6, 100), 'error')
  })

  wireCase('many waiters are all woken by one append', async (test) => {
    const topic = await test.topic()
    const consumers = await Promise.all(Array.from({ length: 10 }, () => test.connect()))
    const pending = consumers.map((consumer) => consumer.call(Fetch, 12, fetchRequest(topic, 0, { maxWaitMs: 25_000 })))
    test.same(await isParked(test, Promise.race(pending)), true, 'they wait')
    await append(test, topic, batchOf(1))
    for (const answer of await Promise.all(pending)) {
      test.compare(Fetch, 12, answer, fetchAnswer(topic, fetched(1, stored(batchOf(1), 0))))
    }
  })

  wireCase('a consumer that goes away while it waits harms nobody', async (test) => {
    const topic = await test.topic()
    const gone = await test.connect()
    gone.write(frameOf(gone.requestBytes(Fetch, 12, fetchRequest(topic, 0, { maxWaitMs: 25_000 }))))
    await test.call(ApiVersions, 0, {})
    gone.close()
    await append(test, topic, batchOf(1))
    await test.expect(Fetch, 12, fetchRequest(topic, 0), fetchAnswer(topic, fetched(1, stored(batchOf(1), 0))))
  })

  wireCase('a produce behind a parked fetch of the same connection is answered after it', async (test) => {
    const topic = await test.topic()
    const client = await test.connect()
    const fetch = client.call(Fetch, 12, fetchRequest(topic, 0, { maxWaitMs: 300 }))
    const produce = client.call(Produce, 12, produceRequest(topic, batchOf(1)))
    const order: string[] = []
    await Promise.all([fetch.then(() => order.push('fetch')), produce.then(() => order.push('produce'))])
    test.same(order, ['fetch', 'produce'], 'order')
  })
})

export const leaderEpochCases = wireCases('Fetch leader epochs', (wireCase) => {
  wireCase('a current leader epoch that is ours is accepted', async (test) => {
    const { topic, batches } = await filled(test)
    const request = fetchRequest(topic, 4, { currentLeaderEpoch: 0 })
    await test.expect(Fetch, 12, request, fetchAnswer(topic, fetched(6, batches[2])))
  })

  for (const version of [9, 11, 12, 16]) {
    wireCase(`v${version}: a current leader epoch above ours is unknown`, async (test) => {
      const { topic } = await filled(test)
      const request = fetchRequest(topic, 0, { currentLeaderEpoch: 1, maxWaitMs: 20_000 })
      await test.expect(Fetch, version, request, fetchAnswer(topic, notFetched(75)))
    })
  }

  wireCase('a current leader epoch below -1 is taken for none or for an old one', async (test) => {
    const { topic } = await filled(test)
    const { responses } = await test.call(Fetch, 12, fetchRequest(topic, 0, { currentLeaderEpoch: -2 }))
    test.same(responses[0]!.partitions[0]!.errorCode, oneOf(0, 74), 'error')
  })

  wireCase('a last fetched epoch that we know and that ends behind the offset changes nothing', async (test) => {
    const { topic, batches } = await filled(test)
    const request = fetchRequest(topic, 4, { currentLeaderEpoch: 0, lastFetchedEpoch: 0 })
    await test.expect(Fetch, 12, request, fetchAnswer(topic, fetched(6, batches[2])))
  })

  wireCase('a last fetched epoch that we never had is out of range', async (test) => {
    const { topic } = await filled(test)
    const request = fetchRequest(topic, 0, { lastFetchedEpoch: 5 })
    await test.expect(Fetch, 12, request, fetchAnswer(topic, notFetched(1)))
  })

  wireCase('an offset beyond the end of the last fetched epoch diverges', async (test) => {
    const { topic } = await filled(test)
    const request = fetchRequest(topic, 9, { lastFetchedEpoch: 0, maxWaitMs: 20_000 })
    const diverging = { ...(fetched(6, NO_RECORDS) as object), divergingEpoch: { epoch: 0, endOffset: 6 } }
    await test.expect(Fetch, 12, request, fetchAnswer(topic, diverging))
  })
})

export const tunedFetchCases = wireCases('Fetch with a small fetch.max.bytes', (wireCase) => {
  wireCase(
    'no answer is larger than fetch.max.bytes allows, but for the first batch',
    async (test) => {
      const [one, two] = [await test.topic(), await test.topic()]
      await append(test, one, batchOfBytes(30_000))
      await append(test, two, batchOfBytes(1000))
      const sizes = await sizesOf(test, fetchParts([{ topic: one }, { topic: two }]))
      test.same(sizes, [batchOfBytes(30_000).length, 0], 'sizes')
    },
    'tuned',
  )

  wireCase(
    'minBytes above fetch.max.bytes is not waited for in vain',
    async (test) => {
      const topic = await test.topic()
      await append(test, topic, batchOfBytes(30_000))
      const { responses } = await test.call(
        Fetch,
        12,
        fetchRequest(topic, 0, { maxWaitMs: 25_000, minBytes: 25_000_000 }),
      )
      test.same(responses[0]!.partitions[0]!.records!.length, batchOfBytes(30_000).length, 'size')
    },
    'tuned',
  )
})
