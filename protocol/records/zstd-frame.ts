import { CompressionError, refuseCorrupt } from './compression-error.ts'

/**
 * Where zstd frames end (RFC 8878, section 3). node:zlib decodes the first frame of its input, ignores what follows and
 * accepts a frame that is cut off, so frames are delimited here first.
 */

const FRAME_MAGIC = 0xfd2fb528
/** Sixteen magic numbers announce a frame to be passed over. */
const SKIPPABLE_MAGIC = 0x184d2a50
/** Writers make one; each costs a decoder of its own, so that thousands of tiny ones would hold the processor. */
const MAX_FRAMES = 1024
const MAX_BLOCK_BYTES = 128 * 1024
const RLE_BLOCK = 1
const RESERVED_BLOCK = 3
const DICTIONARY_ID_BYTES = [0, 1, 2, 4]
const CONTENT_SIZE_BYTES = [0, 2, 4, 8]

/** The frames with data in them, in order; refuses whatever is not a sequence of whole frames. */
export function zstdFrames(data: Buffer): Buffer[] {
  const frames: Buffer[] = []
  for (let at = 0; at < data.length; ) {
    if (data.length - at < 8) refuseCorrupt('a zstd frame ends inside its header')
    const magic = data.readUInt32LE(at)
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
      at += 8 + data.readUInt32LE(at + 4)
      if (at > data.length) refuseCorrupt('a skippable zstd frame is cut off')
      continue
    }
    if (magic !== FRAME_MAGIC) refuseCorrupt('the magic number of a zstd frame is missing')
    const end = frameEnd(data, at)
    if (frames.length === MAX_FRAMES) throw new CompressionError('unsupported', `more than ${MAX_FRAMES} zstd frames`)
    frames.push(data.subarray(at, end))
    at = end
  }
  return frames
}

function frameEnd(data: Buffer, start: number): number {
  const descriptor = data[start + 4]!
  const singleSegment = (descriptor & 0x20) !== 0
  const hasChecksum = (descriptor & 0x04) !== 0
  const dictionaryBytes = DICTIONARY_ID_BYTES[descriptor & 3]!
  if (dictionaryBytes > 0) throw new CompressionError('unsupported', 'a zstd frame asks for a dictionary')
  const sizeCode = descriptor >>> 6
  const contentSizeBytes = sizeCode === 0 && singleSegment ? 1 : CONTENT_SIZE_BYTES[sizeCode]!
  let at = start + 5 + (singleSegment ? 0 : 1) + contentSizeBytes
  for (;;) {
    if (data.length - at < 3) refuseCorrupt('a zstd frame ends inside a block header')
    const header = data.readUIntLE(at, 3)
    const type = (header >>> 1) & 3
    const sizeBytes = header >>> 3
    if (type === RESERVED_BLOCK || sizeBytes > MAX_BLOCK_BYTES) refuseCorrupt('a zstd block is malformed')
    at += 3 + (type === RLE_BLOCK ? 1 : sizeBytes)
    if (header & 1) break
  }
  if (hasChecksum) at += 4
  if (at > data.length) refuseCorrupt('a zstd frame is cut off')
  return at
}
