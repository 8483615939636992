import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import {
  ATTRIBUTES_AT,
  attributes,
  baseTimestamp,
  codecOf,
  LAST_OFFSET_DELTA_AT,
  MAX_TIMESTAMP_AT,
  maxTimestamp,
  patchBaseOffset,
  patchCrc,
  RECORD_COUNT_AT,
  readBatchHeader,
} from '../../protocol/records/batch.ts'
import {
  assembleBatch,
  buildBatch,
  encodeRecords,
  type NewBatch,
  type NewRecord,
} from '../../protocol/records/batch-builder.ts'
import { CompressionCodec, compress } from '../../protocol/records/compression.ts'
import { writeInt16, writeInt32, writeInt64 } from '../../protocol/records/int64.ts'
import type { TopicConfig } from '../../src/config/topic-config.ts'
import type { AppendResult } from '../../src/storage/storage.ts'
import { appendTo, config, identity, NOW_MS, openFixture, readFrom, recordsOf } from './store-fixture.ts'

const HOUR_MS = 3_600_000

function record(overrides: Partial<NewRecord> = {}): NewRecord {
  return { timestamp: NOW_MS, key: Buffer.from('key'), value: Buffer.from('value'), ...overrides }
}

function batch(records: readonly NewRecord[] = [record()], options: Omit<NewBatch, 'records'> = {}): Buffer {
  return buildBatch({ ...options, records })
}

/** Changes bytes under the CRC and makes it right again. */
function patched(bytes: Buffer, change: (bytes: Buffer) => void): Buffer {
  change(bytes)
  patchCrc(bytes, 0)
  return bytes
}

/** A compressed batch whose payload is whatever is given. */
function compressedPayload(plain: Buffer, recordCount: number, codec = CompressionCodec.GZIP as number): Buffer {
  const header = readBatchHeader(batch(Array.from({ length: recordCount }, () => record())), 0)
  return assembleBatch({ ...header, attributes: codec }, compress(codec, plain, null))
}

async function validate(
  records: Buffer,
  overrides: Partial<TopicConfig> = {},
  produceVersion = 11,
): Promise<AppendResult & { stored: Buffer | null }> {
  const { store } = await openFixture()
  const log = await store.open(identity(), config(overrides), 0)
  const result = await appendTo(store, log, records, { produceVersion })
  if (result.error !== ErrorCode.NONE) {
    expect(log.offsets.logEndOffset, 'a refused batch takes no offsets').toBe(0)
    expect(result).toMatchObject({ baseOffset: -1, logAppendTimeMs: -1 })
    return { ...result, stored: null }
  }
  const read = await readFrom(store, log, 0)
  return { ...result, stored: Buffer.concat(read.chunks) }
}

interface Row {
  readonly what: string
  readonly records: () => Buffer
  readonly config?: Partial<TopicConfig>
  readonly version?: number
  readonly error: ErrorCode
  readonly message?: RegExp
  readonly recordErrors?: readonly number[]
}

const DEEP = { 'odradek.record.validation': 'deep' } as const

const refusals: readonly Row[] = [
  {
    what: 'no bytes',
    records: () => Buffer.alloc(0),
    error: ErrorCode.INVALID_RECORD,
    message: /at least one record batch/,
  },
  {
    what: 'a batch that is cut off',
    records: () => batch().subarray(0, 65),
    error: ErrorCode.INVALID_RECORD,
    message: /at least one record batch/,
  },
  {
    what: 'magic 1',
    records: () => {
      const bytes = batch()
      bytes[16] = 1
      return bytes
    },
    error: ErrorCode.INVALID_RECORD,
    message: /magic version 2/,
  },
  {
    what: 'zstd with Produce 6',
    records: () => batch([record()], { codec: CompressionCodec.ZSTD }),
    version: 6,
    error: ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
    message: /ZStandard/,
  },
  {
    what: 'two batches',
    records: () => Buffer.concat([batch(), batch()]),
    error: ErrorCode.INVALID_RECORD,
    message: /exactly one record batch/,
  },
  {
    what: 'bytes behind the batch',
    records: () => Buffer.concat([batch(), Buffer.alloc(3)]),
    error: ErrorCode.INVALID_RECORD,
    message: /exactly one record batch/,
  },
  {
    what: 'base offset 5',
    records: () => {
      const bytes = batch()
      patchBaseOffset(bytes, 0, 5)
      return bytes
    },
    error: ErrorCode.INVALID_RECORD,
    message: /Baseoffset .* topic-0 should be 0, but it is 5/,
  },
  {
    what: 'trap 33: a batch above max.message.bytes',
    records: () => batch([record({ value: Buffer.alloc(2000) })]),
    config: { 'max.message.bytes': 1000 },
    error: ErrorCode.MESSAGE_TOO_LARGE,
    message: /exceeds the maximum configured value of 1000/,
  },
  {
    what: 'a batch above segment.bytes',
    records: () => batch([record({ value: Buffer.alloc(2000) })]),
    config: { 'segment.bytes': 1000 },
    error: ErrorCode.RECORD_LIST_TOO_LARGE,
    message: /maximum configured segment size of 1000/,
  },
  {
    what: 'a batch length of 10',
    records: () => patchedLength(10),
    error: ErrorCode.CORRUPT_MESSAGE,
    message: /less than the minimum/,
  },
  {
    what: 'a batch length of 40',
    records: () => patchedLength(40).subarray(0, 52),
    error: ErrorCode.CORRUPT_MESSAGE,
    message: /minimum allowed overhead 61/,
  },
  {
    what: 'a wrong CRC',
    records: () => {
      const bytes = batch()
      bytes[bytes.length - 1] = bytes[bytes.length - 1]! ^ 1
      return bytes
    },
    error: ErrorCode.CORRUPT_MESSAGE,
    message: /corrupt/,
  },
  {
    what: 'a count that is not lastOffsetDelta + 1',
    records: () => patched(batch([record(), record()]), (bytes) => writeInt32(bytes, LAST_OFFSET_DELTA_AT, 2)),
    error: ErrorCode.INVALID_RECORD,
    message: /Inconsistent batch offset range/,
  },
  {
    what: 'a count of 0',
    records: () => patched(batch(), (bytes) => writeInt32(bytes, RECORD_COUNT_AT, 0)),
    error: ErrorCode.INVALID_RECORD,
    message: /Invalid reported count/,
  },
  {
    what: 'a count of -1',
    records: () => patched(batch(), (bytes) => writeInt32(bytes, RECORD_COUNT_AT, -1)),
    error: ErrorCode.INVALID_RECORD,
  },
  {
    what: 'a negative lastOffsetDelta',
    records: () => patched(batch(), (bytes) => writeInt32(bytes, LAST_OFFSET_DELTA_AT, -2)),
    error: ErrorCode.INVALID_RECORD,
    message: /invalid offset range/,
  },
  {
    what: 'the control bit',
    records: () =>
      batch([record()], { control: true, transactional: true, producerId: 1, producerEpoch: 0, baseSequence: 0 }),
    error: ErrorCode.INVALID_RECORD,
    message: /not allowed to write control records/,
  },
  {
    what: 'a producer id without a sequence',
    records: () => batch([record()], { producerId: 1, producerEpoch: 0 }),
    error: ErrorCode.INVALID_RECORD,
    message: /Invalid sequence number -1 .* producerId 1/,
  },
  ...[5, 6, 7].map((codec) => ({
    what: `codec ${codec}`,
    records: () => patched(batch(), (bytes) => writeInt16(bytes, ATTRIBUTES_AT, codec)),
    error: ErrorCode.INVALID_RECORD,
    message: /Unknown compression type/,
  })),
  {
    what: 'the delete horizon bit',
    records: () => patched(batch(), (bytes) => writeInt16(bytes, ATTRIBUTES_AT, 0x40)),
    error: ErrorCode.INVALID_RECORD,
    message: /delete horizon/,
  },
  {
    what: 'fewer records than announced',
    records: () => patched(batch(), announce(2)),
    error: ErrorCode.INVALID_RECORD,
    message: /announces 2 records, 1 are there/,
  },
  {
    what: 'more records than announced',
    records: () => patched(batch([record(), record()]), announce(1)),
    error: ErrorCode.INVALID_RECORD,
    message: /more records than the 1/,
  },
  {
    what: 'offset deltas 1, 2',
    records: () => {
      const bytes = batch([record({ offsetDelta: 1 }), record({ offsetDelta: 2 })])
      return patched(bytes, (patch) => writeInt32(patch, LAST_OFFSET_DELTA_AT, 1))
    },
    error: ErrorCode.INVALID_RECORD,
    message: /incremental offsets/,
  },
  {
    what: 'trap 34: a null key on a compacted topic',
    records: () => batch([record(), record({ key: null }), record({ key: null })]),
    config: { 'cleanup.policy': ['compact'] },
    error: ErrorCode.INVALID_RECORD,
    message: /2 record errors in total.*RecordError\(batchIndex=1, message='Compacted topic cannot accept/,
    recordErrors: [1, 2],
  },
  {
    what: 'a null key under compact,delete, compressed',
    records: () => batch([record({ key: null })], { codec: CompressionCodec.GZIP }),
    config: { 'cleanup.policy': ['compact', 'delete'] },
    error: ErrorCode.INVALID_RECORD,
    recordErrors: [0],
  },
  {
    what: 'a timestamp more than an hour ahead',
    records: () => batch([record(), record({ timestamp: NOW_MS + HOUR_MS + 1 })]),
    error: ErrorCode.INVALID_TIMESTAMP,
    message: /rejected due to invalid timestamp/,
    recordErrors: [1],
  },
  {
    what: 'a timestamp too far back',
    records: () => batch([record({ timestamp: NOW_MS - 1001 }), record()]),
    config: { 'message.timestamp.before.max.ms': 1000 },
    error: ErrorCode.INVALID_TIMESTAMP,
    recordErrors: [0],
  },
  {
    what: 'a timestamp too far ahead in a compressed batch, without deep validation',
    records: () => batch([record(), record({ timestamp: NOW_MS + HOUR_MS + 1 })], { codec: CompressionCodec.ZSTD }),
    error: ErrorCode.INVALID_TIMESTAMP,
    recordErrors: [1],
  },
  {
    what: 'a null key and a bad timestamp: the timestamp decides the code',
    records: () => batch([record({ key: null }), record({ timestamp: NOW_MS + 2 * HOUR_MS })]),
    config: { 'cleanup.policy': ['compact'] },
    error: ErrorCode.INVALID_TIMESTAMP,
    recordErrors: [0, 1],
  },
  {
    what: 'log append time set by the producer on a LogAppendTime topic',
    records: () => batch([record(), record()], { logAppendTimeMs: NOW_MS }),
    config: { 'message.timestamp.type': 'LogAppendTime' },
    error: ErrorCode.INVALID_TIMESTAMP,
    recordErrors: [0, 1],
  },
  {
    what: 'the same, compressed',
    records: () => batch([record()], { logAppendTimeMs: NOW_MS, codec: CompressionCodec.LZ4 }),
    config: { 'message.timestamp.type': 'LogAppendTime' },
    error: ErrorCode.INVALID_TIMESTAMP,
    recordErrors: [0],
  },
  {
    what: 'trap 39: a compressed batch with fewer records than announced, deep',
    records: () => patched(batch([record()], { codec: CompressionCodec.SNAPPY }), announce(3)),
    config: DEEP,
    error: ErrorCode.INVALID_RECORD,
  },
  {
    what: 'a compressed batch with bytes behind its records, deep',
    records: () => compressedPayload(Buffer.concat([encodeRecords([record()], NOW_MS), Buffer.alloc(4)]), 1),
    config: DEEP,
    error: ErrorCode.INVALID_RECORD,
  },
  {
    what: 'a compressed batch with other offset deltas, deep',
    records: () => compressedPayload(encodeRecords([record({ offsetDelta: 3 })], NOW_MS), 1),
    config: DEEP,
    error: ErrorCode.INVALID_RECORD,
    message: /incremental offsets/,
  },
  {
    what: 'trap 32: a compressed payload that cannot be decoded is not a retriable error, deep',
    records: () =>
      assembleBatch(
        { ...readBatchHeader(batch(), 0), attributes: CompressionCodec.GZIP },
        Buffer.from('not gzip at all'),
      ),
    config: DEEP,
    error: ErrorCode.INVALID_RECORD,
    message: /cannot be read/,
  },
]

function announce(count: number): (bytes: Buffer) => void {
  return (bytes) => {
    writeInt32(bytes, LAST_OFFSET_DELTA_AT, count - 1)
    writeInt32(bytes, RECORD_COUNT_AT, count)
  }
}

function patchedLength(length: number): Buffer {
  const bytes = batch()
  writeInt32(bytes, 8, length)
  return bytes
}

/** Refused before the log is looked at: not exactly one batch of magic 2. */
const UNSEEN = ['no bytes', 'a batch that is cut off', 'magic 1', 'two batches', 'bytes behind the batch']

describe('batches that are refused', () => {
  it.each(refusals)('$what', async (row) => {
    const result = await validate(row.records(), row.config, row.version)
    expect(result.error).toBe(row.error)
    if (row.message) expect(result.message).toMatch(row.message)
    expect(result.recordErrors.map((error) => error.batchIndex)).toEqual(row.recordErrors ?? [])
    // Kafka tells where the log starts once it has looked at the log, unless it fails with one of these.
    const silent = UNSEEN.includes(row.what) || [2, 10, 18, 76].includes(row.error)
    expect(result.logStartOffset).toBe(silent ? -1 : 0)
  })

  it('a decompressed size beyond the limit is MESSAGE_TOO_LARGE, so that the producer splits the batch', async () => {
    const { store } = await openFixture({ decompressedBatchLimitBytes: 1_000_000 })
    const log = await store.open(identity(), config(DEEP), 0)
    const bomb = batch([record({ value: Buffer.alloc(5_000_000) })], { codec: CompressionCodec.GZIP })
    expect(await appendTo(store, log, bomb)).toMatchObject({ error: ErrorCode.MESSAGE_TOO_LARGE })
  })
})

describe('batches that are taken', () => {
  const CODECS = Object.entries(CompressionCodec)

  it.each(CODECS)('%s as it comes, byte for byte but for offset and epoch', async (_name, codec) => {
    const sent = batch([record(), record({ key: null, value: null })], { codec })
    const copy = Buffer.from(sent)
    const { stored, error, logAppendTimeMs } = await validate(sent)
    expect({ error, logAppendTimeMs }).toEqual({ error: 0, logAppendTimeMs: -1 })
    expect(stored!.subarray(16)).toEqual(copy.subarray(16))
  })

  it.each(CODECS)('%s under deep validation', async (_name, codec) => {
    expect(await validate(batch([record(), record()], { codec }), DEEP)).toMatchObject({ error: 0 })
  })

  it('zstd with Produce 7', async () => {
    expect(await validate(batch([record()], { codec: CompressionCodec.ZSTD }), {}, 7)).toMatchObject({ error: 0 })
  })

  it('unused attribute bits 7 to 15', async () => {
    const bytes = patched(batch(), (patch) => writeInt16(patch, ATTRIBUTES_AT, 0x7f80))
    expect(await validate(bytes)).toMatchObject({ error: 0 })
  })

  it('timestamp -1 on a CreateTime topic', async () => {
    const { stored } = await validate(batch([record({ timestamp: -1 })]))
    expect(maxTimestamp(stored!, 0)).toBe(-1)
  })

  it('any age by default, and an hour ahead', async () => {
    expect(await validate(batch([record({ timestamp: 0 })]))).toMatchObject({ error: 0 })
    expect(await validate(batch([record({ timestamp: NOW_MS + HOUR_MS })]))).toMatchObject({ error: 0 })
  })

  it('a batch of exactly max.message.bytes', async () => {
    const bytes = batch()
    expect(await validate(bytes, { 'max.message.bytes': bytes.length })).toMatchObject({ error: 0 })
  })

  it('a consistent but undecodable compressed batch passes in the shallow default', async () => {
    const header = readBatchHeader(batch(), 0)
    const bytes = assembleBatch({ ...header, attributes: CompressionCodec.GZIP }, Buffer.from('not gzip'))
    expect(await validate(bytes)).toMatchObject({ error: 0 })
  })
})

describe('batches that are rewritten', () => {
  it('a max timestamp that lies is corrected', async () => {
    const bytes = patched(batch([record(), record({ timestamp: NOW_MS - 5 })]), (patch) =>
      writeInt64(patch, MAX_TIMESTAMP_AT, NOW_MS + 77),
    )
    const { stored } = await validate(bytes)
    expect(maxTimestamp(stored!, 0)).toBe(NOW_MS)
    expect(recordsOf([stored!]).map(({ timestamp }) => timestamp)).toEqual([NOW_MS, NOW_MS - 5])
  })

  it('log append time set by the producer on a CreateTime topic is taken back', async () => {
    const { stored, logAppendTimeMs } = await validate(batch([record()], { logAppendTimeMs: NOW_MS }))
    expect(attributes(stored!, 0) & 0x08).toBe(0)
    expect(logAppendTimeMs).toBe(-1)
    expect(recordsOf([stored!])).toHaveLength(1)
  })

  it.each([CompressionCodec.NONE, CompressionCodec.GZIP])(
    'codec %i: a LogAppendTime topic stamps the batch',
    async (codec) => {
      const { stored, logAppendTimeMs } = await validate(
        batch([record({ timestamp: 5 }), record({ timestamp: 7 })], { codec }),
        { 'message.timestamp.type': 'LogAppendTime' },
      )
      expect(logAppendTimeMs).toBe(NOW_MS)
      expect(attributes(stored!, 0) & 0x08).toBe(0x08)
      expect(baseTimestamp(stored!, 0)).toBe(5)
      expect(recordsOf([stored!]).map(({ timestamp }) => timestamp)).toEqual([NOW_MS, NOW_MS])
    },
  )

  const targets = [
    ['uncompressed', CompressionCodec.NONE],
    ['gzip', CompressionCodec.GZIP],
    ['snappy', CompressionCodec.SNAPPY],
    ['lz4', CompressionCodec.LZ4],
    ['zstd', CompressionCodec.ZSTD],
  ] as const

  for (const [type, codec] of targets) {
    for (const [, source] of targets) {
      it(`compression.type ${type} from codec ${source}`, async () => {
        const records = Array.from({ length: 50 }, (_, index) =>
          record({ value: Buffer.from(`value ${index}`.repeat(9)) }),
        )
        const sent = batch(records, {
          codec: source,
          producerId: 7,
          producerEpoch: 1,
          baseSequence: 3,
          transactional: true,
        })
        const { stored } = await validate(sent, { 'compression.type': type })
        const header = readBatchHeader(stored!, 0)
        expect(codecOf(header.attributes)).toBe(codec)
        expect(header).toMatchObject({ producerId: 7, producerEpoch: 1, baseSequence: 3, recordCount: 50 })
        expect(header.attributes & 0x10).toBe(0x10)
        expect(recordsOf([stored!]).map(({ value }) => value)).toEqual(records.map(({ value }) => value))
      })
    }
  }

  it('the limit holds for the recompressed batch too', async () => {
    const bytes = batch([record({ value: Buffer.alloc(5000) })], { codec: CompressionCodec.GZIP })
    const refused = await validate(bytes, { 'compression.type': 'uncompressed', 'max.message.bytes': 1000 })
    expect(refused.error).toBe(ErrorCode.MESSAGE_TOO_LARGE)
  })
})
