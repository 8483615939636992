import { ZERO_UUID } from '../../../protocol/codec/schema.ts'
import { Produce } from '../../../protocol/messages/00-produce.ts'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { ApiVersions } from '../../../protocol/messages/18-api-versions.ts'
import { DeleteTopics } from '../../../protocol/messages/20-delete-topics.ts'
import { batchOf, batchOfBytes, stored } from '../batches.ts'
import {
  append,
  fetchAnswer,
  fetched,
  fetchParts,
  fetchRequest,
  filled,
  NO_RECORDS,
  notFetched,
  produceRequest,
} from '../data.ts'
import { inAnyOrder, oneOf } from '../matcher.ts'
import { wireCases } from '../wire-case.ts'
import { frameOf } from '../wire-client.ts'
import type { WireTest } from '../wire-test.ts'

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
