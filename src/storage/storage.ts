import type { ErrorCode } from '../../protocol/errors.ts'
import type { TopicConfig } from '../config/topic-config.ts'

/**
 * The seam between the broker and what keeps its records: segment logs on one disk today, shared storage later.
 * Whatever may touch storage is awaited, also where the local engine could answer at once.
 */

/** How long an append must have survived before it is answered: not at all, in the operating system, or on the disk. */
export type Durability = 'none' | 'os' | 'disk'

export interface LogIdentity {
  readonly topic: string
  /** 22 characters of base64url. */
  readonly topicId: string
  readonly partition: number
}

/** One partition's log, as the store hands it out. Only the store knows what is behind it. */
export interface LogHandle extends LogIdentity {
  /** The offsets as of now, without touching storage. */
  readonly offsets: LogOffsets
}

export interface LogOffsets {
  /** First offset a reader may ask for. */
  readonly logStartOffset: number
  /** One past the last record that may be read uncommitted: in the file, though perhaps not yet on the disk. */
  readonly highWatermark: number
  /** First offset of the earliest open transaction, or the high watermark. */
  readonly lastStableOffset: number
  /** One past the last assigned offset. */
  readonly logEndOffset: number
}

/**
 * client: validated and rewritten as a producer's (03 validation, limits of the topic).
 * coordinator: batches made by this broker; only offsets, epoch and producer state are dealt with.
 */
export type AppendOrigin = 'client' | 'coordinator'

export interface Append {
  readonly log: LogHandle
  /** Whole record batches, base offset 0 each. May be patched in place; must not be touched by the caller afterwards. */
  readonly records: Buffer
  readonly origin: AppendOrigin
  readonly leaderEpoch: number
  /** Version of the Produce request; decides whether zstd is legal. Coordinators give the newest. */
  readonly produceVersion: number
}

export interface AppendResult {
  readonly error: ErrorCode
  readonly message: string | null
  readonly recordErrors: readonly RecordError[]
  /** Offset of the first record (of the original one for a duplicate), -1 on error. */
  readonly baseOffset: number
  /** Offset after the last record of this append. That it is as durable as was asked says the promise of the append. */
  readonly nextOffset: number
  /** -1 unless the topic stamps records itself, or for a duplicate the timestamp of the stored batch. */
  readonly logAppendTimeMs: number
  readonly logStartOffset: number
  /** An idempotent producer's batch that was there already: nothing was appended. */
  readonly duplicate?: true
}

export interface RecordError {
  readonly batchIndex: number
  readonly message: string
}

/** Whether records of transactions that are open or were aborted are seen. */
export type Isolation = 'read_uncommitted' | 'read_committed'

export interface Read {
  readonly log: LogHandle
  readonly offset: number
  readonly maxBytes: number
}

export interface ReadLimits {
  /** Bytes over all partitions, in the order given. The first batch of the first non-empty partition is exempt. */
  readonly maxBytes: number
  readonly isolation: Isolation
}

export interface ReadResult extends LogOffsets {
  /** OFFSET_OUT_OF_RANGE, KAFKA_STORAGE_ERROR … with empty chunks; the offsets are then still the log's own. */
  readonly error: ErrorCode
  /** Whole batches, the first one containing the offset; views that stay valid until released. */
  readonly chunks: readonly Buffer[]
  readonly sizeBytes: number
  /** Ordered by first offset; null for read_uncommitted. */
  readonly abortedTransactions: readonly AbortedTransaction[] | null
  /** Gives back pooled or pinned memory, once the response is written. */
  release(): void
}

export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
}

/** A record's place in time. -1 in every field where there is none. */
export interface TimestampOffset {
  readonly timestampMs: number
  readonly offset: number
  readonly leaderEpoch: number
}

export interface EpochEndOffset {
  readonly leaderEpoch: number
  readonly endOffset: number
}

export interface ProducerStateEntry {
  readonly producerId: number
  readonly producerEpoch: number
  readonly lastSequence: number
  readonly lastTimestampMs: number
  readonly coordinatorEpoch: number
  /** Markers that were seen since the log was opened. */
  readonly endedTransactions: number
  readonly currentTransactionFirstOffset: number
}

/** What moved when a log advanced. Called synchronously, after the state has changed. */
export type AdvanceListener = (log: LogHandle, appendedBytes: number) => void

export interface LogStore {
  /** Opens or creates the log of a partition. Resolves when an append to it may be acknowledged. */
  open(identity: LogIdentity, config: TopicConfig, leaderEpoch: number): Promise<LogHandle>
  /** The open log, or undefined. Cheap: on the path of every request. */
  get(topicId: string, partition: number): LogHandle | undefined
  /** Takes a log out of service at once; its files go after file.delete.delay.ms. */
  drop(log: LogHandle): Promise<void>
  /** A changed topic config takes effect on the running log. */
  configure(log: LogHandle, config: TopicConfig): void
  /** A new leadership: later batches carry this epoch. It may only rise. */
  setLeaderEpoch(log: LogHandle, leaderEpoch: number): void
  /**
   * Appends to several logs at once. Offsets are assigned before this returns, in the order given, except to a batch
   * that must first be decompressed or recompressed (later appends to its log queue behind it). One result each, in
   * order; one log's failure never fails another.
   */
  append(appends: readonly Append[], durability: Durability): Promise<AppendResult[]>
  read(reads: readonly Read[], limits: ReadLimits): Promise<ReadResult[]>
  /** First record by offset whose timestamp is at least timestampMs, below the isolation's bound. */
  findByTimestamp(log: LogHandle, timestampMs: number, isolation: Isolation): Promise<TimestampOffset>
  /** First record that carries the log's largest timestamp. */
  findMaxTimestamp(log: LogHandle): Promise<TimestampOffset>
  /** Leader epoch of the batch at an offset, or -1. */
  epochAt(log: LogHandle, offset: number): number
  /** Largest known epoch at most the one asked, and where it ends (KIP-101, KIP-279). -1 and -1 when it is later than the latest known. */
  endOffsetForEpoch(log: LogHandle, leaderEpoch: number): EpochEndOffset
  /** Moves the log start up to offset, which is at most the high watermark. Durable when it resolves. */
  deleteRecords(log: LogHandle, offset: number): Promise<LogOffsets>
  producers(log: LogHandle): readonly ProducerStateEntry[]
  /** One of them. Cheap: on the path of every transactional request. */
  producer(log: LogHandle, producerId: number): ProducerStateEntry | undefined
  sizeBytes(log: LogHandle): number
  /** Where the logs live, with the space there; for DescribeLogDirs. */
  directories(): readonly LogDirectory[]
  onAdvance(listener: AdvanceListener): void
  /** Writes and syncs everything, and leaves a clean-shutdown mark. */
  close(): Promise<void>
}

export interface LogDirectory {
  readonly path: string
  readonly error: ErrorCode
  readonly totalBytes: number
  readonly usableBytes: number
}
