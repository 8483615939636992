import { AbortedProducers, type AbortedTransaction } from '../../protocol/records/aborted-producers.ts'
import {
  batchCrcIsValid,
  batchPayload,
  codecOf,
  eachBatch,
  isControl,
  isLogAppendTime,
  readBatchHeader,
} from '../../protocol/records/batch.ts'
import { decompress } from '../../protocol/records/compression.ts'
import { type RecordHeader, readRecords } from '../../protocol/records/record.ts'
import { ClientError } from './client-error.ts'
import type { TopicPartition } from './topic-leaders.ts'

export interface ConsumedRecord extends TopicPartition {
  readonly offset: number
  /** Milliseconds since the epoch, -1 for none. */
  readonly timestamp: number
  readonly timestampType: 'CreateTime' | 'LogAppendTime'
  readonly leaderEpoch: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
}

export interface FetchedRecords {
  readonly records: readonly ConsumedRecord[]
  /** What comes after them, also where they are hidden or were compacted away. */
  readonly nextOffset: number
}

/** What one batch may grow to. */
const MAX_DECOMPRESSED_BYTES = 1024 * 1024 * 1024

/**
 * The records from an offset on in what Fetch sent of one partition. `aborted` is null for readers of everything.
 * Throws ClientError for bytes that are not whole batches.
 */
export function fetchedRecords(
  { topic, partition }: TopicPartition,
  bytes: Buffer,
  offset: number,
  aborted: readonly AbortedTransaction[] | null,
): FetchedRecords {
  const records: ConsumedRecord[] = []
  const hidden = aborted === null ? null : new AbortedProducers(aborted)
  let nextOffset = offset
  try {
    for (const at of eachBatch(bytes)) {
      const header = readBatchHeader(bytes, at)
      if (!batchCrcIsValid(bytes, at)) throw new Error(`the CRC of the batch at offset ${header.baseOffset} is wrong`)
      nextOffset = Math.max(nextOffset, header.baseOffset + header.lastOffsetDelta + 1)
      if (hidden === null ? isControl(header.attributes) : hidden.hides(header)) continue
      const timestampType = isLogAppendTime(header.attributes) ? 'LogAppendTime' : 'CreateTime'
      const leaderEpoch = header.partitionLeaderEpoch
      const payload = decompress(codecOf(header.attributes), batchPayload(bytes, at), MAX_DECOMPRESSED_BYTES)
      for (const { sequence: _, ...record } of readRecords(payload, header)) {
        if (record.offset >= offset) records.push({ topic, partition, timestampType, leaderEpoch, ...record })
      }
    }
  } catch (error) {
    throw new ClientError('protocol', `${topic}-${partition} at offset ${nextOffset}: ${(error as Error).message}`, {
      cause: error,
    })
  }
  return { records, nextOffset }
}
