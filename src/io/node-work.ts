import { promisify } from 'node:util'
import { lz4, snappy, zlib } from '../../protocol/records/codec-libraries.ts'
import { codecLibraryFailure, gzipOptions, inflateOptions, zstdOptions } from '../../protocol/records/codec-options.ts'
import { CompressionCodec, compress, decompress, joinParts } from '../../protocol/records/compression.ts'
import { joinLz4Frame, lz4FrameBoundBytes, splitForLz4 } from '../../protocol/records/lz4-frame.ts'
import { withoutLength } from '../../protocol/records/lz4-native.ts'
import { joinXerial, snappyBlocks, splitForSnappy } from '../../protocol/records/snappy-framing.ts'
import { zstdFrames } from '../../protocol/records/zstd-frame.ts'
import type { Work } from './work.ts'

/** Less input than this is done at once: a millisecond at most, where a thread's round trip costs a tenth of one. */
const COMPRESS_IN_POOL_FROM_BYTES = 64 * 1024
/** Lower, since the output may be many times the input. */
const DECOMPRESS_IN_POOL_FROM_BYTES = 16 * 1024
/** Larger than snappy-java's blocks, which any length field allows: each block is a trip to another thread. */
const SNAPPY_POOL_BLOCK_BYTES = 256 * 1024
/** Blocks smaller than this on average are decompressed sooner than handed over. */
const POOL_BLOCK_FROM_BYTES = 4 * 1024
/** Blocks of one batch that are in the pool together: a bound on what a batch of tiny blocks can allocate. */
const BLOCKS_IN_POOL = 32

/** libuv's thread pool, through the asynchronous functions of node:zlib, snappy and lz4-napi. */
export function nodeWork(): Work {
  return { compress: compressInPool, decompress: decompressInPool }
}

async function compressInPool(codec: number, data: Buffer, level: number | null): Promise<Buffer> {
  if (data.length < COMPRESS_IN_POOL_FROM_BYTES) return compress(codec, data, level)
  switch (codec) {
    case CompressionCodec.GZIP:
      return promisify(zlib().gzip)(data, gzipOptions(data, level))
    case CompressionCodec.ZSTD:
      return promisify(zlib().zstdCompress)(data, zstdOptions(data, level))
    case CompressionCodec.SNAPPY: {
      const library = snappy()
      return joinXerial(
        await inWaves(splitForSnappy(data, SNAPPY_POOL_BLOCK_BYTES), (block) => library.compress(block)),
      )
    }
    case CompressionCodec.LZ4: {
      const library = lz4()
      if (library === null) return compress(codec, data, level)
      const blocks = splitForLz4(data)
      const encode = async (block: Buffer) => withoutLength(await library.compress(block), block.length)
      return joinLz4Frame(blocks, await inWaves(blocks, encode))
    }
    default:
      return compress(codec, data, level)
  }
}

async function decompressInPool(codec: number, data: Buffer, limitBytes: number): Promise<Buffer> {
  if (data.length < DECOMPRESS_IN_POOL_FROM_BYTES) return decompress(codec, data, limitBytes)
  try {
    switch (codec) {
      case CompressionCodec.GZIP:
        return await promisify(zlib().gunzip)(data, inflateOptions(data, limitBytes))
      case CompressionCodec.ZSTD:
        return await unzstdInPool(data, limitBytes)
      case CompressionCodec.SNAPPY:
        return await unsnapInPool(data, limitBytes)
      case CompressionCodec.LZ4:
        return await unlz4InPool(data, limitBytes)
      default:
        return decompress(codec, data, limitBytes)
    }
  } catch (error) {
    throw codecLibraryFailure(error, limitBytes)
  }
}

async function unsnapInPool(data: Buffer, limitBytes: number): Promise<Buffer> {
  const blocks = snappyBlocks(data, limitBytes)
  if (data.length / blocks.length < POOL_BLOCK_FROM_BYTES) return decompress(CompressionCodec.SNAPPY, data, limitBytes)
  const library = snappy()
  return joinParts(await inWaves(blocks, async (block) => (await library.uncompress(block)) as Buffer))
}

async function unzstdInPool(data: Buffer, limitBytes: number): Promise<Buffer> {
  const unzstd = promisify(zlib().zstdDecompress)
  const parts: Buffer[] = []
  let left = limitBytes
  for (const frame of zstdFrames(data)) {
    const part = await unzstd(frame, inflateOptions(frame, left))
    left -= part.length
    parts.push(part)
  }
  return joinParts(parts)
}

/** The library knows no limit, so it gets only frames that cannot exceed it; the others are decoded here, counted. */
async function unlz4InPool(data: Buffer, limitBytes: number): Promise<Buffer> {
  const library = lz4()
  if (library === null || lz4FrameBoundBytes(data) > limitBytes) {
    return decompress(CompressionCodec.LZ4, data, limitBytes)
  }
  return library.decompressFrame(data)
}

async function inWaves<T>(blocks: readonly Buffer[], work: (block: Buffer) => Promise<T>): Promise<T[]> {
  const results: T[] = []
  for (let at = 0; at < blocks.length; at += BLOCKS_IN_POOL) {
    results.push(...(await Promise.all(blocks.slice(at, at + BLOCKS_IN_POOL).map(work))))
  }
  return results
}
