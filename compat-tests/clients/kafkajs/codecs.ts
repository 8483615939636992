import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress } from 'node:zlib'
import kafkajs from 'kafkajs'
import { compressFrame, decompressFrame } from 'lz4-napi'
import snappy from 'snappy'

const { CompressionCodecs, CompressionTypes } = kafkajs

interface Encoder {
  buffer: Buffer
}

const xerialMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])
const XERIAL_BLOCK_BYTES = 32 * 1024

/** Snappy in the framing of snappy-java: a header, then blocks of a length and at most 32 KiB of input. */
async function compressXerial(input: Buffer): Promise<Buffer> {
  const parts: Buffer[] = [xerialMagic]
  for (let start = 0; start < input.length; start += XERIAL_BLOCK_BYTES) {
    const block = Buffer.from(await snappy.compress(input.subarray(start, start + XERIAL_BLOCK_BYTES)))
    const length = Buffer.alloc(4)
    length.writeInt32BE(block.length)
    parts.push(length, block)
  }
  return Buffer.concat(parts)
}

async function decompressXerial(input: Buffer): Promise<Buffer> {
  if (!input.subarray(0, 8).equals(xerialMagic.subarray(0, 8))) {
    return Buffer.from(await snappy.uncompress(input, { asBuffer: true }))
  }
  const parts: Buffer[] = []
  for (let at = xerialMagic.length; at < input.length; ) {
    const length = input.readInt32BE(at)
    const block = input.subarray(at + 4, at + 4 + length)
    parts.push(Buffer.from(await snappy.uncompress(block, { asBuffer: true })))
    at += 4 + length
  }
  return Buffer.concat(parts)
}

/** kafkajs ships gzip only; the other codecs are plug-ins, as in every project that uses them. */
export function registerCodecs(): void {
  CompressionCodecs[CompressionTypes.Snappy] = () => ({
    compress: (encoder: Encoder) => compressXerial(encoder.buffer),
    decompress: decompressXerial,
  })
  CompressionCodecs[CompressionTypes.LZ4] = () => ({
    compress: (encoder: Encoder) => compressFrame(encoder.buffer),
    decompress: (input: Buffer) => decompressFrame(input),
  })
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    compress: (encoder: Encoder) => promisify(zstdCompress)(encoder.buffer),
    decompress: (input: Buffer) => promisify(zstdDecompress)(input),
  })
}
