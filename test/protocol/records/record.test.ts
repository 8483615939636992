import { describe, expect, it } from 'vitest'
import { type BatchHeader, batchPayload, readBatchHeader } from '../../../protocol/records/batch.ts'
import { buildBatch, encodeRecords, type NewRecord } from '../../../protocol/records/batch-builder.ts'
import { RecordError, readRecords, walkBatch, walkRecords } from '../../../protocol/records/record.ts'

const LONG_VARINT = [0x80, 0x80, 0x80, 0x80, 0x80, 0x00]
const LONG_VARLONG = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00]

describe('walkRecords', () => {
  it('gives index, offset delta, timestamp and sizes, with -1 for null', () => {
    const bytes = buildBatch({
      records: [
        { timestamp: 1000, key: null, value: Buffer.from('abc') },
        { timestamp: 400, key: Buffer.from('kk'), value: null, headers: [{ key: 'h', value: null }] },
        { timestamp: 2 ** 41, key: Buffer.alloc(0), value: Buffer.alloc(9000) },
      ],
    })
    expect(visits(bytes)).toEqual([
      [0, 0, 1000, -1, 3],
      [1, 1, 400, 2, -1],
      [2, 2, 2 ** 41, 0, 9000],
    ])
  })

  it('leaves gaps in the offset deltas to the visitor', () => {
    const record = { timestamp: 1, key: null, value: null }
    const bytes = buildBatch({ records: [2, 1, 1, 70000].map((offsetDelta) => ({ ...record, offsetDelta })) })
    expect(visits(bytes).map((visit) => visit[1])).toEqual([2, 1, 1, 70000])
  })

  it('gives the time of the batch under log append time', () => {
    const records = [1, 2].map((timestamp) => ({ timestamp, key: null, value: null }))
    expect(visits(buildBatch({ logAppendTimeMs: 5000, records })).map((visit) => visit[2])).toEqual([5000, 5000])
  })

  it('accepts an empty batch, as compaction leaves it', () => {
    expect(visits(buildBatch({ records: [], lastOffsetDelta: 9 }))).toEqual([])
  })

  it.each([1, 62, 63, 64, 65, 8190, 8191, 8192, 8193, 1_048_575, 1_048_576])('reads a value of %d bytes', (size) => {
    const value = Buffer.alloc(size, 'v')
    const bytes = buildBatch({ records: [{ timestamp: size, key: value, value }] })
    expect(visits(bytes)).toEqual([[0, 0, size, size, size]])
    expect([...readRecords(batchPayload(bytes, 0), readBatchHeader(bytes, 0))][0]!.value).toEqual(value)
  })
})

describe('malformed records', () => {
  it.each<[string, number[], number, string]>([
    ['nothing where a record should be', [], 1, 'the header announces 1 records, 0 are there'],
    ['fewer records than announced', [12, 0, 0, 0, 1, 1, 0], 2, 'the header announces 2 records, 1 are there'],
    [
      'more records than announced',
      [12, 0, 0, 0, 1, 1, 0, 12, 0, 0, 2, 1, 1, 0],
      1,
      'more records than the 1 that the header announces',
    ],
    ['bytes after the last record', [12, 0, 0, 0, 1, 1, 0, 0], 1, 'record 1: a length of 0 bytes is too short'],
    ['a negative length', [11, 0, 0, 0, 1, 1, 0], 1, 'record 0: a length of -6 bytes is too short'],
    ['a length beyond the end', [14, 0, 0, 0, 1, 1, 0], 1, 'record 0: a length of 7 bytes with 6 left'],
    ['a length of 2^31 - 1', [0xfe, 0xff, 0xff, 0xff, 0x0f, 0, 0], 1, 'a length of 2147483647 bytes with 2 left'],
    ['a length varint of six bytes', LONG_VARINT, 1, 'a varint is longer than five bytes'],
    ['a length varint cut off', [0x80, 0x80], 1, 'it ends inside a varint'],
    ['a timestamp delta of eleven bytes', [40, 0, ...LONG_VARLONG, ...zeros(8)], 1, 'a varlong is longer than ten'],
    ['an offset delta of six bytes', [40, 0, 0, ...LONG_VARINT, ...zeros(12)], 1, 'a varint is longer than five bytes'],
    ['a key length of -2', [14, 0, 0, 0, 3, 1, 0, 0], 1, 'record 0: a key length of -2'],
    ['a key beyond the record', [14, 0, 0, 0, 10, 1, 0, 0], 1, 'record 0: a key of 5 bytes in 3'],
    ['a value length of -3', [14, 0, 0, 0, 1, 5, 0, 0], 1, 'record 0: a value length of -3'],
    ['a value that takes the header count', [14, 0, 0, 0, 1, 4, 0, 0], 1, 'record 0: it ends inside a varint'],
    ['a value beyond the record', [14, 0, 0, 0, 1, 6, 0, 0], 1, 'record 0: a value of 3 bytes in 2'],
    ['a negative header count', [12, 0, 0, 0, 1, 1, 1], 1, 'record 0: a header count of -1'],
    [
      'a header count of 2^31 - 1',
      [20, 0, 0, 0, 1, 1, 0xfe, 0xff, 0xff, 0xff, 0x0f],
      1,
      '2147483647 headers do not fit',
    ],
    ['a null header key', [16, 0, 0, 0, 1, 1, 2, 1, 1], 1, 'record 0: a header key is null'],
    ['a header key beyond the record', [18, 0, 0, 0, 1, 1, 2, 8, 1, 1], 1, 'a header key of 4 bytes in 2'],
    ['a header value length of -2', [16, 0, 0, 0, 1, 1, 2, 0, 3], 1, 'record 0: a header value length of -2'],
    ['bytes after the last header', [18, 0, 0, 0, 1, 1, 2, 0, 1, 7], 1, 'record 0: 1 bytes follow its last field'],
    ['bytes after the value', [14, 0, 0, 0, 1, 1, 0, 7], 1, 'record 0: 1 bytes follow its last field'],
  ])('%s', (_name, bytes, recordCount, reason) => {
    const header = contextFor(recordCount)
    const payload = Buffer.from(bytes)
    expect(() => walkRecords(payload, header, () => {})).toThrow(reason)
    expect(() => [...readRecords(payload, header)]).toThrow(RecordError)
    // The same with more bytes behind the range, which nothing may read.
    const wider = Buffer.concat([Buffer.alloc(3), payload, Buffer.alloc(30, 2)])
    expect(() => walkRecords(wider, header, () => {}, 3, 3 + payload.length)).toThrow(reason)
  })

  it('a walk stops at the count of the header, whatever follows', () => {
    const visited: number[] = []
    const payload = encodeRecords(
      zeros(100).map(() => ({ timestamp: 0, key: null, value: null })),
      0,
    )
    expect(() => walkRecords(payload, contextFor(3), (index) => visited.push(index))).toThrow(RecordError)
    expect(visited).toEqual([0, 1, 2])
  })

  it('names the record and the reason apart', () => {
    try {
      walkRecords(Buffer.from([12, 0, 0, 0, 1, 1, 0, 11]), contextFor(2), () => {})
      expect.unreachable()
    } catch (error) {
      expect(error).toMatchObject({ recordIndex: 1, reason: 'a length of -6 bytes is too short' })
    }
  })

  it('records cut off at any byte are refused', () => {
    const records: NewRecord[] = [3, 70, 9000].map((size) => ({
      timestamp: size * 1e6,
      key: Buffer.alloc(size, 'k'),
      value: Buffer.alloc(size, 'v'),
      headers: [{ key: 'h', value: Buffer.alloc(size) }],
    }))
    const payload = encodeRecords(records, 0)
    const header = contextFor(records.length)
    expect(() => walkRecords(payload, header, () => {})).not.toThrow()
    for (let end = 0; end < payload.length; end += end < 300 || end > payload.length - 300 ? 1 : 97) {
      expect(() => walkRecords(payload, header, () => {}, 0, end), `cut at ${end}`).toThrow(RecordError)
    }
  })

  it('a varint of five bytes and a varlong of ten are read', () => {
    const max = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]
    const payload = Buffer.from([2 * 19, 0, ...max, 0xfe, 0xff, 0xff, 0xff, 0x0f, 1, 1, 0])
    const deltas: number[] = []
    walkRecords(payload, contextFor(1), (_index, offsetDelta, timestamp) => deltas.push(offsetDelta, timestamp))
    expect(deltas).toEqual([0x7fffffff, Number.MAX_SAFE_INTEGER])
  })
})

describe('readRecords', () => {
  it('sequences follow the offset delta and wrap', () => {
    const records = [0, 1, 5].map((offsetDelta) => ({ timestamp: 1, key: null, value: null, offsetDelta }))
    const bytes = buildBatch({ baseOffset: 10, producerId: 1, producerEpoch: 0, baseSequence: 0x7fffffff, records })
    const read = [...readRecords(batchPayload(bytes, 0), readBatchHeader(bytes, 0))]
    expect(read.map(({ offset, sequence }) => [offset, sequence])).toEqual([
      [10, 0x7fffffff],
      [11, 0],
      [15, 4],
    ])
  })
})

function visits(bytes: Buffer): number[][] {
  const visited: number[][] = []
  walkBatch(bytes, 0, readBatchHeader(bytes, 0), (...visit) => visited.push(visit))
  return visited
}

function contextFor(recordCount: number): BatchHeader {
  return readBatchHeader(assembled(recordCount), 0)
}

function assembled(recordCount: number): Buffer {
  const bytes = buildBatch({ records: [{ timestamp: 0, key: null, value: null }] })
  bytes.writeInt32BE(recordCount, 57)
  return bytes
}

function zeros(count: number): number[] {
  return Array.from({ length: count }, () => 0)
}
