import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ProtocolError } from '../../protocol/codec/protocol-error.ts'
import { MAX_ELEMENTS, Reader } from '../../protocol/codec/reader.ts'
import { ZERO_UUID } from '../../protocol/codec/schema.ts'

const readerOf = (hex: string) => new Reader(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
const MAX = Number.MAX_SAFE_INTEGER

describe('integers', () => {
  it('are big-endian and signed as their names say', () => {
    const reader = readerOf('ff fffe fffe fffffffd fffffffd 00 02 400921fb54442d18')
    expect([reader.int8(), reader.int16(), reader.uint16(), reader.int32(), reader.uint32()]).toEqual([
      -1, -2, 65534, -3, 4294967293,
    ])
    expect([reader.bool(), reader.bool(), reader.float64()]).toEqual([false, true, Math.PI])
    expect(reader.remaining).toBe(0)
  })

  it.each([
    ['0000000000000000', 0],
    ['ffffffffffffffff', -1],
    ['0000000100000000', 2 ** 32],
    ['fffffffeffffffff', -(2 ** 32) - 1],
    ['001fffffffffffff', MAX],
    ['0020000000000000', MAX],
    ['7fffffffffffffff', MAX],
    ['ffe0000000000001', -MAX],
    ['ffe0000000000000', -MAX],
    ['8000000000000000', -MAX],
  ])('int64 %s is %d, saturating', (hex, value) => expect(readerOf(hex).int64()).toBe(value))
})

describe('varints', () => {
  it.each([
    ['00', 0],
    ['7f', 127],
    ['8001', 128],
    ['ffff7f', 2097151],
    ['ffffffff0f', 4294967295],
  ])('uvarint %s is %d', (hex, value) => expect(readerOf(hex).uvarint()).toBe(value))

  it.each([
    ['00', 0],
    ['01', -1],
    ['02', 1],
    ['feffffff0f', 2147483647],
    ['ffffffff0f', -2147483648],
  ])('varint %s is %d', (hex, value) => expect(readerOf(hex).varint()).toBe(value))

  it.each([
    ['01', -1],
    ['feffffff0f', 2147483647],
    ['8080808010', 2 ** 31],
    ['feffffffffffff1f', MAX],
    ['feffffffffffffffff01', MAX],
    ['ffffffffffffffffff01', -MAX],
  ])('varlong %s is %d', (hex, value) => expect(readerOf(hex).varlong()).toBe(value))

  it('refuses a sixth byte of a uvarint and an eleventh of a varlong', () => {
    expect(() => readerOf('808080808001').uvarint()).toThrow(ProtocolError)
    expect(() => readerOf('8080808080808080808001').varlong()).toThrow(ProtocolError)
  })
})

describe('strings', () => {
  it('decode what Buffer decodes, also from the cache and when not well-formed', () => {
    const anyBytes = fc.oneof(fc.string({ unit: 'grapheme' }).map(Buffer.from), fc.uint8Array({ maxLength: 40 }))
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        const buffer = Buffer.from(bytes)
        const decoded = [new Reader(buffer).string(buffer.length), new Reader(buffer).string(buffer.length)]
        expect(decoded).toEqual([buffer.toString('utf8'), buffer.toString('utf8')])
      }),
      { seed: 11, numRuns: 500 },
    )
  })

  it('that share a slot of the cache do not become one another', () => {
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 5000; i++) {
        const name = `${i}-topic`
        expect(new Reader(Buffer.from(name)).string(name.length)).toBe(name)
      }
    }
  })

  it('longer than 32767 bytes or of negative length are refused', () => {
    const reader = new Reader(Buffer.alloc(40000, 'a'))
    expect(() => reader.string(32768)).toThrow(ProtocolError)
    expect(() => reader.string(-2)).toThrow(ProtocolError)
    expect(reader.string(32767)).toHaveLength(32767)
  })
})

describe('uuids', () => {
  it('are 22 characters of base64url, equal to what Buffer makes of them, also from the cache', () => {
    const sixteen = fc.uint8Array({ minLength: 16, maxLength: 16 })
    fc.assert(
      fc.property(sixteen, (bytes) => {
        const buffer = Buffer.from(bytes)
        const decoded = [new Reader(buffer).uuid(), new Reader(buffer).uuid()]
        expect(decoded).toEqual([buffer.toString('base64url'), buffer.toString('base64url')])
      }),
      { seed: 12, numRuns: 3000 },
    )
    expect(new Reader(Buffer.alloc(16)).uuid()).toBe(ZERO_UUID)
  })
})

describe('bounds', () => {
  it('every read beyond the end is a ProtocolError, also when the buffer goes on', () => {
    const reads = ['int8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'float64', 'bool', 'uuid', 'uvarint'] as const
    for (const read of [...reads, 'varint', 'varlong'] as const) {
      const reader = new Reader(Buffer.alloc(40, 0x80), 10, 10)
      expect(() => reader[read](), read).toThrow(ProtocolError)
    }
    expect(() => new Reader(Buffer.alloc(8), 0, 4).view(5)).toThrow(ProtocolError)
    expect(() => new Reader(Buffer.alloc(8), 0, 4).string(5)).toThrow(ProtocolError)
    expect(() => new Reader(Buffer.alloc(8), 0, 4).skip(-1)).toThrow(ProtocolError)
    expect(() => new Reader(Buffer.alloc(8), 4, 9)).toThrow(RangeError)
  })

  it('a view shares the memory of the frame', () => {
    const frame = Buffer.from('abcdef')
    const view = new Reader(frame, 2).view(3)
    frame[2] = 0x43
    expect(view.toString()).toBe('Cde')
  })

  it('an array may not be longer than the rest of the frame allows, nor all arrays longer than the limit', () => {
    expect(() => readerOf('00000000').elements(2, 4)).toThrow(ProtocolError)
    expect(() => readerOf('00000000').elements(-2, 1)).toThrow(ProtocolError)
    const reader = new Reader(Buffer.alloc(MAX_ELEMENTS + 10))
    reader.elements(MAX_ELEMENTS - 1, 1)
    reader.elements(1, 1)
    expect(() => reader.elements(1, 1)).toThrow(/array elements/)
  })
})
