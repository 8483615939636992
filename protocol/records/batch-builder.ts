import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  CODEC_MASK,
  CONTROL_FLAG,
  CURRENT_MAGIC,
  LOG_APPEND_TIME_FLAG,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  NO_SEQUENCE,
  NO_TIMESTAMP,
  patchCrc,
  TRANSACTIONAL_FLAG,
  writeBatchHeader,
} from './batch.ts'
import { CompressionCodec, compress } from './compression.ts'
import { ControlType, endTransactionKey, endTransactionValue } from './control-record.ts'
import { varintSizeBytes, varlongSizeBytes, writeVarint, writeVarlong } from './varint.ts'

export interface NewRecord {
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers?: readonly { readonly key: string; readonly value: Buffer | null }[]
  /** Its place in the list unless given. */
  readonly offsetDelta?: number
}

export interface NewBatch {
  readonly baseOffset?: number
  readonly partitionLeaderEpoch?: number
  readonly codec?: number
  /** Of the codec; null for its default. */
  readonly level?: number | null
  /** Given, it stands for the records' own timestamps. */
  readonly logAppendTimeMs?: number
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly transactional?: boolean
  readonly control?: boolean
  /** The last record's unless given: a compacted batch keeps the one it had. */
  readonly lastOffsetDelta?: number
  readonly records: readonly NewRecord[]
}

export interface EndTransactionMarker {
  readonly producerId: number
  readonly producerEpoch: number
  /** A commit, or an abort. */
  readonly commit: boolean
  readonly coordinatorEpoch: number
  readonly timestamp: number
}

/** A whole batch with its CRC, compressed where a codec is given. Throws CompressionError. */
export function buildBatch(batch: NewBatch): Buffer {
  const { records } = batch
  const baseTimestamp = records[0]?.timestamp ?? NO_TIMESTAMP
  const plain = encodeRecords(records, baseTimestamp)
  const codec = batch.codec ?? CompressionCodec.NONE
  return assembleBatch(
    {
      baseOffset: batch.baseOffset ?? 0,
      partitionLeaderEpoch: batch.partitionLeaderEpoch ?? -1,
      attributes: attributesOf(batch, codec),
      lastOffsetDelta: batch.lastOffsetDelta ?? lastOffsetDeltaOf(records),
      baseTimestamp,
      maxTimestamp: batch.logAppendTimeMs ?? maxTimestampOf(records),
      producerId: batch.producerId ?? NO_PRODUCER_ID,
      producerEpoch: batch.producerEpoch ?? NO_PRODUCER_EPOCH,
      baseSequence: batch.baseSequence ?? NO_SEQUENCE,
      recordCount: records.length,
    },
    codec === CompressionCodec.NONE ? plain : compress(codec, plain, batch.level ?? null),
  )
}

/**
 * Header and payload as one batch: size, magic and CRC are computed, the rest is taken as it is. With `attributes` of
 * another codec and a recompressed payload this is how a batch changes its compression.
 */
export function assembleBatch(header: Omit<BatchHeader, 'sizeBytes' | 'magic' | 'crc'>, payload: Buffer): Buffer {
  const sizeBytes = BATCH_HEADER_BYTES + payload.length
  const buffer = Buffer.allocUnsafe(sizeBytes)
  writeBatchHeader(buffer, 0, { ...header, sizeBytes, magic: CURRENT_MAGIC })
  payload.copy(buffer, BATCH_HEADER_BYTES)
  patchCrc(buffer, 0)
  return buffer
}

/** The marker that ends a producer's transaction in one partition, as Kafka's coordinator writes it. */
export function buildEndTransactionMarker(marker: EndTransactionMarker): Buffer {
  return buildBatch({
    producerId: marker.producerId,
    producerEpoch: marker.producerEpoch,
    transactional: true,
    control: true,
    records: [
      {
        timestamp: marker.timestamp,
        key: endTransactionKey(marker.commit ? ControlType.COMMIT : ControlType.ABORT),
        value: endTransactionValue(marker.coordinatorEpoch),
      },
    ],
  })
}

function attributesOf(batch: NewBatch, codec: number): number {
  return (
    (codec & CODEC_MASK) |
    (batch.logAppendTimeMs === undefined ? 0 : LOG_APPEND_TIME_FLAG) |
    (batch.transactional ? TRANSACTIONAL_FLAG : 0) |
    (batch.control ? CONTROL_FLAG : 0)
  )
}

function lastOffsetDeltaOf(records: readonly NewRecord[]): number {
  const last = records.length - 1
  return last < 0 ? 0 : (records[last]!.offsetDelta ?? last)
}

function maxTimestampOf(records: readonly NewRecord[]): number {
  let max = NO_TIMESTAMP
  for (const record of records) if (record.timestamp > max) max = record.timestamp
  return max
}

/** The records as they lie behind a header, uncompressed; timestamps relative to `baseTimestamp`. */
export function encodeRecords(records: readonly NewRecord[], baseTimestamp: number): Buffer {
  const sizes = new Int32Array(records.length)
  let total = 0
  for (let i = 0; i < records.length; i++) {
    const sizeBytes = recordSizeBytes(records[i]!, i, baseTimestamp)
    sizes[i] = sizeBytes
    total += varintSizeBytes(sizeBytes) + sizeBytes
  }
  const buffer = Buffer.allocUnsafe(total)
  let at = 0
  for (let i = 0; i < records.length; i++) {
    at = writeRecord(buffer, writeVarint(buffer, at, sizes[i]!), records[i]!, i, baseTimestamp)
  }
  if (at !== total) throw new Error(`records of ${total} bytes were written as ${at}`)
  return buffer
}

function recordSizeBytes(record: NewRecord, index: number, baseTimestamp: number): number {
  const headers = record.headers
  let sizeBytes =
    1 +
    varlongSizeBytes(record.timestamp - baseTimestamp) +
    varintSizeBytes(record.offsetDelta ?? index) +
    fieldSizeBytes(record.key) +
    fieldSizeBytes(record.value) +
    varintSizeBytes(headers === undefined ? 0 : headers.length)
  if (headers === undefined) return sizeBytes
  for (const header of headers) {
    const keySizeBytes = Buffer.byteLength(header.key)
    sizeBytes += varintSizeBytes(keySizeBytes) + keySizeBytes + fieldSizeBytes(header.value)
  }
  return sizeBytes
}

function writeRecord(buffer: Buffer, start: number, record: NewRecord, index: number, baseTimestamp: number): number {
  buffer[start] = 0
  let at = writeVarlong(buffer, start + 1, record.timestamp - baseTimestamp)
  at = writeVarint(buffer, at, record.offsetDelta ?? index)
  at = writeField(buffer, at, record.key)
  at = writeField(buffer, at, record.value)
  const headers = record.headers
  if (headers === undefined) return writeVarint(buffer, at, 0)
  at = writeVarint(buffer, at, headers.length)
  for (const header of headers) {
    const keySizeBytes = Buffer.byteLength(header.key)
    at = writeVarint(buffer, at, keySizeBytes)
    at += buffer.write(header.key, at)
    at = writeField(buffer, at, header.value)
  }
  return at
}

function fieldSizeBytes(field: Buffer | null): number {
  return field === null ? 1 : varintSizeBytes(field.length) + field.length
}

function writeField(buffer: Buffer, at: number, field: Buffer | null): number {
  if (field === null) return writeVarint(buffer, at, -1)
  const next = writeVarint(buffer, at, field.length)
  field.copy(buffer, next)
  return next + field.length
}
