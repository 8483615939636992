import { CompressionError, refuseCorrupt, refuseTooLarge } from './compression-error.ts'
import { decodeLz4Block, encodeLz4Block, lz4BlockBoundBytes } from './lz4-block.ts'
import { xxhash32 } from './xxhash32.ts'

/**
 * The LZ4 frame format, as Kafka's clients use it since magic 2: one frame, header checksum over the descriptor alone,
 * end mark required. Written as the Java client does: independent blocks of 64 KiB, no sizes, no further checksums.
 */

export const LZ4_BLOCK_BYTES = 64 * 1024

const FRAME_MAGIC = 0x184d2204
const VERSION_MASK = 0xc0
const VERSION = 0x40
const INDEPENDENT_FLAG = 0x20
const BLOCK_CHECKSUM_FLAG = 0x10
const CONTENT_SIZE_FLAG = 0x08
const CONTENT_CHECKSUM_FLAG = 0x04
const DICTIONARY_FLAG = 0x01
const STORED_FLAG = 0x80000000
/** Block size codes 4 to 7. */
const BLOCK_BYTES_BY_CODE = [0, 0, 0, 0, 64 * 1024, 256 * 1024, 1024 * 1024, 4 * 1024 * 1024]
const HEADER_BYTES = 7
/** Smaller blocks are decoded sooner than native code is entered (bench/compression.ts). */
const NATIVE_FROM_BYTES = 2048
const EMPTY = Buffer.alloc(0)

/** Of one block, grown to the largest seen: four megabytes at most. */
let scratch: Buffer = EMPTY

interface FrameDescriptor {
  readonly flags: number
  readonly maxBlockBytes: number
  /** -1 where the frame does not tell. */
  readonly contentBytes: number
  /** Where the first block begins. */
  readonly blocksAt: number
}

/** Compresses one block; null when that would not make it smaller. */
export type Lz4BlockEncoder = (data: Buffer) => Buffer | null

/** Decompresses data[start, stop), which fails above maxBytes. Independent blocks only. */
export type Lz4BlockDecoder = (data: Buffer, start: number, stop: number, maxBytes: number) => Buffer

export function encodeLz4Frame(data: Buffer, encodeBlock: Lz4BlockEncoder = encodePortably): Buffer {
  const blocks = splitForLz4(data)
  return joinLz4Frame(blocks, blocks.map(encodeBlock))
}

export function splitForLz4(data: Buffer): Buffer[] {
  const blocks: Buffer[] = []
  for (let at = 0; at < data.length; at += LZ4_BLOCK_BYTES) blocks.push(data.subarray(at, at + LZ4_BLOCK_BYTES))
  return blocks
}

/** `compressed[i]` is what `blocks[i]` became, or null to store it as it is. */
export function joinLz4Frame(blocks: readonly Buffer[], compressed: readonly (Buffer | null)[]): Buffer {
  let total = HEADER_BYTES + 4
  for (let i = 0; i < blocks.length; i++) total += 4 + (compressed[i] ?? blocks[i]!).length
  const frame = Buffer.allocUnsafe(total)
  frame.writeUInt32LE(FRAME_MAGIC, 0)
  frame[4] = VERSION | INDEPENDENT_FLAG
  frame[5] = BLOCK_BYTES_BY_CODE.indexOf(LZ4_BLOCK_BYTES) << 4
  frame[6] = headerChecksum(frame, 4, 6)
  let at = HEADER_BYTES
  for (let i = 0; i < blocks.length; i++) {
    const small = compressed[i] ?? null
    const body = small ?? blocks[i]!
    frame.writeUInt32LE((body.length | (small === null ? STORED_FLAG : 0)) >>> 0, at)
    body.copy(frame, at + 4)
    at += 4 + body.length
  }
  frame.writeUInt32LE(0, at)
  return frame
}

function encodePortably(data: Buffer): Buffer | null {
  const target = Buffer.allocUnsafe(lz4BlockBoundBytes(data.length))
  const end = encodeLz4Block(data, 0, data.length, target, 0)
  return end < data.length ? target.subarray(0, end) : null
}

/** Counts block by block: what exceeds the limit is refused before it is allocated. */
export function decodeLz4Frame(data: Buffer, limitBytes: number, native: Lz4BlockDecoder | null = null): Buffer {
  const frame = readDescriptor(data)
  if (frame.contentBytes > limitBytes) refuseTooLarge(limitBytes)
  const result = new FrameContent(data, limitBytes)
  const independent = (frame.flags & INDEPENDENT_FLAG) !== 0
  const end = eachLz4Block(data, frame, (start, stop, stored) => {
    const bound = blockBoundBytes(frame, stop - start, stored)
    if (stored) result.append(data, start, stop, stop)
    else if (!independent) result.decodeLinked(start, stop, bound)
    else {
      const decode = native !== null && stop - start >= NATIVE_FROM_BYTES ? native : decodePortably
      const block = decode(data, start, stop, bound)
      result.append(block, 0, block.length, stop)
    }
  })
  checkContent(data, frame, end, result.buffer, result.sizeBytes)
  return result.buffer.subarray(0, result.sizeBytes)
}

/** What a frame has given so far, never larger than the limit. */
class FrameContent {
  readonly data: Buffer
  readonly limitBytes: number
  buffer: Buffer = EMPTY
  sizeBytes = 0

  constructor(data: Buffer, limitBytes: number) {
    this.data = data
    this.limitBytes = limitBytes
  }

  /** `readTo` is how far the frame was read for it. */
  append(source: Buffer, start: number, stop: number, readTo: number): void {
    const needed = this.sizeBytes + stop - start
    if (needed > this.limitBytes) refuseTooLarge(this.limitBytes)
    this.#reserve(needed, readTo)
    source.copy(this.buffer, this.sizeBytes, start, stop)
    this.sizeBytes = needed
  }

  /** A block whose matches may lie in the blocks before it: decoded behind them. */
  decodeLinked(start: number, stop: number, bound: number): void {
    const limit = Math.min(this.sizeBytes + bound, this.limitBytes)
    this.#reserve(limit, stop)
    const next = decodeLz4Block(this.data, start, stop, this.buffer, this.sizeBytes, limit, 0)
    if (next < 0 && limit === this.limitBytes) refuseTooLarge(this.limitBytes)
    if (next < 0) refuseTooLong(bound)
    this.sizeBytes = next
  }

  /** Grows to what the whole frame will need if it goes on as it began. */
  #reserve(needed: number, readTo: number): void {
    if (needed <= this.buffer.length) return
    const expected = Math.ceil((needed * this.data.length) / readTo)
    const larger = Buffer.allocUnsafe(Math.min(Math.max(expected, this.buffer.length * 1.5), this.limitBytes))
    this.buffer.copy(larger, 0, 0, this.sizeBytes)
    this.buffer = larger
  }
}

/** Returns a view of memory that the next block overwrites. */
function decodePortably(data: Buffer, start: number, stop: number, maxBytes: number): Buffer {
  if (scratch.length < maxBytes) scratch = Buffer.allocUnsafeSlow(Math.max(maxBytes, LZ4_BLOCK_BYTES))
  const end = decodeLz4Block(data, start, stop, scratch, 0, maxBytes, 0)
  return end < 0 ? refuseTooLong(maxBytes) : scratch.subarray(0, end)
}

function refuseTooLong(maxBytes: number): never {
  refuseCorrupt(`an LZ4 block is larger than the ${maxBytes} bytes of its frame`)
}

function checkContent(data: Buffer, frame: FrameDescriptor, end: number, result: Buffer, written: number): void {
  if (frame.contentBytes >= 0 && frame.contentBytes !== written) {
    refuseCorrupt(`an LZ4 frame of ${written} bytes announces ${frame.contentBytes}`)
  }
  if (frame.flags & CONTENT_CHECKSUM_FLAG && xxhash32(result, 0, written) !== data.readUInt32LE(end)) {
    refuseCorrupt('the checksum of an LZ4 frame does not match')
  }
}

/** The most that a frame can decompress to, from the sizes of its blocks; checks all of its structure on the way. */
export function lz4FrameBoundBytes(data: Buffer): number {
  const frame = readDescriptor(data)
  let bound = 0
  eachLz4Block(data, frame, (start, stop, stored) => {
    bound += blockBoundBytes(frame, stop - start, stored)
  })
  return bound
}

/** Each byte of a length stands for at most 255. */
function blockBoundBytes(frame: FrameDescriptor, sizeBytes: number, stored: boolean): number {
  return Math.min(frame.maxBlockBytes, stored ? sizeBytes : sizeBytes * 255)
}

function readDescriptor(data: Buffer): FrameDescriptor {
  if (data.length < HEADER_BYTES) refuseCorrupt('an LZ4 frame ends inside its header')
  if (data.readUInt32LE(0) !== FRAME_MAGIC) refuseCorrupt('the magic number of an LZ4 frame is missing')
  const flags = data[4]!
  if ((flags & VERSION_MASK) !== VERSION) refuseCorrupt(`LZ4 frame version ${flags >>> 6} is unknown`)
  if (flags & DICTIONARY_FLAG) throw new CompressionError('unsupported', 'an LZ4 frame asks for a dictionary')
  const maxBlockBytes = BLOCK_BYTES_BY_CODE[(data[5]! >>> 4) & 7]!
  if (maxBlockBytes === 0) refuseCorrupt(`LZ4 block size code ${(data[5]! >>> 4) & 7} is unknown`)
  const hasContentSize = (flags & CONTENT_SIZE_FLAG) !== 0
  const checksumAt = hasContentSize ? 14 : 6
  if (data.length <= checksumAt) refuseCorrupt('an LZ4 frame ends inside its header')
  if (data[checksumAt] !== headerChecksum(data, 4, checksumAt)) {
    refuseCorrupt('the header checksum of an LZ4 frame does not match')
  }
  const contentBytes = hasContentSize ? data.readUInt32LE(6) + data.readUInt32LE(10) * 4294967296 : -1
  return { flags, maxBlockBytes, contentBytes, blocksAt: checksumAt + 1 }
}

/** Gives the range of each block's data; returns where the content checksum lies, or would. */
function eachLz4Block(
  data: Buffer,
  frame: FrameDescriptor,
  visit: (start: number, stop: number, stored: boolean) => void,
): number {
  const checksumBytes = frame.flags & BLOCK_CHECKSUM_FLAG ? 4 : 0
  let at = frame.blocksAt
  for (;;) {
    if (data.length - at < 4) refuseCorrupt('an LZ4 frame has no end mark')
    const size = data.readUInt32LE(at)
    at += 4
    if (size === 0) break
    const stored = size >= STORED_FLAG
    const sizeBytes = stored ? size - STORED_FLAG : size
    if (sizeBytes > frame.maxBlockBytes) refuseCorrupt(`an LZ4 block of ${sizeBytes} bytes in its frame is too large`)
    if (sizeBytes + checksumBytes > data.length - at) refuseCorrupt('an LZ4 frame ends inside a block')
    const stop = at + sizeBytes
    if (checksumBytes > 0 && xxhash32(data, at, stop) !== data.readUInt32LE(stop)) {
      refuseCorrupt('the checksum of an LZ4 block does not match')
    }
    visit(at, stop, stored)
    at = stop + checksumBytes
  }
  const end = frame.flags & CONTENT_CHECKSUM_FLAG ? at + 4 : at
  if (end !== data.length) refuseCorrupt(`an LZ4 frame of ${end} bytes lies in ${data.length}`)
  return at
}

function headerChecksum(buffer: Buffer, start: number, end: number): number {
  return (xxhash32(buffer, start, end) >>> 8) & 0xff
}
