import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inputLines } from '../../src/cli/input-lines.ts'
import { parsePosition } from '../../src/cli/log-position.ts'
import { parseFormat } from '../../src/cli/record-format.ts'
import { recordFromJson, recordToJson } from '../../src/cli/record-json.ts'
import { counted, formatTable } from '../../src/cli/table.ts'
import { UsageError } from '../../src/cli/usage-error.ts'
import type { ConsumedRecord } from '../../src/client/fetched-records.ts'

const RECORD: ConsumedRecord = {
  topic: 't',
  partition: 1,
  offset: 2,
  timestamp: 3,
  timestampType: 'CreateTime',
  leaderEpoch: 0,
  key: Buffer.from('k'),
  value: Buffer.from('v'),
  headers: [
    { key: 'a', value: Buffer.from('x') },
    { key: 'b', value: null },
  ],
}

describe('a place in a log', () => {
  it.each([
    ['beginning', { kind: 'earliest' }],
    ['earliest', { kind: 'earliest' }],
    ['end', { kind: 'latest' }],
    ['42', { kind: 'offset', offset: 42 }],
    ['-10', { kind: 'last', count: 10 }],
    ['@1700000000000', { kind: 'time', timestampMs: 1_700_000_000_000 }],
    ['2026-01-31T12:00Z', { kind: 'time', timestampMs: Date.UTC(2026, 0, 31, 12) }],
    ['2026-01-31', { kind: 'time', timestampMs: new Date(2026, 0, 31).getTime() }],
  ])('%s', (text, expected) => {
    expect(parsePosition('from', text)).toEqual(expected)
  })

  it.each(['yesterday', '2026-13-01', '1.5', '', '@', '--'])('%j is refused, and what is possible is said', (text) => {
    expect(() => parsePosition('from', text)).toThrow(/^--from .*: give beginning/)
  })
})

describe('the format of a record', () => {
  it('puts in what the letters stand for', () => {
    const format = parseFormat('%t %p %o %T %k=%s [%h] 100%%\\t\\\\\\n')
    expect(String(format(RECORD))).toBe('t 1 2 3 k=v [a=x,b=null] 100%\t\\\n')
    expect(String(format({ ...RECORD, key: null, value: null }))).toContain('null=null')
  })

  it('leaves bytes alone', () => {
    const value = Buffer.from([0xff, 0, 0xfe])
    expect(parseFormat('%s')({ ...RECORD, value })).toEqual(value)
  })

  it.each(['%x', '%', '\\q', '\\'])('%s is refused', (text) => {
    expect(() => parseFormat(text)).toThrow(UsageError)
  })
})

describe('a record as JSON', () => {
  const bytes = fc.option(fc.uint8Array().map((some) => Buffer.from(some)))
  const headers = fc.array(fc.record({ key: fc.string(), value: bytes }))

  it('is the same record again, whatever its bytes', () => {
    fc.assert(
      fc.property(bytes, bytes, headers, (key, value, headers) => {
        const { partition, timestamp } = RECORD
        const again = recordFromJson(recordToJson({ ...RECORD, key, value, headers }))
        expect(again).toEqual({ key, value, headers, partition, timestamp })
      }),
    )
  })

  it('needs a value alone, and takes JSON for one', () => {
    expect(recordFromJson('{"value":{"a":1}}')).toEqual({ key: null, value: Buffer.from('{"a":1}'), headers: [] })
    expect(recordFromJson('{"value":null,"headers":{"h":"x"}}').headers).toEqual([
      { key: 'h', value: Buffer.from('x') },
    ])
  })

  it.each([
    '',
    'x',
    '[]',
    '"v"',
    '{}',
    '{"value":1,"partition":"0"}',
    '{"value":1,"timestamp":1.5}',
    '{"value":1,"headers":[1]}',
  ])('%s is refused', (text) => {
    expect(() => recordFromJson(text)).toThrow(UsageError)
  })
})

describe('lines of input', () => {
  async function lines(...chunks: string[]): Promise<string[]> {
    async function* input() {
      for (const chunk of chunks) yield Buffer.from(chunk)
    }
    const all: string[] = []
    for await (const some of inputLines(input())) all.push(...some.map(String))
    return all
  }

  it.each([
    [['a\nb\n'], ['a', 'b']],
    [['a\nb'], ['a', 'b']],
    [
      ['a', 'b\nc', '\n', '\n'],
      ['ab', 'c', ''],
    ],
    [
      ['a\r\nb\r', '\n'],
      ['a', 'b'],
    ],
    [[], []],
  ])('%j', async (chunks, expected) => {
    expect(await lines(...chunks)).toEqual(expected)
  })

  it('do not depend on how they come', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.stringMatching(/^[ab\n]*$/)), async (chunks) => {
        const text = chunks.join('')
        const expected = text === '' ? [] : text.replace(/\n$/, '').split('\n')
        expect(await lines(...chunks)).toEqual(expected)
      }),
    )
  })
})

it('tables have columns as wide as what is in them, and numbers to the right', () => {
  expect(
    formatTable(
      ['NAME', 'N'],
      [
        ['a', 1],
        ['longer', 100],
        ['x', '-'],
      ],
    ),
  ).toBe('NAME      N\na         1\nlonger  100\nx         -\n')
  expect([counted(1, 'record'), counted(0, 'record')]).toEqual(['1 record', '0 records'])
})
