import { snappy, zlib } from './codec-libraries.ts'
import { codecLibraryFailure, gzipOptions, inflateOptions, SNAPPY_COPIES, zstdOptions } from './codec-options.ts'
import { CompressionError, refuseTooLarge } from './compression-error.ts'
import { decodeLz4Frame, encodeLz4Frame } from './lz4-frame.ts'
import { nativeLz4Decoder, nativeLz4Encoder } from './lz4-native.ts'
import { joinXerial, snappyBlocks, splitForSnappy } from './snappy-framing.ts'
import { zstdFrames } from './zstd-frame.ts'

export { CompressionError }

/** Numbers as in the attributes of a batch. */
export const CompressionCodec = { NONE: 0, GZIP: 1, SNAPPY: 2, LZ4: 3, ZSTD: 4 } as const

/** Which codecs exist; 5 to 7 do not. */
export function isKnownCodec(codec: number): boolean {
  return codec >= CompressionCodec.NONE && codec <= CompressionCodec.ZSTD
}

/**
 * At once, on the event loop. The level is the codec's own, null for its default; snappy has none, and LZ4 is always
 * written in its fast mode. Throws CompressionError.
 */
export function compress(codec: number, data: Buffer, level: number | null): Buffer {
  switch (codec) {
    case CompressionCodec.NONE:
      return data
    case CompressionCodec.GZIP:
      return zlib().gzipSync(data, gzipOptions(data, level))
    case CompressionCodec.SNAPPY: {
      const { compressSync } = snappy()
      return joinXerial(splitForSnappy(data).map((block) => compressSync(block, SNAPPY_COPIES)))
    }
    case CompressionCodec.LZ4:
      return encodeLz4Frame(data, nativeLz4Encoder())
    case CompressionCodec.ZSTD:
      return zlib().zstdCompressSync(data, zstdOptions(data, level))
    default:
      return refuseCodec(codec)
  }
}

/**
 * At once, on the event loop. Fails with kind 'too-large' before much more than the limit is allocated. No bytes give
 * no bytes whatever the codec: compaction leaves batches that keep their attributes and no records.
 */
export function decompress(codec: number, data: Buffer, limitBytes: number): Buffer {
  if (data.length === 0) return data
  switch (codec) {
    case CompressionCodec.NONE:
      return data.length > limitBytes ? refuseTooLarge(limitBytes) : data
    case CompressionCodec.GZIP:
      return gunzip(data, limitBytes)
    case CompressionCodec.SNAPPY:
      return unsnap(data, limitBytes)
    case CompressionCodec.LZ4:
      return decodeLz4Frame(data, limitBytes, nativeLz4Decoder())
    case CompressionCodec.ZSTD:
      return unzstd(data, limitBytes)
    default:
      return refuseCodec(codec)
  }
}

function gunzip(data: Buffer, limitBytes: number): Buffer {
  try {
    return zlib().gunzipSync(data, inflateOptions(data, limitBytes))
  } catch (error) {
    throw codecLibraryFailure(error, limitBytes)
  }
}

function unsnap(data: Buffer, limitBytes: number): Buffer {
  const { uncompressSync } = snappy()
  const blocks = snappyBlocks(data, limitBytes)
  try {
    return joinParts(blocks.map((block) => uncompressSync(block, SNAPPY_COPIES) as Buffer))
  } catch (error) {
    throw codecLibraryFailure(error, limitBytes)
  }
}

function unzstd(data: Buffer, limitBytes: number): Buffer {
  const { zstdDecompressSync } = zlib()
  let left = limitBytes
  const parts = zstdFrames(data).map((frame) => {
    try {
      const part = zstdDecompressSync(frame, inflateOptions(frame, left))
      left -= part.length
      return part
    } catch (error) {
      throw codecLibraryFailure(error, limitBytes)
    }
  })
  return joinParts(parts)
}

export function joinParts(parts: readonly Buffer[]): Buffer {
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
}

export function refuseCodec(codec: number): never {
  throw new CompressionError('unsupported', `compression codec ${codec} is unknown`)
}
