import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { crc32c, loadNativeCrc32c, loadPortableCrc32c } from '../../../protocol/records/crc32c.ts'

const implementations = [
  ['chosen by size', crc32c],
  ['portable', loadPortableCrc32c()],
  ...(loadNativeCrc32c() === null ? [] : [['native', loadNativeCrc32c()!] as const]),
] as const

describe.each(implementations)('CRC-32C, %s', (_name, crc) => {
  // The first four are the test vectors of RFC 3720, B.4.
  it.each([
    ['32 zero bytes', Buffer.alloc(32), 0x8a9136aa],
    ['32 bytes of ff', Buffer.alloc(32, 0xff), 0x62a8ab43],
    ['0 to 31', Buffer.from(Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e],
    ['31 to 0', Buffer.from(Array.from({ length: 32 }, (_, i) => 31 - i)), 0x113fdb5c],
    ['the check value of catalogues', Buffer.from('123456789'), 0xe3069283],
    ['nothing', Buffer.alloc(0), 0],
  ])('%s', (_vector, bytes, expected) => {
    expect(crc(bytes, 0, bytes.length)).toBe(expected)
    const inside = Buffer.concat([Buffer.alloc(7, 9), bytes, Buffer.alloc(5, 9)])
    expect(crc(inside, 7, 7 + bytes.length)).toBe(expected)
  })

  it('agrees with a bit by bit computation, also in parts', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1500 }), fc.nat(), fc.nat(), (array, from, cut) => {
        const bytes = Buffer.from(array)
        const start = from % (bytes.length + 1)
        const middle = start + (cut % (bytes.length - start + 1))
        const expected = bitByBit(bytes.subarray(start))
        expect(crc(bytes, start, bytes.length)).toBe(expected)
        expect(crc(bytes, middle, bytes.length, crc(bytes, start, middle))).toBe(expected)
      }),
    )
  })
})

function bitByBit(bytes: Buffer): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0x82f63b78 & -(crc & 1))
  }
  return ~crc >>> 0
}
