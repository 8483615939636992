import { ErrorCode } from '../../protocol/errors.ts'
import { DescribeProducers, type DescribeProducersResponse } from '../../protocol/messages/61-describe-producers.ts'
import { topicNameProblem } from '../metadata/topic-name.ts'
import { apiEntry } from './api-entry.ts'
import type { RequestContext } from './context.ts'

type PartitionResponse = DescribeProducersResponse['topics'][number]['partitions'][number]

export const describeProducers = apiEntry(DescribeProducers, {
  handle: (context, { topics }) => ({
    throttleTimeMs: 0,
    topics: topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((index) => describe(context, name, index)),
    })),
  }),
  fail: ({ topics }, error) => ({
    throttleTimeMs: 0,
    topics: topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((index) => failed(index, error, null)),
    })),
  }),
})

function describe({ broker }: RequestContext, name: string, partitionIndex: number): PartitionResponse {
  const problem = topicNameProblem(name)
  if (problem !== null) return failed(partitionIndex, ErrorCode.INVALID_TOPIC_EXCEPTION, problem)
  const located = broker.partitions.locate(broker.metadata.image.topics.get(name), partitionIndex)
  if (located.log === null) return failed(partitionIndex, located.error, null)
  const activeProducers = broker.store.producers(located.log).map((producer) => ({
    producerId: producer.producerId,
    producerEpoch: producer.producerEpoch,
    lastSequence: producer.lastSequence,
    lastTimestamp: producer.lastTimestampMs,
    coordinatorEpoch: producer.coordinatorEpoch,
    currentTxnStartOffset: producer.currentTransactionFirstOffset,
  }))
  return { partitionIndex, errorCode: ErrorCode.NONE, errorMessage: null, activeProducers }
}

function failed(partitionIndex: number, errorCode: ErrorCode, errorMessage: string | null): PartitionResponse {
  return { partitionIndex, errorCode, errorMessage, activeProducers: [] }
}
