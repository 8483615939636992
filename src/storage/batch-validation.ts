import { ErrorCode } from '../../protocol/errors.ts'
import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  baseOffset,
  batchCrcIsValid,
  batchSizeBytes,
  CODEC_MASK,
  CURRENT_MAGIC,
  codecOf,
  crc,
  hasDeleteHorizon,
  isControl,
  isLogAppendTime,
  LOG_APPEND_TIME_FLAG,
  LOG_OVERHEAD_BYTES,
  magic,
  NO_TIMESTAMP,
  patchTimestamps,
  readBatchHeader,
} from '../../protocol/records/batch.ts'
import { assembleBatch } from '../../protocol/records/batch-builder.ts'
import { CompressionCodec } from '../../protocol/records/compression.ts'
import { walkRecords } from '../../protocol/records/record.ts'
import { RecordError as MalformedRecord } from '../../protocol/records/record-error.ts'
import type { RecordError } from './storage.ts'

/**
 * What a producer's batch must be before a log takes it, in the order in which Kafka's broker checks, with its error
 * codes and its words. Pure functions on bytes: every engine answers the same.
 */

export interface ValidationRules {
  /** `topic-partition`, for messages. */
  readonly topicPartition: string
  /** max.message.bytes: of the whole batch as it comes, header included. */
  readonly maxMessageBytes: number
  readonly segmentBytes: number
  /** cleanup.policy contains compact: every record needs a key. */
  readonly compacted: boolean
  /** message.timestamp.type is LogAppendTime. */
  readonly logAppendTime: boolean
  readonly timestampBeforeMaxMs: number
  readonly timestampAfterMaxMs: number
  /** The codec of compression.type, or null for `producer`. */
  readonly targetCodec: number | null
  /** Compressed batches are decompressed and their records checked, although no rule needs it. */
  readonly deep: boolean
  /** Version of the Produce request. */
  readonly produceVersion: number
  readonly nowMs: number
}

export interface ValidBatch {
  readonly kind: 'valid'
  /** One whole batch, rewritten where the rules want it. */
  readonly records: Buffer
  readonly header: BatchHeader
  /** -1 unless the broker's time was written into the batch. */
  readonly logAppendTimeMs: number
}

export interface RefusedBatch {
  readonly kind: 'refused'
  readonly error: ErrorCode
  readonly message: string
  readonly recordErrors: readonly RecordError[]
  /** Whether the answer tells where the log starts: not where Kafka refuses before it looks at the log, or throws. */
  readonly tellsLogStart: boolean
}

/** The rules need the records of a compressed batch: `validateRecords` with the decompressed payload goes on. */
export interface CompressedBatch {
  readonly kind: 'compressed'
  readonly records: Buffer
  readonly header: BatchHeader
}

/** The batch is right but has another codec than the topic wants: `replacePayload` with the new one goes on. */
export interface RecompressibleBatch {
  readonly kind: 'recompress'
  readonly records: Buffer
  readonly header: BatchHeader
  readonly codec: number
  readonly plain: Buffer
  readonly logAppendTimeMs: number
}

/** Of the oldest message format: a batch length below it belongs to no version. */
const MIN_BATCH_LENGTH = 14
const MAX_SHOWN_ERRORS = 3

export function validateProducedBatch(
  records: Buffer,
  rules: ValidationRules,
): ValidBatch | RefusedBatch | CompressedBatch | RecompressibleBatch {
  const refusal = checkFraming(records, rules) ?? checkSizeAndCrc(records, rules)
  if (refusal) return refusal
  const header = readBatchHeader(records, 0)
  const wrong = checkHeader(header)
  if (wrong) return wrong
  const codec = codecOf(header.attributes)
  if (codec === CompressionCodec.NONE) return validateRecords(records, header, null, rules)
  const recompress = rules.targetCodec !== null && rules.targetCodec !== codec
  if (rules.deep || rules.compacted || recompress || !headerTimesFit(header, rules)) {
    return { kind: 'compressed', records, header }
  }
  return stamped(records, header, header.maxTimestamp, rules)
}

/** For an uncompressed batch `plain` is null and the records are walked where they lie. */
export function validateRecords(
  records: Buffer,
  header: BatchHeader,
  plain: Buffer | null,
  rules: ValidationRules,
): ValidBatch | RefusedBatch | RecompressibleBatch {
  const found: FoundRecords = { maxTimestamp: NO_TIMESTAMP, errors: [], timestampErrors: 0 }
  try {
    walk(records, header, plain, rules, found)
  } catch (error) {
    if (!(error instanceof MalformedRecord)) throw error
    return refused(ErrorCode.INVALID_RECORD, error.message)
  }
  if (found.errors.length > 0) return refusedRecords(found)
  const codec = codecOf(header.attributes)
  if (rules.targetCodec === null || rules.targetCodec === codec) {
    return stamped(records, header, found.maxTimestamp, rules)
  }
  const body = plain ?? records.subarray(BATCH_HEADER_BYTES, header.sizeBytes)
  const result = stampedHeader(header, found.maxTimestamp, rules)
  return {
    kind: 'recompress',
    records,
    header: result,
    codec: rules.targetCodec,
    plain: body,
    logAppendTimeMs: rules.logAppendTime ? rules.nowMs : -1,
  }
}

/** The batch with its payload in the topic's codec; the limits hold for the result too. */
export function replacePayload(
  batch: RecompressibleBatch,
  payload: Buffer,
  rules: ValidationRules,
): ValidBatch | RefusedBatch {
  const attributes = (batch.header.attributes & ~CODEC_MASK) | batch.codec
  const records = assembleBatch({ ...batch.header, attributes }, payload)
  const refusal = checkSize(records.length, rules)
  if (refusal) return refusal
  return { kind: 'valid', records, header: readBatchHeader(records, 0), logAppendTimeMs: batch.logAppendTimeMs }
}

const WITHOUT_LOG_START: readonly ErrorCode[] = [
  ErrorCode.CORRUPT_MESSAGE,
  ErrorCode.MESSAGE_TOO_LARGE,
  ErrorCode.RECORD_LIST_TOO_LARGE,
]

export function refused(error: ErrorCode, message: string): RefusedBatch {
  return { kind: 'refused', error, message, recordErrors: [], tellsLogStart: !WITHOUT_LOG_START.includes(error) }
}

function refusedUnseen(error: ErrorCode, message: string): RefusedBatch {
  return { ...refused(error, message), tellsLogStart: false }
}

/** Exactly one whole batch of magic 2, and nothing behind it. */
function checkFraming(records: Buffer, rules: ValidationRules): RefusedBatch | null {
  const version = rules.produceVersion
  if (records.length >= LOG_OVERHEAD_BYTES && batchSizeBytes(records, 0) - LOG_OVERHEAD_BYTES < MIN_BATCH_LENGTH) {
    const length = batchSizeBytes(records, 0) - LOG_OVERHEAD_BYTES
    return refusedUnseen(
      ErrorCode.CORRUPT_MESSAGE,
      `Record size ${length} is less than the minimum record overhead (${MIN_BATCH_LENGTH})`,
    )
  }
  if (records.length < LOG_OVERHEAD_BYTES + MIN_BATCH_LENGTH || records.length < batchSizeBytes(records, 0)) {
    return refusedUnseen(
      ErrorCode.INVALID_RECORD,
      `Produce requests with version ${version} must have at least one record batch per partition`,
    )
  }
  if (magic(records, 0) !== CURRENT_MAGIC) {
    return refusedUnseen(
      ErrorCode.INVALID_RECORD,
      `Produce requests with version ${version} are only allowed to contain record batches with magic version 2`,
    )
  }
  const sizeBytes = batchSizeBytes(records, 0)
  if (sizeBytes < BATCH_HEADER_BYTES) {
    return refusedUnseen(
      ErrorCode.CORRUPT_MESSAGE,
      `Record batch is corrupted (the size ${sizeBytes} is smaller than the minimum allowed overhead ${BATCH_HEADER_BYTES})`,
    )
  }
  const zstd = codecOf(records[22]!) === CompressionCodec.ZSTD
  if (zstd && version < 7) {
    return refusedUnseen(
      ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
      `Produce requests with version ${version} are not allowed to use ZStandard compression`,
    )
  }
  if (records.length > sizeBytes) {
    return refusedUnseen(
      ErrorCode.INVALID_RECORD,
      `Produce requests with version ${version} are only allowed to contain exactly one record batch per partition`,
    )
  }
  return null
}

function checkSizeAndCrc(records: Buffer, rules: ValidationRules): RefusedBatch | null {
  const offset = baseOffset(records, 0)
  if (offset !== 0) {
    return refused(
      ErrorCode.INVALID_RECORD,
      `Baseoffset of the record batch in the append to ${rules.topicPartition} should be 0, but it is ${offset}`,
    )
  }
  const refusal = checkSize(records.length, rules)
  if (refusal) return refusal
  if (batchCrcIsValid(records, 0)) return null
  return refused(
    ErrorCode.CORRUPT_MESSAGE,
    `Record is corrupt (stored crc = ${crc(records, 0)} is not the one computed)`,
  )
}

function checkSize(sizeBytes: number, rules: ValidationRules): RefusedBatch | null {
  if (sizeBytes > rules.maxMessageBytes) {
    return refused(
      ErrorCode.MESSAGE_TOO_LARGE,
      `The record batch size in the append to ${rules.topicPartition} is ${sizeBytes} bytes which exceeds the maximum configured value of ${rules.maxMessageBytes}.`,
    )
  }
  if (sizeBytes > rules.segmentBytes) {
    return refused(
      ErrorCode.RECORD_LIST_TOO_LARGE,
      `The record batch size in the append to ${rules.topicPartition} is ${sizeBytes} bytes, which exceeds the maximum configured segment size of ${rules.segmentBytes}.`,
    )
  }
  return null
}

function checkHeader(header: BatchHeader): RefusedBatch | null {
  const { attributes, lastOffsetDelta, recordCount } = header
  if (codecOf(attributes) > CompressionCodec.ZSTD) {
    return refused(ErrorCode.INVALID_RECORD, `Unknown compression type id: ${codecOf(attributes)}`)
  }
  // Kept on disk it would make readers and the cleaner take the base timestamp for a deadline (KIP-534).
  if (hasDeleteHorizon(attributes)) {
    return refused(ErrorCode.INVALID_RECORD, 'Clients are not allowed to set a delete horizon')
  }
  if (lastOffsetDelta < 0) {
    return refused(ErrorCode.INVALID_RECORD, `Batch has an invalid offset range: [0, ${lastOffsetDelta}]`)
  }
  if (recordCount <= 0) {
    return refused(ErrorCode.INVALID_RECORD, `Invalid reported count for record batch: ${recordCount}`)
  }
  if (lastOffsetDelta + 1 !== recordCount) {
    return refused(
      ErrorCode.INVALID_RECORD,
      `Inconsistent batch offset range [0, ${lastOffsetDelta}] and count of records ${recordCount}`,
    )
  }
  if (isControl(attributes)) {
    return refused(ErrorCode.INVALID_RECORD, 'Clients are not allowed to write control records')
  }
  if (header.producerId >= 0 && header.baseSequence < 0) {
    return refused(
      ErrorCode.INVALID_RECORD,
      `Invalid sequence number ${header.baseSequence} in record batch with producerId ${header.producerId}`,
    )
  }
  return null
}

interface FoundRecords {
  maxTimestamp: number
  readonly errors: RecordError[]
  timestampErrors: number
}

function walk(
  records: Buffer,
  header: BatchHeader,
  plain: Buffer | null,
  rules: ValidationRules,
  found: FoundRecords,
): void {
  const { compacted, nowMs, timestampBeforeMaxMs, timestampAfterMaxMs } = rules
  const producerStamps = isLogAppendTime(header.attributes)
  const earliest = nowMs - timestampBeforeMaxMs
  const latest = nowMs + timestampAfterMaxMs
  let maxTimestamp = NO_TIMESTAMP
  const visit = (index: number, offsetDelta: number, timestamp: number, keySizeBytes: number): void => {
    if (offsetDelta !== index) {
      throw new MalformedRecord(
        `inside the batch does not have incremental offsets, expected ${index}, found ${offsetDelta}`,
        index,
      )
    }
    if (timestamp > maxTimestamp) maxTimestamp = timestamp
    if (compacted && keySizeBytes < 0) {
      const message = `Compacted topic cannot accept message without key in topic partition ${rules.topicPartition}`
      found.errors.push({ batchIndex: index, message })
    } else if (!rules.logAppendTime && timestamp !== NO_TIMESTAMP) {
      if (timestamp >= earliest && timestamp <= latest) return
      const message = `Timestamp ${timestamp} of message with offset ${offsetDelta} is out of range. The timestamp should be within [${earliest}, ${latest}]`
      found.errors.push({ batchIndex: index, message })
      found.timestampErrors++
    } else if (producerStamps) {
      const message = 'Invalid timestamp type in message. Producer should not set timestamp type to LogAppendTime.'
      found.errors.push({ batchIndex: index, message })
      found.timestampErrors++
    }
  }
  if (plain) walkRecords(plain, header, visit)
  else walkRecords(records, header, visit, BATCH_HEADER_BYTES, header.sizeBytes)
  found.maxTimestamp = maxTimestamp
}

function refusedRecords(found: FoundRecords): RefusedBatch {
  if (found.timestampErrors > 0) {
    const message = 'One or more records have been rejected due to invalid timestamp'
    return {
      kind: 'refused',
      error: ErrorCode.INVALID_TIMESTAMP,
      message,
      recordErrors: found.errors,
      tellsLogStart: true,
    }
  }
  const shown = found.errors
    .slice(0, MAX_SHOWN_ERRORS)
    .map((error) => `RecordError(batchIndex=${error.batchIndex}, message='${error.message}')`)
  const message = `One or more records have been rejected due to ${found.errors.length} record errors in total, and only showing the first three errors at most: [${shown.join(', ')}]`
  return { kind: 'refused', error: ErrorCode.INVALID_RECORD, message, recordErrors: found.errors, tellsLogStart: true }
}

/** Whether a compressed batch may pass on what its header says; the exact answer for one that may not needs its records. */
function headerTimesFit(header: BatchHeader, rules: ValidationRules): boolean {
  if (rules.logAppendTime) return !isLogAppendTime(header.attributes)
  const earliest = rules.nowMs - rules.timestampBeforeMaxMs
  const latest = rules.nowMs + rules.timestampAfterMaxMs
  const fits = (timestamp: number) => timestamp === NO_TIMESTAMP || (timestamp >= earliest && timestamp <= latest)
  return fits(header.maxTimestamp) && fits(header.baseTimestamp)
}

function stamped(records: Buffer, header: BatchHeader, maxTimestamp: number, rules: ValidationRules): ValidBatch {
  const patched = patchTimestamps(records, 0, {
    maxTimestamp: rules.logAppendTime ? rules.nowMs : maxTimestamp,
    logAppendTime: rules.logAppendTime,
  })
  return {
    kind: 'valid',
    records,
    header: patched ? readBatchHeader(records, 0) : header,
    logAppendTimeMs: rules.logAppendTime ? rules.nowMs : -1,
  }
}

function stampedHeader(header: BatchHeader, maxTimestamp: number, rules: ValidationRules): BatchHeader {
  return {
    ...header,
    attributes: rules.logAppendTime
      ? header.attributes | LOG_APPEND_TIME_FLAG
      : header.attributes & ~LOG_APPEND_TIME_FLAG,
    maxTimestamp: rules.logAppendTime ? rules.nowMs : maxTimestamp,
  }
}
