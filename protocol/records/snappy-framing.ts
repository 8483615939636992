import { refuseCorrupt, refuseTooLarge } from './compression-error.ts'

/**
 * Kafka's snappy: the framing of snappy-java (xerial), a header and then blocks with their length in front. Some clients
 * (older sarama, kafka-go and librdkafka among them) write one bare block instead; both are read, xerial is written.
 */

const XERIAL_HEADER = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])
/** What snappy-java's stream compresses at once. */
const SNAPPY_BLOCK_BYTES = 32 * 1024
/** The densest element turns three bytes into 64, so that a larger claim is a lie. */
const MAX_RATIO = 22

export function splitForSnappy(data: Buffer, blockBytes = SNAPPY_BLOCK_BYTES): Buffer[] {
  const blocks: Buffer[] = []
  for (let at = 0; at < data.length; at += blockBytes) blocks.push(data.subarray(at, at + blockBytes))
  return blocks
}

/** Puts compressed blocks behind the header of snappy-java, version 1. */
export function joinXerial(blocks: readonly Buffer[]): Buffer {
  let total = XERIAL_HEADER.length
  for (const block of blocks) total += 4 + block.length
  const framed = Buffer.allocUnsafe(total)
  XERIAL_HEADER.copy(framed)
  let at = XERIAL_HEADER.length
  for (const block of blocks) {
    framed.writeInt32BE(block.length, at)
    block.copy(framed, at + 4)
    at += 4 + block.length
  }
  return framed
}

/** The bare blocks of either form, after a check that together they do not claim more than the limit. */
export function snappyBlocks(data: Buffer, limitBytes: number): Buffer[] {
  const blocks = startsWithXerialHeader(data, 0) ? xerialBlocks(data) : [data]
  let total = 0
  for (const block of blocks) {
    total += announcedBytes(block)
    if (total > limitBytes) refuseTooLarge(limitBytes)
  }
  return blocks
}

function xerialBlocks(data: Buffer): Buffer[] {
  const blocks: Buffer[] = []
  let at = XERIAL_HEADER.length
  if (data.length < at) refuseCorrupt('a snappy stream ends inside its header')
  while (at < data.length) {
    // Concatenated streams repeat the header; snappy-java reads them as one.
    if (startsWithXerialHeader(data, at) && data.length - at >= XERIAL_HEADER.length) {
      at += XERIAL_HEADER.length
      continue
    }
    if (data.length - at < 4) refuseCorrupt('a snappy stream ends inside a block length')
    const sizeBytes = data.readInt32BE(at)
    at += 4
    if (sizeBytes <= 0 || sizeBytes > data.length - at) {
      refuseCorrupt(`a snappy block of ${sizeBytes} bytes with ${data.length - at} left`)
    }
    blocks.push(data.subarray(at, at + sizeBytes))
    at += sizeBytes
  }
  return blocks
}

function startsWithXerialHeader(data: Buffer, at: number): boolean {
  if (data.length - at < 8) return false
  for (let i = 0; i < 8; i++) if (data[at + i] !== XERIAL_HEADER[i]) return false
  return true
}

/** A block begins with its uncompressed length as an unsigned varint. */
function announcedBytes(block: Buffer): number {
  let sizeBytes = 0
  for (let i = 0; i < 5; i++) {
    if (i >= block.length) refuseCorrupt('a snappy block ends inside its length')
    const byte = block[i]!
    sizeBytes += (byte & 0x7f) * 2 ** (7 * i)
    if (byte >= 0x80) continue
    if (sizeBytes > block.length * MAX_RATIO) {
      refuseCorrupt(`a snappy block of ${block.length} bytes announces ${sizeBytes}`)
    }
    return sizeBytes
  }
  refuseCorrupt('the length of a snappy block is longer than five bytes')
}
