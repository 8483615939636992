import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { ListOffsets } from '../../../protocol/messages/02-list-offsets.ts'
import { DescribeProducers } from '../../../protocol/messages/61-describe-producers.ts'
import { batchesIn, batchOf } from '../batches.ts'
import { append, endOffset, fetchRequest } from '../data.ts'
import { anything, atLeast } from '../matcher.ts'
import { GENERATIONS, TransactionalProducer } from '../transactional-producer.ts'
import { versionsOf, wireCases } from '../wire-case.ts'
import type { TestTopic, WireTest } from '../wire-test.ts'

const READ_COMMITTED = 1

async function read(test: WireTest, topic: TestTopic, from = 0, isolationLevel = READ_COMMITTED, version = 13) {
  const { responses } = await test.call(Fetch, version, fetchRequest(topic, from, { isolationLevel }))
  const { errorCode, records, highWatermark, lastStableOffset, abortedTransactions } = responses[0]!.partitions[0]!
  test.same(errorCode, 0, 'error')
  const offsets = batchesIn(records).map(({ baseOffset }) => baseOffset)
  return { offsets, highWatermark, lastStableOffset, abortedTransactions }
}

async function latest(test: WireTest, { name }: TestTopic, isolationLevel: number, timestamp = -1): Promise<number> {
  const { topics } = await test.call(ListOffsets, 7, {
    ...{ replicaId: -1, isolationLevel },
    topics: [{ name, partitions: [{ partitionIndex: 0, timestamp }] }],
  })
  return topics[0]!.partitions[0]!.offset
}

export const readCommittedCases = wireCases('read_committed', (wireCase) => {
  for (const version of versionsOf(Fetch, 4)) {
    wireCase(`trap 52: v${version} ends at the first open transaction, and lists what was aborted`, async (test) => {
      const topic = await test.topic()
      await append(test, topic, batchOf(2))
      const producer = await TransactionalProducer.writing(test, topic)
      const { producerId } = producer
      await append(test, topic, batchOf(1))
      const open = { offsets: [0], highWatermark: 4, lastStableOffset: 2, abortedTransactions: [] }
      test.same(await read(test, topic, 0, READ_COMMITTED, version), open, 'open')
      const plain = { ...open, offsets: [0, 2, 3], abortedTransactions: null }
      test.same(await read(test, topic, 0, 0, version), plain, 'read_uncommitted')
      await producer.finish(false)
      const abortedTransactions = [{ producerId, firstOffset: 2 }]
      const ended = { offsets: [0, 2, 3, 4], highWatermark: 5, lastStableOffset: 5, abortedTransactions }
      test.same(await read(test, topic, 0, READ_COMMITTED, version), ended, 'trap 50: aborted, with its marker')
      test.same(await read(test, topic, 0, 0, version), { ...ended, abortedTransactions: null }, 'read_uncommitted')
    })
  }

  for (const generation of GENERATIONS) {
    wireCase(`trap 81: generation ${generation}: committed and aborted transactions that overlap`, async (test) => {
      const topic = await test.topic()
      const one = await TransactionalProducer.writing(test, topic, generation)
      const two = await TransactionalProducer.writing(test, topic, generation)
      await one.write(topic)
      const [oneId, twoId] = [one.producerId, two.producerId]
      await two.finish(false)
      const beforeCommit = await read(test, topic)
      test.same([beforeCommit.offsets, beforeCommit.lastStableOffset], [[], 0], 'while the first is open')
      await one.finish(true)
      const after = await read(test, topic)
      test.same(after.offsets, [0, 1, 2, 3, 4], 'batches')
      test.same(after.abortedTransactions, [{ producerId: twoId, firstOffset: 1 }], 'aborted')
      test.same(oneId === twoId, false, 'whether the producers have one id')
    })

    wireCase(`generation ${generation}: only what was aborted in what is read is listed`, async (test) => {
      const topic = await test.topic()
      const producer = await TransactionalProducer.writing(test, topic, generation)
      const { producerId } = producer
      await producer.finish(false)
      await append(test, topic, batchOf(1))
      test.same((await read(test, topic, 2)).abortedTransactions, [], 'behind the marker')
      test.same((await read(test, topic, 1)).abortedTransactions, [{ producerId, firstOffset: 0 }], 'at the marker')
    })
  }

  wireCase('trap 53: the latest offset for read_committed is the last stable one', async (test) => {
    const topic = await test.topic()
    await append(test, topic, batchOf(3))
    const producer = await TransactionalProducer.writing(test, topic)
    test.same([await latest(test, topic, 1), await latest(test, topic, 0)], [3, 4], 'open')
    await producer.finish(true)
    test.same([await latest(test, topic, 1), await latest(test, topic, 0)], [5, 5], 'committed')
  })

  wireCase('an offset by time is not behind the last stable one', async (test) => {
    const topic = await test.topic()
    await append(test, topic, batchOf(1))
    const producer = await TransactionalProducer.writing(test, topic)
    test.same([await latest(test, topic, 0, 1), await latest(test, topic, 1, 1)], [0, 0], 'the first')
    await producer.finish(true)
    test.same(await latest(test, topic, 1, 1), 0, 'afterwards')
  })

  wireCase('trap 54: a commit wakes a read_committed fetch that waits', async (test) => {
    const topic = await test.topic()
    const producer = await TransactionalProducer.writing(test, topic)
    const consumer = await test.connect()
    const options = { maxWaitMs: 25_000, isolationLevel: READ_COMMITTED }
    const startMs = performance.now()
    const waiting = consumer.call(Fetch, 13, fetchRequest(topic, 0, options))
    test.same(await producer.end(true), 0, 'end')
    const { responses } = await waiting
    const offsets = batchesIn(responses[0]!.partitions[0]!.records).map(({ baseOffset }) => baseOffset)
    test.same(offsets, [0, 1], 'batches')
    test.same(performance.now() - startMs < 20_000, true, 'whether it was woken')
  })

  wireCase('a write into an open transaction does not wake a read_committed fetch for nothing', async (test) => {
    const topic = await test.topic()
    const producer = await TransactionalProducer.writing(test, topic)
    const consumer = await test.connect()
    const options = { maxWaitMs: 300, isolationLevel: READ_COMMITTED }
    const waiting = consumer.call(Fetch, 13, fetchRequest(topic, 0, options))
    await producer.write(topic)
    const { records, lastStableOffset } = (await waiting).responses[0]!.partitions[0]!
    test.same([records?.length, lastStableOffset], [0, 0], 'answer')
  })

  wireCase('the marker of an abort carries the epoch, and takes one offset', async (test) => {
    const topic = await test.topic()
    const producer = await TransactionalProducer.writing(test, topic)
    const { producerId, producerEpoch } = producer
    await producer.finish(false)
    const { responses } = await test.call(Fetch, 13, fetchRequest(topic, 1))
    const [marker, ...more] = batchesIn(responses[0]!.partitions[0]!.records)
    test.same(more, [], 'more batches')
    test.same(
      [marker!.producerId, marker!.producerEpoch, marker!.baseSequence, marker!.attributes & 0x30],
      [producerId, producerEpoch + 1, -1, 0x30],
      'header',
    )
    test.same(marker!.records[0]!.key, Buffer.from([0, 0, 0, 0]), 'key')
    test.same(marker!.records[0]!.value, Buffer.from([0, 0, 0, 0, 0, 0]), 'value')
    test.same(await endOffset(test, topic), 2, 'end of the log')
  })

  for (const generation of GENERATIONS) {
    wireCase(`generation ${generation}: DescribeProducers, before, during and after`, async (test) => {
      const topic = await test.topic()
      await append(test, topic, batchOf(2))
      const producer = await TransactionalProducer.start(test, generation)
      const { producerId, producerEpoch } = producer
      const describe = async () => {
        const { topics } = await test.call(DescribeProducers, 0, {
          topics: [{ name: topic.name, partitionIndexes: [0] }],
        })
        return topics[0]!.partitions[0]!.activeProducers
      }
      test.same(await describe(), [], 'before')
      await producer.write(topic, { count: 3 })
      const lastTimestamp = atLeast(1)
      const active = { producerId, producerEpoch, lastSequence: 2, lastTimestamp }
      test.same(await describe(), [{ ...active, coordinatorEpoch: -1, currentTxnStartOffset: 2 }], 'open')
      await producer.finish(true)
      const ended =
        generation === 1
          ? active
          : { ...active, producerEpoch: producerEpoch + 1, lastSequence: -1, lastTimestamp: anything }
      test.same(await describe(), [{ ...ended, coordinatorEpoch: atLeast(0), currentTxnStartOffset: -1 }], 'ended')
    })
  }
})
