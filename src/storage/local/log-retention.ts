import type { Timer } from '../../io/clock.ts'
import type { Log } from './log.ts'
import type { LogContext } from './log-context.ts'
import type { LogSegment } from './log-segment.ts'
import type { RetiredFiles } from './retired-files.ts'
import { ensureIndexes } from './segment-indexes.ts'
import { largestTimestampMs } from './segment-times.ts'
import { errorText } from './storage-error.ts'
import { TimeSlice } from './time-slice.ts'

export interface LogRetentionOptions {
  /** log.initial.task.delay.ms */
  readonly initialDelayMs: number
  /** log.retention.check.interval.ms */
  readonly intervalMs: number
}

/** The logs, and what makes their offsets survive a power cut. */
export interface LogGroup {
  readonly logs: Iterable<Log>
  checkpoint(): Promise<void>
}

interface Detached {
  readonly log: Log
  readonly segments: readonly LogSegment[]
}

/** Removes old segments: those below the log start, those beyond retention.bytes and those older than retention.ms. */
export class LogRetention {
  readonly #context: LogContext
  readonly #group: LogGroup
  readonly #retired: RetiredFiles
  readonly #intervalMs: number
  /** Out of their logs; their files stay until the new log starts are on the disk. */
  #detached: Detached[] = []
  #runs: Promise<void> = Promise.resolve()
  #timer: Timer
  #stopped = false

  constructor(context: LogContext, group: LogGroup, retired: RetiredFiles, options: LogRetentionOptions) {
    this.#context = context
    this.#group = group
    this.#retired = retired
    this.#intervalMs = options.intervalMs
    this.#timer = context.clock.schedule(options.initialDelayMs, () => this.#runByTimer())
  }

  /** Looks at all logs now; resolves when what was found is out of the way. Calls run one after the other. */
  run(): Promise<void> {
    const run = this.#runs.then(() => this.#runNow())
    this.#runs = run.catch(() => {
      // Whoever asked for this run is told; the next one begins anew.
    })
    return run
  }

  /**
   * Removes the oldest segment of one log after the other, as `next` names them, until it names none; resolves when they
   * are out of the way.
   */
  removeOldest(next: (slice: TimeSlice) => Promise<Log | null>): Promise<void> {
    const run = this.#runs.then(async () => {
      const slice = new TimeSlice(this.#context)
      while (!this.#stopped) {
        const log = await next(slice)
        if (log === null) break
        this.#detached.push({ log, segments: this.#takeOut(log, 1) })
      }
      if (this.#detached.length > 0) await this.#removeDetached(slice)
    })
    this.#runs = run.catch(() => {
      // As in `run`.
    })
    return run
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#timer.cancel()
    await this.#runs
  }

  #runByTimer(): void {
    this.run()
      .catch((error: unknown) => {
        this.#context.report('error', `old segments in ${this.#context.directory} stay: ${errorText(error)}`)
      })
      .finally(() => {
        if (this.#stopped) return
        this.#timer = this.#context.clock.schedule(this.#intervalMs, () => this.#runByTimer())
      })
  }

  async #runNow(): Promise<void> {
    const slice = new TimeSlice(this.#context)
    for (const log of [...this.#group.logs]) {
      if (this.#stopped) return
      await this.#detachExpired(log)
      if (slice.isOver) await slice.next()
    }
    if (this.#detached.length > 0) await this.#removeDetached(slice)
  }

  async #detachExpired(log: Log): Promise<void> {
    try {
      for (;;) {
        if (log.state !== 'online') return
        const expired = countExpired(this.#context, log)
        if (typeof expired === 'number') {
          if (expired > 0) this.#detach(log, expired)
          return
        }
        await ensureIndexes(this.#context, log, expired.unreadable)
      }
    } catch (error) {
      this.#context.report('error', `${log.name}: old segments stay: ${errorText(error)}`)
    }
  }

  #detach(log: Log, count: number): void {
    const segments = this.#takeOut(log, count)
    const bytes = segments.reduce((total, segment) => total + segment.sizeBytes, 0)
    this.#context.report(
      'info',
      `${log.name}: ${count} segments with ${bytes} bytes are removed, the log starts at ${log.logStartOffset}`,
    )
    this.#detached.push({ log, segments })
  }

  #takeOut(log: Log, count: number): LogSegment[] {
    const segments = log.detachOldest(count)
    this.#context.usage.leave(log.topicId, segments)
    this.#context.advanced(log, 0)
    return segments
  }

  /** The log starts are durable first: after a crash no log begins with offsets of which some files are missing. */
  async #removeDetached(slice: TimeSlice): Promise<void> {
    const detached = this.#detached
    this.#detached = []
    try {
      await Promise.all(detached.map(({ log }) => settle(log)))
      await this.#group.checkpoint()
    } catch (error) {
      this.#detached.unshift(...detached)
      throw error
    }
    for (const { log, segments } of detached) {
      await log.files
        .exclusively(() => this.#removeFiles(log, segments, slice))
        .catch((error: unknown) => {
          this.#context.report('warn', `${log.name}: files of old segments stay: ${errorText(error)}`)
        })
    }
  }

  async #removeFiles(log: Log, segments: readonly LogSegment[], slice: TimeSlice): Promise<void> {
    if (log.state === 'dropped') {
      this.#context.usage.gone(log.topicId, segments) // They go with their directory.
      return
    }
    // A log that is empty still has its last segment on the disk, whose name says where offsets go on.
    if (log.active.writtenBytes === 0) this.#context.files.release(log.openForWriting(log.active))
    await log.syncNames()
    for (const segment of segments) {
      // After the disk was full the log was read anew, with them: the next run finds them again.
      if (log.segments.some(({ baseOffset }) => baseOffset === segment.baseOffset)) {
        this.#context.usage.gone(log.topicId, [segment])
        continue
      }
      this.#retired.retire(log, [segment])
      if (slice.isOver) await slice.next()
    }
    log.files.forgetBefore(log.segments[0]!.baseOffset)
  }
}

/** Recovery has to trust the snapshot that knows the producers of what is removed: nothing else does then. */
async function settle(log: Log): Promise<void> {
  await log.files.finished()
  if (log.recoveryPoint < log.segments[0]!.baseOffset) await log.writer.syncAll()
}

/** How many segments from the oldest on may go, or the segment whose age cannot be told before its index is rebuilt. */
function countExpired(context: LogContext, log: Log): number | { unreadable: LogSegment } {
  const policy = log.config['cleanup.policy']
  const deletes = policy.includes('delete')
  if (!deletes && !policy.includes('compact')) return 0
  let count = 0
  while (mayGo(log, count) && endOf(log, count) <= log.logStartOffset) count++
  return deletes ? countOld(context, log, countBeyondSize(log, count)) : count
}

function countBeyondSize(log: Log, first: number): number {
  const retentionBytes = log.config['retention.bytes']
  if (retentionBytes < 0) return first
  let remainingBytes = 0
  for (let index = first; index < log.segments.length; index++) remainingBytes += log.segments[index]!.sizeBytes
  let count = first
  while (mayGo(log, count) && remainingBytes - log.segments[count]!.sizeBytes >= retentionBytes) {
    remainingBytes -= log.segments[count]!.sizeBytes
    count++
  }
  return count
}

function countOld(context: LogContext, log: Log, first: number): number | { unreadable: LogSegment } {
  const retentionMs = log.config['retention.ms']
  if (retentionMs < 0) return first
  const nowMs = context.clock.nowMs()
  let count = first
  while (mayGo(log, count)) {
    const segment = log.segments[count]!
    const largestMs = largestTimestampMs(context, segment)
    if (largestMs === null) return { unreadable: segment }
    if (nowMs - largestMs <= retentionMs) break
    count++
  }
  return count
}

/** Only what is entirely below the high watermark; an active segment without batches has to stay. */
export function mayGo(log: Log, index: number): boolean {
  const segment = log.segments[index]
  if (segment === undefined || endOf(log, index) > log.highWatermark) return false
  return index < log.segments.length - 1 || segment.sizeBytes > 0
}

function endOf(log: Log, index: number): number {
  return log.segments[index + 1]?.baseOffset ?? log.logEndOffset
}
