import { describe, expect, it } from 'vitest'
import { lineFormat, linesOf, recordFromLine } from '../../../src/cli/kafka/console-reader.ts'
import { messageFormatter } from '../../../src/cli/kafka/message-formatter.ts'
import type { ConsumedRecord } from '../../../src/client/fetched-records.ts'

function record(line: string, properties: Record<string, string>) {
  const { key, value, headers } = recordFromLine(line, 7, lineFormat(new Map(Object.entries(properties))))
  return {
    key: key?.toString() ?? null,
    value: value?.toString() ?? null,
    headers: headers.map((header) => [header.key, header.value?.toString() ?? null]),
  }
}

describe('lines of the console producer', () => {
  it('are values unless a key is asked for', () => {
    expect(record('a\tb', {})).toEqual({ key: null, value: 'a\tb', headers: [] })
    expect(record('a\tb\tc', { 'parse.key': 'true' })).toEqual({ key: 'a', value: 'b\tc', headers: [] })
    expect(record('a::b', { 'parse.key': 'true', 'key.separator': '::' })).toMatchObject({ key: 'a', value: 'b' })
  })

  it('have headers in front of the key', () => {
    const properties = { 'parse.key': 'true', 'parse.headers': 'true' }
    expect(record('h:1,i:2\tk\tv', properties)).toEqual({
      key: 'k',
      value: 'v',
      headers: [
        ['h', '1'],
        ['i', '2'],
      ],
    })
  })

  it('know a marker for null', () => {
    const properties = { 'parse.key': 'true', 'parse.headers': 'true', 'null.marker': 'NIL' }
    expect(record('h:NIL\tNIL\tNIL', properties)).toEqual({ key: null, value: null, headers: [['h', null]] })
    expect(record('NIL\tk\tv', properties)).toEqual({ key: 'k', value: 'v', headers: [] })
  })

  it('name the line that lacks something, or take it as it is', () => {
    expect(() => record('a', { 'parse.key': 'true' })).toThrow("No key separator found on line number 7: 'a'")
    expect(() => record('a', { 'parse.headers': 'true' })).toThrow('No headers delimiter found on line number 7')
    expect(() => record('a\tb', { 'parse.headers': 'true' })).toThrow("No header key separator found in pair 'a'")
    expect(record('a', { 'parse.key': 'true', 'ignore.error': 'true' })).toMatchObject({ key: null, value: 'a' })
  })

  it('refuse separators that cannot be told apart', () => {
    expect(() => lineFormat(new Map([['headers.delimiter', ',']]))).toThrow('may not be equal')
    expect(() => lineFormat(new Map([['null.marker', ':']]))).toThrow('null.marker')
  })

  it('survive being cut anywhere, and end with or without a line feed', async () => {
    const text = Buffer.from('eins\r\nzwölf\n\nlast')
    for (let cut = 0; cut <= text.length; cut++) {
      const read: string[] = []
      const input = (async function* () {
        yield text.subarray(0, cut)
        yield text.subarray(cut)
      })()
      for await (const lines of linesOf(input)) read.push(...lines)
      expect(read, `cut at ${cut}`).toEqual(['eins', 'zwölf', '', 'last'])
    }
  })
})

const RECORD: ConsumedRecord = {
  topic: 'orders',
  partition: 2,
  offset: 41,
  timestamp: 1_700_000_000_000,
  timestampType: 'CreateTime',
  leaderEpoch: 0,
  key: Buffer.from('k'),
  value: Buffer.from([0xff, 0x00]),
  headers: [
    { key: 'h', value: Buffer.from('1') },
    { key: 'i', value: null },
  ],
}

function formatted(properties: Record<string, string>, record = RECORD, formatter: string | null = null) {
  return messageFormatter(formatter, new Map(Object.entries(properties)))(record)?.toString('latin1') ?? null
}

describe('what the console consumer prints', () => {
  it('is the value, byte by byte', () => {
    expect(formatted({})).toBe('\xff\x00\n')
  })

  it('has every field in the order of Kafka', () => {
    const names = ['value', 'key', 'headers', 'offset', 'epoch', 'partition', 'timestamp']
    const all = Object.fromEntries(names.map((name) => [`print.${name}`, 'true']))
    expect(formatted({ ...all, 'key.separator': '|', 'null.literal': '∅'.normalize() })).toBe(
      Buffer.from('CreateTime:1700000000000|Partition:2|Epoch:0|Offset:41|h:1,i:∅|k|').toString('latin1') +
        '\xff\x00\n',
    )
  })

  it('leaves out the value, and says what is not there', () => {
    const bare = { ...RECORD, key: null, value: null, headers: [], timestamp: -1 }
    expect(formatted({ 'print.key': 'true', 'print.value': 'false' })).toBe('k\n')
    expect(formatted({ 'print.headers': 'true', 'print.timestamp': 'true', 'print.key': 'true' }, bare)).toBe(
      'NO_TIMESTAMP\tNO_HEADERS\tnull\tnull\n',
    )
  })

  it('reads numbers', () => {
    const long = { ...RECORD, value: Buffer.from([0, 0, 0, 0, 0, 0, 1, 0]) }
    const name = 'org.apache.kafka.common.serialization.LongDeserializer'
    expect(formatted({ 'value.deserializer': name }, long)).toBe('256\n')
    expect(() => formatted({ 'value.deserializer': name })).toThrow('Size of data received by LongDeserializer')
    expect(() => formatted({ 'value.deserializer': 'com.example.Mine' })).toThrow('only these deserializers')
  })

  it('knows formatters by the names of old and new packages', () => {
    expect(formatted({}, RECORD, 'kafka.tools.NoOpMessageFormatter')).toBeNull()
    expect(formatted({}, RECORD, 'org.apache.kafka.tools.consumer.DefaultMessageFormatter')).toBe('\xff\x00\n')
    expect(() => formatted({}, RECORD, 'com.example.Mine')).toThrow('are here')
  })
})
