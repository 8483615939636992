import { crc32c } from './crc32c.ts'
import { readInt16, readInt32, readInt64, writeInt16, writeInt32, writeInt64 } from './int64.ts'
import { RecordError } from './record-error.ts'

/**
 * The header of a record batch of magic 2 (KIP-98), read and patched in place. The accessors take the position of a
 * batch and check nothing: `batchProblem` comes first for bytes that a peer sent.
 */

export const BATCH_HEADER_BYTES = 61
/** Base offset and batch length: what precedes the bytes that the batch length counts. */
export const LOG_OVERHEAD_BYTES = 12
export const CURRENT_MAGIC = 2
export const NO_PRODUCER_ID = -1
export const NO_PRODUCER_EPOCH = -1
export const NO_SEQUENCE = -1
export const NO_TIMESTAMP = -1

export const BASE_OFFSET_AT = 0
export const BATCH_LENGTH_AT = 8
export const PARTITION_LEADER_EPOCH_AT = 12
export const MAGIC_AT = 16
export const CRC_AT = 17
/** The CRC covers everything from here: offset, length, epoch and magic may be patched without a new one. */
export const ATTRIBUTES_AT = 21
export const LAST_OFFSET_DELTA_AT = 23
export const BASE_TIMESTAMP_AT = 27
export const MAX_TIMESTAMP_AT = 35
export const PRODUCER_ID_AT = 43
export const PRODUCER_EPOCH_AT = 51
export const BASE_SEQUENCE_AT = 53
export const RECORD_COUNT_AT = 57

export const CODEC_MASK = 0x07
export const LOG_APPEND_TIME_FLAG = 0x08
export const TRANSACTIONAL_FLAG = 0x10
export const CONTROL_FLAG = 0x20
/** KIP-534: the base timestamp is then the time at which the batch's tombstones may go. */
export const DELETE_HORIZON_FLAG = 0x40

const MAX_SEQUENCE = 0x7fffffff

export interface BatchHeader {
  readonly baseOffset: number
  /** The whole batch, header included: 12 more than the batch length field. */
  readonly sizeBytes: number
  readonly partitionLeaderEpoch: number
  readonly magic: number
  /** Unsigned. */
  readonly crc: number
  readonly attributes: number
  readonly lastOffsetDelta: number
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly recordCount: number
}

export function baseOffset(buffer: Buffer, at: number): number {
  return readInt64(buffer, at + BASE_OFFSET_AT)
}

/** The whole batch in bytes, header included. Below 61 only when the bytes are not a batch. */
export function batchSizeBytes(buffer: Buffer, at: number): number {
  return LOG_OVERHEAD_BYTES + readInt32(buffer, at + BATCH_LENGTH_AT)
}

export function partitionLeaderEpoch(buffer: Buffer, at: number): number {
  return readInt32(buffer, at + PARTITION_LEADER_EPOCH_AT)
}

export function magic(buffer: Buffer, at: number): number {
  return (buffer[at + MAGIC_AT]! << 24) >> 24
}

/** Unsigned, as `crc32c` returns it. */
export function crc(buffer: Buffer, at: number): number {
  return readInt32(buffer, at + CRC_AT) >>> 0
}

export function attributes(buffer: Buffer, at: number): number {
  return readInt16(buffer, at + ATTRIBUTES_AT)
}

export function lastOffsetDelta(buffer: Buffer, at: number): number {
  return readInt32(buffer, at + LAST_OFFSET_DELTA_AT)
}

export function lastOffset(buffer: Buffer, at: number): number {
  return baseOffset(buffer, at) + lastOffsetDelta(buffer, at)
}

export function baseTimestamp(buffer: Buffer, at: number): number {
  return readInt64(buffer, at + BASE_TIMESTAMP_AT)
}

export function maxTimestamp(buffer: Buffer, at: number): number {
  return readInt64(buffer, at + MAX_TIMESTAMP_AT)
}

export function producerId(buffer: Buffer, at: number): number {
  return readInt64(buffer, at + PRODUCER_ID_AT)
}

export function producerEpoch(buffer: Buffer, at: number): number {
  return readInt16(buffer, at + PRODUCER_EPOCH_AT)
}

export function baseSequence(buffer: Buffer, at: number): number {
  return readInt32(buffer, at + BASE_SEQUENCE_AT)
}

/** Of the last record, -1 where the batch has no sequence. */
export function lastSequence(buffer: Buffer, at: number): number {
  const base = baseSequence(buffer, at)
  return base < 0 ? NO_SEQUENCE : incrementSequence(base, lastOffsetDelta(buffer, at))
}

export function recordCount(buffer: Buffer, at: number): number {
  return readInt32(buffer, at + RECORD_COUNT_AT)
}

/** 0 to 7, of which 5 to 7 name no codec. */
export function codecOf(attributes: number): number {
  return attributes & CODEC_MASK
}

export function isTransactional(attributes: number): boolean {
  return (attributes & TRANSACTIONAL_FLAG) !== 0
}

export function isControl(attributes: number): boolean {
  return (attributes & CONTROL_FLAG) !== 0
}

export function hasDeleteHorizon(attributes: number): boolean {
  return (attributes & DELETE_HORIZON_FLAG) !== 0
}

export function isLogAppendTime(attributes: number): boolean {
  return (attributes & LOG_APPEND_TIME_FLAG) !== 0
}

/** Sequences wrap from 2^31 - 1 to 0. */
export function incrementSequence(sequence: number, by: number): number {
  const sum = sequence + by
  return sum > MAX_SEQUENCE ? sum - MAX_SEQUENCE - 1 : sum
}

/** Why no whole batch of magic 2 lies at `at`, or null. Neither the CRC nor the records are looked at. */
export function batchProblem(buffer: Buffer, at: number, end = buffer.length): string | null {
  const available = end - at
  if (available < BATCH_HEADER_BYTES) return `${available} bytes are too few for a batch header`
  const version = magic(buffer, at)
  if (version !== CURRENT_MAGIC) return `magic ${version} is not supported, only ${CURRENT_MAGIC}`
  const sizeBytes = batchSizeBytes(buffer, at)
  if (sizeBytes < BATCH_HEADER_BYTES) return `batch length ${sizeBytes - LOG_OVERHEAD_BYTES} is below the minimum of 49`
  if (sizeBytes > available) return `a batch of ${sizeBytes} bytes is cut off after ${available}`
  return null
}

/** Throws RecordError when fewer bytes than a header follow. */
export function readBatchHeader(buffer: Buffer, at: number): BatchHeader {
  if (at < 0 || buffer.length - at < BATCH_HEADER_BYTES) {
    throw new RecordError(`${buffer.length - at} bytes are too few for a batch header`)
  }
  return {
    baseOffset: baseOffset(buffer, at),
    sizeBytes: batchSizeBytes(buffer, at),
    partitionLeaderEpoch: partitionLeaderEpoch(buffer, at),
    magic: magic(buffer, at),
    crc: crc(buffer, at),
    attributes: attributes(buffer, at),
    lastOffsetDelta: lastOffsetDelta(buffer, at),
    baseTimestamp: baseTimestamp(buffer, at),
    maxTimestamp: maxTimestamp(buffer, at),
    producerId: producerId(buffer, at),
    producerEpoch: producerEpoch(buffer, at),
    baseSequence: baseSequence(buffer, at),
    recordCount: recordCount(buffer, at),
  }
}

/** A view of what follows the header: the records, or their compressed form. */
export function batchPayload(buffer: Buffer, at: number): Buffer {
  return buffer.subarray(at + BATCH_HEADER_BYTES, at + batchSizeBytes(buffer, at))
}

/**
 * Positions of the whole batches from `start` on. A batch cut off at the end is left out, as readers of a fetch
 * response do; anything else that is not a batch throws RecordError.
 */
export function* eachBatch(buffer: Buffer, start = 0, end = buffer.length): Generator<number, void, undefined> {
  for (let at = start; end - at >= BATCH_HEADER_BYTES; ) {
    const sizeBytes = batchSizeBytes(buffer, at)
    if (sizeBytes >= BATCH_HEADER_BYTES && sizeBytes > end - at) return
    const problem = batchProblem(buffer, at, end)
    if (problem !== null) throw new RecordError(problem)
    yield at
    at += sizeBytes
  }
}

/** For a whole batch; reads the size from its header. */
export function batchCrcIsValid(buffer: Buffer, at: number): boolean {
  return crc(buffer, at) === crc32c(buffer, at + ATTRIBUTES_AT, at + batchSizeBytes(buffer, at))
}

export function patchBaseOffset(buffer: Buffer, at: number, offset: number): void {
  writeInt64(buffer, at + BASE_OFFSET_AT, offset)
}

export function patchLeaderEpoch(buffer: Buffer, at: number, epoch: number): void {
  writeInt32(buffer, at + PARTITION_LEADER_EPOCH_AT, epoch)
}

export interface TimestampPatch {
  readonly maxTimestamp: number
  /** The broker's time stands for the records' own from now on, or no longer does. */
  readonly logAppendTime: boolean
}

/** Writes a new CRC only when a byte has to change; returns whether one did. */
export function patchTimestamps(buffer: Buffer, at: number, patch: TimestampPatch): boolean {
  const before = attributes(buffer, at)
  const after = patch.logAppendTime ? before | LOG_APPEND_TIME_FLAG : before & ~LOG_APPEND_TIME_FLAG
  if (before === after && maxTimestamp(buffer, at) === patch.maxTimestamp) return false
  writeInt16(buffer, at + ATTRIBUTES_AT, after)
  writeInt64(buffer, at + MAX_TIMESTAMP_AT, patch.maxTimestamp)
  patchCrc(buffer, at)
  return true
}

export function patchCrc(buffer: Buffer, at: number): void {
  writeInt32(buffer, at + CRC_AT, crc32c(buffer, at + ATTRIBUTES_AT, at + batchSizeBytes(buffer, at)))
}

/** Writes all of a header but the CRC, which needs the payload in place: `patchCrc`. */
export function writeBatchHeader(buffer: Buffer, at: number, header: Omit<BatchHeader, 'crc'>): void {
  writeInt64(buffer, at + BASE_OFFSET_AT, header.baseOffset)
  writeInt32(buffer, at + BATCH_LENGTH_AT, header.sizeBytes - LOG_OVERHEAD_BYTES)
  writeInt32(buffer, at + PARTITION_LEADER_EPOCH_AT, header.partitionLeaderEpoch)
  buffer[at + MAGIC_AT] = header.magic
  writeInt16(buffer, at + ATTRIBUTES_AT, header.attributes)
  writeInt32(buffer, at + LAST_OFFSET_DELTA_AT, header.lastOffsetDelta)
  writeInt64(buffer, at + BASE_TIMESTAMP_AT, header.baseTimestamp)
  writeInt64(buffer, at + MAX_TIMESTAMP_AT, header.maxTimestamp)
  writeInt64(buffer, at + PRODUCER_ID_AT, header.producerId)
  writeInt16(buffer, at + PRODUCER_EPOCH_AT, header.producerEpoch)
  writeInt32(buffer, at + BASE_SEQUENCE_AT, header.baseSequence)
  writeInt32(buffer, at + RECORD_COUNT_AT, header.recordCount)
}
