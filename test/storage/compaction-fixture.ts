import { batchPayload, codecOf, readBatchHeader } from '../../protocol/records/batch.ts'
import { assembleBatch } from '../../protocol/records/batch-builder.ts'
import { compress, decompress } from '../../protocol/records/compression.ts'
import {
  type CleaningRound,
  emptyBatch,
  filterRecords,
  indexKeys,
  judgeBatch,
  markBatch,
  replacesEarlier,
} from '../../src/storage/compaction.ts'
import { readEndMarker } from '../../src/storage/local/end-marker.ts'
import { OffsetMap } from '../../src/storage/offset-map.ts'
import { type AbortedTransactionRange, TransactionWalk } from '../../src/storage/transaction-walk.ts'

/** Runs a generator to its end as if there were no other work. */
export function finish<T>(generator: Generator<void, T, undefined>): T {
  for (;;) {
    const step = generator.next()
    if (step.done) return step.value
  }
}

export interface RoundOptions extends Omit<CleaningRound, 'offsets' | 'transactions'> {
  readonly fromOffset: number
  readonly aborted: readonly AbortedTransactionRange[]
  readonly mapBytes?: number
  /** Whether the batch at this index is the last of its segment. */
  readonly endsSegment?: (index: number) => boolean
}

export interface RoundResult {
  readonly batches: Buffer[]
  readonly aborted: AbortedTransactionRange[]
  /** Below it everything has been compacted. */
  readonly cleanedOffset: number
}

/** One round over batches in memory: what the cleaner does over segments. */
export function cleanBatches(batches: readonly Buffer[], options: RoundOptions): RoundResult {
  const offsets = new OffsetMap(options.mapBytes ?? 1_000_000)
  offsets.latestOffset = options.fromOffset - 1
  const full = !fillMap(offsets, batches, options)
  const round: CleaningRound = { ...options, offsets, transactions: new TransactionWalk(options.aborted) }
  const kept: Buffer[] = []
  batches.forEach((batch, index) => {
    const place = { endsSegment: options.endsSegment?.(index) ?? false }
    const cleaned = cleanBatch(round, batch, place)
    if (cleaned) kept.push(cleaned)
  })
  return {
    batches: kept,
    aborted: round.transactions.takeKept(),
    cleanedOffset: full ? offsets.latestOffset + 1 : options.endOffset,
  }
}

function fillMap(offsets: OffsetMap, batches: readonly Buffer[], options: RoundOptions): boolean {
  const walk = new TransactionWalk(options.aborted)
  for (const batch of batches) {
    const header = readBatchHeader(batch, 0)
    const lastOffset = header.baseOffset + header.lastOffsetDelta
    if (lastOffset < options.fromOffset) continue
    if (replacesEarlier(walk, header, readEndMarker(batch, 0, header)?.commit ?? null)) {
      if (!finish(indexKeys(offsets, header, plainOf(batch), options.fromOffset))) return false
    }
    offsets.latestOffset = lastOffset
  }
  return true
}

function cleanBatch(round: CleaningRound, batch: Buffer, place: { endsSegment: boolean }): Buffer | null {
  const header = readBatchHeader(batch, 0)
  const { verdict, needed } = judgeBatch(round, header, readEndMarker(batch, 0, header)?.commit ?? null, place)
  if (verdict === 'drop') return null
  if (verdict === 'keep') return batch
  if (verdict === 'empty') return emptyBatch(header)
  const plain = plainOf(batch)
  const outcome = finish(verdict === 'mark' ? markBatch(round, header, plain) : filterRecords(round, header, plain))
  if (outcome.kind === 'unchanged') return batch
  if (outcome.kind === 'gone') return needed ? emptyBatch(header) : null
  return assembleBatch(outcome.header, compress(codecOf(header.attributes), outcome.plain, null))
}

export function plainOf(batch: Buffer): Buffer {
  const { attributes } = readBatchHeader(batch, 0)
  return Buffer.from(decompress(codecOf(attributes), batchPayload(batch, 0), 100_000_000))
}
