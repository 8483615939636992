import type { ErrorCode } from '../../../protocol/errors.ts'
import type { BrokerConfig } from '../../config/broker-config.ts'
import type { Effects } from '../effects.ts'
import type { EndingTransaction, ProducerIdResult, TransactionResponse, TransactionTimer } from './transaction-calls.ts'
import type { StoredTransaction, TransactionRecord } from './transaction-records.ts'

export type TransactionConfig = Pick<
  BrokerConfig,
  | 'transaction.max.timeout.ms'
  | 'transaction.abort.timed.out.transaction.cleanup.interval.ms'
  | 'transaction.remove.expired.transaction.cleanup.interval.ms'
  | 'transactional.id.expiration.ms'
>

export type TransactionEffects = Effects<TransactionResponse, TransactionTimer, TransactionRecord, EndingTransaction>

/** What the functions that decide an event share. */
export interface Scope {
  readonly config: TransactionConfig
  readonly effects: TransactionEffects
  readonly nowMs: number
}

/**
 * Transactional ids of one shard; a program that makes up an id per run hits this, not the end of memory. Kafka has no
 * such limit. POLICY_VIOLATION.
 */
export const MAX_TRANSACTIONAL_IDS_PER_SHARD = 20_000

export const NO_PRODUCER = { producerId: -1, producerEpoch: -1 }

export function refusedProducer(error: ErrorCode): ProducerIdResult {
  return { error, ...NO_PRODUCER }
}

/** Writes the next state of an id. What is not said stays as it is. */
export function transit(
  { effects, nowMs }: Scope,
  transactionalId: string,
  from: StoredTransaction,
  to: Partial<StoredTransaction>,
): StoredTransaction {
  const value = { ...from, lastUpdateMs: nowMs, ...to }
  effects.write({ transactionalId, value })
  return value
}

/** Decides the outcome: once it is durable the partitions get their markers. */
export function prepare(
  scope: Scope,
  transactionalId: string,
  from: StoredTransaction,
  commit: boolean,
  to: Partial<StoredTransaction>,
): StoredTransaction {
  const state = commit ? 'PrepareCommit' : 'PrepareAbort'
  const value = transit(scope, transactionalId, from, { ...to, state })
  noteEnding(scope, transactionalId, value)
  return value
}

export function noteEnding({ effects }: Scope, transactionalId: string, value: StoredTransaction): void {
  const { producerId, producerEpoch, partitions, clientTransactionVersion } = value
  effects.note({
    ...{ transactionalId, producerId, producerEpoch, partitions },
    commit: value.state === 'PrepareCommit',
    transactionVersion: clientTransactionVersion,
  })
}

/**
 * Ends what a producer has left open, on behalf of another or because it took too long. The epoch rises, so that it
 * cannot go on; it can ask for its identity again as long as nobody else has.
 */
export function abortForeign(scope: Scope, transactionalId: string, from: StoredTransaction): void {
  const { producerEpoch } = from
  prepare(scope, transactionalId, from, false, { producerEpoch: producerEpoch + 1, lastProducerEpoch: producerEpoch })
}
