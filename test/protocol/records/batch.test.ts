import { describe, expect, it } from 'vitest'
import * as batch from '../../../protocol/records/batch.ts'
import { assembleBatch, buildBatch } from '../../../protocol/records/batch-builder.ts'
import { readInt64, writeInt64 } from '../../../protocol/records/int64.ts'
import { RecordError } from '../../../protocol/records/record.ts'

const MAX = Number.MAX_SAFE_INTEGER
const records = [
  { timestamp: 1000, key: null, value: Buffer.from('a') },
  { timestamp: 900, key: Buffer.from('k'), value: null },
]

describe('int64', () => {
  it.each([0, 1, -1, 0x7fffffff, 0x80000000, -0x80000000, 2 ** 32, -(2 ** 32) - 1, 2 ** 52 + 1, -(2 ** 52) - 1])(
    'keeps %d',
    (value) => {
      const buffer = Buffer.alloc(8)
      writeInt64(buffer, 0, value)
      expect(buffer.readBigInt64BE()).toBe(BigInt(value))
      expect(readInt64(buffer, 0)).toBe(value)
    },
  )

  it('saturates at both ends, both ways', () => {
    const buffer = Buffer.alloc(8)
    writeInt64(buffer, 0, MAX)
    expect(buffer.readBigInt64BE()).toBe(2n ** 63n - 1n)
    expect(readInt64(buffer, 0)).toBe(MAX)
    writeInt64(buffer, 0, -MAX)
    expect(buffer.readBigInt64BE()).toBe(-(2n ** 63n))
    expect(readInt64(buffer, 0)).toBe(-MAX)
  })
})

describe('header fields', () => {
  const header = {
    baseOffset: 2 ** 40 + 3,
    partitionLeaderEpoch: 0x12345678,
    attributes: batch.TRANSACTIONAL_FLAG | batch.DELETE_HORIZON_FLAG,
    lastOffsetDelta: 9,
    baseTimestamp: 1_700_000_000_001,
    maxTimestamp: 1_700_000_000_002,
    producerId: 2 ** 50,
    producerEpoch: 0x7fff,
    baseSequence: 0x7ffffffe,
    recordCount: 3,
  }

  it('are read as they were written', () => {
    const bytes = assembleBatch(header, Buffer.alloc(10))
    expect(batch.readBatchHeader(bytes, 0)).toEqual({
      ...header,
      sizeBytes: 71,
      magic: 2,
      crc: batch.crc(bytes, 0),
    })
    expect(batch.lastOffset(bytes, 0)).toBe(2 ** 40 + 12)
    expect(batch.hasDeleteHorizon(batch.attributes(bytes, 0))).toBe(true)
    expect(batch.isControl(batch.attributes(bytes, 0))).toBe(false)
    expect(batch.batchPayload(bytes, 0).length).toBe(10)
  })

  it('the sequence wraps from 2^31 - 1 to 0', () => {
    expect(batch.lastSequence(assembleBatch(header, Buffer.alloc(0)), 0)).toBe(7)
    expect(batch.incrementSequence(0x7fffffff, 1)).toBe(0)
    expect(batch.incrementSequence(5, 0)).toBe(5)
  })

  it('a batch without a sequence has no last one', () => {
    expect(batch.lastSequence(buildBatch({ records }), 0)).toBe(-1)
  })
})

describe('patches', () => {
  it('offset and leader epoch leave the CRC valid', () => {
    const bytes = Buffer.concat([Buffer.alloc(5), buildBatch({ records })])
    batch.patchBaseOffset(bytes, 5, 2 ** 45)
    batch.patchLeaderEpoch(bytes, 5, 77)
    expect(batch.batchCrcIsValid(bytes, 5)).toBe(true)
    expect(batch.baseOffset(bytes, 5)).toBe(2 ** 45)
    expect(batch.partitionLeaderEpoch(bytes, 5)).toBe(77)
  })

  it('timestamps get a new CRC', () => {
    const bytes = buildBatch({ records })
    expect(batch.patchTimestamps(bytes, 0, { maxTimestamp: 5000, logAppendTime: true })).toBe(true)
    expect(batch.batchCrcIsValid(bytes, 0)).toBe(true)
    expect(batch.maxTimestamp(bytes, 0)).toBe(5000)
    expect(batch.isLogAppendTime(batch.attributes(bytes, 0))).toBe(true)
    expect(batch.patchTimestamps(bytes, 0, { maxTimestamp: 5000, logAppendTime: false })).toBe(true)
    expect(batch.isLogAppendTime(batch.attributes(bytes, 0))).toBe(false)
    expect(batch.batchCrcIsValid(bytes, 0)).toBe(true)
  })

  it('timestamps that are right already change no byte', () => {
    const bytes = buildBatch({ records })
    const before = Buffer.from(bytes)
    expect(batch.patchTimestamps(bytes, 0, { maxTimestamp: 1000, logAppendTime: false })).toBe(false)
    expect(bytes).toEqual(before)
  })
})

describe('what is not a batch', () => {
  const valid = buildBatch({ records })

  it.each([
    ['nothing', Buffer.alloc(0), '0 bytes are too few for a batch header'],
    ['a header cut off', valid.subarray(0, 60), '60 bytes are too few for a batch header'],
    ['records cut off', valid.subarray(0, -1), `a batch of ${valid.length} bytes is cut off after ${valid.length - 1}`],
    ['a message of the old format', patched(batch.MAGIC_AT, 1), 'magic 1 is not supported, only 2'],
    ['an unknown magic', patched(batch.MAGIC_AT, 0xff), 'magic -1 is not supported, only 2'],
    ['a negative length', patched(batch.BATCH_LENGTH_AT, 0xff), /^batch length -\d+ is below the minimum of 49$/],
    ['a length below the header', patched(batch.BATCH_LENGTH_AT + 3, 48), 'batch length 48 is below the minimum of 49'],
    ['a length of 2^31 - 1', patched(batch.BATCH_LENGTH_AT, 0x7f), /^a batch of \d+ bytes is cut off after \d+$/],
  ])('%s', (_name, bytes, reason) => {
    expect(batch.batchProblem(bytes, 0)).toMatch(reason)
  })

  it('a header is not read beyond the bytes', () => {
    expect(() => batch.readBatchHeader(valid, valid.length - 60)).toThrow(RecordError)
    expect(() => batch.readBatchHeader(valid, -1)).toThrow(RecordError)
  })

  function patched(at: number, value: number): Buffer {
    const bytes = Buffer.from(valid)
    bytes[at] = value
    return bytes
  }
})

describe('eachBatch', () => {
  const one = buildBatch({ records })
  const two = buildBatch({ records: records.slice(1) })

  it('gives the positions of all batches', () => {
    expect([...batch.eachBatch(Buffer.concat([one, two, one]))]).toEqual([0, one.length, one.length + two.length])
    expect([...batch.eachBatch(Buffer.alloc(0))]).toEqual([])
  })

  it('leaves out a batch that is cut off at the end', () => {
    expect([...batch.eachBatch(Buffer.concat([one, two.subarray(0, -1)]))]).toEqual([0])
    expect([...batch.eachBatch(Buffer.concat([one, two.subarray(0, 20)]))]).toEqual([0])
    expect([...batch.eachBatch(Buffer.concat([one, two]), one.length, one.length + two.length - 1)]).toEqual([])
  })

  it('refuses what cannot be a batch instead of looping', () => {
    const zeros = Buffer.concat([one, Buffer.alloc(100)])
    expect(() => [...batch.eachBatch(zeros)]).toThrow('magic 0')
    zeros[one.length + batch.MAGIC_AT] = 2
    expect(() => [...batch.eachBatch(zeros)]).toThrow('batch length 0 is below')
  })
})
