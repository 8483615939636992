import { lz4 } from './codec-libraries.ts'
import { refuseCorrupt } from './compression-error.ts'
import type { Lz4BlockDecoder, Lz4BlockEncoder } from './lz4-frame.ts'

/** The blocks of our own frames through lz4-napi, which puts a length of four bytes before each. */

const LENGTH_BYTES = 4
const SCRATCH_BYTES = 64 * 1024 + LENGTH_BYTES

let scratch: Buffer | undefined

/** Undefined where the package is missing: the portable encoder takes its place. */
export function nativeLz4Encoder(): Lz4BlockEncoder | undefined {
  const library = lz4()
  if (library === null) return undefined
  return (data) => withoutLength(library.compressSync(data), data.length)
}

/** Null when the block would not become smaller. */
export function withoutLength(block: Buffer, originalBytes: number): Buffer | null {
  return block.length - LENGTH_BYTES < originalBytes ? block.subarray(LENGTH_BYTES) : null
}

export function nativeLz4Decoder(): Lz4BlockDecoder | null {
  const library = lz4()
  if (library === null) return null
  return (data, start, stop, maxBytes) => {
    const prefixed = withLength(data, start, stop, maxBytes)
    try {
      return library.uncompressSync(prefixed)
    } catch (error) {
      return refuseCorrupt('an LZ4 block is damaged', error)
    }
  }
}

/** The library allocates the length given, and fails when it is too small. */
function withLength(data: Buffer, start: number, stop: number, maxBytes: number): Buffer {
  const sizeBytes = LENGTH_BYTES + stop - start
  if (sizeBytes <= SCRATCH_BYTES) scratch ??= Buffer.allocUnsafeSlow(SCRATCH_BYTES)
  const target = scratch !== undefined && sizeBytes <= SCRATCH_BYTES ? scratch : Buffer.allocUnsafe(sizeBytes)
  target.writeUInt32LE(maxBytes, 0)
  data.copy(target, LENGTH_BYTES, start, stop)
  return target.subarray(0, sizeBytes)
}
