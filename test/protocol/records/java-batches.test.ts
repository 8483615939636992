import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import * as batch from '../../../protocol/records/batch.ts'
import { buildBatch, buildEndTransactionMarker, type NewBatch } from '../../../protocol/records/batch-builder.ts'
import { CompressionCodec, decompress } from '../../../protocol/records/compression.ts'
import { ControlType, controlTypeOf, coordinatorEpochOf } from '../../../protocol/records/control-record.ts'
import { decodeLz4Frame } from '../../../protocol/records/lz4-frame.ts'
import { type KafkaRecord, readRecords } from '../../../protocol/records/record.ts'

/** Batches written by MemoryRecords of kafka-clients 4.3.1, with what the same library reads from them. */
interface JavaBatch {
  readonly hex: string
  readonly header: Record<string, number | boolean>
  readonly records?: readonly {
    readonly offset: number
    readonly timestamp: number
    readonly sequence: number
    readonly key: string | null
    readonly value: string | null
    readonly headers: readonly { readonly key: string; readonly value: string | null }[]
  }[]
}

const LIMIT_BYTES = 1024 * 1024
const java: Record<string, JavaBatch> = fixture('java-4.3.1-batches.json')
const own: Record<string, string> = fixture('own-batches.json')

describe('batches written by the Java client', () => {
  for (const [name, { hex, header }] of Object.entries(java)) {
    it(`${name}: the header reads as in Java and the CRC matches`, () => {
      const bytes = Buffer.from(hex, 'hex')
      expect(batch.batchProblem(bytes, 0)).toBeNull()
      expect(batch.batchCrcIsValid(bytes, 0)).toBe(true)
      const read = batch.readBatchHeader(bytes, 0)
      expect({
        baseOffset: read.baseOffset,
        sizeBytes: read.sizeBytes,
        partitionLeaderEpoch: read.partitionLeaderEpoch,
        crc: read.crc,
        codec: batch.codecOf(read.attributes),
        logAppendTime: batch.isLogAppendTime(read.attributes),
        transactional: batch.isTransactional(read.attributes),
        control: batch.isControl(read.attributes),
        lastOffset: batch.lastOffset(bytes, 0),
        lastSequence: batch.lastSequence(bytes, 0),
        maxTimestamp: read.maxTimestamp,
        producerId: read.producerId,
        producerEpoch: read.producerEpoch,
        baseSequence: read.baseSequence,
        recordCount: read.recordCount,
      }).toEqual(header)
    })
  }

  for (const [name, { hex, records }] of Object.entries(java)) {
    if (records === undefined) continue
    it(`${name}: the records read as in Java`, () => {
      expect(recordsOf(Buffer.from(hex, 'hex')).map(inHex)).toEqual(records)
    })
  }

  for (const name of ['large-gzip', 'large-snappy', 'large-lz4', 'large-zstd']) {
    it(`${name}: several blocks are read`, () => {
      const values = recordsOf(Buffer.from(java[name]!.hex, 'hex')).map((record) => record.value?.toString())
      expect(values).toEqual(Array.from({ length: 40 }, (_, i) => `block ${i} `.repeat(600)))
    })
  }

  it('the portable LZ4 decoder reads the frames of Java', () => {
    const bytes = Buffer.from(java['large-lz4']!.hex, 'hex')
    const payload = batch.batchPayload(bytes, 0)
    expect(decodeLz4Frame(payload, LIMIT_BYTES, null)).toEqual(decompress(CompressionCodec.LZ4, payload, LIMIT_BYTES))
  })

  it('the markers carry type and coordinator epoch', () => {
    const [commit] = recordsOf(Buffer.from(java['commit-marker']!.hex, 'hex'))
    const [abort] = recordsOf(Buffer.from(java['abort-marker']!.hex, 'hex'))
    expect(controlTypeOf(commit!.key)).toBe(ControlType.COMMIT)
    expect(coordinatorEpochOf(commit!.value)).toBe(15)
    expect(controlTypeOf(abort!.key)).toBe(ControlType.ABORT)
    expect(coordinatorEpochOf(abort!.value)).toBe(15)
  })
})

describe('our builder writes the bytes of the Java client', () => {
  const settings: Record<string, Omit<NewBatch, 'records'>> = {
    none: { partitionLeaderEpoch: 5, producerId: 4711, producerEpoch: 3, baseSequence: 2147483640 },
    transactional: {
      baseOffset: 7,
      partitionLeaderEpoch: 9,
      producerId: 4711,
      producerEpoch: 3,
      baseSequence: 100,
      transactional: true,
    },
    'no-timestamp': {},
    'far-timestamps': {},
  }
  for (const [name, setting] of Object.entries(settings)) {
    it(name, () => {
      const { hex } = java[name]!
      const records = recordsOf(Buffer.from(hex, 'hex'))
      expect(buildBatch({ ...setting, records }).toString('hex')).toBe(hex)
    })
  }

  it('markers', () => {
    const marker = { producerId: 4711, producerEpoch: 3, coordinatorEpoch: 15, timestamp: 1_700_000_000_123 }
    const abort = buildEndTransactionMarker({ ...marker, commit: false })
    expect(abort.toString('hex')).toBe(java['abort-marker']!.hex)
    const commit = buildEndTransactionMarker({ ...marker, commit: true })
    batch.patchBaseOffset(commit, 0, 12)
    batch.patchLeaderEpoch(commit, 0, 4)
    expect(commit.toString('hex')).toBe(java['commit-marker']!.hex)
  })
})

describe('batches of our own that kafka-clients 4.3.1 was seen to decode', () => {
  const expected = Array.from({ length: 30 }, (_, i) => ({
    timestamp: 1_700_000_000_000 + i * (i % 2 ? -3e9 : 7),
    key: i % 3 ? null : Buffer.from(`k${i}`),
    value: i % 4 === 3 ? null : Buffer.from('value '.repeat(i)),
    headers:
      i % 5
        ? []
        : [
            { key: 'hé', value: null },
            { key: '', value: Buffer.from('x') },
          ],
  }))
  for (const name of ['none', 'gzip', 'snappy', 'lz4', 'lz4-portable', 'zstd']) {
    it(name, () => {
      const bytes = Buffer.from(own[name]!, 'hex')
      expect(batch.batchCrcIsValid(bytes, 0)).toBe(true)
      const records = recordsOf(bytes).map(({ timestamp, key, value, headers }) => ({ timestamp, key, value, headers }))
      expect(records).toEqual(expected)
    })
  }

  it('abort-marker', () => {
    const bytes = buildEndTransactionMarker({
      producerId: 4711,
      producerEpoch: 3,
      commit: false,
      coordinatorEpoch: 15,
      timestamp: 1_700_000_000_123,
    })
    expect(bytes.toString('hex')).toBe(own['abort-marker'])
  })
})

function recordsOf(bytes: Buffer): KafkaRecord[] {
  const header = batch.readBatchHeader(bytes, 0)
  const payload = decompress(batch.codecOf(header.attributes), batch.batchPayload(bytes, 0), LIMIT_BYTES)
  return [...readRecords(payload, header)]
}

function inHex(record: KafkaRecord): object {
  return {
    ...record,
    key: record.key?.toString('hex') ?? null,
    value: record.value?.toString('hex') ?? null,
    headers: record.headers.map((header) => ({
      key: Buffer.from(header.key).toString('hex'),
      value: header.value?.toString('hex') ?? null,
    })),
  }
}

function fixture<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8'))
}
