import { ErrorCode } from '../../protocol/errors.ts'
import {
  AddPartitionsToTxn,
  type AddPartitionsToTxnRequest,
  type AddPartitionsToTxnResponse,
} from '../../protocol/messages/24-add-partitions-to-txn.ts'
import type { TopicPartition } from '../coordinator/transaction/transaction-records.ts'
import { TransactionVersion } from '../coordinator/transaction/transaction-state.ts'
import { apiEntry } from './api-entry.ts'
import type { RequestContext } from './context.ts'
import { fencedFor } from './transaction-errors.ts'

type Transaction = AddPartitionsToTxnRequest['transactions'][number]
type Topics = Transaction['topics']
type ErrorOf = (partition: TopicPartition) => ErrorCode

const FENCED_VERSION = 2
/** From here on a request has several transactions, each with its own answer. */
const BATCH_VERSION = 4

export const addPartitionsToTxn = apiEntry(AddPartitionsToTxn, {
  handle: handleAddPartitions,
  fail: (request, error, context) =>
    shape(
      context,
      transactionsOf(context, request).map((transaction) => answer(transaction, () => error)),
    ),
})

async function handleAddPartitions(
  context: RequestContext,
  request: AddPartitionsToTxnRequest,
): Promise<AddPartitionsToTxnResponse> {
  const transactions = transactionsOf(context, request)
  const answers = transactions.map(async (transaction) => answer(transaction, await add(context, transaction)))
  return shape(context, await Promise.all(answers))
}

function transactionsOf({ apiVersion }: RequestContext, request: AddPartitionsToTxnRequest): readonly Transaction[] {
  if (apiVersion >= BATCH_VERSION) return request.transactions
  return [
    {
      transactionalId: request.v3AndBelowTransactionalId,
      producerId: request.v3AndBelowProducerId,
      producerEpoch: request.v3AndBelowProducerEpoch,
      verifyOnly: false,
      topics: request.v3AndBelowTopics,
    },
  ]
}

/** All or nothing: where one partition does not exist, none is added. */
async function add({ broker, apiVersion }: RequestContext, transaction: Transaction): Promise<ErrorOf> {
  const { transactionalId, producerId, producerEpoch, verifyOnly, topics } = transaction
  if (transactionalId === '') return () => ErrorCode.INVALID_REQUEST
  const { image } = broker.metadata
  const exists = ({ topic, partition }: TopicPartition) => image.topics.get(topic)?.partitions[partition] !== undefined
  const partitions = partitionsOf(topics)
  if (!partitions.every(exists)) {
    return (one) => (exists(one) ? ErrorCode.OPERATION_NOT_ATTEMPTED : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  }
  const call = { transactionalId, producerId, producerEpoch, partitions }
  if (!verifyOnly) {
    const transactionVersion = TransactionVersion.EXPLICIT
    const { error } = await broker.transactions.addPartitions({ ...call, transactionVersion })
    return () => fencedFor(apiVersion, FENCED_VERSION, error)
  }
  const { error, added } = await broker.transactions.verifyPartitions(call)
  if (error !== ErrorCode.NONE) return () => error
  const missing = new Set(partitions.filter((_one, at) => !added[at]).map(nameOf))
  return (one) => (missing.has(nameOf(one)) ? ErrorCode.TRANSACTION_ABORTABLE : ErrorCode.NONE)
}

function partitionsOf(topics: Topics): TopicPartition[] {
  return topics.flatMap(({ name, partitions }) => partitions.map((partition) => ({ topic: name, partition })))
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}:${partition}`
}

function answer({ transactionalId, topics }: Transaction, errorOf: ErrorOf) {
  const topicResults = topics.map(({ name, partitions }) => ({
    name,
    resultsByPartition: partitions.map((partition) => ({
      partitionIndex: partition,
      partitionErrorCode: errorOf({ topic: name, partition }),
    })),
  }))
  return { transactionalId, topicResults }
}

function shape(
  { apiVersion }: RequestContext,
  answers: readonly ReturnType<typeof answer>[],
): AddPartitionsToTxnResponse {
  if (apiVersion >= BATCH_VERSION) {
    return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, resultsByTransaction: answers }
  }
  return { throttleTimeMs: 0, resultsByTopicV3AndBelow: answers[0]!.topicResults }
}
