import { highWord, lowWord } from './int64.ts'

/** Zig-zag varints of records, as written; `RecordCursor` reads them. */

export function varintSizeBytes(value: number): number {
  return uvarintSizeBytes(((value << 1) ^ (value >> 31)) >>> 0)
}

function uvarintSizeBytes(value: number): number {
  return value === 0 ? 1 : Math.ceil((32 - Math.clz32(value)) / 7)
}

/** Returns the position after it. */
export function writeVarint(buffer: Buffer, at: number, value: number): number {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0
  let next = at
  for (; rest > 0x7f; rest >>>= 7) buffer[next++] = rest | 0x80
  buffer[next++] = rest
  return next
}

/** Saturating like int64: ±(2^53 - 1) is written as Long.MAX or Long.MIN. */
export function varlongSizeBytes(value: number): number {
  if ((value | 0) === value) return varintSizeBytes(value)
  const high = highWord(value)
  const sign = high >> 31
  const zigzagHigh = ((high << 1) | (lowWord(value) >>> 31)) ^ sign
  if (zigzagHigh === 0) return uvarintSizeBytes(((lowWord(value) << 1) ^ sign) >>> 0)
  return Math.ceil((64 - Math.clz32(zigzagHigh)) / 7)
}

/** Returns the position after it. */
export function writeVarlong(buffer: Buffer, at: number, value: number): number {
  if ((value | 0) === value) return writeVarint(buffer, at, value)
  const sign = highWord(value) >> 31
  let low = ((lowWord(value) << 1) ^ sign) >>> 0
  let high = (((highWord(value) << 1) | (lowWord(value) >>> 31)) ^ sign) >>> 0
  let next = at
  while (high !== 0 || low > 0x7f) {
    buffer[next++] = low | 0x80
    low = ((low >>> 7) | (high << 25)) >>> 0
    high >>>= 7
  }
  buffer[next++] = low
  return next
}
