import { readInt32, readInt64, writeInt32, writeInt64 } from '../../../protocol/records/int64.ts'
import { withRoom } from './offset-index.ts'

export const TIME_INDEX_ENTRY_BYTES = 12

export interface TimeIndexEntry {
  readonly timestampMs: number
  /** Last offset of the batch that holds the timestamp. */
  readonly offset: number
}

const EMPTY = Buffer.alloc(0)

/**
 * The largest timestamp seen so far in a segment, and the last offset of the batch that brought it: int64 and int32
 * relative to the segment's base. The bytes in memory are those of the `.timeindex` file.
 */
export class TimeIndex {
  readonly baseOffset: number
  #entries: Buffer
  #count: number

  constructor(baseOffset: number, content: Buffer = EMPTY) {
    this.baseOffset = baseOffset
    this.#entries = content
    this.#count = Math.floor(content.length / TIME_INDEX_ENTRY_BYTES)
  }

  get count(): number {
    return this.#count
  }

  get sizeBytes(): number {
    return this.#count * TIME_INDEX_ENTRY_BYTES
  }

  /** One entry is kept free for the last one, which is written when the segment is closed. */
  isFull(maxBytes: number): boolean {
    return this.#count >= Math.floor(maxBytes / TIME_INDEX_ENTRY_BYTES) - 1
  }

  get last(): TimeIndexEntry | null {
    return this.#count === 0 ? null : this.#at(this.#count - 1)
  }

  /** Ignores a timestamp that is not later than the last entry's. */
  append(timestampMs: number, offset: number): void {
    const lastMs = this.#count === 0 ? -1 : readInt64(this.#entries, (this.#count - 1) * TIME_INDEX_ENTRY_BYTES)
    if (timestampMs <= lastMs) return
    this.#entries = withRoom(this.#entries, this.#count * TIME_INDEX_ENTRY_BYTES, TIME_INDEX_ENTRY_BYTES)
    writeInt64(this.#entries, this.#count * TIME_INDEX_ENTRY_BYTES, timestampMs)
    writeInt32(this.#entries, this.#count * TIME_INDEX_ENTRY_BYTES + 8, offset - this.baseOffset)
    this.#count++
  }

  /** An offset up to which every batch is older than the timestamp; the base offset when none is known. */
  offsetBefore(timestampMs: number): number {
    let low = -1
    let high = this.#count - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (readInt64(this.#entries, middle * TIME_INDEX_ENTRY_BYTES) < timestampMs) low = middle
      else high = middle - 1
    }
    return low < 0 ? this.baseOffset : this.#at(low).offset
  }

  /** Forgets entries of batches from the offset on. */
  truncateToOffset(offset: number): void {
    while (this.#count > 0 && this.#at(this.#count - 1).offset >= offset) this.#count--
  }

  /** The content of the file from an entry on: a view. */
  bytesFrom(entry: number): Buffer {
    return this.#entries.subarray(entry * TIME_INDEX_ENTRY_BYTES, this.#count * TIME_INDEX_ENTRY_BYTES)
  }

  /** Why this cannot be the time index of a segment, or null. */
  problem(fileBytes: number): string | null {
    if (fileBytes % TIME_INDEX_ENTRY_BYTES !== 0)
      return `${fileBytes} bytes are no multiple of ${TIME_INDEX_ENTRY_BYTES}`
    if (this.#count === 0) return null
    const last = this.#at(this.#count - 1)
    if (last.timestampMs < 0 || last.offset < this.baseOffset) return 'its last entry is none'
    return this.#increases() ? null : 'its entries do not increase'
  }

  /** Every one: a search that trusts a wrong one passes by records in silence. */
  #increases(): boolean {
    let timestampMs = -1
    let offset = -1
    for (let at = 0; at < this.#count * TIME_INDEX_ENTRY_BYTES; at += TIME_INDEX_ENTRY_BYTES) {
      const nextMs = readInt64(this.#entries, at)
      const next = readInt32(this.#entries, at + 8)
      if (nextMs <= timestampMs || next <= offset) return false
      timestampMs = nextMs
      offset = next
    }
    return true
  }

  #at(index: number): TimeIndexEntry {
    const at = index * TIME_INDEX_ENTRY_BYTES
    return { timestampMs: readInt64(this.#entries, at), offset: this.baseOffset + readInt32(this.#entries, at + 8) }
  }
}
