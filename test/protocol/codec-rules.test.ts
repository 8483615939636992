import { describe, expect, it } from 'vitest'
import { compiledCodec, interpretedCodec } from '../../protocol/codec/codec.ts'
import { ProtocolError } from '../../protocol/codec/protocol-error.ts'
import { Reader } from '../../protocol/codec/reader.ts'
import {
  array,
  bytes,
  type Fields,
  float64,
  int8,
  int16,
  int32,
  int64,
  type Message,
  message,
  string,
  struct,
  uuid,
  ZERO_UUID,
} from '../../protocol/codec/schema.ts'
import { encodeWith } from './codec-checks.ts'

const describeBoth = describe.each([
  ['compiled', compiledCodec],
  ['interpreted', interpretedCodec],
])

const messageOf = (fields: Fields): Message => message({ name: 'Sample', versions: '0-3', flexible: '2+', fields })

describeBoth('%s', (_, codecFor) => {
  const encoded = (fields: Fields, version: number, value: unknown) =>
    encodeWith(codecFor(messageOf(fields), version), value).toString('hex')
  const decoded = (fields: Fields, version: number, hex: string) =>
    codecFor(messageOf(fields), version).decode(new Reader(Buffer.from(hex.replaceAll(' ', ''), 'hex')))

  it('trap 6: every struct of a flexible version ends in a tagged section, elements of primitive arrays do not', () => {
    const fields = { items: array({ id: int8(), inner: struct({ x: int8() }) }), numbers: array(int8()), end: int8() }
    const value = { items: [{ id: 1, inner: { x: 2 } }], numbers: [3, 4], end: 5 }
    expect(encoded(fields, 2, value)).toBe('02' + '01' + '02' + '00' + '00' + '030304' + '05' + '00')
    expect(encoded(fields, 1, value)).toBe('00000001' + '01' + '02' + '000000020304' + '05')
    expect(decoded(fields, 2, '02 01 02 00 00 03 03 04 05 00')).toEqual(value)
  })

  it('trap 7: a tagged field that holds its default is not written', () => {
    const leader = struct({ id: int32().default(-1), epoch: int32().default(-1) }, '2+').tag(1, '2+')
    const fields = {
      topic: uuid('2+').tag(0, '2+'),
      leader,
      offset: int64('2+').default(Number.MAX_SAFE_INTEGER).tag(2, '2+'),
      nodes: array(int32(), '2+').tag(3, '2+'),
      note: string('2+').nullable().default(null).tag(4, '2+'),
      data: bytes('2+').tag(5, '2+'),
    }
    expect(encoded(fields, 2, {})).toBe('00')
    const defaults = { topic: ZERO_UUID, leader: { id: -1 }, offset: Number.MAX_SAFE_INTEGER, nodes: [], note: null }
    expect(encoded(fields, 2, { ...defaults, data: Buffer.alloc(0) })).toBe('00')
    expect(encoded(fields, 2, { ...defaults, topic: '', data: [] })).toBe('00')
    expect(encoded(fields, 2, { leader: { id: 7 } })).toBe('01' + '0109' + '00000007ffffffff00')
    expect(encoded(fields, 2, { note: '' })).toBe('01' + '0401' + '01')
    const all = decoded(fields, 2, '00')
    expect(all).toEqual({ ...defaults, leader: { id: -1, epoch: -1 }, data: Buffer.alloc(0) })
  })

  it('tags are written in ascending order whatever the order of the schema', () => {
    const fields = { late: int8('2+').tag(9, '2+'), early: int8('2+').tag(1, '2+') }
    expect(encoded(fields, 2, { late: 9, early: 1 })).toBe('02' + '010101' + '090109')
  })

  it('tags may come in any order and twice, unknown ones are skipped', () => {
    const fields = { late: int8('2+').tag(9, '2+'), early: int8('2+').tag(1, '2+') }
    expect(decoded(fields, 2, '04 09 01 09 01 01 01 64 02 ffff 01 01 05')).toEqual({ late: 9, early: 5 })
  })

  it('a tag whose size is not that of its value is refused', () => {
    const fields = { early: int8('2+').tag(1, '2+') }
    for (const hex of ['01 01 02 0101', '01 01 00 01', '01 07 05 01']) {
      expect(() => decoded(fields, 2, hex), hex).toThrow(ProtocolError)
    }
  })

  it('a tag of another version is refused with the name of the field', () => {
    const fields = { later: int8('3+').tag(1, '3+') }
    expect(() => decoded(fields, 2, '01 01 01 05')).toThrow(/Sample\.later.*version 2/)
    expect(decoded(fields, 3, '01 01 01 05')).toEqual({ later: 5 })
  })

  it('a field outside its versions decodes to its default, and fields stay in order', () => {
    const fields = {
      a: int16('1+').default(7),
      b: int8(),
      c: struct({ x: int8().default(3), y: array(int8()) }, '3'),
      d: string('1+').nullable().default(null),
      e: float64('2+'),
      f: bytes('3'),
    }
    const value = decoded(fields, 0, '05') as object
    expect(value).toEqual({ a: 7, b: 5, c: { x: 3, y: [] }, d: null, e: 0, f: Buffer.alloc(0) })
    expect(Object.keys(value)).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
  })

  it('a value for a field that the version lacks is refused unless it is the default or may be ignored', () => {
    const fields = {
      a: int16('1+').default(7),
      list: array(int8(), '1+'),
      inner: struct({ x: int8() }, '1+'),
      soft: int8('1+').ignorable(),
    }
    expect(encoded(fields, 0, {})).toBe('')
    expect(encoded(fields, 0, { a: 7, list: [], inner: { x: 0 }, soft: 3 })).toBe('')
    expect(() => encoded(fields, 0, { a: 8 })).toThrow(/Sample\.a .*version 0/)
    expect(() => encoded(fields, 0, { list: [1] })).toThrow(/Sample\.list .*version 0/)
    expect(() => encoded(fields, 0, { list: null })).toThrow(/Sample\.list .*version 0/)
    expect(() => encoded(fields, 0, { inner: { x: 1 } })).toThrow(/Sample\.inner .*version 0/)
  })

  it('a missing field takes its default; one without a default is named', () => {
    expect(encoded({ a: int8().default(4), b: string().nullable().default(null) }, 0, {})).toBe('04ffff')
    expect(() => encoded({ deep: array({ name: string() }) }, 0, { deep: [{}] })).toThrow('Sample.deep.name is missing')
    expect(() => encoded({ from: int8('1+') }, 1, {})).toThrow('Sample.from is missing')
  })

  it('null is refused both ways where the version does not allow it', () => {
    const fields = { s: string().nullable('1+') }
    expect(encoded(fields, 1, { s: null })).toBe('ffff')
    expect(encoded(fields, 2, { s: null })).toBe('0000')
    expect(() => encoded(fields, 0, { s: null })).toThrow('Sample.s must not be null')
    expect(decoded(fields, 1, 'ffff')).toEqual({ s: null })
    expect(() => decoded(fields, 0, 'ffff')).toThrow('Sample.s must not be null')
    expect(() => decoded({ b: bytes() }, 2, '00 00')).toThrow('Sample.b must not be null')
    expect(() => decoded({ a: array(int8()) }, 2, '00 00')).toThrow('Sample.a must not be null')
    expect(() => decoded({ a: array(string()) }, 2, '02 00 00')).toThrow('Sample.a must not be null')
    expect(() => encoded({ a: array(string()) }, 2, { a: [null] })).toThrow('Sample.a must not be null')
    expect(() => encoded({ a: array({ x: int8() }) }, 2, { a: [null] })).toThrow('Sample.a must not be null')
  })

  it('negative lengths other than -1 are refused', () => {
    expect(() => decoded({ s: string().nullable() }, 0, 'fffe')).toThrow(ProtocolError)
    expect(() => decoded({ b: bytes().nullable() }, 0, 'fffffffe')).toThrow(ProtocolError)
    expect(() => decoded({ a: array(int8()).nullable() }, 0, '80000000')).toThrow(ProtocolError)
  })

  it('a nullable struct has a marker in front: an int8, and in tagged form a varint as in Java', () => {
    const fields = { cursor: struct({ x: int8() }).nullable().default(null) }
    expect(encoded(fields, 0, { cursor: { x: 5 } })).toBe('0105')
    expect(encoded(fields, 0, {})).toBe('ff')
    expect(encoded(fields, 2, { cursor: null })).toBe('ff00')
    expect(decoded(fields, 0, 'ff')).toEqual({ cursor: null })
    expect(decoded(fields, 0, '01 05')).toEqual({ cursor: { x: 5 } })
    const tagged = { cursor: struct({ x: int8() }, '2+').nullable().default(null).tag(0, '2+') }
    expect(encoded(tagged, 2, { cursor: { x: 5 } })).toBe('01' + '0003' + '010500')
    expect(decoded(tagged, 2, '01 00 03 01 05 00')).toEqual({ cursor: { x: 5 } })
    expect(decoded(tagged, 2, '01 00 01 00')).toEqual({ cursor: null })
  })

  it('a never compact string keeps its two-byte length in flexible versions', () => {
    expect(encoded({ id: string().nullable().neverCompact() }, 2, { id: 'ab' })).toBe('0002616200')
  })

  it('what is not an object or not an array is refused by name', () => {
    expect(() => encoded({ a: int8() }, 0, null)).toThrow('Sample must be an object')
    expect(() => encoded({ a: array(int8()) }, 0, { a: 'text' })).toThrow('Sample.a must be an array')
    expect(() => encoded({ s: struct({ x: int8() }) }, 0, { s: 3 })).toThrow('Sample.s must be an object')
  })

  it('a value that its type cannot hold is refused with the name of the field', () => {
    const fields = { deep: array({ x: int8(), s: string(), id: uuid() }) }
    const good = { x: 1, s: '', id: ZERO_UUID }
    const refused = (value: object) => () => encoded(fields, 0, { deep: [{ ...good, ...value }] })
    expect(refused({ x: 200 })).toThrow('Sample.deep.x: int8 cannot hold 200')
    expect(refused({ s: 5 })).toThrow(/Sample\.deep\.s: /)
    expect(refused({ id: 'short' })).toThrow(/Sample\.deep\.id: /)
  })

  it('a version that the message does not have is a mistake of the caller', () => {
    expect(() => encoded({}, 4, {})).toThrow(RangeError)
  })

  it('field names that are not plain words never reach generated code', () => {
    const field = int8()
    for (const name of ['a b', 'a);process.exit(', '__proto__', '1a']) {
      const crafted = { ...messageOf({}), fields: [[name, field.spec]] } as unknown as Message
      expect(() => encodeWith(codecFor(crafted, 0), {}), name).toThrow(TypeError)
    }
  })
})
