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
const MIN_FIRST_ALLOCATION_BYTES = 64 * 1024

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

/** Grows its result block by block, up to the limit. */
export function decodeLz4Frame(data: Buffer, limitBytes: number): Buffer {
  const frame = readDescriptor(data)
  if (frame.contentBytes > limitBytes) refuseTooLarge(limitBytes)
  const independent = (frame.flags & INDEPENDENT_FLAG) !== 0
  let result = Buffer.allocUnsafe(firstAllocationBytes(data, frame, limitBytes))
  let written = 0
  const end = eachLz4Block(data, frame, (start, stop, stored) => {
    const needed = Math.min(written + blockBoundBytes(frame, stop - start, stored), limitBytes)
    if (needed > result.length) result = grow(result, written, needed, limitBytes)
    const limit = Math.min(written + frame.maxBlockBytes, result.length)
    const next = stored
      ? storeBlock(data, start, stop, result, written, limit)
      : decodeLz4Block(data, start, stop, result, written, limit, independent ? written : 0)
    if (next < 0 && limit === limitBytes) refuseTooLarge(limitBytes)
    if (next < 0) refuseCorrupt(`an LZ4 block is larger than the ${frame.maxBlockBytes} bytes of its frame`)
    written = next
  })
  if (frame.contentBytes >= 0 && frame.contentBytes !== written) {
    refuseCorrupt(`an LZ4 frame of ${written} bytes announces ${frame.contentBytes}`)
  }
  const content = result.subarray(0, written)
  if (frame.flags & CONTENT_CHECKSUM_FLAG && xxhash32(content, 0, written) !== data.readUInt32LE(end)) {
    refuseCorrupt('the checksum of an LZ4 frame does not match')
  }
  return content
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

function firstAllocationBytes(data: Buffer, frame: FrameDescriptor, limitBytes: number): number {
  const guess = frame.contentBytes >= 0 ? frame.contentBytes : Math.max(data.length * 3, MIN_FIRST_ALLOCATION_BYTES)
  return Math.min(guess, data.length * 255, limitBytes)
}

function grow(result: Buffer, written: number, needed: number, limitBytes: number): Buffer<ArrayBuffer> {
  const larger = Buffer.allocUnsafe(Math.min(Math.max(needed, result.length * 2), limitBytes))
  result.copy(larger, 0, 0, written)
  return larger
}

function storeBlock(data: Buffer, start: number, stop: number, target: Buffer, at: number, limit: number): number {
  if (stop - start > limit - at) return -1
  data.copy(target, at, start, stop)
  return at + stop - start
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
