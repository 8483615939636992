import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ProtocolError } from '../../protocol/codec/protocol-error.ts'
import { Reader } from '../../protocol/codec/reader.ts'
import { ZERO_UUID } from '../../protocol/codec/schema.ts'
import { Writer } from '../../protocol/codec/writer.ts'

function hexOf(write: (writer: Writer) => void): string {
  const writer = new Writer(4)
  write(writer)
  const { size } = writer
  const bytes = writer.bytes()
  expect(bytes).toHaveLength(size)
  return bytes.toString('hex')
}

const MAX = Number.MAX_SAFE_INTEGER

describe('numbers', () => {
  it.each([
    [0, '0000000000000000'],
    [-1, 'ffffffffffffffff'],
    [2 ** 31, '0000000080000000'],
    [-(2 ** 31) - 1, 'ffffffff7fffffff'],
    [MAX - 1, '001ffffffffffffe'],
    [MAX, '7fffffffffffffff'],
    [2 ** 60, '7fffffffffffffff'],
    [-MAX, '8000000000000000'],
    [Number.NEGATIVE_INFINITY, '8000000000000000'],
  ])('int64 %d is written as %s, saturating', (value, hex) => expect(hexOf((w) => w.int64(value))).toBe(hex))

  it('are read back as they were written', () => {
    const long = fc.oneof(fc.maxSafeInteger(), fc.integer())
    fc.assert(
      fc.property(long, fc.integer(), fc.nat(0xffffffff), fc.double(), (a, b, c, d) => {
        const writer = new Writer(8)
        for (const write of ['int64', 'varlong'] as const) writer[write](a)
        for (const write of ['int32', 'varint', 'varlong'] as const) writer[write](b)
        for (const write of ['uint32', 'uvarint'] as const) writer[write](c)
        writer.float64(d)
        const r = new Reader(writer.bytes())
        const read = [r.int64(), r.varlong(), r.int32(), r.varint(), r.varlong(), r.uint32(), r.uvarint(), r.float64()]
        expect(read).toEqual([a, a, b, b, b, c, c, d])
        expect(r.remaining).toBe(0)
      }),
      { seed: 21, numRuns: 500 },
    )
  })

  it('varlong saturates like int64', () => {
    expect(hexOf((w) => w.varlong(MAX))).toBe('feffffffffffffffff01')
    expect(hexOf((w) => w.varlong(-MAX))).toBe('ffffffffffffffffff01')
  })

  it('that do not fit, are not whole or are no numbers are refused', () => {
    const cases = { int8: [128, -129], int16: [32768], uint16: [-1, 65536], int32: [2 ** 31], uint32: [-1, 2 ** 32] }
    const wrong = [1.5, Number.NaN, undefined as unknown as number, '1' as unknown as number]
    for (const [type, values] of Object.entries(cases)) {
      for (const value of [...values, ...wrong]) {
        expect(() => new Writer()[type as keyof typeof cases](value), `${type} ${value}`).toThrow(ProtocolError)
      }
    }
    for (const type of ['int64', 'varint', 'varlong', 'uvarint'] as const) {
      for (const value of wrong) expect(() => new Writer()[type](value), `${type} ${value}`).toThrow(ProtocolError)
    }
    expect(() => new Writer().bool(1 as unknown as boolean)).toThrow(ProtocolError)
    expect(() => new Writer().float64('1' as unknown as number)).toThrow(ProtocolError)
  })
})

describe('strings and bytes', () => {
  it('have the length in front, null has none', () => {
    expect(hexOf((w) => w.string('aé'))).toBe('000361c3a9')
    expect(hexOf((w) => w.string(null))).toBe('ffff')
    expect(hexOf((w) => w.compactString('aé'))).toBe('0461c3a9')
    expect(hexOf((w) => w.compactString(null))).toBe('00')
    expect(hexOf((w) => w.sizedBytes(Buffer.from('ab')))).toBe('000000026162')
    expect(hexOf((w) => w.sizedBytes(null))).toBe('ffffffff')
    expect(hexOf((w) => w.compactBytes([Buffer.from('a'), Buffer.from('b')]))).toBe('036162')
    expect(hexOf((w) => w.compactBytes(null))).toBe('00')
  })

  it('a string of more than 32767 bytes is refused, however few characters it has', () => {
    expect(() => new Writer().string('a'.repeat(32768))).toThrow(ProtocolError)
    expect(() => new Writer().compactString('é'.repeat(16384))).toThrow(ProtocolError)
    expect(hexOf((w) => w.string('é'.repeat(16383)))).toHaveLength(2 * (2 + 32766))
  })

  it('what is neither a string nor bytes is refused', () => {
    expect(() => new Writer().string(7 as unknown as string)).toThrow(ProtocolError)
    expect(() => new Writer().compactBytes('text' as unknown as Buffer)).toThrow(ProtocolError)
    expect(() => new Writer().compactBytes(['text'] as unknown as Buffer[])).toThrow(ProtocolError)
  })
})

describe('uuids', () => {
  it('the zero UUID and the empty string overwrite all sixteen bytes of old memory', () => {
    for (const text of [ZERO_UUID, '']) {
      const writer = new Writer(64)
      writer.slab.fill(0xee, writer.position, writer.position + 64)
      writer.uuid(text)
      expect(writer.bytes()).toEqual(Buffer.alloc(16))
    }
  })

  it('are read back as they were written', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        const text = Buffer.from(bytes).toString('base64url')
        expect(hexOf((w) => w.uuid(text))).toBe(Buffer.from(bytes).toString('hex'))
      }),
      { seed: 22, numRuns: 500 },
    )
  })

  it('in another spelling are refused and leave no old memory behind', () => {
    for (const text of [
      'AAAAAAAAAAAAAAAAAAAAAB',
      'AAAAAAAAAAAAAAAAAAAA+A',
      'AAAAAAAAAAAAAAAAAAAAé!',
      'AA',
      `${ZERO_UUID}==`,
    ]) {
      const writer = new Writer(64)
      writer.slab.fill(0xee, writer.position, writer.position + 64)
      expect(() => writer.uuid(text), text).toThrow(ProtocolError)
      expect(writer.bytes().includes(0xee), text).toBe(false)
    }
  })
})

describe('chunks', () => {
  const large = Buffer.alloc(2049, 1)
  const small = Buffer.alloc(2048, 2)

  it('up to 2 kB are copied, larger ones attached as they are', () => {
    const writer = new Writer()
    writer.int8(1)
    writer.attach([small, large])
    writer.int8(3)
    const chunks = writer.finish()
    expect(chunks.map((chunk) => chunk.length)).toEqual([2049, 2049, 1])
    expect(chunks[1]).toBe(large)
  })

  it('a length in the slab can be patched before and behind attached bytes, attached bytes cannot', () => {
    const writer = new Writer(8)
    writer.int32(0)
    writer.attach(large)
    const at = writer.size
    writer.int32(0)
    writer.patchInt32(0, writer.size - 4)
    writer.patchInt32(at, 77)
    expect(() => writer.patchInt32(10, 1)).toThrow(RangeError)
    expect(() => writer.patchInt32(2, 1)).toThrow(RangeError)
    expect(() => writer.patchInt32(writer.size - 3, 1)).toThrow(RangeError)
    expect(large.equals(Buffer.alloc(2049, 1))).toBe(true)
    const bytes = writer.bytes()
    expect([bytes.readInt32BE(0), bytes.readInt32BE(at)]).toEqual([bytes.length - 4, 77])
  })

  it('inside a tagged field are copied, and its size may take several bytes', () => {
    for (const length of [0, 100, 127, 128, 200, 16383, 16384, 300_000]) {
      const writer = new Writer(16)
      const mark = writer.beginTag(5)
      writer.attach(Buffer.alloc(length, 9))
      writer.endTag(mark)
      writer.int8(-1)
      const reader = new Reader(writer.bytes())
      expect([reader.uvarint(), reader.uvarint()]).toEqual([5, length])
      expect(reader.view(length).equals(Buffer.alloc(length, 9))).toBe(true)
      expect([reader.int8(), reader.remaining]).toEqual([-1, 0])
    }
  })

  it('writers that take turns on one block do not write into one another', () => {
    const writers = Array.from({ length: 40 }, () => new Writer(16))
    const expected: string[] = writers.map(() => '')
    for (let i = 0; i < 4000; i++) {
      const at = (i * 7) % writers.length
      const text = `${i}${'x'.repeat(i % 50)},`
      writers[at]!.copy(Buffer.from(text))
      expected[at] += text
      if (i % 13 === 0) writers[at]!.finish()
    }
    expect(writers.map((writer) => writer.bytes().toString())).toEqual(expected)
  })
})
