import { int64Of } from './int64.ts'
import { RecordError } from './record-error.ts'

/** length, attributes, timestamp delta, offset delta, key length, value length, header count: a byte each at least. */
export const MIN_RECORD_BYTES = 7

/** The most that precedes a key in a plain record: length, attributes, deltas and key length. */
const PLAIN_PREFIX_BYTES = 13
/** The least that follows the key: value length and header count, which are read before they are compared. */
const VALUE_PREFIX_BYTES = 2

/**
 * Walks the uncompressed records of one batch and leaves the positions of the current one in its fields, so that a
 * walk allocates nothing. Every read is checked against the end; only RecordError is thrown.
 */
export class RecordCursor {
  readonly buffer: Buffer
  /** Of the current record in its batch, -1 before the first. */
  index = -1
  timestampDelta = 0
  offsetDelta = 0
  keyAt = 0
  /** -1 for a null key. */
  keySizeBytes = -1
  valueAt = 0
  /** -1 for a null value. */
  valueSizeBytes = -1
  headersAt = 0
  headerCount = 0
  /** Where the current record began, its length included. */
  recordAt: number
  /** Where the next record begins. */
  at: number
  readonly end: number
  /** Bound of the reads: the end of the current record, or of everything while its length is read. */
  #limit: number

  constructor(buffer: Buffer, start: number, end: number) {
    if (start < 0 || start > end || end > buffer.length) throw new RangeError('the range lies outside the buffer')
    this.buffer = buffer
    this.recordAt = start
    this.at = start
    this.end = end
    this.#limit = end
  }

  /** Moves to the next record and checks all of it, headers included; false at the end. */
  next(): boolean {
    if (this.at >= this.end) return false
    this.index++
    this.recordAt = this.at
    return this.#nextPlain() || this.#nextChecked()
  }

  /**
   * The record as almost all are: no headers, no varint above three bytes. False, with nothing moved, for any other,
   * malformed ones included. Reads beyond the record stay within the end and are dismissed by the last comparison.
   */
  #nextPlain(): boolean {
    const buffer = this.buffer
    const end = this.end
    let at = this.at
    if (end - at < PLAIN_PREFIX_BYTES) return false
    const size = shortVarint(buffer, at)
    at += size & 3
    const recordEnd = at + (size >>> 3)
    if (size === 0 || size & 4 || recordEnd > end) return false
    const timestampDelta = shortVarint(buffer, at + 1)
    at += 1 + (timestampDelta & 3)
    const offsetDelta = shortVarint(buffer, at)
    at += offsetDelta & 3
    const keySize = shortVarint(buffer, at)
    at += keySize & 3
    if (timestampDelta === 0 || offsetDelta === 0 || keySize === 0) return false
    const keySizeBytes = unzigzag(keySize)
    const keyAt = at
    if (keySizeBytes > 0) at += keySizeBytes
    if (keySizeBytes < -1 || recordEnd - at < VALUE_PREFIX_BYTES) return false
    const valueSize = shortVarint(buffer, at)
    at += valueSize & 3
    const valueSizeBytes = unzigzag(valueSize)
    const headersAt = at + (valueSizeBytes > 0 ? valueSizeBytes : 0)
    if (valueSize === 0 || valueSizeBytes < -1 || headersAt + 1 !== recordEnd || buffer[headersAt] !== 0) return false
    this.timestampDelta = unzigzag(timestampDelta)
    this.offsetDelta = unzigzag(offsetDelta)
    this.keyAt = keyAt
    this.keySizeBytes = keySizeBytes
    this.valueAt = at
    this.valueSizeBytes = valueSizeBytes
    this.headersAt = recordEnd
    this.headerCount = 0
    this.at = recordEnd
    return true
  }

  #nextChecked(): true {
    this.#limit = this.end
    const sizeBytes = this.#varint()
    if (sizeBytes < MIN_RECORD_BYTES - 1) this.#refuse(`a length of ${sizeBytes} bytes is too short`)
    if (sizeBytes > this.end - this.at) this.#refuseCut(sizeBytes)
    const recordEnd = this.at + sizeBytes
    this.#limit = recordEnd
    this.at++ // The attributes of a record mean nothing yet.
    this.timestampDelta = this.#varlong()
    this.offsetDelta = this.#varint()
    this.keySizeBytes = this.#nullableSize('key')
    this.keyAt = this.at
    if (this.keySizeBytes > 0) this.at += this.keySizeBytes
    this.valueSizeBytes = this.#nullableSize('value')
    this.valueAt = this.at
    if (this.valueSizeBytes > 0) this.at += this.valueSizeBytes
    this.headerCount = this.#varint()
    this.headersAt = this.at
    if (this.headerCount !== 0) this.#skipHeaders()
    if (this.at !== recordEnd) this.#refuse(`${recordEnd - this.at} bytes follow its last field`)
    return true
  }

  /** The current key; a view of the buffer. */
  key(): Buffer | null {
    return this.keySizeBytes < 0 ? null : this.buffer.subarray(this.keyAt, this.keyAt + this.keySizeBytes)
  }

  /** The current value; a view of the buffer. */
  value(): Buffer | null {
    return this.valueSizeBytes < 0 ? null : this.buffer.subarray(this.valueAt, this.valueAt + this.valueSizeBytes)
  }

  headers(): { key: string; value: Buffer | null }[] {
    const headers: { key: string; value: Buffer | null }[] = []
    const next = this.at
    this.at = this.headersAt
    for (let i = 0; i < this.headerCount; i++) {
      const keySizeBytes = this.#varint()
      const key = this.buffer.toString('utf8', this.at, (this.at += keySizeBytes))
      const valueSizeBytes = this.#varint()
      const value = valueSizeBytes < 0 ? null : this.buffer.subarray(this.at, (this.at += valueSizeBytes))
      headers.push({ key, value })
    }
    this.at = next
    return headers
  }

  #skipHeaders(): void {
    if (this.headerCount < 0) this.#refuse(`a header count of ${this.headerCount}`)
    // Two length bytes each: a count that cannot fit is refused before it is looped over.
    if (this.headerCount * 2 > this.#limit - this.at) this.#refuse(`${this.headerCount} headers do not fit`)
    for (let i = this.headerCount; i > 0; i--) {
      const keySizeBytes = this.#nullableSize('header key')
      if (keySizeBytes < 0) this.#refuse('a header key is null')
      this.at += keySizeBytes
      const valueSizeBytes = this.#nullableSize('header value')
      if (valueSizeBytes > 0) this.at += valueSizeBytes
    }
  }

  /** A length of at least -1 that fits into what is left of the record. */
  #nullableSize(what: string): number {
    const sizeBytes = this.#varint()
    if (sizeBytes < -1) this.#refuse(`a ${what} length of ${sizeBytes}`)
    if (sizeBytes > this.#limit - this.at) this.#refuse(`a ${what} of ${sizeBytes} bytes in ${this.#limit - this.at}`)
    return sizeBytes
  }

  #varint(): number {
    const at = this.at
    if (at < this.#limit) {
      const byte = this.buffer[at]!
      if (byte < 0x80) {
        this.at = at + 1
        return (byte >>> 1) ^ -(byte & 1)
      }
    }
    return this.#longVarint()
  }

  /** Bits beyond the 32nd are dropped as Java drops them. */
  #longVarint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      if (this.at >= this.#limit) this.#refuse('it ends inside a varint')
      const byte = this.buffer[this.at++]!
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1)
    }
    this.#refuse('a varint is longer than five bytes')
  }

  #varlong(): number {
    const at = this.at
    if (at < this.#limit) {
      const byte = this.buffer[at]!
      if (byte < 0x80) {
        this.at = at + 1
        return (byte >>> 1) ^ -(byte & 1)
      }
    }
    return this.#longVarlong()
  }

  #longVarlong(): number {
    let low = 0
    let high = 0
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.at >= this.#limit) this.#refuse('it ends inside a varlong')
      const byte = this.buffer[this.at++]!
      const bits = byte & 0x7f
      if (shift < 28) low |= bits << shift
      else if (shift === 28) {
        low |= bits << 28
        high = bits >>> 4
      } else high |= bits << (shift - 32)
      if (byte < 0x80) {
        const sign = -(low & 1)
        return int64Of((high >>> 1) ^ sign, ((low >>> 1) | (high << 31)) ^ sign)
      }
    }
    this.#refuse('a varlong is longer than ten bytes')
  }

  #refuseCut(sizeBytes: number): never {
    this.#refuse(`a length of ${sizeBytes} bytes with ${this.end - this.at} left`)
  }

  #refuse(reason: string): never {
    throw new RecordError(reason, this.index)
  }
}

/** A varint of at most three bytes with its length in the two lowest bits; 0 for a longer one. */
function shortVarint(buffer: Buffer, at: number): number {
  const first = buffer[at]!
  if (first < 0x80) return (first << 2) | 1
  const second = buffer[at + 1]!
  if (second < 0x80) return (((second << 7) | (first & 0x7f)) << 2) | 2
  const third = buffer[at + 2]!
  return third < 0x80 ? (((third << 14) | ((second & 0x7f) << 7) | (first & 0x7f)) << 2) | 3 : 0
}

function unzigzag(short: number): number {
  return (short >>> 3) ^ -((short >>> 2) & 1)
}
