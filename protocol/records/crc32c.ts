import { createRequire } from 'node:module'

/** CRC-32C (Castagnoli), unsigned. `previous` continues the CRC of the bytes that came before. */
export type Crc32c = (buffer: Buffer, start: number, end: number, previous?: number) => number

const require = createRequire(import.meta.url)

/** Below this many bytes the call into native code costs more than it saves (bench/crc.ts). */
const NATIVE_FROM_BYTES = 300

let portable: Crc32c | undefined
let native: Crc32c | null | undefined

export function crc32c(buffer: Buffer, start: number, end: number, previous = 0): number {
  if (end - start >= NATIVE_FROM_BYTES) {
    if (native === undefined) native = loadNativeCrc32c()
    if (native !== null) return native(buffer, start, end, previous)
  }
  portable ??= loadPortableCrc32c()
  return portable(buffer, start, end, previous)
}

/** The processor's own instruction through @node-rs/crc32, or null where that optional package has no binary. */
export function loadNativeCrc32c(): Crc32c | null {
  const crc = requireNative()
  if (crc === null) return null
  return (buffer, start, end, previous = 0) => crc(viewOf(buffer, start, end), previous)
}

function requireNative(): ((input: Uint8Array, previous: number) => number) | null {
  try {
    return require('@node-rs/crc32').crc32c
  } catch {
    return null // An optional dependency: npm leaves it out where it has no binary for the platform.
  }
}

/** Tables in JavaScript, from crc-32. */
export function loadPortableCrc32c(): Crc32c {
  const crc: (input: Uint8Array, previous: number) => number = require('crc-32/crc32c.js').buf
  return (buffer, start, end, previous = 0) => crc(viewOf(buffer, start, end), previous) >>> 0
}

function viewOf(buffer: Buffer, start: number, end: number): Buffer {
  return start === 0 && end === buffer.length ? buffer : buffer.subarray(start, end)
}
