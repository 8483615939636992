import { batchPayload, codecOf, eachBatch, lastOffset, readBatchHeader } from '../../../protocol/records/batch.ts'
import { decompress } from '../../../protocol/records/compression.ts'
import { readRecords } from '../../../protocol/records/record.ts'
import type { PlainClient } from '../../support/plain-client.ts'

const DECOMPRESSED_LIMIT_BYTES = 1 << 26

export interface StoredRecord {
  readonly offset: number
  readonly key: string
  readonly value: string
}

/** All records of a partition from an offset on, in order. */
export async function storedRecords(
  client: PlainClient,
  topic: string,
  partition = 0,
  from = 0,
): Promise<StoredRecord[]> {
  const found: StoredRecord[] = []
  for (let next = from, before = -1; next > before; ) {
    before = next
    const bytes = await client.fetch(topic, next, partition)
    for (const at of eachBatch(bytes)) {
      const header = readBatchHeader(bytes, at)
      const codec = codecOf(header.attributes)
      const payload = batchPayload(bytes, at)
      const plain = codec === 0 ? payload : decompress(codec, payload, DECOMPRESSED_LIMIT_BYTES)
      for (const { offset, key, value } of readRecords(plain, header)) {
        if (offset >= from) found.push({ offset, key: String(key), value: String(value) })
      }
      next = lastOffset(bytes, at) + 1
    }
  }
  return found
}
