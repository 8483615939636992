import { ErrorCode } from '../../../protocol/errors.ts'
import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  codecOf,
  eachBatch,
  readBatchHeader,
} from '../../../protocol/records/batch.ts'
import { CompressionCodec, CompressionError, compress, decompress } from '../../../protocol/records/compression.ts'
import { RecordError } from '../../../protocol/records/record-error.ts'
import type { TopicConfig } from '../../config/topic-config.ts'
import type { Work } from '../../io/work.ts'
import {
  type CompressedBatch,
  type RecompressibleBatch,
  type RefusedBatch,
  refused,
  replacePayload,
  type ValidationRules,
  validateProducedBatch,
  validateRecords,
} from '../batch-validation.ts'
import type { Append } from '../storage.ts'

/** Batches in the form in which they go into the log; only offsets and epoch are missing. */
export interface PreparedBatches {
  readonly kind: 'prepared'
  readonly records: Buffer
  readonly headers: readonly BatchHeader[]
  readonly logAppendTimeMs: number
}

export type Prepared = PreparedBatches | RefusedBatch

export interface PreparationContext {
  readonly work: Work
  readonly decompressedBatchLimitBytes: number
}

/** Compressed and plain bytes up to which a codec runs at once; above, the thread pool costs less than the stall. */
const QUICK_COMPRESSED_BYTES = 16 * 1024
const QUICK_PLAIN_BYTES = 128 * 1024

export function validationRules(
  topicPartition: string,
  config: TopicConfig,
  append: Append,
  nowMs: number,
): ValidationRules {
  return {
    topicPartition,
    maxMessageBytes: config['max.message.bytes'],
    segmentBytes: config['segment.bytes'],
    compacted: config['cleanup.policy'].includes('compact'),
    logAppendTime: config['message.timestamp.type'] === 'LogAppendTime',
    timestampBeforeMaxMs: config['message.timestamp.before.max.ms'],
    timestampAfterMaxMs: config['message.timestamp.after.max.ms'],
    targetCodec: targetCodec(config['compression.type']),
    deep: config['odradek.record.validation'] === 'deep',
    produceVersion: append.produceVersion,
    nowMs,
  }
}

/**
 * Validates and rewrites what a producer sent. At once where only bytes have to be looked at; a promise where a large
 * batch has to be decompressed or recompressed first.
 */
export function prepareProduced(
  context: PreparationContext,
  config: TopicConfig,
  append: Append,
  rules: ValidationRules,
): Prepared | Promise<Prepared> {
  const outcome = validateProducedBatch(append.records, rules)
  if (outcome.kind === 'refused') return outcome
  if (outcome.kind === 'valid') return prepared(outcome)
  const quick = outcome.kind === 'compressed' ? tryQuickly(outcome, rules) : outcome
  if (quick?.kind === 'refused') return quick
  if (quick?.kind === 'valid') return prepared(quick)
  return prepareSlowly(context, config, quick ?? outcome, rules)
}

/** What this broker made itself is taken as it is, as long as it is whole batches. */
export function prepareOwn(append: Append): Prepared {
  const headers: BatchHeader[] = []
  try {
    for (const at of eachBatch(append.records)) headers.push(readBatchHeader(append.records, at))
  } catch (error) {
    if (!(error instanceof RecordError)) throw error
    return refused(ErrorCode.INVALID_RECORD, error.message)
  }
  const sizeBytes = headers.reduce((total, header) => total + header.sizeBytes, 0)
  if (headers.length === 0 || sizeBytes !== append.records.length) {
    return refused(ErrorCode.INVALID_RECORD, 'The records of a coordinator are not whole batches.')
  }
  return { kind: 'prepared', records: append.records, headers, logAppendTimeMs: -1 }
}

function prepared(batch: { records: Buffer; header: BatchHeader; logAppendTimeMs: number }): PreparedBatches {
  return {
    kind: 'prepared',
    records: batch.records,
    headers: [batch.header],
    logAppendTimeMs: batch.logAppendTimeMs,
  }
}

/** Null when it is too much to do at once. */
function tryQuickly(batch: CompressedBatch, rules: ValidationRules) {
  const payload = payloadOf(batch)
  if (payload.length > QUICK_COMPRESSED_BYTES) return null
  try {
    const plain = decompress(codecOf(batch.header.attributes), payload, QUICK_PLAIN_BYTES)
    return validateRecords(batch.records, batch.header, plain, rules)
  } catch (error) {
    if (error instanceof CompressionError && error.kind === 'too-large') return null
    return undecodable(error)
  }
}

async function prepareSlowly(
  context: PreparationContext,
  config: TopicConfig,
  batch: CompressedBatch | RecompressibleBatch,
  rules: ValidationRules,
): Promise<Prepared> {
  let outcome: ReturnType<typeof validateRecords> | CompressedBatch = batch
  if (outcome.kind === 'compressed') {
    try {
      const codec = codecOf(batch.header.attributes)
      const plain = await context.work.decompress(codec, payloadOf(batch), context.decompressedBatchLimitBytes)
      outcome = validateRecords(batch.records, batch.header, plain, rules)
    } catch (error) {
      return undecodable(error)
    }
  }
  if (outcome.kind === 'refused') return outcome
  if (outcome.kind === 'valid') return prepared(outcome)
  const payload = await recompress(context, config, outcome)
  const replaced = replacePayload(outcome, payload, rules)
  return replaced.kind === 'refused' ? replaced : prepared(replaced)
}

function recompress(context: PreparationContext, config: TopicConfig, batch: RecompressibleBatch): Promise<Buffer> {
  const level = levelOf(batch.codec, config)
  if (batch.codec === CompressionCodec.NONE) return Promise.resolve(batch.plain)
  if (batch.plain.length <= QUICK_PLAIN_BYTES / 8) return Promise.resolve(compress(batch.codec, batch.plain, level))
  return context.work.compress(batch.codec, batch.plain, level)
}

function payloadOf(batch: { records: Buffer; header: BatchHeader }): Buffer {
  return batch.records.subarray(BATCH_HEADER_BYTES, batch.header.sizeBytes)
}

/**
 * A broken payload is INVALID_RECORD: with CORRUPT_MESSAGE, which is retriable, a producer would send it again until its
 * delivery timeout. One beyond the limit is MESSAGE_TOO_LARGE, which makes the Java client split the batch.
 */
function undecodable(error: unknown): RefusedBatch {
  if (!(error instanceof CompressionError)) throw error
  if (error.kind === 'too-large') return refused(ErrorCode.MESSAGE_TOO_LARGE, error.message)
  if (error.kind === 'unavailable') return refused(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, error.message)
  return refused(ErrorCode.INVALID_RECORD, `The compressed records cannot be read: ${error.message}`)
}

function targetCodec(compressionType: string): number | null {
  switch (compressionType) {
    case 'uncompressed':
      return CompressionCodec.NONE
    case 'gzip':
      return CompressionCodec.GZIP
    case 'snappy':
      return CompressionCodec.SNAPPY
    case 'lz4':
      return CompressionCodec.LZ4
    case 'zstd':
      return CompressionCodec.ZSTD
    default:
      return null // producer: as it comes
  }
}

function levelOf(codec: number, config: TopicConfig): number | null {
  if (codec === CompressionCodec.GZIP) {
    const level = config['compression.gzip.level']
    return level < 0 ? null : level
  }
  if (codec === CompressionCodec.LZ4) return config['compression.lz4.level']
  return codec === CompressionCodec.ZSTD ? config['compression.zstd.level'] : null
}
