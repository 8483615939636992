import { CompressionError } from '../../../protocol/records/compression.ts'
import { RecordError } from '../../../protocol/records/record-error.ts'
import type { Timer } from '../../io/clock.ts'
import { CorruptBatchError } from './batch-chunks.ts'
import { type CleanableLog, findCleanable, type Worth } from './cleanable-log.ts'
import { IoThrottle } from './io-throttle.ts'
import type { Log } from './log.ts'
import { CleaningAbandonedError, LogCleaning } from './log-cleaning.ts'
import type { LogContext } from './log-context.ts'
import type { RetiredFiles } from './retired-files.ts'
import { errorText, systemErrorCode } from './storage-error.ts'
import { TimeSlice } from './time-slice.ts'

export interface LogCleanerOptions {
  /** log.cleaner.enable */
  readonly enabled: boolean
  /** log.cleaner.threads: rounds at the same time. */
  readonly threads: number
  /** log.cleaner.backoff.ms */
  readonly backoffMs: number
  /** log.cleaner.dedupe.buffer.size, for all rounds together. */
  readonly dedupeBufferBytes: number
  /** log.cleaner.io.buffer.load.factor: how full the memory for keys may become. */
  readonly dedupeBufferLoadFactor: number
  /** log.cleaner.io.max.bytes.per.second */
  readonly bytesPerSecond: number
}

/** The logs, and how far each has been cleaned. */
export interface CleanableLogs {
  readonly logs: Iterable<Log>
  /** Undefined for a log that never was. */
  cleanedOffset(log: Log): number | undefined
  noteCleaned(log: Log, offset: number): void
  checkpoint(): Promise<void>
}

/** Compacts logs whose cleanup.policy asks for it, the one with the largest share of new records first. */
export class LogCleaner {
  readonly #context: LogContext
  readonly #group: CleanableLogs
  readonly #retired: RetiredFiles
  #options: LogCleanerOptions
  readonly #throttle: IoThrottle
  /** Logs with something in them that cannot be read or does not fit: left alone until the next start. */
  #uncleanable = new WeakSet<Log>()
  readonly #inProgress = new Set<Log>()
  #runs: Promise<void> = Promise.resolve()
  /** Null while a run that it began is under way. */
  #timer: Timer | null = null
  #runsByTimer = false
  #stopped = false

  constructor(context: LogContext, group: CleanableLogs, retired: RetiredFiles, options: LogCleanerOptions) {
    this.#context = context
    this.#group = group
    this.#retired = retired
    this.#options = options
    this.#throttle = new IoThrottle(context.clock, options.bytesPerSecond)
    this.#scheduleNext()
  }

  /** Cleans until no log is worth a round any more, each once when all are. Calls run one after the other. */
  run(worth: Worth = 'dirty'): Promise<void> {
    const run = this.#runs.then(() => this.#runNow(worth))
    this.#runs = run.catch(() => {
      // Whoever asked for this run is told; the next one begins anew.
    })
    return run
  }

  /** The pace changes at once, everything else with the next run, which also tries again what did not fit. */
  reconfigure(options: Partial<LogCleanerOptions>): void {
    const before = this.#options
    this.#options = { ...before, ...options }
    this.#uncleanable = new WeakSet()
    this.#throttle.bytesPerSecond = this.#options.bytesPerSecond
    const sameWait = before.backoffMs === this.#options.backoffMs && before.threads > 0 === this.#options.threads > 0
    if (sameWait || this.#runsByTimer) return
    this.#timer?.cancel()
    this.#timer = null
    this.#scheduleNext()
  }

  /** A round under way is given up; resolves when nothing is any more. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#throttle.stop()
    this.#timer?.cancel()
    await this.#runs
  }

  #scheduleNext(): void {
    if (this.#stopped || !this.#options.enabled || this.#options.threads === 0) return
    this.#timer = this.#context.clock.schedule(this.#options.backoffMs, () => {
      this.#timer = null
      this.#runsByTimer = true
      this.run()
        .catch((error: unknown) => {
          this.#context.report('error', `compaction in ${this.#context.directory}: ${errorText(error)}`)
        })
        .finally(() => {
          this.#runsByTimer = false
          this.#scheduleNext()
        })
    })
  }

  async #runNow(worth: Worth): Promise<void> {
    if (!this.#options.enabled) return
    // What failed or was given up is tried again after the backoff, not at once.
    const tried = new Set<Log>()
    await Promise.all(Array.from({ length: this.#options.threads }, () => this.#work(tried, worth)))
  }

  async #work(tried: Set<Log>, worth: Worth): Promise<void> {
    while (!this.#stopped) {
      const dirtiest = await this.#takeDirtiest(tried, worth)
      if (dirtiest === null) return
      try {
        if (!(await this.#clean(dirtiest)) || worth === 'all') tried.add(dirtiest.log)
      } finally {
        this.#inProgress.delete(dirtiest.log)
      }
    }
  }

  async #takeDirtiest(tried: ReadonlySet<Log>, worth: Worth): Promise<CleanableLog | null> {
    const slice = new TimeSlice(this.#context)
    let dirtiest: CleanableLog | null = null
    for (const log of [...this.#group.logs]) {
      if (this.#inProgress.has(log) || tried.has(log) || this.#uncleanable.has(log)) continue
      const cleanable = await this.#look(log, worth)
      if (cleanable && cleanable.dirtyRatio > (dirtiest?.dirtyRatio ?? -1)) dirtiest = cleanable
      if (slice.isOver) await slice.next()
    }
    if (dirtiest === null || this.#inProgress.has(dirtiest.log)) return null
    this.#inProgress.add(dirtiest.log)
    return dirtiest
  }

  async #look(log: Log, worth: Worth): Promise<CleanableLog | null> {
    try {
      return await findCleanable(this.#context, log, this.#group.cleanedOffset(log), worth)
    } catch (error) {
      this.#context.report('warn', `${log.name} is not compacted: ${errorText(error)}`)
      return null
    }
  }

  /** False when the log should rest for a while. */
  async #clean({ log, fromOffset, endOffset }: CleanableLog): Promise<boolean> {
    const startMs = this.#context.clock.monotonicMs()
    const means = {
      context: this.#context,
      retired: this.#retired,
      throttle: this.#throttle,
      mapBytes: Math.floor(this.#options.dedupeBufferBytes / this.#options.threads),
      mapLoad: this.#options.dedupeBufferLoadFactor,
      isStopped: () => this.#stopped,
    }
    const cleaning = new LogCleaning(means, log, { fromOffset, endOffset })
    try {
      // After a crash nothing that was replaced may be looked at for damage: the recovery point is behind it.
      await this.#group.checkpoint()
      const cleanedOffset = await cleaning.run()
      this.#group.noteCleaned(log, cleanedOffset)
      await this.#group.checkpoint()
      const { bytesRead, bytesWritten } = cleaning
      const tookMs = Math.round(this.#context.clock.monotonicMs() - startMs)
      this.#context.report(
        'info',
        `${log.name} is compacted up to offset ${cleanedOffset}: ${bytesRead} bytes read, ${bytesWritten} written, ${tookMs} ms`,
      )
      return true
    } catch (error) {
      this.#noteFailure(log, error)
      return false
    }
  }

  #noteFailure(log: Log, error: unknown): void {
    if (error instanceof CleaningAbandonedError) return
    const damaged =
      error instanceof CorruptBatchError || error instanceof RecordError || error instanceof CompressionError
    if (damaged || systemErrorCode(error) === '') {
      this.#uncleanable.add(log)
      this.#context.report('error', `${log.name} is no longer compacted: ${errorText(error)}`)
    } else this.#context.report('warn', `${log.name} is not compacted now: ${errorText(error)}`)
  }
}
