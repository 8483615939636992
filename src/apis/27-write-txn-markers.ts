import { ErrorCode } from '../../protocol/errors.ts'
import { WriteTxnMarkers, type WriteTxnMarkersRequest } from '../../protocol/messages/27-write-txn-markers.ts'
import type { TopicPartition } from '../coordinator/transaction/transaction-records.ts'
import { TransactionVersion } from '../coordinator/transaction/transaction-state.ts'
import { apiEntry } from './api-entry.ts'
import type { RequestContext } from './context.ts'

type Marker = WriteTxnMarkersRequest['markers'][number]

/** An administrator ends a transaction that its coordinator knows nothing of. */
export const writeTxnMarkers = apiEntry(WriteTxnMarkers, {
  async handle(context, { markers }) {
    return { markers: await Promise.all(markers.map((marker) => write(context, marker))) }
  },
  fail: ({ markers }, error) => ({ markers: markers.map((marker) => answer(marker, () => error)) }),
})

async function write(context: RequestContext, marker: Marker) {
  const { producerId, producerEpoch, coordinatorEpoch, transactionResult: commit } = marker
  const refusals = new Map<string, ErrorCode>()
  const partitions: TopicPartition[] = []
  for (const { name, partitionIndexes } of marker.topics) {
    for (const partition of partitionIndexes) {
      const error = refusalOf(context, marker, name, partition)
      refusals.set(nameOf(name, partition), error)
      if (error === ErrorCode.NONE) partitions.push({ topic: name, partition })
    }
  }
  const end = { producerId, producerEpoch, commit, coordinatorEpoch }
  const errors = await context.broker.markers.write(partitions, end)
  for (const [at, { topic, partition }] of partitions.entries()) refusals.set(nameOf(topic, partition), errors[at]!)
  return answer(marker, (topic, partition) => refusals.get(nameOf(topic, partition))!)
}

function refusalOf({ broker }: RequestContext, marker: Marker, topic: string, partition: number): ErrorCode {
  const { error, log } = broker.partitions.locate(broker.metadata.image.topics.get(topic), partition)
  if (log === null || marker.transactionVersion < TransactionVersion.IMPLICIT) return error
  const known = broker.store.producer(log, marker.producerId)
  const isOpen = known !== undefined && known.currentTransactionFirstOffset >= 0
  return isOpen && marker.producerEpoch <= known.producerEpoch ? ErrorCode.INVALID_PRODUCER_EPOCH : ErrorCode.NONE
}

function nameOf(topic: string, partition: number): string {
  return `${topic}:${partition}`
}

function answer({ producerId, topics }: Marker, errorOf: (topic: string, partition: number) => ErrorCode) {
  return {
    producerId,
    topics: topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => ({
        partitionIndex,
        errorCode: errorOf(name, partitionIndex),
      })),
    })),
  }
}
