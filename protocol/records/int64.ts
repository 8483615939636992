/**
 * Kafka's int64 as a number, through two 32-bit words: BigInt is several times slower. Saturating at both ends like
 * the message codec: what is beyond ±(2^53 - 1) reads as that bound, and that bound is written as Long.MAX or Long.MIN.
 */

const MAX = Number.MAX_SAFE_INTEGER
const MIN = Number.MIN_SAFE_INTEGER

export function int64Of(high: number, low: number): number {
  const value = high * 4294967296 + (low >>> 0)
  return value > MAX ? MAX : value < MIN ? MIN : value
}

export function readInt64(buffer: Buffer, at: number): number {
  return int64Of(readInt32(buffer, at), readInt32(buffer, at + 4))
}

export function writeInt64(buffer: Buffer, at: number, value: number): void {
  writeInt32(buffer, at, highWord(value))
  writeInt32(buffer, at + 4, lowWord(value))
}

export function highWord(value: number): number {
  if (value >= MAX) return 0x7fffffff
  if (value <= MIN) return -0x80000000
  return Math.floor(value / 4294967296) | 0
}

export function lowWord(value: number): number {
  if (value >= MAX) return -1
  if (value <= MIN) return 0
  return value | 0
}

export function readInt32(buffer: Buffer, at: number): number {
  return (buffer[at]! << 24) | (buffer[at + 1]! << 16) | (buffer[at + 2]! << 8) | buffer[at + 3]!
}

export function writeInt32(buffer: Buffer, at: number, value: number): void {
  buffer[at] = value >>> 24
  buffer[at + 1] = value >>> 16
  buffer[at + 2] = value >>> 8
  buffer[at + 3] = value
}

export function readInt16(buffer: Buffer, at: number): number {
  return ((buffer[at]! << 24) >> 16) | buffer[at + 1]!
}

export function writeInt16(buffer: Buffer, at: number, value: number): void {
  buffer[at] = value >>> 8
  buffer[at + 1] = value
}
