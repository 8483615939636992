import {
  attributes,
  batchCrcIsValid,
  batchPayload,
  batchProblem,
  codecOf,
  isTransactional,
  readBatchHeader,
} from '../../protocol/records/batch.ts'
import { decompress } from '../../protocol/records/compression.ts'
import { readRecords } from '../../protocol/records/record.ts'

/** What a batch may become when an interceptor asks for its records, on the event loop. */
const MAX_DECOMPRESSED_BYTES = 128 * 1024 * 1024
const CODEC_NAMES = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

/** How the records of a batch are compressed. */
export type CompressionName = (typeof CODEC_NAMES)[number]

/** A record before it has an offset. */
export interface InterceptedRecord {
  /** Place in the batch, from 0. */
  readonly index: number
  /** Milliseconds since the epoch, as the producer said; -1 for none. */
  readonly timestampMs: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly { readonly key: string; readonly value: Buffer | null }[]
}

/** A produced batch before it is appended. */
export interface InterceptedBatch {
  readonly topic: string
  readonly partition: number
  /** Null when the client sent none. */
  readonly clientId: string | null
  /** Without a port. */
  readonly clientAddress: string
  /** `User:ANONYMOUS` where nobody authenticates. */
  readonly principal: string
  /** 0, 1, or -1 for all. */
  readonly acks: number
  /** -1 unless the producer is idempotent, as are the next two. */
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly idempotent: boolean
  readonly transactional: boolean
  readonly recordCount: number
  /** As the client sent it, compressed or not. */
  readonly sizeBytes: number
  readonly compression: CompressionName
  /**
   * The records, decompressed and decoded at the first call. They are copies: what is done to them changes nothing of
   * the batch. Only while the interceptor runs; throws for records that cannot be decoded.
   */
  records(): readonly InterceptedRecord[]
}

/** What of the request an interceptor may see. */
export type BatchOrigin = Pick<
  InterceptedBatch,
  'topic' | 'partition' | 'clientId' | 'clientAddress' | 'principal' | 'acks'
>

/** One whole batch with the right CRC and a known codec; everything else is refused by the log, whatever anybody says. */
export function isIntactBatch(records: Buffer): boolean {
  if (batchProblem(records, 0) !== null || readBatchHeader(records, 0).sizeBytes !== records.length) return false
  return codecOf(attributes(records, 0)) < CODEC_NAMES.length && batchCrcIsValid(records, 0)
}

/** Runs `look` on an intact batch. Afterwards the bytes belong to the log again. */
export function whileIntercepted<T>(origin: BatchOrigin, bytes: Buffer, look: (batch: InterceptedBatch) => T): T {
  const header = readBatchHeader(bytes, 0)
  const codec = codecOf(header.attributes)
  const { producerId, producerEpoch, baseSequence, recordCount, sizeBytes } = header
  let records: readonly InterceptedRecord[] | null = null
  let open = true
  const decode = () => {
    if (!open) throw new Error('records() is only there while the interceptor runs')
    // decompress gives its input back where there is no codec.
    const plain = Buffer.from(decompress(codec, batchPayload(bytes, 0), MAX_DECOMPRESSED_BYTES))
    return Array.from(readRecords(plain, header), ({ timestamp, key, value, headers }, index) => {
      return { index, timestampMs: timestamp, key, value, headers }
    })
  }
  try {
    return look({
      ...origin,
      ...{ producerId, producerEpoch, baseSequence, recordCount, sizeBytes },
      idempotent: producerId >= 0,
      transactional: isTransactional(header.attributes),
      compression: CODEC_NAMES[codec]!,
      records: () => (records ??= decode()),
    })
  } finally {
    open = false
  }
}
