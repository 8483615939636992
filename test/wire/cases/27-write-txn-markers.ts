import { ListOffsets } from '../../../protocol/messages/02-list-offsets.ts'
import { WriteTxnMarkers } from '../../../protocol/messages/27-write-txn-markers.ts'
import { DescribeProducers } from '../../../protocol/messages/61-describe-producers.ts'
import { batchesIn } from '../batches.ts'
import { bytesOf, endOffset, producerId } from '../data.ts'
import { describeTransaction, TransactionalProducer } from '../transactional-producer.ts'
import { versionsOf, wireCases } from '../wire-case.ts'
import type { TestTopic, WireTest } from '../wire-test.ts'

interface Marking {
  readonly producerId: number
  readonly producerEpoch: number
  readonly committed?: boolean
  readonly coordinatorEpoch?: number
  readonly transactionVersion?: number
  readonly partitions?: number[]
}

async function mark(test: WireTest, version: number, { name }: TestTopic, marking: Marking): Promise<number[]> {
  const { committed = false, coordinatorEpoch = 0, transactionVersion = 0, partitions = [0] } = marking
  const { markers } = await test.call(WriteTxnMarkers, version, {
    markers: [
      {
        ...{ producerId: marking.producerId, producerEpoch: marking.producerEpoch, transactionResult: committed },
        ...{ coordinatorEpoch, transactionVersion, topics: [{ name, partitionIndexes: partitions }] },
      },
    ],
  })
  test.same([markers.length, markers[0]?.producerId], [1, marking.producerId], 'producers')
  const answers = [...markers[0]!.topics[0]!.partitions]
  return answers.sort((one, other) => one.partitionIndex - other.partitionIndex).map(({ errorCode }) => errorCode)
}

async function openOffset(test: WireTest, { name }: TestTopic, id: number): Promise<number | undefined> {
  const { topics } = await test.call(DescribeProducers, 0, { topics: [{ name, partitionIndexes: [0] }] })
  return topics[0]!.partitions[0]!.activeProducers.find((one) => one.producerId === id)?.currentTxnStartOffset
}

async function latest(test: WireTest, { name }: TestTopic): Promise<number> {
  const partitions = [{ partitionIndex: 0, timestamp: -1 }]
  const request = { replicaId: -1, isolationLevel: 1, topics: [{ name, partitions }] }
  return (await test.call(ListOffsets, 7, request)).topics[0]!.partitions[0]!.offset
}

export const writeTxnMarkersCases = wireCases('WriteTxnMarkers', (wireCase) => {
  for (const version of versionsOf(WriteTxnMarkers)) {
    for (const committed of [true, false]) {
      wireCase(`v${version} ends an open transaction (${committed ? 'commit' : 'abort'})`, async (test) => {
        const topic = await test.topic()
        const producer = await TransactionalProducer.writing(test, topic, 1)
        test.same(await openOffset(test, topic, producer.producerId), 0, 'open')
        test.same(await mark(test, version, topic, { ...producer.identity, committed }), [0], 'errors')
        test.same(await openOffset(test, topic, producer.producerId), -1, 'closed')
        const marker = batchesIn(await bytesOf(test, topic, 1))[0]!
        test.same((marker.attributes & 0x30) === 0x30, true, 'whether it is a control batch of a transaction')
        test.same(marker.records[0]!.key, Buffer.from([0, 0, 0, committed ? 1 : 0]), 'control key')
        test.same([marker.producerEpoch, marker.baseSequence], [producer.producerEpoch, -1], 'epoch and sequence')
      })
    }

    wireCase(`v${version} of a producer that has written nothing is written too`, async (test) => {
      const topic = await test.topic()
      const id = await producerId(test)
      test.same(await mark(test, version, topic, { producerId: id, producerEpoch: 0 }), [0], 'errors')
      test.same(await endOffset(test, topic), 1, 'end of the log')
    })

    wireCase(`v${version} of partitions that do not exist`, async (test) => {
      const topic = await test.topic()
      const id = await producerId(test)
      const marking = { producerId: id, producerEpoch: 0, partitions: [0, 5] }
      test.same(await mark(test, version, topic, marking), [0, 3], 'errors')
    })

    wireCase(`v${version} with an epoch from before is refused, and nothing is written`, async (test) => {
      const topic = await test.topic()
      const id = await producerId(test)
      test.same(await mark(test, version, topic, { producerId: id, producerEpoch: 3 }), [0], 'first marker')
      test.same(await mark(test, version, topic, { producerId: id, producerEpoch: 2 }), [47], 'older marker')
      test.same(await endOffset(test, topic), 1, 'end of the log')
    })

    wireCase(`v${version} of a coordinator from before is refused`, async (test) => {
      const topic = await test.topic()
      const id = await producerId(test)
      const marking = { producerId: id, producerEpoch: 0 }
      test.same(await mark(test, version, topic, { ...marking, coordinatorEpoch: 7 }), [0], 'first marker')
      test.same(await mark(test, version, topic, { ...marking, coordinatorEpoch: 6 }), [52], 'marker from before')
      test.same(await endOffset(test, topic), 1, 'end of the log')
    })
  }

  wireCase('of transaction.version 2 the epoch of an open transaction is too low', async (test) => {
    const topic = await test.topic()
    const producer = await TransactionalProducer.writing(test, topic, 2)
    const { identity } = producer
    test.same(await mark(test, 2, topic, { ...identity, transactionVersion: 2 }), [47], 'the same epoch')
    const next = { ...identity, producerEpoch: identity.producerEpoch + 1, transactionVersion: 2 }
    test.same(await mark(test, 2, topic, next), [0], 'the next epoch')
    test.same(await mark(test, 2, topic, next), [0], 'the next epoch again')
    test.same(await openOffset(test, topic, producer.producerId), -1, 'closed')
  })

  wireCase(
    'a hanging transaction, of which no coordinator knows, is seen and ended',
    async (test) => {
      const topic = await test.topic()
      const producer = await TransactionalProducer.start(test, 1)
      const { errorCode } = await producer.send(topic, { version: 9 })
      test.same(errorCode, 0, 'the write into no transaction')
      test.same((await describeTransaction(test, producer.id)).transactionState, 'Empty', 'what the coordinator knows')
      test.same(await openOffset(test, topic, producer.producerId), 0, 'open')
      test.same(await latest(test, topic), 0, 'last stable offset')
      await producer.begin()
      test.same(await latest(test, topic), 0, 'last stable offset after the next producer has come')
      test.same(await mark(test, 1, topic, { producerId: producer.producerId, producerEpoch: 0 }), [0], 'errors')
      test.same(await openOffset(test, topic, producer.producerId), -1, 'closed')
      test.same(await latest(test, topic), 2, 'last stable offset in the end')
    },
    'impatient',
  )

  wireCase('no markers at all', async (test) => {
    await test.expect(WriteTxnMarkers, 1, { markers: [] }, { markers: [] })
  })
})
