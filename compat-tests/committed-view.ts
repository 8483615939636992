import {
  batchCrcIsValid,
  batchPayload,
  codecOf,
  eachBatch,
  isControl,
  readBatchHeader,
} from '../protocol/records/batch.ts'
import { decompress } from '../protocol/records/compression.ts'
import { readRecords } from '../protocol/records/record.ts'
import type { AbortedTransaction } from '../src/storage/storage.ts'

const MAX_BATCH_BYTES = 100_000_000

/** What readers of both isolations find in responses that were asked for as read_committed. */
export class CommittedView {
  /** Each record as `offset @timestamp key=value`. */
  readonly all: string[] = []
  readonly committed: string[] = []
  /** Offsets of markers with a record. */
  readonly markers = new Set<number>()

  /** Takes one response for an offset; returns the offset to go on from. */
  take(bytes: Buffer, abortedTransactions: readonly AbortedTransaction[], from: number): number {
    const aborted = [...abortedTransactions]
    const ongoing = new Set<number>()
    let next = from
    for (const at of eachBatch(bytes)) {
      if (!batchCrcIsValid(bytes, at)) throw new Error(`a wrong CRC behind offset ${next - 1}`)
      const header = readBatchHeader(bytes, at)
      next = header.baseOffset + header.lastOffsetDelta + 1
      while (aborted[0] && aborted[0].firstOffset < next) ongoing.add(aborted.shift()!.producerId)
      if (isControl(header.attributes)) {
        ongoing.delete(header.producerId)
        if (header.recordCount > 0) this.markers.add(header.baseOffset)
        continue
      }
      const plain = decompress(codecOf(header.attributes), batchPayload(bytes, at), MAX_BATCH_BYTES)
      for (const { offset, timestamp, key, value, headers } of readRecords(Buffer.from(plain), header)) {
        if (offset < from) continue
        const extra = headers.map((one) => ` ${one.key}:${one.value}`).join('')
        const record = `${offset} @${timestamp} ${key}=${value}${extra}`
        this.all.push(record)
        if (!ongoing.has(header.producerId)) this.committed.push(record)
      }
    }
    return next
  }
}
