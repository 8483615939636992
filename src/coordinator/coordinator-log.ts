import type { ErrorCode } from '../../protocol/errors.ts'

/** A record of a coordinator's log as its bytes; a null value is a tombstone. */
export interface CoordinatorRecord {
  readonly key: Buffer
  readonly value: Buffer | null
}

/** Which producer, and which of its lives. */
export interface ProducerIdentity {
  readonly producerId: number
  readonly producerEpoch: number
}

/** The marker that ends a producer's transaction in a log: what it wrote there since the one before counts, or does not. */
export interface TransactionEnd extends ProducerIdentity {
  readonly commit: boolean
  /** Of the transaction's coordinator. */
  readonly coordinatorEpoch: number
}

/** One append: records, as part of a producer's transaction or not; or the end of such a transaction. */
export interface LogWrite {
  readonly records: readonly CoordinatorRecord[]
  readonly producer: ProducerIdentity | null
  readonly transactionEnd: TransactionEnd | null
}

export interface LoggedProducer {
  readonly producerEpoch: number
  /** Of the last marker, -1 before the first. */
  readonly coordinatorEpoch: number
  /** Markers that were seen since the log was opened. */
  readonly endedTransactions: number
}

export interface LogReplay {
  /** With the producer whose transaction the record belongs to, null for one that counts at once. */
  record(record: CoordinatorRecord, producer: ProducerIdentity | null): void
  transactionEnd(end: TransactionEnd): void
}

/** What one kind of coordinator needs of storage: one log per shard, read whole at the start and then only appended to. */
export interface CoordinatorLog {
  /** Shards there are; fixed from the creation of the logs on. */
  shardCount(): number
  /** What a shard's log knows of a producer that has written to it; an older epoch than that is refused there. */
  producer(shard: number, producerId: number): LoggedProducer | undefined
  /**
   * Feeds every record and marker of a shard to `replay`, oldest first; a log that does not exist yet has none. The
   * buffers are views that end with the call. Rejects when the log cannot be read.
   */
  load(shard: number, replay: LogReplay): Promise<void>
  /**
   * Appends to a shard in the order of the calls and resolves when the records are as durable as coordinators promise:
   * NONE, or why they are not. `fence` is what Membership.fenceFor said when the shard was loaded; an older one is
   * refused with NOT_COORDINATOR.
   */
  append(shard: number, fence: number, write: LogWrite, nowMs: number): Promise<ErrorCode>
}
