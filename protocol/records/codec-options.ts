import { zlib } from './codec-libraries.ts'
import { CompressionError } from './compression-error.ts'

/** What node:zlib is told, and how its refusals read; shared by the synchronous and the asynchronous codecs. */

const MIN_CHUNK_BYTES = 16 * 1024
const MAX_CHUNK_BYTES = 1024 * 1024

export function gzipOptions(level: number | null): { level?: number } {
  return level === null ? {} : { level }
}

export function zstdOptions(level: number | null): { params?: Record<number, number> } {
  return level === null ? {} : { params: { [zlib().constants.ZSTD_c_compressionLevel]: level } }
}

/** Output arrives in chunks until the limit is passed. A limit of 0 is none to node:zlib, hence at least 1. */
export function inflateOptions(data: Buffer, limitBytes: number): { maxOutputLength: number; chunkSize: number } {
  return {
    maxOutputLength: Math.max(limitBytes, 1),
    chunkSize: Math.max(MIN_CHUNK_BYTES, Math.min(data.length * 4, limitBytes, MAX_CHUNK_BYTES)),
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
