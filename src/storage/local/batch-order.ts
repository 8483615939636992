import {
  BATCH_HEADER_BYTES,
  baseOffset,
  batchSizeBytes,
  CURRENT_MAGIC,
  lastOffset,
  magic,
} from '../../../protocol/records/batch.ts'
import type { Log } from './log.ts'
import type { LogSegment } from './log-segment.ts'
import type { OffsetIndexEntry } from './offset-index.ts'
import { StorageError } from './storage-error.ts'

/** What lies in the file cannot be what was written, or is not where an index says. */
export class DamagedSegmentError extends StorageError {
  readonly segment: LogSegment

  constructor(segment: LogSegment, problem: string) {
    super(`${segment.path('log')} holds ${problem}`)
    this.segment = segment
  }
}

/**
 * Checks what no checksum covers while a reader walks over the batches of a segment: sizes and offsets. A reader that
 * believed a wrong one would wait for bytes that never come, or hand out records under offsets of others, and its
 * consumer would pass by the rest without a word.
 */
export class BatchOrder {
  readonly #segment: LogSegment
  readonly #endOffset: number
  readonly #mayHaveGaps: boolean
  /** Where the walk begins; null for the beginning of the segment. */
  readonly #entry: OffsetIndexEntry | null
  #checkedTo: number
  /** Null until a batch has told. */
  #expected: number | null
  /** Something else than the batch itself says that its offsets are right: the one before it, or the index. */
  isConfirmed = false

  constructor(log: Log, segment: LogSegment, entry: OffsetIndexEntry | null, offset: number) {
    this.#segment = segment
    this.#endOffset = endOffsetOf(log, segment)
    this.#mayHaveGaps = offset < log.gapsBelow
    this.#entry = entry
    this.#expected = entry === null ? segment.baseOffset : null
    this.#checkedTo = entry?.position ?? 0
  }

  /** Takes the batch whose header lies at a place in a buffer that begins at `position` of the file; throws if it cannot. */
  take(buffer: Buffer, at: number, position: number): void {
    const problem = this.#takeOrTell(buffer, at, position)
    if (problem !== null) throw new DamagedSegmentError(this.#segment, `${problem} at position ${position + at}`)
  }

  /** The same for a batch behind the one that is wanted: false when it cannot be right. */
  takes(buffer: Buffer, at: number, position: number): boolean {
    return this.#takeOrTell(buffer, at, position) === null
  }

  /** The segment ends: what the index names must have come. */
  finish(): void {
    const missing = this.#entry !== null && (this.#expected ?? 0) <= this.#entry.offset
    if (missing) throw new DamagedSegmentError(this.#segment, `nothing of offset ${this.#entry!.offset}`)
  }

  /** Before a batch is given to somebody: when nothing confirms it, what follows must at least not contradict it. */
  confirm(buffer: Buffer, filled: number, at: number, position: number): void {
    const next = at + batchSizeBytes(buffer, at)
    if (this.isConfirmed || filled - next < BATCH_HEADER_BYTES) return
    const problem = this.#problem(buffer, next, position + next)
    if (problem !== null) throw new DamagedSegmentError(this.#segment, `${problem} at position ${position + next}`)
  }

  #takeOrTell(buffer: Buffer, at: number, position: number): string | null {
    const place = position + at
    // A batch that did not fit into the buffer is looked at again with the next read.
    if (place < this.#checkedTo) return null
    const problem = this.#problem(buffer, at, place)
    if (problem !== null) return problem
    const last = lastOffset(buffer, at)
    this.isConfirmed = baseOffset(buffer, at) === this.#expected || last === this.#entry?.offset
    this.#checkedTo = place + batchSizeBytes(buffer, at)
    this.#expected = last + 1
    return null
  }

  #problem(buffer: Buffer, at: number, place: number): string | null {
    const sizeBytes = batchSizeBytes(buffer, at)
    if (magic(buffer, at) !== CURRENT_MAGIC || sizeBytes < BATCH_HEADER_BYTES) return 'no batch'
    const bytesLeft = this.#segment.writtenBytes - place
    if (sizeBytes > bytesLeft) return `a batch of ${sizeBytes} bytes where ${bytesLeft} are left`
    const [first, last] = [baseOffset(buffer, at), lastOffset(buffer, at)]
    if (last < first || last >= this.#endOffset || !this.#follows(first, last)) {
      return `offsets ${first} to ${last} out of order`
    }
    return null
  }

  #follows(first: number, last: number): boolean {
    // Indexes of older versions of Kafka name the end of an append of several batches.
    if (this.#expected === null) return first >= this.#segment.baseOffset && last <= this.#entry!.offset
    return this.#mayHaveGaps ? first >= this.#expected : first === this.#expected
  }
}

/** Where the next segment begins. */
function endOffsetOf(log: Log, segment: LogSegment): number {
  const index = log.segments.indexOf(segment)
  // Retention or compaction has just taken it away.
  if (index < 0) return Number.POSITIVE_INFINITY
  return log.segments[index + 1]?.baseOffset ?? log.logEndOffset
}
