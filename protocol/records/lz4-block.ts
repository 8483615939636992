import { refuseCorrupt } from './compression-error.ts'

/** One LZ4 block: sequences of a token, literals, and a match of at least four bytes within the last 64 KiB. */

const MIN_MATCH = 4
/** A match may not begin in the last twelve bytes nor reach into the last five (rules of the block format). */
const MATCH_START_MARGIN = 12
const LAST_LITERALS = 5
const MAX_DISTANCE = 0xffff
const HASH_BITS = 13
/** Below this many bytes a loop is faster than a call. */
const SHORT_COPY = 24

/** Where a four-byte word was seen last, by its hash. Used by one synchronous call at a time. */
const lastSeen = new Int32Array(1 << HASH_BITS)

/** What an incompressible block grows to at most. */
export function lz4BlockBoundBytes(sizeBytes: number): number {
  return sizeBytes + Math.ceil(sizeBytes / 255) + 16
}

/**
 * Decodes source[start, end) to target[at, limit), where matches may reach back to target[floor]. Returns the end of
 * what was written, or -1 when the limit is too low; throws CompressionError for a malformed block.
 */
export function decodeLz4Block(
  source: Buffer,
  start: number,
  end: number,
  target: Buffer,
  at: number,
  limit: number,
  floor: number,
): number {
  let from = start
  let to = at
  while (from < end) {
    const token = source[from++]!
    let literals = token >>> 4
    if (literals === 15) {
      let byte = 255
      while (byte === 255) {
        if (from >= end) refuseCorrupt('an LZ4 block ends inside a length')
        byte = source[from++]!
        literals += byte
      }
    }
    if (literals > end - from) refuseCorrupt('an LZ4 block ends inside its literals')
    if (literals > limit - to) return -1
    if (literals < SHORT_COPY) {
      for (let i = 0; i < literals; i++) target[to + i] = source[from + i]!
    } else {
      source.copy(target, to, from, from + literals)
    }
    from += literals
    to += literals
    if (from === end) return to // The last sequence has literals only.
    if (end - from < 2) refuseCorrupt('an LZ4 block ends inside a distance')
    const distance = source[from]! | (source[from + 1]! << 8)
    from += 2
    if (distance === 0 || distance > to - floor) refuseCorrupt(`an LZ4 match reaches ${distance} bytes back`)
    let length = token & 15
    if (length === 15) {
      let byte = 255
      while (byte === 255) {
        if (from >= end) refuseCorrupt('an LZ4 block ends inside a length')
        byte = source[from++]!
        length += byte
      }
    }
    length += MIN_MATCH
    if (length > limit - to) return -1
    copyMatch(target, to, distance, length)
    to += length
  }
  refuseCorrupt('an LZ4 block does not end with literals')
}

/** The source of a match may overlap its target, which repeats it. */
function copyMatch(target: Buffer, to: number, distance: number, length: number): void {
  if (length < SHORT_COPY) {
    for (let i = 0; i < length; i++) target[to + i] = target[to + i - distance]!
    return
  }
  const from = to - distance
  let done = Math.min(distance, length)
  target.copyWithin(to, from, from + done)
  while (done < length) {
    const step = Math.min(done, length - done)
    target.copyWithin(to + done, to, to + step)
    done += step
  }
}

/**
 * Encodes source[start, end) to target[at…], which has `lz4BlockBoundBytes` of room; returns the end of what was
 * written. Greedy with one hash table: the speed and ratio of LZ4's fast mode, not of its high compression.
 */
export function encodeLz4Block(source: Buffer, start: number, end: number, target: Buffer, at: number): number {
  const seen = lastSeen.fill(-1) // Cleared, so that equal input gives equal output.
  const lastMatchStart = end - MATCH_START_MARGIN
  const matchEnd = end - LAST_LITERALS
  let to = at
  let literalsAt = start
  let from = start
  let misses = 0
  while (from <= lastMatchStart) {
    const word = wordAt(source, from)
    const slot = Math.imul(word, 0x9e3779b1) >>> (32 - HASH_BITS)
    const candidate = seen[slot]!
    seen[slot] = from
    if (candidate < start || from - candidate > MAX_DISTANCE || wordAt(source, candidate) !== word) {
      from += 1 + (misses++ >>> 6) // Incompressible stretches are passed over faster and faster.
      continue
    }
    let length = MIN_MATCH
    while (from + length < matchEnd && source[candidate + length] === source[from + length]) length++
    to = writeSequence(source, literalsAt, from, target, to, length - MIN_MATCH)
    target[to++] = from - candidate
    target[to++] = (from - candidate) >>> 8
    if (length - MIN_MATCH >= 15) to = writeLength(target, to, length - MIN_MATCH - 15)
    from += length
    literalsAt = from
    misses = 0
  }
  return writeSequence(source, literalsAt, end, target, to, 0)
}

/** Token and literals; the match length only goes into the token. */
function writeSequence(source: Buffer, start: number, end: number, target: Buffer, at: number, match: number): number {
  const literals = end - start
  target[at] = (Math.min(literals, 15) << 4) | Math.min(match, 15)
  const to = literals >= 15 ? writeLength(target, at + 1, literals - 15) : at + 1
  if (literals < SHORT_COPY) {
    for (let i = 0; i < literals; i++) target[to + i] = source[start + i]!
  } else {
    source.copy(target, to, start, end)
  }
  return to + literals
}

function writeLength(target: Buffer, at: number, length: number): number {
  let to = at
  let rest = length
  for (; rest >= 255; rest -= 255) target[to++] = 255
  target[to++] = rest
  return to
}

function wordAt(buffer: Buffer, at: number): number {
  return buffer[at]! | (buffer[at + 1]! << 8) | (buffer[at + 2]! << 16) | (buffer[at + 3]! << 24)
}
