import { createRequire } from 'node:module'
import { CompressionError } from './compression-error.ts'

/** The libraries behind the codecs, each loaded when a record first needs it: start-up pays for none. */

const require = createRequire(import.meta.url)

type Zlib = typeof import('node:zlib')
type Snappy = typeof import('snappy')
type Lz4 = typeof import('lz4-napi')

let zlibLibrary: Zlib | undefined
let snappyLibrary: Snappy | undefined
let lz4Library: Lz4 | null | undefined

export function zlib(): Zlib {
  zlibLibrary ??= require('node:zlib') as Zlib
  return zlibLibrary
}

export function snappy(): Snappy {
  snappyLibrary ??= requireSnappy()
  return snappyLibrary
}

/** Null where this optional package has no binary. */
export function lz4(): Lz4 | null {
  if (lz4Library === undefined) lz4Library = requireLz4()
  return lz4Library
}

function requireSnappy(): Snappy {
  try {
    return require('snappy') as Snappy
  } catch (error) {
    throw new CompressionError('unavailable', 'the snappy package has no binary for this platform', error)
  }
}

function requireLz4(): Lz4 | null {
  try {
    return require('lz4-napi') as Lz4
  } catch {
    return null // An optional dependency: npm leaves it out where it has no binary for the platform.
  }
}
