import {
  type BatchHeader,
  batchPayload,
  batchSizeBytes,
  codecOf,
  readBatchHeader,
} from '../../../protocol/records/batch.ts'
import { assembleBatch } from '../../../protocol/records/batch-builder.ts'
import { CompressionCodec } from '../../../protocol/records/compression.ts'
import {
  type ChangedBatch,
  type CleaningRound,
  emptyBatch,
  type FilteredBatch,
  filterRecords,
  indexKeys,
  judgeBatch,
  type LastRecord,
  markBatch,
  replacesEarlier,
} from '../compaction.ts'
import { OffsetMap } from '../offset-map.ts'
import { TransactionWalk } from '../transaction-walk.ts'
import { type BatchChunk, checkCrc, readBatchChunks } from './batch-chunks.ts'
import { CleanedSegment } from './cleaned-segment.ts'
import { readEndMarker } from './end-marker.ts'
import type { IoThrottle } from './io-throttle.ts'
import type { Log } from './log.ts'
import type { LogContext } from './log-context.ts'
import type { LogSegment } from './log-segment.ts'
import type { RetiredFiles } from './retired-files.ts'
import { groupSegments } from './segment-groups.ts'
import { areCurrent, swapSegment } from './segment-swap.ts'
import { TimeSlice } from './time-slice.ts'

/** What is to be cleaned: full segments of one log, from its beginning on. */
export interface CleaningRange {
  /** Everything below was cleaned before. */
  readonly fromOffset: number
  /** Where the last of the segments ends. */
  readonly endOffset: number
}

export interface CleaningMeans {
  readonly context: LogContext
  readonly retired: RetiredFiles
  readonly throttle: IoThrottle
  /** For the map of keys. */
  readonly mapBytes: number
  /** How full the map may become. */
  readonly mapLoad: number
  /** True when the broker stops. */
  readonly isStopped: () => boolean
}

/** The round was given up, with the log as good as before: the broker stops, the topic is gone, or segments are. */
export class CleaningAbandonedError extends Error {
  override readonly name = 'CleaningAbandonedError'
}

/** One round of compaction over one log. */
export class LogCleaning {
  readonly #means: CleaningMeans
  readonly #log: Log
  readonly #range: CleaningRange
  /** What is not yet replaced. */
  #sources: readonly LogSegment[]
  readonly #slice: TimeSlice
  readonly #offsets: OffsetMap
  bytesRead = 0
  bytesWritten = 0

  constructor(means: CleaningMeans, log: Log, range: CleaningRange) {
    this.#means = means
    this.#log = log
    this.#range = range
    this.#sources = log.segments.slice(
      0,
      log.segments.findIndex(({ baseOffset }) => baseOffset === range.endOffset),
    )
    this.#slice = new TimeSlice(means.context)
    this.#offsets = new OffsetMap(means.mapBytes, means.mapLoad)
    this.#offsets.latestOffset = range.fromOffset - 1
  }

  /** Resolves with the offset up to which the log is clean now. */
  async run(): Promise<number> {
    try {
      return await this.#run()
    } catch (error) {
      // A file that is gone is no damage when its segment was taken away.
      this.#checkWanted()
      throw error
    }
  }

  async #run(): Promise<number> {
    const { fromOffset, endOffset } = this.#range
    const cleanedOffset = (await this.#fillMap()) ? endOffset : this.#offsets.latestOffset + 1
    // Where nothing is new the round is for tombstones whose time is over.
    if (cleanedOffset <= fromOffset && fromOffset < endOffset) {
      throw new Error(`the keys of the batch at offset ${cleanedOffset} do not fit into log.cleaner.dedupe.buffer.size`)
    }
    const sources = this.#sources.filter(({ baseOffset }) => baseOffset < cleanedOffset)
    const round = this.#newRound()
    for (const group of groupSegments(this.#means.context, this.#log, sources, endOffset)) {
      if (group.some(({ sizeBytes }) => sizeBytes > 0)) await this.#cleanGroup(round, group)
      this.#sources = this.#sources.slice(group.length)
    }
    return cleanedOffset
  }

  #newRound(): CleaningRound {
    const lastRecords = new Map<number, LastRecord>()
    for (const { producerId, producerEpoch, batches } of this.#log.producerState.all()) {
      lastRecords.set(producerId, { producerEpoch, lastDataOffset: batches.at(-1)?.lastOffset ?? -1 })
    }
    return {
      offsets: this.#offsets,
      transactions: this.#newWalk(),
      nowMs: this.#means.context.clock.nowMs(),
      deleteRetentionMs: this.#log.config['delete.retention.ms'],
      endOffset: this.#range.endOffset,
      lastRecords,
    }
  }

  /** Also with transactions whose marker lies behind what is cleaned. */
  #newWalk(): TransactionWalk {
    const all = this.#log.segments.flatMap(({ transactions }) => transactions.entries)
    return new TransactionWalk(all.filter(({ firstOffset }) => firstOffset < this.#range.endOffset))
  }

  /** False when the map is full before the end. */
  async #fillMap(): Promise<boolean> {
    const { fromOffset } = this.#range
    const transactions = this.#newWalk()
    for (const [index, segment] of this.#sources.entries()) {
      const segmentEnd = this.#sources[index + 1]?.baseOffset ?? this.#range.endOffset
      if (segmentEnd <= fromOffset) continue
      for await (const chunk of this.#chunksOf(segment)) {
        for (let at = 0; at < chunk.end; at += batchSizeBytes(chunk.buffer, at)) {
          const header = readBatchHeader(chunk.buffer, at)
          const lastOffset = header.baseOffset + header.lastOffsetDelta
          if (lastOffset < fromOffset) continue
          checkCrc(chunk.buffer, at)
          if (replacesEarlier(transactions, header, commitOf(chunk.buffer, at, header)) && header.recordCount > 0) {
            const plain = await this.#plainOf(chunk.buffer, at, header)
            if (!(await this.#inSlices(indexKeys(this.#offsets, header, plain, fromOffset)))) return false
          }
          this.#offsets.latestOffset = lastOffset
          if (this.#slice.isOver) await this.#pause()
        }
      }
    }
    return true
  }

  async #cleanGroup(round: CleaningRound, group: readonly LogSegment[]): Promise<void> {
    const { context, retired } = this.#means
    const output = new CleanedSegment(context, this.#log, group)
    let done = false
    try {
      let changed = group.length > 1
      try {
        for (const segment of group) {
          const isLast = segment === group.at(-1)
          for await (const chunk of this.#chunksOf(segment)) {
            const endsSegment = isLast && chunk.position + chunk.end === segment.sizeBytes
            if (await this.#cleanChunk(round, chunk, endsSegment, output)) changed = true
          }
        }
        const aborted = round.transactions.takeKept()
        if (!changed) return
        const modifiedMs = context.fileSystem.stat(group.at(-1)!.path('log'))?.modifiedMs ?? context.clock.nowMs()
        await output.finish(aborted, modifiedMs)
      } finally {
        output.release()
      }
      this.#checkWanted()
      const swap = () => swapSegment(context, this.#log, output.segment, group, retired)
      done = await this.#log.files.exclusively(swap)
      if (!done) throw new CleaningAbandonedError(`segments of ${this.#log.name} were taken away`)
    } finally {
      if (!done) output.discard()
    }
  }

  /** True when anything is different from what it was. */
  async #cleanChunk(
    round: CleaningRound,
    chunk: BatchChunk,
    endsSegment: boolean,
    output: CleanedSegment,
  ): Promise<boolean> {
    const before = output.segment.sizeBytes
    let rewritten = false
    for (let at = 0; at < chunk.end; at += batchSizeBytes(chunk.buffer, at)) {
      checkCrc(chunk.buffer, at)
      const place = { endsSegment: endsSegment && at === chunk.lastAt }
      const outcome = await this.#cleanBatch(round, chunk.buffer, at, place.endsSegment)
      if (outcome === 'keep') await output.append(readBatchHeader(chunk.buffer, at), chunk.buffer, at)
      else if (outcome !== 'drop') await output.append(readBatchHeader(outcome, 0), outcome, 0)
      if (outcome !== 'keep') rewritten = true
      if (this.#slice.isOver) await this.#pause()
    }
    const written = output.segment.sizeBytes - before
    this.bytesWritten += written
    await this.#means.throttle.spend(written)
    return rewritten
  }

  async #cleanBatch(
    round: CleaningRound,
    buffer: Buffer,
    at: number,
    endsSegment: boolean,
  ): Promise<'keep' | 'drop' | Buffer> {
    const header = readBatchHeader(buffer, at)
    const { verdict, needed } = judgeBatch(round, header, commitOf(buffer, at, header), { endsSegment })
    if (verdict === 'keep' || verdict === 'drop') return verdict
    if (verdict === 'empty') return emptyBatch(header)
    const plain = await this.#plainOf(buffer, at, header)
    const work: Generator<void, FilteredBatch, undefined> =
      verdict === 'mark' ? markBatch(round, header, plain) : filterRecords(round, header, plain)
    const outcome = await this.#inSlices(work)
    if (outcome.kind === 'unchanged') return 'keep'
    if (outcome.kind === 'gone') return needed ? emptyBatch(header) : 'drop'
    return this.#assemble(outcome)
  }

  async #assemble({ header, plain }: ChangedBatch): Promise<Buffer> {
    const codec = codecOf(header.attributes)
    const payload =
      codec === CompressionCodec.NONE ? plain : await this.#means.context.work.compress(codec, plain, null)
    return assembleBatch(header, payload)
  }

  async #plainOf(buffer: Buffer, at: number, header: BatchHeader): Promise<Buffer> {
    const codec = codecOf(header.attributes)
    const payload = batchPayload(buffer, at)
    if (codec === CompressionCodec.NONE) return payload
    const { work, decompressedBatchLimitBytes } = this.#means.context
    return work.decompress(codec, payload, decompressedBatchLimitBytes)
  }

  async *#chunksOf(segment: LogSegment): AsyncGenerator<BatchChunk, void, undefined> {
    this.#checkWanted()
    for await (const chunk of readBatchChunks(this.#means.context, segment)) {
      this.#checkWanted()
      this.bytesRead += chunk.end
      await this.#means.throttle.spend(chunk.end)
      yield chunk
    }
  }

  async #inSlices<T>(work: Generator<void, T, undefined>): Promise<T> {
    for (;;) {
      const step = work.next()
      if (step.done) return step.value
      if (this.#slice.isOver) await this.#pause()
    }
  }

  async #pause(): Promise<void> {
    await this.#slice.next()
    this.#checkWanted()
  }

  #checkWanted(): void {
    const { state, config, name } = this.#log
    if (this.#means.isStopped() || state !== 'online') throw new CleaningAbandonedError(`${name} is ${state}`)
    if (!config['cleanup.policy'].includes('compact'))
      throw new CleaningAbandonedError(`${name} is no longer compacted`)
    if (this.#sources.length > 0 && !areCurrent(this.#log, this.#sources)) {
      throw new CleaningAbandonedError(`segments of ${name} were taken away`)
    }
  }
}

function commitOf(buffer: Buffer, at: number, header: BatchHeader): boolean | null {
  return readEndMarker(buffer, at, header)?.commit ?? null
}
