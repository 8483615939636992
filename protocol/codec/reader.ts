import { stringFromBytes } from './interned-string.ts'
import { refuse, refuseTruncated } from './protocol-error.ts'
import { uuidFromBytes } from './uuid.ts'

/** Java's limit for a string, in bytes of UTF-8. */
export const MAX_STRING_BYTES = 32767

/**
 * Array elements one message may hold, nested ones included. A two-byte element becomes an object of fifty bytes or
 * more, so a 100 MB frame of them would otherwise exhaust the heap.
 */
export const MAX_ELEMENTS = 1 << 20

const MAX_LONG = Number.MAX_SAFE_INTEGER
const MIN_LONG = Number.MIN_SAFE_INTEGER

/** A cursor over one frame. Every read is checked against `end`; nothing but ProtocolError is ever thrown. */
export class Reader {
  readonly buffer: Buffer
  offset: number
  end: number
  elementsLeft = MAX_ELEMENTS

  constructor(buffer: Buffer, offset = 0, end = buffer.length) {
    if (offset < 0 || offset > end || end > buffer.length) throw new RangeError('the range lies outside the buffer')
    this.buffer = buffer
    this.offset = offset
    this.end = end
  }

  get remaining(): number {
    return this.end - this.offset
  }

  /** Claims `count` bytes and returns where they begin. */
  take(count: number): number {
    const at = this.offset
    if (count > this.end - at) refuseTruncated(count, this.end - at)
    this.offset = at + count
    return at
  }

  skip(count: number): void {
    if (count < 0) refuse(`negative length ${count}`)
    this.take(count)
  }

  int8(): number {
    return (this.buffer[this.take(1)]! << 24) >> 24
  }

  bool(): boolean {
    return this.buffer[this.take(1)]! !== 0
  }

  int16(): number {
    const at = this.take(2)
    return (((this.buffer[at]! << 8) | this.buffer[at + 1]!) << 16) >> 16
  }

  uint16(): number {
    const at = this.take(2)
    return (this.buffer[at]! << 8) | this.buffer[at + 1]!
  }

  int32(): number {
    const at = this.take(4)
    const buffer = this.buffer
    return (buffer[at]! << 24) | (buffer[at + 1]! << 16) | (buffer[at + 2]! << 8) | buffer[at + 3]!
  }

  uint32(): number {
    return this.int32() >>> 0
  }

  /** Saturating: what is beyond ±(2^53 - 1) reads as that bound. */
  int64(): number {
    const high = this.int32()
    const low = this.int32() >>> 0
    return longOf(high, low)
  }

  float64(): number {
    return this.buffer.readDoubleBE(this.take(8))
  }

  /** 22 characters of base64url; recent ids come from a bounded cache without an allocation. */
  uuid(): string {
    return uuidFromBytes(this.buffer, this.take(16))
  }

  /** Unsigned, at most five bytes; bits beyond the 32nd are dropped as Java drops them. */
  uvarint(): number {
    const buffer = this.buffer
    const at = this.offset
    if (at < this.end) {
      const first = buffer[at]!
      if (first < 0x80) {
        this.offset = at + 1
        return first
      }
    }
    return this.#longUvarint()
  }

  #longUvarint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.buffer[this.take(1)]!
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    refuse('a varint is longer than five bytes')
  }

  /** Zig-zag, 32 bits. */
  varint(): number {
    const value = this.uvarint()
    return (value >>> 1) ^ -(value & 1)
  }

  /** Zig-zag, 64 bits, at most ten bytes; saturating like int64. */
  varlong(): number {
    let low = 0
    let high = 0
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.buffer[this.take(1)]!
      const bits = byte & 0x7f
      if (shift < 28) low |= bits << shift
      else if (shift === 28) {
        low |= bits << 28
        high = bits >>> 4
      } else high |= bits << (shift - 32)
      if (byte < 0x80) {
        const sign = -(low & 1)
        return longOf((high >>> 1) ^ sign, (((low >>> 1) | (high << 31)) ^ sign) >>> 0)
      }
    }
    refuse('a varlong is longer than ten bytes')
  }

  /** `length` bytes of UTF-8; invalid sequences become U+FFFD as in Java. */
  string(length: number): string {
    if (length < 0 || length > MAX_STRING_BYTES) refuse(`string of ${length} bytes`)
    const at = this.take(length)
    return stringFromBytes(this.buffer, at, length)
  }

  /** A view, not a copy, of the next `length` bytes. */
  view(length: number): Buffer {
    if (length < 0) refuse(`negative length ${length}`)
    const at = this.take(length)
    return this.buffer.subarray(at, at + length)
  }

  /** Int16 length, -1 for null: the only string of the request header. */
  nullableString(): string | null {
    const length = this.int16()
    return length === -1 ? null : this.string(length)
  }

  compactNullableString(): string | null {
    const length = this.uvarint() - 1
    return length === -1 ? null : this.string(length)
  }

  /** Checks an array's length before anything is allocated for it. */
  elements(count: number, minimumBytes: number): void {
    if (count < 0) refuse(`array of ${count} elements`)
    if (count * minimumBytes > this.end - this.offset) refuseTruncated(count * minimumBytes, this.end - this.offset)
    if ((this.elementsLeft -= count) < 0) refuse(`more than ${MAX_ELEMENTS} array elements`)
  }

  /** Narrows the reader to a tagged field; returns the end to give back to `leaveTag`. */
  enterTag(size: number): number {
    const outer = this.end
    if (size > outer - this.offset) refuseTruncated(size, outer - this.offset)
    this.end = this.offset + size
    return outer
  }

  leaveTag(outer: number): void {
    if (this.offset !== this.end) refuse(`a tagged field is ${this.end - this.offset} bytes longer than its value`)
    this.end = outer
  }

  /** Skips a tagged section in which no tag is known. */
  skipTags(): void {
    for (let count = this.uvarint(); count > 0; count--) {
      this.uvarint()
      this.take(this.uvarint())
    }
  }
}

function longOf(high: number, low: number): number {
  const value = high * 4294967296 + low
  return value > MAX_LONG ? MAX_LONG : value < MIN_LONG ? MIN_LONG : value
}
