import {
  ATTRIBUTES_AT,
  type BatchHeader,
  eachBatch,
  LAST_OFFSET_DELTA_AT,
  MAX_TIMESTAMP_AT,
  patchBaseOffset,
  patchCrc,
  patchLeaderEpoch,
  RECORD_COUNT_AT,
  readBatchHeader,
} from '../../protocol/records/batch.ts'
import { buildBatch, type NewBatch } from '../../protocol/records/batch-builder.ts'
import { type CompressionCodec, decompress } from '../../protocol/records/compression.ts'
import { writeInt64 } from '../../protocol/records/int64.ts'
import { type KafkaRecord, readRecords } from '../../protocol/records/record.ts'

/** Some minutes ago: within every broker's limits, and the same for a whole run. */
export const NOW_MS = Date.now() - 600_000

export const CODECS: readonly (readonly [
  name: string,
  codec: (typeof CompressionCodec)[keyof typeof CompressionCodec],
])[] = [
  ['none', 0],
  ['gzip', 1],
  ['snappy', 2],
  ['lz4', 3],
  ['zstd', 4],
]

/** A batch of records k0=v0, k1=v1 … one millisecond apart. */
export function batchOf(count: number, batch: Omit<NewBatch, 'records'> & { firstTimestamp?: number } = {}): Buffer {
  const { firstTimestamp = NOW_MS, ...rest } = batch
  const records = Array.from({ length: count }, (_, index) => ({
    timestamp: firstTimestamp + index,
    key: Buffer.from(`k${index}`),
    value: Buffer.from(`v${index}`),
  }))
  return buildBatch({ ...rest, records })
}

/** One record with a value of so many bytes. */
export function batchOfBytes(valueBytes: number): Buffer {
  return buildBatch({ records: [{ timestamp: NOW_MS, key: null, value: Buffer.alloc(valueBytes, 'x') }] })
}

/** The batch as a log keeps it: nothing but offset and leader epoch differs. */
export function stored(batch: Buffer, baseOffset: number, leaderEpoch = 0): Buffer {
  const copy = Buffer.from(batch)
  patchBaseOffset(copy, 0, baseOffset)
  patchLeaderEpoch(copy, 0, leaderEpoch)
  return copy
}

/** A copy with other bytes in it and, unless told otherwise, a CRC that fits. */
export function altered(batch: Buffer, change: (copy: Buffer) => void, crc: 'right' | 'stale' = 'right'): Buffer {
  const copy = Buffer.from(batch)
  change(copy)
  if (crc === 'right') patchCrc(copy, 0)
  return copy
}

export function withAttributes(batch: Buffer, bits: number): Buffer {
  return altered(batch, (copy) => copy.writeInt16BE(copy.readInt16BE(ATTRIBUTES_AT) | bits, ATTRIBUTES_AT))
}

export function withMaxTimestamp(batch: Buffer, timestamp: number): Buffer {
  return altered(batch, (copy) => writeInt64(copy, MAX_TIMESTAMP_AT, timestamp))
}

export function withRecordCount(batch: Buffer, count: number): Buffer {
  return altered(batch, (copy) => copy.writeInt32BE(count, RECORD_COUNT_AT))
}

export function withLastOffsetDelta(batch: Buffer, delta: number): Buffer {
  return altered(batch, (copy) => copy.writeInt32BE(delta, LAST_OFFSET_DELTA_AT))
}

export interface ReadBatch extends BatchHeader {
  readonly codec: number
  readonly records: readonly KafkaRecord[]
}

/** Every batch of a Fetch answer with its records, decompressed. */
export function batchesIn(bytes: Buffer | null): ReadBatch[] {
  if (bytes === null) throw new Error('the records are null')
  return [...eachBatch(bytes)].map((at) => {
    const header = readBatchHeader(bytes, at)
    const payload = bytes.subarray(at + 61, at + header.sizeBytes)
    const codec = header.attributes & 7
    const plain = codec === 0 ? payload : decompress(codec, payload, 1 << 26)
    return { ...header, codec, records: [...readRecords(plain, header)] }
  })
}

/** Magic-0 message set of one message, as a Produce v2 of old would carry it. */
export function messageSet(magic: 0 | 1): Buffer {
  const body = Buffer.concat([
    Buffer.from([magic, 0]),
    magic === 1 ? Buffer.alloc(8) : Buffer.alloc(0),
    Buffer.from([0xff, 0xff, 0xff, 0xff]),
    Buffer.from([0, 0, 0, 1, 0x78]),
  ])
  const set = Buffer.alloc(8 + 4 + 4 + body.length)
  set.writeInt32BE(4 + body.length, 8)
  set.writeUInt32BE(crc32(body), 12)
  body.copy(set, 16)
  return set
}

function crc32(bytes: Buffer): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  return (crc ^ 0xffffffff) >>> 0
}
