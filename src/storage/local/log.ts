import { ErrorCode } from '../../../protocol/errors.ts'
import type { TopicConfig } from '../../config/topic-config.ts'
import type { Append, Durability, LogHandle, LogIdentity, LogOffsets } from '../storage.ts'
import { AppendGroup } from './append-group.ts'
import type { LeaderEpochCache } from './leader-epoch-cache.ts'
import type { LoadedLog } from './loaded-log.ts'
import { LogAppender } from './log-appender.ts'
import type { LogContext } from './log-context.ts'
import type { LogFiles } from './log-files.ts'
import { loadLog } from './log-loader.ts'
import { LogSegment } from './log-segment.ts'
import { LogWriter, type WriterHost } from './log-writer.ts'
import type { OpenFile } from './open-files.ts'
import { encodeProducerSnapshot, type ProducerState } from './producer-state.ts'
import { errorText } from './storage-error.ts'
import { LogTail } from './tail-cache.ts'

/**
 * One partition's log. Offsets are assigned synchronously, in the order of the calls; bytes reach the files behind it
 * in the same order. States: online; recovering, while it is cut back after the disk was full or gets its indexes
 * back; offline after any other failed write or sync; dropped with its topic; closed with the broker.
 */
export class Log implements LogHandle, WriterHost {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly tail: LogTail
  readonly writer: LogWriter
  readonly files: LogFiles
  config: TopicConfig
  segments: LogSegment[]
  epochs: LeaderEpochCache
  producerState: ProducerState
  logStartOffset: number
  logEndOffset: number
  leaderEpoch: number
  state: 'online' | 'recovering' | 'offline' | 'dropped' | 'closed' = 'online'
  /** What is on the disk may not be what is here: something was appended since the log was opened, or recovered. */
  changed: boolean
  /** How often segments were taken away or replaced: who walks over them begins anew when this has changed. */
  reshaped = 0
  readonly goesOnBehindLoss: boolean
  /** Compaction has come so far. */
  cleanedBelow: number
  /** Why the log is offline. */
  failure = ''
  readonly #context: LogContext
  readonly #appender: LogAppender

  constructor(
    context: LogContext,
    identity: LogIdentity,
    config: TopicConfig,
    leaderEpoch: number,
    loaded: LoadedLog,
    files: LogFiles,
  ) {
    this.#context = context
    this.topic = identity.topic
    this.topicId = identity.topicId
    this.partition = identity.partition
    this.config = config
    this.tail = new LogTail(context.tailCache)
    this.files = files
    this.segments = [...loaded.segments]
    this.epochs = loaded.epochs
    this.producerState = loaded.producers
    this.logStartOffset = loaded.logStartOffset
    this.logEndOffset = loaded.logEndOffset
    this.leaderEpoch = Math.max(leaderEpoch, loaded.epochs.latest?.epoch ?? 0)
    this.epochs.assign(this.leaderEpoch, this.logEndOffset)
    this.changed = loaded.namesUnsynced
    this.cleanedBelow = loaded.gapsBelow
    this.goesOnBehindLoss = loaded.goesOnBehindLoss
    this.#appender = new LogAppender(context, this)
    this.writer = new LogWriter(context, this, loaded.logEndOffset, loaded.recoveryPoint)
    this.#markUnsyncedFrom(loaded.recoveryPoint)
    this.#finishRebuilt(loaded)
  }

  get name(): string {
    return `${this.topic}-${this.partition}`
  }

  get active(): LogSegment {
    return this.segments[this.segments.length - 1]!
  }

  /**
   * Readers may see what was written to the operating system, as they see on a single replica of Kafka, and never what
   * is not in the file yet. To hide it until it is synced would add the disk to every consumer's latency and protect
   * nobody: the producer of such a record has not been answered, and sends it again after a power cut.
   */
  get highWatermark(): number {
    return this.writer.writtenOffset
  }

  /** Never below the log start: a reader that was sent there would be out of range. */
  get lastStableOffset(): number {
    const unstable = this.producerState.firstUnstableOffset
    return unstable < 0 ? this.highWatermark : Math.min(Math.max(unstable, this.logStartOffset), this.highWatermark)
  }

  get offsets(): LogOffsets {
    return {
      logStartOffset: this.logStartOffset,
      highWatermark: this.highWatermark,
      lastStableOffset: this.lastStableOffset,
      logEndOffset: this.logEndOffset,
    }
  }

  /**
   * Everything below needs no recovery after a crash: synced, and its indexes are in their files. One less than what is
   * synced of the active segment: should the next batch begin a new segment, that offset would be its base, and
   * recovery would trust the indexes of this one.
   */
  get recoveryPoint(): number {
    const synced = Math.min(this.writer.syncedOffset, this.files.unfinishedFrom)
    return synced > this.active.baseOffset ? synced - 1 : synced
  }

  configure(config: TopicConfig): void {
    this.config = config
    this.#appender.reconfigured()
  }

  /** Takes one append: now, or behind those whose batches are still being prepared. */
  submit(append: Append, durability: Durability, group: AppendGroup, index: number): void {
    this.#appender.submit({ append, durability, group, index })
  }

  flush(): void {
    this.writer.flush()
  }

  setLeaderEpoch(leaderEpoch: number): void {
    if (leaderEpoch <= this.leaderEpoch) return
    this.leaderEpoch = leaderEpoch
    this.epochs.assign(leaderEpoch, this.logEndOffset)
  }

  /** Index of the segment that holds the offset, or would; 0 for an offset before all. */
  segmentIndexFor(offset: number): number {
    let low = 0
    let high = this.segments.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.segments[middle]!.baseOffset <= offset) low = middle
      else high = middle - 1
    }
    return low
  }

  /** Compaction may have taken batches away below. */
  get gapsBelow(): number {
    return this.config['cleanup.policy'].includes('compact') ? Number.POSITIVE_INFINITY : this.cleanedBelow
  }

  get sizeBytes(): number {
    let total = 0
    for (const segment of this.segments) total += segment.sizeBytes
    return total
  }

  /** Raises the log start; the store makes it durable. */
  deleteRecordsBefore(offset: number): void {
    if (offset <= this.logStartOffset) return
    this.logStartOffset = Math.min(offset, this.highWatermark)
    this.epochs.truncateFromStart(this.logStartOffset)
    this.changed = true
  }

  /**
   * Takes the oldest segments out of the log: readers no longer find them, their files are left to the caller. All of
   * them only when everything is written; the log then goes on with an empty segment at its end.
   */
  detachOldest(count: number): LogSegment[] {
    if (count === this.segments.length) {
      this.roll(this.logEndOffset, this.#context.clock.nowMs())
      this.#context.scheduleFlush(this)
    }
    const oldest = this.segments.slice(0, count)
    // First, so that no reader looks for an offset in a segment that is not there.
    this.deleteRecordsBefore(this.segments[count]!.baseOffset)
    this.segments = this.segments.slice(count)
    this.#reshaped()
    return oldest
  }

  /** Puts one segment in the place of several, which are in the log one behind the other. */
  replaceSegments(sources: readonly LogSegment[], replacement: LogSegment): void {
    const first = this.segments.indexOf(sources[0]!)
    const behind = this.segments.slice(first + sources.length)
    this.segments = [...this.segments.slice(0, first), replacement, ...behind]
    // Memory may hold aborted records of which the new segment no longer says that they are.
    this.tail.evictBefore(behind[0]!.baseOffset)
    this.#reshaped()
  }

  /** No append is taken from now on; whoever waits is told. */
  stop(state: 'offline' | 'dropped', error: ErrorCode, message: string): void {
    this.state = state
    this.failure = message
    this.#appender.stop()
    this.writer.abandon(error, message)
    this.tail.clear()
    this.#context.advanced(this, 0)
  }

  /** Everything is written, synced and noted for a start without recovery. */
  async close(): Promise<void> {
    while (!this.#appender.isIdle || this.state === 'recovering') {
      await new Promise<void>((resolve) => this.#context.endOfTurn(resolve))
    }
    this.#appender.stop()
    if (this.state !== 'online') return
    this.state = 'closed'
    this.failure = 'The broker is stopping.'
    if (!this.changed) return
    await this.writer.syncAll()
    await this.files.finished()
    if (!this.#isClosed()) return
    await this.files.finishActive(this.active, this.logEndOffset, this.producerState, this.epochs)
  }

  /** False again when a write or sync failed on the way. */
  #isClosed(): boolean {
    return this.state === 'closed'
  }

  openForWriting(segment: LogSegment): OpenFile {
    return this.files.openForWriting(segment)
  }

  get namesUnsynced(): boolean {
    return this.files.namesUnsynced
  }

  syncNames(): Promise<void> {
    return this.files.syncNames()
  }

  written(bytes: number): void {
    this.producerState.advanceTo(this.writer.writtenOffset)
    this.#context.usage.wrote(this, bytes)
    this.#context.advanced(this, bytes)
  }

  failed(error: unknown, recoverable: boolean): void {
    this.failure = errorText(error)
    if (!recoverable) {
      this.#context.report('error', `${this.name} is offline: ${this.failure}`)
      this.stop('offline', ErrorCode.KAFKA_STORAGE_ERROR, this.failure)
      return
    }
    this.#context.report(
      'error',
      `${this.name}: the disk took no more (${this.failure}): the log is cut back to offset ${this.highWatermark}`,
    )
    this.state = 'recovering'
    this.tail.clear()
    void this.#cutBack().catch((failure: unknown) => {
      this.#context.report('error', `${this.name} is offline: ${errorText(failure)}`)
      this.stop('offline', ErrorCode.KAFKA_STORAGE_ERROR, errorText(failure))
    })
  }

  /** The active segment is full: what comes goes into a new one. */
  roll(baseOffset: number, nowMs: number): void {
    const state = { baseOffset, sizeBytes: 0, createdMs: nowMs, jitterMs: this.#newJitterMs() }
    const next = new LogSegment(state, () => this.files.directory)
    const full = this.active
    if (full.sizeBytes === 0) {
      // Only its offsets ran out of the index's range: nothing was ever written to it.
      this.segments[this.segments.length - 1] = next
      this.files.deleteSegment(full)
      return
    }
    full.finishTimeIndex()
    this.segments.push(next)
    this.#finish(full, baseOffset, encodeProducerSnapshot(this.producerState))
  }

  #reshaped(): void {
    this.reshaped++
    this.#context.usage.recount(this)
  }

  #finish(segment: LogSegment, endOffset: number, snapshot: Buffer | null): void {
    const whenSynced = new AppendGroup(1)
    this.writer.wait(endOffset, 'disk', whenSynced, 0)
    this.files.finish(segment, endOffset, snapshot, whenSynced.whenSettled())
  }

  #finishRebuilt({ rebuilt, snapshot }: LoadedLog): void {
    for (const segment of rebuilt) {
      segment.finishTimeIndex()
      this.#finish(segment, this.segments[this.segments.indexOf(segment) + 1]!.baseOffset, null)
    }
    if (rebuilt.length > 0) this.#context.scheduleFlush(this)
    if (snapshot !== null) this.files.keepSnapshot(snapshot)
  }

  #markUnsyncedFrom(offset: number): void {
    this.segments.forEach((segment, index) => {
      const endOffset = this.segments[index + 1]?.baseOffset ?? this.logEndOffset
      // One behind a loss has no file yet.
      if (endOffset > offset && segment.sizeBytes > 0) this.writer.markUnsynced(segment)
    })
  }

  #newJitterMs(): number {
    const jitterMs = Math.min(this.config['segment.jitter.ms'], this.config['segment.ms'])
    return jitterMs > 0 ? this.#context.random.below(jitterMs) : 0
  }

  /** After a write that did not fit: the files end where the last whole group ended, and the state is read from them. */
  async #cutBack(): Promise<void> {
    await this.files.finished()
    const keep = this.segments.findLastIndex(
      (segment) => segment.baseOffset <= this.highWatermark && segment.writtenBytes > 0,
    )
    for (const segment of this.segments.slice(keep + 1)) this.files.deleteSegment(segment)
    const last = this.segments[keep]
    if (last) this.files.truncateLog(last)
    const syncedOffset = this.writer.syncedOffset
    const loaded = await loadLog(this.#context, {
      directory: () => this.files.directory,
      clean: false,
      recoveryPoint: syncedOffset,
      logStartOffset: this.logStartOffset,
      cleanedOffset: syncedOffset,
      gapsBelow: this.gapsBelow,
      leaderEpoch: this.leaderEpoch,
      transactionIndexes: new Map(),
      writtenOffset: 0,
      expectedEndOffset: 0,
      expectedStartOffset: null,
      reread: false,
      indexIntervalBytes: this.config['index.interval.bytes'],
      newJitterMs: () => this.#newJitterMs(),
    })
    if (this.state !== 'recovering') return
    if (loaded.logEndOffset !== this.highWatermark) {
      throw new Error(
        `the log ends at ${loaded.logEndOffset}, although everything below ${this.highWatermark} was written`,
      )
    }
    this.segments = loaded.segments
    this.#reshaped()
    this.epochs = loaded.epochs
    this.epochs.assign(this.leaderEpoch, loaded.logEndOffset)
    this.producerState = loaded.producers
    this.logEndOffset = loaded.logEndOffset
    this.#markUnsyncedFrom(syncedOffset)
    this.state = 'online'
    this.failure = ''
    this.writer.resume()
    this.#finishRebuilt(loaded)
  }
}
