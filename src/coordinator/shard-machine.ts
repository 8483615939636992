import type { ErrorCode } from '../../protocol/errors.ts'
import type { ProducerIdentity, TransactionEnd } from './coordinator-log.ts'

/**
 * The contract of every coordinator: a pure, synchronous state machine per shard. No promises, no clock, no I/O: what
 * it wants to happen is data in its outcome, so a test joins, advances the time and compares.
 *
 * Q requests, S responses, T what a timer says when it fires, R records of the shard's log, N what observers are told.
 */
export interface ShardMachine<Q, S, T, R, N = never> {
  /** Decides. What must survive a restart changes only when the runtime replays the records of the outcome. */
  handle(event: ShardEvent<Q, T>, nowMs: number): Outcome<S, T, R, N>
  /**
   * Applies a record: those of an outcome at once, those of the log when the shard is loaded. With a producer it counts
   * only once that producer's transaction is committed.
   */
  replay(record: R, producer: ProducerIdentity | null): void
  /** Applies the end of a producer's transaction; left out where no log has any. */
  replayTransactionEnd?(end: TransactionEnd): void
  /** The answer to a request that never reached the machine: the shard is loading, has moved, or lost its state. */
  refuse(request: Q, error: ErrorCode): S
}

export type ShardEvent<Q, T> =
  | { readonly kind: 'request'; readonly token: number; readonly request: Q }
  | { readonly kind: 'timer'; readonly timer: T }
  /** After the whole log has been replayed: deadlines start here. */
  | { readonly kind: 'loaded' }

export interface Outcome<S, T, R, N = never> {
  readonly records: readonly R[]
  /** Whose transaction all of the records belong to; null for records that count at once. */
  readonly producer: ProducerIdentity | null
  /** A transaction ends in this shard; nothing else is written then. */
  readonly transactionEnd: TransactionEnd | null
  /** Answers to this request or to earlier ones that were parked. */
  readonly replies: readonly Reply<S>[]
  readonly timers: readonly TimerAction<T>[]
  /** What happened, for whoever observes: told once it is as durable as the replies have to be, and before them. */
  readonly notes: readonly N[]
}

export interface Reply<S> {
  readonly token: number
  readonly response: S
}

/** A key has at most one timer: scheduling it again replaces it. A null event cancels it. */
export interface TimerAction<T> {
  readonly key: string
  readonly event: T | null
  readonly delayMs: number
}

/** Turns a machine's records into the bytes of its log and back. */
export interface RecordCodec<R> {
  encode(record: R): { readonly key: Buffer; readonly value: Buffer | null }
  /** Null for a record of a kind that this version does not know. Must not keep views of the buffers. */
  decode(key: Buffer, value: Buffer | null): R | null
}
