import type { BatchHeader } from '../../../protocol/records/batch.ts'
import { OffsetIndex } from './offset-index.ts'
import type { OpenFile, OpenFiles } from './open-files.ts'
import { StorageError } from './storage-error.ts'
import { TimeIndex } from './time-index.ts'
import { parseTransactionIndex, TransactionIndex } from './transaction-index.ts'

/** Offsets in the indexes are relative to the segment's base and int32. */
const MAX_RELATIVE_OFFSET = 2 ** 31 - 1
/** A file position in the offset index is int32 as well. */
const MAX_SEGMENT_BYTES = 2 ** 31 - 1

export interface RollLimits {
  readonly segmentBytes: number
  readonly segmentMs: number
  readonly indexBytes: number
}

/** The files of a segment by their suffixes; a transaction index is there only where a transaction was aborted. */
export const SEGMENT_FILES = ['log', 'index', 'timeindex', 'txnindex'] as const

/** What a segment remembers beside its files. */
export interface SegmentState {
  readonly baseOffset: number
  readonly sizeBytes: number
  readonly createdMs: number
  readonly jitterMs: number
}

/** `00000000000000000042`: twenty digits, so that names sort as offsets do. */
export function segmentName(baseOffset: number): string {
  return String(baseOffset).padStart(20, '0')
}

/** One file of batches and its three indexes, all named after the first offset. */
export class LogSegment {
  readonly baseOffset: number
  /** Including what is not yet written. */
  sizeBytes: number
  /** In the file: readers go no further. */
  writtenBytes: number
  readonly createdMs: number
  readonly jitterMs: number
  /** Max timestamp of the first batch; -1 when there is none, null when it has not been read yet. */
  firstTimestampMs: number | null
  /** Largest so far, and the last offset of the first batch that has it. */
  maxTimestampMs = -1
  maxTimestampOffset = -1
  readonly transactions: TransactionIndex
  /** Null while the indexes of a closed segment are not in memory. */
  offsetIndex: OffsetIndex | null
  timeIndex: TimeIndex | null
  /** What the names of its files end in while compaction puts it in the place of others. */
  pathSuffix: '' | '.cleaned' | '.swap' = ''
  /** Its files are gone or about to go. */
  deleted = false
  /** Its indexes are being made anew: whoever needs them, or wants to replace them, waits for that. */
  rebuilding: Promise<void> | null = null
  /** Its indexes were made anew from its batches: should a reader fail again, it is the log that is damaged. */
  remade = false
  #bytesSinceIndexEntry = 0
  #flushedOffsetEntries = 0
  #flushedTimeEntries = 0
  #flushedTransactions = 0
  readonly #directory: () => string

  constructor(state: SegmentState, directory: () => string, transactions = new TransactionIndex()) {
    this.baseOffset = state.baseOffset
    this.sizeBytes = state.sizeBytes
    this.writtenBytes = state.sizeBytes
    this.createdMs = state.createdMs
    this.jitterMs = state.jitterMs
    this.firstTimestampMs = state.sizeBytes === 0 ? -1 : null
    this.transactions = transactions
    this.#flushedTransactions = transactions.entries.length
    this.offsetIndex = state.sizeBytes === 0 ? new OffsetIndex(state.baseOffset) : null
    this.timeIndex = state.sizeBytes === 0 ? new TimeIndex(state.baseOffset) : null
    this.#directory = directory
  }

  path(suffix: 'log' | 'index' | 'timeindex' | 'txnindex' | 'snapshot'): string {
    return `${this.#directory()}/${segmentName(this.baseOffset)}.${suffix}${this.pathSuffix}`
  }

  /** Whether the next batch belongs into a new segment. */
  shouldRoll(
    sizeBytes: number,
    lastOffset: number,
    maxTimestampMs: number,
    nowMs: number,
    limits: RollLimits,
  ): boolean {
    if (this.sizeBytes > Math.min(limits.segmentBytes, MAX_SEGMENT_BYTES) - sizeBytes) return true
    if (lastOffset - this.baseOffset > MAX_RELATIVE_OFFSET) return true
    if (this.sizeBytes === 0) return false
    if (this.offsetIndex?.isFull(limits.indexBytes) || this.timeIndex?.isFull(limits.indexBytes)) return true
    const first = this.firstTimestampMs ?? -1
    const ageMs = first >= 0 ? maxTimestampMs - first : nowMs - this.createdMs
    return ageMs > limits.segmentMs - this.jitterMs
  }

  /** Takes note of a batch that was put behind the others. Only with its indexes in memory. */
  noteBatch(header: BatchHeader, indexIntervalBytes: number): void {
    const lastOffset = header.baseOffset + header.lastOffsetDelta
    if (this.firstTimestampMs === null || this.sizeBytes === 0) this.firstTimestampMs = header.maxTimestamp
    // A batch that compaction left without records stands for no time: nothing would be found there.
    if (header.recordCount > 0 && header.maxTimestamp > this.maxTimestampMs) {
      this.maxTimestampMs = header.maxTimestamp
      this.maxTimestampOffset = lastOffset
    }
    if (this.#bytesSinceIndexEntry > indexIntervalBytes) {
      this.offsetIndex?.append(lastOffset, this.sizeBytes)
      this.timeIndex?.append(this.maxTimestampMs, this.maxTimestampOffset)
      this.#bytesSinceIndexEntry = 0
    }
    this.#bytesSinceIndexEntry += header.sizeBytes
    this.sizeBytes += header.sizeBytes
  }

  /** The last entry of the time index, so that the segment's largest timestamp can be read from it. */
  finishTimeIndex(): void {
    this.timeIndex?.append(this.maxTimestampMs, this.maxTimestampOffset)
  }

  /** Writes what the index files do not have yet; empty files are made too, since a missing one means a rebuild. */
  async flushIndexes(files: OpenFiles): Promise<void> {
    const { offsetIndex, timeIndex, transactions } = this
    if (offsetIndex) {
      const entries = offsetIndex.bytesFrom(this.#flushedOffsetEntries)
      const position = this.#flushedOffsetEntries * 8
      this.#flushedOffsetEntries = offsetIndex.count
      await writeAt(files, this.path('index'), entries, position)
    }
    if (timeIndex) {
      const entries = timeIndex.bytesFrom(this.#flushedTimeEntries)
      const position = this.#flushedTimeEntries * 12
      this.#flushedTimeEntries = timeIndex.count
      await writeAt(files, this.path('timeindex'), entries, position)
    }
    if (transactions.entries.length > this.#flushedTransactions) {
      const position = this.#flushedTransactions * 34
      const entries = transactions.toBuffer().subarray(position)
      this.#flushedTransactions = transactions.entries.length
      await writeAt(files, this.path('txnindex'), entries, position)
    }
  }

  /** Takes indexes that were just made or read; `inFiles` says whether the files hold them already. */
  useIndexes(offsetIndex: OffsetIndex, timeIndex: TimeIndex, inFiles: boolean): void {
    this.offsetIndex = offsetIndex
    this.timeIndex = timeIndex
    this.#flushedOffsetEntries = inFiles ? offsetIndex.count : 0
    this.#flushedTimeEntries = inFiles ? timeIndex.count : 0
    const last = timeIndex.last
    if (last && last.timestampMs > this.maxTimestampMs) {
      this.maxTimestampMs = last.timestampMs
      this.maxTimestampOffset = last.offset
    }
  }

  /** The files have them. */
  forgetIndexes(): void {
    this.offsetIndex = null
    this.timeIndex = null
  }

  /** Starts over: everything about the batches is to be noted again. */
  resetForRebuild(): void {
    this.sizeBytes = 0
    this.writtenBytes = 0
    this.firstTimestampMs = -1
    this.maxTimestampMs = -1
    this.maxTimestampOffset = -1
    this.#bytesSinceIndexEntry = 0
    this.useIndexes(new OffsetIndex(this.baseOffset), new TimeIndex(this.baseOffset), false)
    this.transactions.entries.length = 0
    this.#flushedTransactions = 0
  }

  acquireLog(files: OpenFiles): OpenFile {
    if (this.deleted) throw new StorageError(`${this.path('log')} was deleted`)
    return files.acquire(this.path('log'), 'write')
  }
}

async function writeAt(files: OpenFiles, path: string, bytes: Buffer, position: number): Promise<void> {
  const open = files.acquire(path, 'create')
  try {
    if (bytes.length > 0) await open.file.write([bytes], position)
  } finally {
    files.release(open)
  }
}

/** Null for a missing or malformed file. */
export function readTransactionIndex(content: Buffer | null): TransactionIndex | null {
  return content === null ? null : parseTransactionIndex(content)
}
