import { ErrorCode } from '../../protocol/errors.ts'
import type { ProduceRequest } from '../../protocol/messages/00-produce.ts'
import { producerEpoch, producerId } from '../../protocol/records/batch.ts'
import { holdsTransactionalBatch } from '../broker/produce-rules.ts'
import { enterTransaction } from '../broker/transaction-partitions.ts'
import type { ProducerIdentity } from '../coordinator/coordinator-log.ts'
import type { TopicPartition } from '../coordinator/transaction/transaction-records.ts'
import type { LogHandle, ProducerStateEntry } from '../storage/storage.ts'
import type { RequestContext } from './context.ts'

/** From here on the first batch for a partition makes it part of the transaction (KIP-890). */
const IMPLICIT_VERSION = 12
/** From here on a producer may be told to abort, and goes on with another transaction. */
const ABORTABLE_VERSION = 11
const TOPIC_IDS_VERSION = 13

export interface TransactionRefusal {
  readonly errorCode: ErrorCode
  readonly errorMessage: string
}

/** Why partitions may not be written to, by topic name and index. */
export type TransactionRefusals = ReadonlyMap<string, TransactionRefusal>

/** A partition in which the log shows no open transaction of the producer, and what it shows instead. */
interface UnknownToLog extends TopicPartition {
  readonly log: LogHandle
  readonly producer: ProducerIdentity
  readonly known: ProducerStateEntry | undefined
}

const ENDED = 'The transaction was ended while the records were on their way: try again.'

export const NO_REFUSALS: TransactionRefusals = new Map()

export function refusalKey(topic: string, index: number): string {
  return `${topic}:${index}`
}

export function isTransactionalProduce({ topicData }: ProduceRequest): boolean {
  return topicData.some(({ partitionData }) =>
    partitionData.some(({ records }) => records !== null && holdsTransactionalBatch(records)),
  )
}

/**
 * Asks the coordinator about those partitions of a request in which the producer's transaction has not begun. Null when
 * there is none: the log itself shows that they belong to it. What it gives is to be called in the turn of the append.
 */
export function askCoordinator(
  context: RequestContext,
  request: ProduceRequest,
): Promise<() => TransactionRefusals> | null {
  const { broker, apiVersion } = context
  const implicit = apiVersion >= IMPLICIT_VERSION
  if (!implicit && !verifies(broker)) return null
  const asked = new Map<string, { producer: ProducerIdentity; partitions: TopicPartition[] }>()
  const unknown = [...unknownToLog(context, request)]
  for (const { topic, partition, producer } of unknown) {
    const name = `${producer.producerId}:${producer.producerEpoch}`
    const own = asked.get(name)
    if (own) own.partitions.push({ topic, partition })
    else asked.set(name, { producer, partitions: [{ topic, partition }] })
  }
  const transactionalId = request.transactionalId
  if (asked.size === 0 || transactionalId === null) return null
  const answers = collect(
    [...asked.values()].map(async ({ producer, partitions }) => {
      const errors = await enterTransaction(broker, { ...producer, transactionalId, implicit }, partitions)
      return partitions.map((one, at) => ({ ...one, error: errors[at]! }))
    }),
    apiVersion,
  )
  // With an epoch for each transaction the log itself refuses what comes behind the marker.
  return answers.then((refusals) => () => (implicit ? refusals : withEnded(broker, unknown, refusals)))
}

/** A marker may have been written since the coordinator was asked: what came behind it nobody would ever end. */
function withEnded(
  { store }: RequestContext['broker'],
  asked: Iterable<UnknownToLog>,
  refusals: Map<string, TransactionRefusal>,
): TransactionRefusals {
  for (const { topic, partition, log, producer, known } of asked) {
    const now = store.producer(log, producer.producerId)
    if ((now?.endedTransactions ?? 0) === (known?.endedTransactions ?? 0)) continue
    const key = refusalKey(topic, partition)
    if (!refusals.has(key)) refusals.set(key, { errorCode: ErrorCode.NOT_ENOUGH_REPLICAS, errorMessage: ENDED })
  }
  return refusals
}

function verifies({ effectiveConfig, metadata }: RequestContext['broker']): boolean {
  return effectiveConfig.of(metadata.image)['transaction.partition.verification.enable']
}

function* unknownToLog(
  { broker, apiVersion }: RequestContext,
  { topicData }: ProduceRequest,
): Generator<UnknownToLog, void> {
  const { image } = broker.metadata
  for (const { name, topicId, partitionData } of topicData) {
    const topic = apiVersion >= TOPIC_IDS_VERSION ? image.topicsById.get(topicId) : image.topics.get(name)
    if (topic === undefined) continue
    for (const { index, records } of partitionData) {
      if (records === null || !holdsTransactionalBatch(records)) continue
      const { log } = broker.partitions.locate(topic, index)
      if (log === null) continue
      const producer = { producerId: producerId(records, 0), producerEpoch: producerEpoch(records, 0) }
      const known = broker.store.producer(log, producer.producerId)
      const goesOn = known?.producerEpoch === producer.producerEpoch && known.currentTransactionFirstOffset >= 0
      if (!goesOn) yield { topic: topic.name, partition: index, log, producer, known }
    }
  }
}

async function collect(
  answers: readonly Promise<readonly (TopicPartition & { readonly error: ErrorCode })[]>[],
  apiVersion: number,
): Promise<Map<string, TransactionRefusal>> {
  const refusals = new Map<string, TransactionRefusal>()
  for (const { topic, partition, error } of (await Promise.all(answers)).flat()) {
    if (error !== ErrorCode.NONE) refusals.set(refusalKey(topic, partition), refusalOf(error, apiVersion))
  }
  return refusals
}

/** Producers from before the check understand none of the coordinator's errors; what they repeat is NOT_ENOUGH_REPLICAS. */
function refusalOf(error: ErrorCode, apiVersion: number): TransactionRefusal {
  switch (error) {
    case ErrorCode.PRODUCER_FENCED:
      return {
        errorCode: ErrorCode.INVALID_PRODUCER_EPOCH,
        errorMessage:
          'A newer producer with the same transactional id has taken over, or the transaction took too long.',
      }
    case ErrorCode.INVALID_TXN_STATE:
      return {
        errorCode: apiVersion >= ABORTABLE_VERSION ? ErrorCode.TRANSACTION_ABORTABLE : error,
        errorMessage: 'Partition was not added to the transaction',
      }
    case ErrorCode.INVALID_PRODUCER_ID_MAPPING:
      return { errorCode: error, errorMessage: 'The producer id is not that of this transactional id.' }
    case ErrorCode.CONCURRENT_TRANSACTIONS:
      if (apiVersion >= IMPLICIT_VERSION)
        return { errorCode: error, errorMessage: 'The transaction before this one is still being completed.' }
  }
  const errorMessage = `The transaction could not be verified (error ${error} of its coordinator): try again.`
  return { errorCode: ErrorCode.NOT_ENOUGH_REPLICAS, errorMessage }
}
