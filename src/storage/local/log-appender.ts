import { ErrorCode } from '../../../protocol/errors.ts'
import { type BatchHeader, patchBaseOffset, patchLeaderEpoch } from '../../../protocol/records/batch.ts'
import type { Append, AppendResult } from '../storage.ts'
import { appended, notAppended } from './append-group.ts'
import { AppendQueue, type QueuedAppend } from './append-queue.ts'
import { readEndMarker } from './end-marker.ts'
import { FlushPolicy } from './flush-policy.ts'
import { readIndexes } from './index-files.ts'
import type { Log } from './log.ts'
import type { LogContext } from './log-context.ts'
import { type Prepared, type PreparedBatches, prepareOwn, prepareProduced, validationRules } from './log-preparation.ts'
import type { RollLimits } from './log-segment.ts'
import { ensureIndexes } from './segment-indexes.ts'

/**
 * Takes appends into one log: each is prepared, in the order of their coming judged against the state of its producer,
 * given offsets and handed to the writer. From the judgement on everything is synchronous.
 */
export class LogAppender {
  readonly #context: LogContext
  readonly #log: Log
  readonly #queue: AppendQueue
  readonly #flushPolicy: FlushPolicy

  constructor(context: LogContext, log: Log) {
    this.#context = context
    this.#log = log
    this.#queue = new AppendQueue(log.name, context, (prepared, queued) => this.#commit(prepared, queued))
    this.#flushPolicy = new FlushPolicy(context, log)
  }

  /** Whether batches of some append are still being prepared. */
  get isIdle(): boolean {
    return this.#queue.isEmpty
  }

  /** Now, or behind those whose batches are still being prepared. */
  submit(queued: QueuedAppend): void {
    this.#queue.submit(queued, this.#prepare(queued.append))
  }

  /** The settings of the topic are others now. */
  reconfigured(): void {
    this.#flushPolicy.reconfigured()
  }

  /** No sync is asked for any more. */
  stop(): void {
    this.#flushPolicy.stop()
  }

  #prepare(append: Append): Prepared | Promise<Prepared> {
    if (append.origin === 'coordinator') return prepareOwn(append)
    const rules = validationRules(this.#log.name, this.#log.config, append, this.#context.clock.nowMs())
    return prepareProduced(this.#context, this.#log.config, append, rules)
  }

  #commit(prepared: Prepared, { append, durability, group, index }: QueuedAppend): void {
    const log = this.#log
    const refusal = this.#refusal(prepared)
    if (refusal || prepared.kind === 'refused') {
      group.settle(index, refusal ?? undefined)
      return
    }
    const outcome = this.#assign(prepared, append)
    group.assign(index, outcome)
    if (outcome.error !== ErrorCode.NONE) {
      group.settle(index)
      return
    }
    const needed = this.#flushPolicy.promised(durability, append.origin)
    this.#context.scheduleFlush(log)
    if (durability === 'none') {
      if (needed === 'disk') log.writer.requestSync()
      group.settle(index)
    } else log.writer.wait(log.logEndOffset, needed, group, index)
  }

  /** A start from the manifest has read none yet: the first append does. */
  #hasIndexes(): boolean {
    return this.#log.active.offsetIndex !== null || readIndexes(this.#context, this.#log.active)
  }

  #withoutIndexes(): AppendResult {
    const log = this.#log
    log.state = 'recovering'
    log.failure = 'The indexes of the log are being made anew.'
    ensureIndexes(this.#context, log, log.active).then(
      () => {
        if (log.state !== 'recovering') return
        log.state = 'online'
        log.failure = ''
      },
      (error: unknown) => log.failed(error, false),
    )
    return notAppended(ErrorCode.KAFKA_STORAGE_ERROR, log.failure)
  }

  #refusal(prepared: Prepared): AppendResult | null {
    const log = this.#log
    if (log.state === 'dropped') return notAppended(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 'The topic was deleted.')
    if (log.state !== 'online') return notAppended(ErrorCode.KAFKA_STORAGE_ERROR, log.failure)
    if (prepared.kind !== 'refused') return this.#hasIndexes() ? null : this.#withoutIndexes()
    const logStart = prepared.tellsLogStart ? log.logStartOffset : -1
    return notAppended(prepared.error, prepared.message, prepared.recordErrors, logStart)
  }

  #assign(prepared: PreparedBatches, append: Append): AppendResult {
    const log = this.#log
    const { records, headers } = prepared
    const markers = headers.map((header, index) => readEndMarker(records, positionOf(headers, index), header))
    for (let index = 0; index < headers.length; index++) {
      const header = headers[index]!
      if (header.producerId < 0) continue
      const verdict = log.producerState.check(header, markers[index]!, append.origin, append.produceVersion)
      if (verdict.kind === 'refused') return notAppended(verdict.error, verdict.message, [], log.logStartOffset)
      if (verdict.kind === 'duplicate') {
        const { baseOffset, lastOffset, timestampMs } = verdict.batch
        return { ...appended(baseOffset, lastOffset + 1, timestampMs, log.logStartOffset), duplicate: true }
      }
    }
    const baseOffset = log.logEndOffset
    const leaderEpoch = Math.max(log.leaderEpoch, append.leaderEpoch)
    for (let index = 0; index < headers.length; index++) {
      this.#put(records, positionOf(headers, index), headers[index]!, markers[index]!, leaderEpoch)
    }
    return appended(baseOffset, log.logEndOffset, prepared.logAppendTimeMs, log.logStartOffset)
  }

  #put(
    records: Buffer,
    at: number,
    validated: BatchHeader,
    marker: ReturnType<typeof readEndMarker>,
    leaderEpoch: number,
  ): void {
    const log = this.#log
    const baseOffset = log.logEndOffset
    const lastOffset = baseOffset + validated.lastOffsetDelta
    const header: BatchHeader = { ...validated, baseOffset, partitionLeaderEpoch: leaderEpoch }
    const nowMs = this.#context.clock.nowMs()
    if (log.active.shouldRoll(header.sizeBytes, lastOffset, header.maxTimestamp, nowMs, this.#rollLimits())) {
      log.roll(baseOffset, nowMs)
    }
    const segment = log.active
    patchBaseOffset(records, at, baseOffset)
    patchLeaderEpoch(records, at, leaderEpoch)
    const filePosition = segment.sizeBytes
    const place = { segmentBaseOffset: segment.baseOffset, filePosition, baseOffset, lastOffset }
    const slice = log.tail.append(records, at, header.sizeBytes, place)
    segment.noteBatch(header, log.config['index.interval.bytes'])
    if (header.producerId >= 0) {
      const aborted = log.producerState.apply(header, marker, nowMs)
      if (aborted) segment.transactions.append(aborted)
    }
    log.epochs.assign(leaderEpoch, baseOffset)
    log.logEndOffset = lastOffset + 1
    log.changed = true
    log.writer.enqueue(segment, slice, filePosition, log.logEndOffset)
  }

  #rollLimits(): RollLimits {
    const log = this.#log
    const compacted = log.config['cleanup.policy'].includes('compact')
    const segmentMs = log.config['segment.ms']
    return {
      segmentBytes: log.config['segment.bytes'],
      segmentMs: compacted ? Math.min(segmentMs, log.config['max.compaction.lag.ms']) : segmentMs,
      indexBytes: log.config['segment.index.bytes'],
    }
  }
}

function positionOf(headers: readonly BatchHeader[], index: number): number {
  let at = 0
  for (let before = 0; before < index; before++) at += headers[before]!.sizeBytes
  return at
}
