import { readInt32, writeInt32 } from '../../../protocol/records/int64.ts'

const ENTRY_BYTES = 8
const FIRST_CAPACITY = 64

/** Last offset of a batch, and where it begins. */
export interface OffsetIndexEntry {
  readonly offset: number
  readonly position: number
}

const EMPTY = Buffer.alloc(0)

/**
 * Where batches lie in a segment: per entry the last offset of a batch, relative to the segment's base, and the position
 * of the batch in the file, both int32. The bytes in memory are those of the `.index` file.
 */
export class OffsetIndex {
  readonly baseOffset: number
  #entries: Buffer
  #count: number

  constructor(baseOffset: number, content: Buffer = EMPTY) {
    this.baseOffset = baseOffset
    this.#entries = content
    this.#count = Math.floor(content.length / ENTRY_BYTES)
  }

  get count(): number {
    return this.#count
  }

  get sizeBytes(): number {
    return this.#count * ENTRY_BYTES
  }

  get last(): OffsetIndexEntry | null {
    return this.#at(this.#count - 1)
  }

  isFull(maxBytes: number): boolean {
    return this.#count >= Math.floor(maxBytes / ENTRY_BYTES)
  }

  append(lastOffset: number, position: number): void {
    this.#entries = withRoom(this.#entries, this.#count * ENTRY_BYTES, ENTRY_BYTES)
    writeInt32(this.#entries, this.#count * ENTRY_BYTES, lastOffset - this.baseOffset)
    writeInt32(this.#entries, this.#count * ENTRY_BYTES + 4, position)
    this.#count++
  }

  /** Position of a batch at or before the one that holds the offset; 0 when no entry precedes it. */
  positionBefore(offset: number): number {
    const index = this.#lastAtMost(offset)
    return index < 0 ? 0 : readInt32(this.#entries, index * ENTRY_BYTES + 4)
  }

  /** The same with the last offset of that batch, or null. */
  entryBefore(offset: number): OffsetIndexEntry | null {
    return this.#at(this.#lastAtMost(offset))
  }

  /** The largest known start of a batch at or below a position in the file; 0 when there is none. */
  batchStartBefore(position: number): number {
    let low = -1
    let high = this.#count - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (readInt32(this.#entries, middle * ENTRY_BYTES + 4) <= position) low = middle
      else high = middle - 1
    }
    return low < 0 ? 0 : readInt32(this.#entries, low * ENTRY_BYTES + 4)
  }

  /** Forgets entries of batches that lie at the position or behind it. */
  truncateToPosition(position: number): void {
    while (this.#count > 0 && readInt32(this.#entries, (this.#count - 1) * ENTRY_BYTES + 4) >= position) this.#count--
  }

  /** The content of the file from an entry on: a view. */
  bytesFrom(entry: number): Buffer {
    return this.#entries.subarray(entry * ENTRY_BYTES, this.#count * ENTRY_BYTES)
  }

  /** Why this cannot be the index of a segment of so many bytes, or null. */
  problem(fileBytes: number, segmentBytes: number): string | null {
    if (fileBytes % ENTRY_BYTES !== 0) return `${fileBytes} bytes are no multiple of ${ENTRY_BYTES}`
    if (this.#count === 0) return null
    const last = (this.#count - 1) * ENTRY_BYTES
    const offset = readInt32(this.#entries, last)
    const position = readInt32(this.#entries, last + 4)
    if (offset < 0 || position < 0 || position >= segmentBytes)
      return `position ${position} lies behind the end of the segment`
    return this.#increases() ? null : 'its entries do not increase'
  }

  /** Every one: a search that trusts a wrong one passes by records in silence. */
  #increases(): boolean {
    let [offset, position] = [-1, -1]
    for (let at = 0; at < this.#count * ENTRY_BYTES; at += ENTRY_BYTES) {
      const next = readInt32(this.#entries, at)
      const nextPosition = readInt32(this.#entries, at + 4)
      if (next <= offset || nextPosition <= position) return false
      offset = next
      position = nextPosition
    }
    return true
  }

  #at(index: number): OffsetIndexEntry | null {
    if (index < 0) return null
    const at = index * ENTRY_BYTES
    return { offset: this.baseOffset + readInt32(this.#entries, at), position: readInt32(this.#entries, at + 4) }
  }

  #lastAtMost(offset: number): number {
    const relative = offset - this.baseOffset
    let low = -1
    let high = this.#count - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (readInt32(this.#entries, middle * ENTRY_BYTES) <= relative) low = middle
      else high = middle - 1
    }
    return low
  }
}

/** The same bytes with room for more: grows by doubling. */
export function withRoom(entries: Buffer, usedBytes: number, moreBytes: number): Buffer {
  if (usedBytes + moreBytes <= entries.length) return entries
  const larger = Buffer.allocUnsafeSlow(Math.max(entries.length * 2, FIRST_CAPACITY * moreBytes))
  entries.copy(larger, 0, 0, usedBytes)
  return larger
}
