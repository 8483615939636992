import { ErrorCode } from '../../protocol/errors.ts'
import {
  TxnOffsetCommit,
  type TxnOffsetCommitRequest,
  type TxnOffsetCommitResponse,
} from '../../protocol/messages/28-txn-offset-commit.ts'
import { enterTransaction } from '../broker/transaction-partitions.ts'
import type { OffsetToCommit } from '../coordinator/group/group-calls.ts'
import { GROUP_METADATA_TOPIC } from '../metadata/internal-topics.ts'
import { apiEntry } from './api-entry.ts'
import type { RequestContext } from './context.ts'

/** Producers from before give up on a coordinator that loads, and repeat the request to one that is not available. */
const LOADING_VERSION = 2
/** From here on a producer may be told to abort, and goes on with another transaction. */
const ABORTABLE_VERSION = 4
/** From here on the offsets make their partition part of the transaction (KIP-890). */
const IMPLICIT_VERSION = 5

export const txnOffsetCommit = apiEntry(TxnOffsetCommit, {
  handle: handleTxnOffsetCommit,
  fail: (request, error) => respond(request, () => error),
})

async function handleTxnOffsetCommit(
  context: RequestContext,
  request: TxnOffsetCommitRequest,
): Promise<TxnOffsetCommitResponse> {
  const { apiVersion, broker } = context
  const { groupId, transactionalId } = request
  if (groupId === '') return respond(request, () => ErrorCode.INVALID_GROUP_ID)
  if (transactionalId === '') return respond(request, () => ErrorCode.INVALID_REQUEST)
  const { image } = broker.metadata
  const offsets: OffsetToCommit[] = []
  /** In the order of the request: the place among the offsets, or -1 for a partition that does not exist. */
  const places = request.topics.map(({ name, partitions }) => {
    const topic = image.topics.get(name)
    return partitions.map((partition) => {
      if (topic?.partitions[partition.partitionIndex] === undefined) return -1
      return offsets.push(offsetOf(name, topic.id, partition)) - 1
    })
  })
  const errors = offsets.length === 0 ? [] : await commit(context, request, offsets)
  return respond(request, (topic, partition) => {
    const at = places[topic]![partition]!
    if (at < 0) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    return inVersion(apiVersion, errors[at]!)
  })
}

function offsetOf(
  topic: string,
  topicId: string,
  partition: TxnOffsetCommitRequest['topics'][number]['partitions'][number],
): OffsetToCommit {
  return {
    topic,
    topicId,
    partition: partition.partitionIndex,
    offset: partition.committedOffset,
    leaderEpoch: partition.committedLeaderEpoch,
    metadata: partition.committedMetadata ?? '',
  }
}

async function commit(
  { apiVersion, broker }: RequestContext,
  request: TxnOffsetCommitRequest,
  offsets: readonly OffsetToCommit[],
): Promise<readonly ErrorCode[]> {
  const { transactionalId, producerId, producerEpoch, groupId, generationId, memberId, groupInstanceId } = request
  const member = { transactionalId, producerId, producerEpoch, implicit: apiVersion >= IMPLICIT_VERSION }
  const partition = { topic: GROUP_METADATA_TOPIC, partition: broker.groups.shardOf(groupId) }
  const ended = () => broker.groups.endedTransactions(groupId, producerId)
  const endedBefore = ended()
  const [error] = await enterTransaction(broker, member, [partition])
  if (error !== ErrorCode.NONE) return offsets.map(() => refusalOf(error!, apiVersion))
  // The marker has overtaken them, and nobody would ever end what comes behind it. Epochs of their own are refused there.
  if (!member.implicit && ended() !== endedBefore) return offsets.map(() => ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
  const call = { groupId, producerId, producerEpoch, generationId, memberId, groupInstanceId, offsets }
  return (await broker.groups.commitOffsetsInTransaction(call)).errors
}

/** What the transaction's coordinator said, as a client of the group's coordinator understands it. */
function refusalOf(error: ErrorCode, apiVersion: number): ErrorCode {
  switch (error) {
    case ErrorCode.INVALID_TXN_STATE:
      return apiVersion >= ABORTABLE_VERSION ? ErrorCode.TRANSACTION_ABORTABLE : error
    case ErrorCode.PRODUCER_FENCED:
      return ErrorCode.INVALID_PRODUCER_EPOCH
    case ErrorCode.CONCURRENT_TRANSACTIONS:
      return ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
    case ErrorCode.NOT_COORDINATOR:
      return ErrorCode.COORDINATOR_NOT_AVAILABLE
    default:
      return error
  }
}

function inVersion(apiVersion: number, error: ErrorCode): ErrorCode {
  const isUnknown = error === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS && apiVersion < LOADING_VERSION
  return isUnknown ? ErrorCode.COORDINATOR_NOT_AVAILABLE : error
}

function respond(
  { topics }: TxnOffsetCommitRequest,
  errorOf: (topic: number, partition: number) => ErrorCode,
): TxnOffsetCommitResponse {
  return {
    throttleTimeMs: 0,
    topics: topics.map(({ name, partitions }, topicAt) => ({
      name,
      partitions: partitions.map(({ partitionIndex }, at) => ({ partitionIndex, errorCode: errorOf(topicAt, at) })),
    })),
  }
}
