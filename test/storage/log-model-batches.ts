import { eachBatch, isControl, readBatchHeader } from '../../protocol/records/batch.ts'
import { buildBatch, buildEndTransactionMarker } from '../../protocol/records/batch-builder.ts'
import type { Isolation, LogHandle } from '../../src/storage/storage.ts'
import { type Fixture, readFrom, recordsOf } from './store-fixture.ts'

/** A record as the model sends it. Compaction goes by the key; without a value it is a tombstone. */
export interface ModelRecord {
  readonly id: string
  readonly key: string
  readonly isTombstone: boolean
}

export interface ModelBatch {
  readonly records: readonly ModelRecord[]
  readonly producerId: number
  readonly epoch: number
  readonly sequence: number
  readonly transactional: boolean
  readonly codec: number
  readonly timestamp: number
}

export function dataBatch({
  records,
  producerId,
  epoch,
  sequence,
  transactional,
  codec,
  timestamp,
}: ModelBatch): Buffer {
  return buildBatch({
    codec,
    ...(producerId < 0 ? {} : { producerId, producerEpoch: epoch, baseSequence: sequence, transactional }),
    records: records.map(({ id, key, isTombstone }) => ({
      timestamp,
      key: Buffer.from(key),
      value: isTombstone ? null : Buffer.from(`value of ${id}`),
      headers: [{ key: 'id', value: Buffer.from(id) }],
    })),
  })
}

export function markerBatch(producerId: number, producerEpoch: number, commit: boolean, timestamp: number): Buffer {
  return buildEndTransactionMarker({ producerId, producerEpoch, commit, coordinatorEpoch: 0, timestamp })
}

export function markerId(producerId: number, commit: boolean): string {
  return `${commit ? 'commit' : 'abort'} of ${producerId}`
}

/** A record as a reader finds it. */
export interface Found {
  readonly offset: number
  readonly id: string
  readonly isMarker: boolean
}

export interface ReadOptions {
  readonly from: number
  readonly to: number
  readonly maxBytes: number
  readonly isolation: Isolation
}

/** What a client makes of the batches between two offsets. With read_committed, as it filters by what is told to it. */
export async function readFound({ store }: Fixture, log: LogHandle, options: ReadOptions): Promise<Found[]> {
  const { to, maxBytes, isolation } = options
  const found: Found[] = []
  for (let offset = options.from; offset < to; ) {
    const result = await readFrom(store, log, offset, { maxBytes, isolation })
    if (result.error !== 0) throw new Error(`error ${result.error} at offset ${offset}`)
    const batches = foundIn(result.chunks, result.abortedTransactions ?? [])
    result.release()
    if (batches.nextOffset <= offset) throw new Error(`nothing at offset ${offset}, the end is ${to}`)
    const first = offset
    found.push(...batches.found.filter((record) => record.offset >= first && record.offset < to))
    offset = batches.nextOffset
  }
  return found
}

export function foundIn(
  chunks: readonly Buffer[],
  abortedTransactions: readonly { readonly producerId: number; readonly firstOffset: number }[],
): { readonly found: Found[]; readonly nextOffset: number } {
  const aborted = [...abortedTransactions]
  const ongoing = new Set<number>()
  const found: Found[] = []
  let nextOffset = -1
  for (const chunk of chunks) {
    for (const at of eachBatch(chunk)) {
      const header = readBatchHeader(chunk, at)
      const { producerId } = header
      if (header.baseOffset < nextOffset) throw new Error(`offset ${header.baseOffset} after ${nextOffset - 1}`)
      nextOffset = header.baseOffset + header.lastOffsetDelta + 1
      while (aborted[0] && aborted[0].firstOffset < nextOffset) ongoing.add(aborted.shift()!.producerId)
      const isMarker = isControl(header.attributes)
      if (!isMarker && ongoing.has(producerId)) continue
      if (isMarker) ongoing.delete(producerId)
      for (const { offset, key, value, headers } of recordsOf([chunk.subarray(at, at + header.sizeBytes)])) {
        if (isMarker) {
          found.push({ offset, id: markerId(producerId, key!.readInt16BE(2) === 1), isMarker })
          continue
        }
        const id = String(headers[0]!.value)
        if (value !== null && String(value) !== `value of ${id}`) throw new Error(`the value of ${id} is ${value}`)
        found.push({ offset, id, isMarker })
      }
    }
  }
  return { found, nextOffset }
}
