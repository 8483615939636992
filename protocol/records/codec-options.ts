import { zlib } from './codec-libraries.ts'
import { CompressionError } from './compression-error.ts'

/** What the libraries are told, and how their refusals read; shared by the synchronous and the asynchronous codecs. */

const MIN_CHUNK_BYTES = 16 * 1024
const MAX_CHUNK_BYTES = 1024 * 1024

/** A buffer of the library's own costs a finalizer and fresh pages: several times the copying of 32 KiB. */
export const SNAPPY_COPIES = { asBuffer: true, copyOutputData: true }

/** Output comes in chunks of this size; node:zlib's 16 KiB mean dozens of trips between threads per megabyte. */
function chunkSizeFor(expectedBytes: number): number {
  return Math.max(MIN_CHUNK_BYTES, Math.min(expectedBytes, MAX_CHUNK_BYTES))
}

export function gzipOptions(data: Buffer, level: number | null): { level?: number; chunkSize: number } {
  const chunkSize = chunkSizeFor(data.length)
  return level === null ? { chunkSize } : { level, chunkSize }
}

export function zstdOptions(
  data: Buffer,
  level: number | null,
): { params?: Record<number, number>; chunkSize: number } {
  const chunkSize = chunkSizeFor(data.length)
  return level === null ? { chunkSize } : { params: { [zlib().constants.ZSTD_c_compressionLevel]: level }, chunkSize }
}

/** A limit of 0 is none to node:zlib, hence at least 1. */
export function inflateOptions(data: Buffer, limitBytes: number): { maxOutputLength: number; chunkSize: number } {
  return {
    maxOutputLength: Math.max(limitBytes, 1),
    chunkSize: chunkSizeFor(Math.min(data.length * 4, limitBytes)),
  }
}

export function codecLibraryFailure(error: unknown, limitBytes: number): CompressionError {
  if (error instanceof CompressionError) return error
  if (!(error instanceof Error)) return new CompressionError('corrupt', 'the compressed records are damaged', error)
  if ('code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') {
    return new CompressionError('too-large', `the decompressed records exceed the limit of ${limitBytes} bytes`)
  }
  return new CompressionError('corrupt', `the compressed records are damaged: ${error.message}`, error)
}
