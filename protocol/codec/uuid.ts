import { refuse } from './protocol-error.ts'
import { ZERO_UUID } from './schema.ts'

/** Topic ids recur in every Produce and Fetch: a hit costs four comparisons and allocates nothing. */
const CACHE_SLOTS = 1024
const cachedWords = new Int32Array(CACHE_SLOTS * 4)
const cachedTexts: string[] = new Array<string>(CACHE_SLOTS).fill(ZERO_UUID)

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const INVALID = 64
const sextets = new Uint8Array(128).fill(INVALID)
for (let i = 0; i < ALPHABET.length; i++) sextets[ALPHABET.charCodeAt(i)] = i

function wordAt(buffer: Buffer, offset: number): number {
  return (buffer[offset]! << 24) | (buffer[offset + 1]! << 16) | (buffer[offset + 2]! << 8) | buffer[offset + 3]!
}

/** The 16 bytes at `offset`, which the caller has checked to exist, as 22 characters of unpadded base64url. */
export function uuidFromBytes(buffer: Buffer, offset: number): string {
  const a = wordAt(buffer, offset)
  const b = wordAt(buffer, offset + 4)
  const c = wordAt(buffer, offset + 8)
  const d = wordAt(buffer, offset + 12)
  const hash = Math.imul(a ^ Math.imul(b, 0x9e3779b1) ^ Math.imul(c, 0x85ebca6b) ^ Math.imul(d, 0xc2b2ae35), 0x27d4eb2f)
  const slot = (hash >>> 16) & (CACHE_SLOTS - 1)
  const at = slot * 4
  if (cachedWords[at] === a && cachedWords[at + 1] === b && cachedWords[at + 2] === c && cachedWords[at + 3] === d) {
    return cachedTexts[slot]!
  }
  const text = buffer.toString('base64url', offset, offset + 16)
  cachedWords[at] = a
  cachedWords[at + 1] = b
  cachedWords[at + 2] = c
  cachedWords[at + 3] = d
  cachedTexts[slot] = text
  return text
}

/**
 * Writes exactly 16 bytes at `offset`, also when it throws; the empty string is the zero UUID. Only the canonical spelling is taken, so
 * that two ids are equal exactly when their texts are.
 */
export function uuidToBytes(text: string, buffer: Buffer, offset: number): void {
  if (text === ZERO_UUID || text === '') {
    buffer.fill(0, offset, offset + 16)
    return
  }
  if (typeof text !== 'string' || text.length !== 22) {
    buffer.fill(0, offset, offset + 16)
    refuse(`'${text}' is not a UUID of 22 base64url characters`)
  }
  let invalid = 0
  let at = offset
  for (let i = 0; i < 20; i += 4) {
    const a = sextets[text.charCodeAt(i)] ?? INVALID
    const b = sextets[text.charCodeAt(i + 1)] ?? INVALID
    const c = sextets[text.charCodeAt(i + 2)] ?? INVALID
    const d = sextets[text.charCodeAt(i + 3)] ?? INVALID
    invalid |= a | b | c | d
    buffer[at] = (a << 2) | (b >> 4)
    buffer[at + 1] = (b << 4) | (c >> 2)
    buffer[at + 2] = (c << 6) | d
    at += 3
  }
  const a = sextets[text.charCodeAt(20)] ?? INVALID
  const b = sextets[text.charCodeAt(21)] ?? INVALID
  invalid |= a | b
  buffer[at] = (a << 2) | (b >> 4)
  if ((invalid & INVALID) !== 0 || (b & 15) !== 0) refuse(`'${text}' is not a UUID in base64url`)
}
