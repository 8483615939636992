import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compiledCodec, interpretedCodec } from '../../protocol/codec/codec.ts'
import { ProtocolError } from '../../protocol/codec/protocol-error.ts'
import { MAX_ELEMENTS, Reader } from '../../protocol/codec/reader.ts'
import { array, bytes, int8, type Message, message, string } from '../../protocol/codec/schema.ts'
import { allMessages, arbitraryOf, versionsOf } from './codec-arbitrary.ts'
import { checkBytes, decodeWith, encodeWith } from './codec-checks.ts'

it('a message cut off at any byte is a ProtocolError, every message in its first and last version', () => {
  for (const message of allMessages) {
    for (const version of new Set([message.versions.min, message.versions.max])) {
      const [value] = fc.sample(arbitraryOf(message, version), { seed: 5, numRuns: 1 })
      const codec = compiledCodec(message, version)
      const whole = encodeWith(codec, value)
      const step = Math.max(1, Math.floor(whole.length / 400))
      for (let length = 0; length < whole.length; length += step) {
        const outcome = decodeWith(codec, whole.subarray(0, length))
        expect(outcome, `${message.name} v${version}, ${length} of ${whole.length} bytes`).toHaveProperty('error')
      }
    }
  }
})

it('bytes behind a message are left unread', () => {
  for (const message of allMessages) {
    for (const version of versionsOf(message)) {
      const [value] = fc.sample(arbitraryOf(message, version), { seed: 6, numRuns: 1 })
      const codec = compiledCodec(message, version)
      const whole = encodeWith(codec, value)
      expect(decodeWith(codec, Buffer.concat([whole, Buffer.from('more')]))).toHaveProperty('offset', whole.length)
    }
  }
})

it('frames of nothing but one byte value give a value or a ProtocolError', () => {
  for (const message of allMessages) {
    for (const version of versionsOf(message)) {
      for (const fill of [0x00, 0x01, 0x02, 0x7f, 0x80, 0xff]) checkBytes(message, version, Buffer.alloc(600, fill))
    }
  }
})

const listed = (name: string, fields: Parameters<typeof array>[0]) =>
  message({ name, versions: '0-1', flexible: '1+', fields: { list: array(fields as Record<string, never>) } })

describe.each([
  ['compiled', compiledCodec],
  ['interpreted', interpretedCodec],
])('%s', (_, codecFor) => {
  const refusal = (schema: Message, version: number, bytes: Buffer) => () =>
    codecFor(schema, version).decode(new Reader(bytes))
  const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

  it('lengths of 2^31 - 1 and negative ones are refused before anything is allocated', () => {
    const schemas = [
      listed('Structs', { x: int8() }),
      message({ name: 'Numbers', versions: '0-1', flexible: '1+', fields: { list: array(int8()) } }),
      message({ name: 'Text', versions: '0-1', flexible: '1+', fields: { text: string() } }),
      message({ name: 'Bytes', versions: '0-1', flexible: '1+', fields: { data: bytes() } }),
    ]
    const before = process.memoryUsage()
    for (const schema of schemas) {
      for (const length of ['7fffffff', '80000000', 'fffffffe']) {
        expect(refusal(schema, 0, hex(`${length} 00000000`)), schema.name).toThrow(ProtocolError)
      }
      for (const length of ['ffffffff07', 'ffffffff0f', '80808080808001']) {
        expect(refusal(schema, 1, hex(`${length} 00000000`)), schema.name).toThrow(ProtocolError)
      }
    }
    const after = process.memoryUsage()
    expect(after.heapUsed - before.heapUsed).toBeLessThan(64e6)
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(16e6)
  })

  it('a count is held against the smallest size an element can have', () => {
    const schema = listed('Wide', { a: int8(), b: string(), c: bytes(), d: array(int8()) } as never)
    expect(refusal(schema, 0, Buffer.concat([hex('00000002'), Buffer.alloc(21)]))).toThrow('22 more bytes needed')
    expect(refusal(schema, 1, Buffer.concat([hex('03'), Buffer.alloc(9)]))).toThrow('10 more bytes needed')
  })

  it('a frame full of the smallest elements stops at the limit of elements', () => {
    const schema = listed('Small', { x: int8() })
    const frame = Buffer.alloc(2 * MAX_ELEMENTS + 10)
    frame.writeInt32BE(MAX_ELEMENTS + 1)
    expect(refusal(schema, 0, frame)).toThrow(/array elements/)
  })

  it('arrays within arrays share the limit', () => {
    const inner = array(array(array(int8())))
    const schema = message({ name: 'Nested', versions: '0', flexible: '0+', fields: { list: inner } })
    const row = Buffer.concat([hex('818001'), Buffer.alloc(16384, 1)])
    const frame = Buffer.concat([hex('47'), ...Array.from({ length: 70 }, () => row)])
    expect(refusal(schema, 0, frame)).toThrow(/array elements/)
    expect(codecFor(schema, 0).decode(new Reader(hex('02 02 02 05 00')))).toEqual({ list: [[[5]]] })
  })

  it('a count of 2^32 - 1 tags ends with the frame', () => {
    const schema = message({ name: 'Tags', versions: '0', flexible: '0+', fields: { x: int8() } })
    expect(refusal(schema, 0, hex('01 ffffffff0f 0a00 0b00'))).toThrow(ProtocolError)
  })
})
