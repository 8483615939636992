import { refuse, refuseType } from './protocol-error.ts'
import { MAX_STRING_BYTES } from './reader.ts'
import { uuidToBytes } from './uuid.ts'

/** Up to here a copy is cheaper than one more entry in the writev. */
const ATTACH_ABOVE_BYTES = 2048
/** Up to here writing ASCII in JavaScript is cheaper than the call into C++. */
const SHORT_STRING = 48

/**
 * Writers carve their slabs from shared uninitialised blocks of this size: half the time of an allocation each. A
 * reply that waits for a slow socket keeps its block alive, hence no more than this.
 */
const BLOCK_BYTES = 32 * 1024
const SMALLEST_GROWTH = 512
let block = Buffer.allocUnsafeSlow(BLOCK_BYTES)
let blockUsed = 0

/**
 * Builds one frame: small values go into a slab of uninitialised memory, large buffers are attached as they are.
 * Each method writes every byte it claims, so that no old memory can leave the process.
 */
export class Writer {
  slab: Buffer
  /** Bytes of the slab in [start, position) are written and not yet among the chunks; up to `limit` it is ours. */
  start: number
  position: number
  #limit: number
  #chunks: Buffer[] = []
  #chunkIsOurs: boolean[] = []
  #chunkBytes = 0
  #openTags = 0

  constructor(initialBytes = 512) {
    this.slab = block
    this.start = this.position = this.#limit = 0
    this.#moveTo(initialBytes, 0)
  }

  /** Bytes so far, attached ones included. */
  get size(): number {
    return this.#chunkBytes + this.position - this.start
  }

  /** Claims `count` bytes of the slab and returns where they begin: the caller writes all of them. */
  claim(count: number): number {
    if (count > this.#limit - this.position) this.#grow(count)
    const at = this.position
    this.position = at + count
    return at
  }

  /** In place while nobody has taken what follows, else into fresh memory. */
  #grow(count: number): void {
    const used = this.position - this.start
    const wanted = Math.max(used * 2, used + count + SMALLEST_GROWTH)
    if (this.slab === block && this.#limit === blockUsed && this.start + wanted <= BLOCK_BYTES) {
      blockUsed = this.start + wanted
      this.#limit = blockUsed
    } else {
      this.#moveTo(wanted, used)
    }
  }

  /** Takes `bytes` of fresh memory and brings along the `used` bytes that are not yet among the chunks. */
  #moveTo(bytes: number, used: number): void {
    const from = this.slab
    const fromStart = this.start
    if (bytes > BLOCK_BYTES) {
      this.slab = Buffer.allocUnsafeSlow(bytes)
      this.start = 0
    } else {
      if (bytes > BLOCK_BYTES - blockUsed) {
        block = Buffer.allocUnsafeSlow(BLOCK_BYTES)
        blockUsed = 0
      }
      this.slab = block
      this.start = blockUsed
      blockUsed += bytes
    }
    this.#limit = this.start + bytes
    this.position = this.start + used
    if (used > 0) from.copy(this.slab, this.start, fromStart, fromStart + used)
  }

  int8(value: number): void {
    if ((value << 24) >> 24 !== value) refuseNumber('int8', value)
    const at = this.claim(1)
    this.slab[at] = value
  }

  bool(value: boolean): void {
    if (value !== true && value !== false) refuseType('a bool', 'true or false')
    const at = this.claim(1)
    this.slab[at] = value ? 1 : 0
  }

  int16(value: number): void {
    if ((value << 16) >> 16 !== value) refuseNumber('int16', value)
    this.#put16(value)
  }

  uint16(value: number): void {
    if ((value & 0xffff) !== value) refuseNumber('uint16', value)
    this.#put16(value)
  }

  #put16(value: number): void {
    const at = this.claim(2)
    const slab = this.slab
    slab[at] = value >> 8
    slab[at + 1] = value
  }

  int32(value: number): void {
    if ((value | 0) !== value) refuseNumber('int32', value)
    this.#put32(value)
  }

  uint32(value: number): void {
    if (value >>> 0 !== value) refuseNumber('uint32', value)
    this.#put32(value)
  }

  #put32(value: number): void {
    const at = this.claim(4)
    const slab = this.slab
    slab[at] = value >> 24
    slab[at + 1] = value >> 16
    slab[at + 2] = value >> 8
    slab[at + 3] = value
  }

  /** Saturating: ±(2^53 - 1) and what is beyond is written as Long.MAX_VALUE or Long.MIN_VALUE. */
  int64(value: number): void {
    if ((value | 0) === value) {
      this.#put32(value >> 31)
      this.#put32(value)
    } else if (value >= Number.MAX_SAFE_INTEGER) {
      this.#put32(0x7fffffff)
      this.#put32(-1)
    } else if (value <= Number.MIN_SAFE_INTEGER) {
      this.#put32(0x80000000)
      this.#put32(0)
    } else {
      if (!Number.isInteger(value)) refuseNumber('int64', value)
      this.#put32(Math.floor(value / 4294967296))
      this.#put32(value >>> 0)
    }
  }

  float64(value: number): void {
    if (typeof value !== 'number') refuseNumber('float64', value)
    const at = this.claim(8)
    this.slab.writeDoubleBE(value, at)
  }

  uuid(value: string): void {
    const at = this.claim(16)
    uuidToBytes(value, this.slab, at)
  }

  uvarint(value: number): void {
    if (value >>> 0 !== value) refuseNumber('uvarint', value)
    let rest = value
    while (rest > 0x7f) {
      const at = this.claim(1)
      this.slab[at] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    const at = this.claim(1)
    this.slab[at] = rest
  }

  /** Zig-zag, 32 bits. */
  varint(value: number): void {
    if ((value | 0) !== value) refuseNumber('varint', value)
    this.uvarint(((value << 1) ^ (value >> 31)) >>> 0)
  }

  /** Zig-zag, 64 bits, saturating like int64. */
  varlong(value: number): void {
    if (value >= -0x40000000 && value < 0x40000000) {
      this.varint(value)
      return
    }
    if (!(value >= Number.MAX_SAFE_INTEGER || value <= Number.MIN_SAFE_INTEGER || Number.isInteger(value))) {
      refuseNumber('varlong', value)
    }
    let high = Math.floor(value / 4294967296)
    let low = value >>> 0
    if (value >= Number.MAX_SAFE_INTEGER) {
      high = 0x7fffffff
      low = 0xffffffff
    } else if (value <= Number.MIN_SAFE_INTEGER) {
      high = 0x80000000
      low = 0
    }
    const sign = high >> 31
    high = (((high << 1) | (low >>> 31)) ^ sign) >>> 0
    low = ((low << 1) ^ sign) >>> 0
    while (high !== 0 || low > 0x7f) {
      const at = this.claim(1)
      this.slab[at] = (low & 0x7f) | 0x80
      low = ((low >>> 7) | (high << 25)) >>> 0
      high >>>= 7
    }
    const at = this.claim(1)
    this.slab[at] = low
  }

  /** Int16 length and UTF-8; null is -1. */
  string(value: string | null): void {
    if (value === null) {
      this.#put16(-1)
      return
    }
    const length = utf8Length(value)
    this.#put16(length)
    this.#utf8(value, length)
  }

  /** Length + 1 as uvarint and UTF-8; null is 0. */
  compactString(value: string | null): void {
    if (value === null) {
      this.uvarint(0)
      return
    }
    const length = utf8Length(value)
    this.uvarint(length + 1)
    this.#utf8(value, length)
  }

  #utf8(value: string, length: number): void {
    const at = this.claim(length)
    const slab = this.slab
    if (length === value.length && length <= SHORT_STRING) {
      for (let i = 0; i < length; i++) slab[at + i] = value.charCodeAt(i)
      return
    }
    const written = slab.write(value, at, length, 'utf8')
    if (written !== length) refuse(`${written} of ${length} bytes of a string written`)
  }

  /** Int32 length and the bytes; null is -1. */
  sizedBytes(value: Buffer | readonly Buffer[] | null): void {
    if (value === null) {
      this.#put32(-1)
      return
    }
    this.int32(byteLength(value))
    this.attach(value)
  }

  /** Length + 1 as uvarint and the bytes; null is 0. */
  compactBytes(value: Buffer | readonly Buffer[] | null): void {
    if (value === null) {
      this.uvarint(0)
      return
    }
    this.uvarint(byteLength(value) + 1)
    this.attach(value)
  }

  /** Appends bytes without a length: up to 2 kB by copy, above as a chunk that must not change until it is sent. */
  attach(chunk: Buffer | readonly Buffer[]): void {
    if (!Buffer.isBuffer(chunk)) {
      for (const part of chunk) this.attach(part)
      return
    }
    if (chunk.length <= ATTACH_ABOVE_BYTES || this.#openTags > 0) {
      this.copy(chunk)
      return
    }
    this.#flush()
    this.#push(chunk, false)
  }

  copy(bytes: Uint8Array): void {
    const at = this.claim(bytes.length)
    this.slab.set(bytes, at)
  }

  /** Begins a tagged field; its size is filled in by `endTag`, which takes the mark returned. */
  beginTag(tag: number): number {
    this.uvarint(tag)
    this.#openTags++
    const at = this.claim(1)
    this.slab[at] = 0
    return at - this.start
  }

  endTag(mark: number): void {
    this.#openTags--
    const length = this.position - this.start - mark - 1
    if (length > 0x7f) {
      const extra = uvarintBytes(length) - 1
      this.claim(extra)
      const from = this.start + mark + 1
      this.slab.copyWithin(from + extra, from, from + length)
    }
    let at = this.start + mark
    let rest = length
    while (rest > 0x7f) {
      this.slab[at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.slab[at] = rest
  }

  /** Overwrites four bytes written earlier; `at` is what `size` was before them. Attached bytes cannot be patched. */
  patchInt32(at: number, value: number): void {
    if ((value | 0) !== value) refuseNumber('int32', value)
    let from = at
    for (let i = 0; i < this.#chunks.length; i++) {
      const chunk = this.#chunks[i]!
      if (from < chunk.length) {
        if (!this.#chunkIsOurs[i] || from + 4 > chunk.length) throw new RangeError(`no slab bytes at ${at}`)
        chunk.writeInt32BE(value, from)
        return
      }
      from -= chunk.length
    }
    if (from < 0 || this.start + from + 4 > this.position) throw new RangeError(`no slab bytes at ${at}`)
    this.slab.writeInt32BE(value, this.start + from)
  }

  /** All chunks in order, ready for writev; gives the unused rest of the slab back. */
  finish(): Buffer[] {
    this.#flush()
    if (this.slab === block && this.#limit === blockUsed) {
      blockUsed = this.position
      this.#limit = this.position
    }
    return this.#chunks
  }

  /** All bytes as one copy. */
  bytes(): Buffer {
    return Buffer.concat(this.finish())
  }

  #flush(): void {
    if (this.position === this.start) return
    this.#push(this.slab.subarray(this.start, this.position), true)
    this.start = this.position
  }

  #push(chunk: Buffer, ours: boolean): void {
    this.#chunks.push(chunk)
    this.#chunkIsOurs.push(ours)
    this.#chunkBytes += chunk.length
  }
}

function refuseNumber(type: string, value: unknown): never {
  refuse(`${type} cannot hold ${String(value)}`)
}

/** Bytes of the value in UTF-8; refuses what Java could not read. */
function utf8Length(value: string): number {
  if (typeof value !== 'string') refuseType('a string field', 'a string')
  const characters = value.length
  if (characters <= SHORT_STRING) {
    let i = 0
    while (i < characters && value.charCodeAt(i) < 0x80) i++
    if (i === characters) return characters
  }
  const length = Buffer.byteLength(value)
  if (length > MAX_STRING_BYTES) refuse(`string of ${length} bytes`)
  return length
}

/** Bytes in a buffer or a list of buffers. */
export function byteLength(value: Buffer | readonly Buffer[]): number {
  if (Buffer.isBuffer(value)) return value.length
  if (!Array.isArray(value)) refuseType('a bytes field', 'a Buffer or an array of Buffers')
  let total = 0
  for (const part of value as readonly unknown[]) {
    if (!Buffer.isBuffer(part)) refuseType('a part of a bytes field', 'a Buffer')
    total += part.length
  }
  return total
}

function uvarintBytes(value: number): number {
  let bytes = 1
  for (let rest = value; rest > 0x7f; rest >>>= 7) bytes++
  return bytes
}
