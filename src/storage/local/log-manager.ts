import type { TopicConfig } from '../../config/topic-config.ts'
import type { Timer } from '../../io/clock.ts'
import type { ProcessTable } from '../../io/process-table.ts'
import type { LogIdentity } from '../storage.ts'
import { formatOffsetCheckpoint } from './checkpoint-file.ts'
import { makeDirectoryDurably } from './durable-directory.ts'
import { Limiter } from './limiter.ts'
import type { LoadRequest } from './loaded-log.ts'
import { Log } from './log.ts'
import type { LogContext } from './log-context.ts'
import {
  type DirectoryIdentity,
  identifyDirectory,
  isCleanlyClosed,
  isDeletedName,
  type LastStop,
  leaveCleanShutdownMark,
  lockDirectory,
  refuseHeld,
  retiredName,
  takeCleanShutdownMark,
  unlockDirectory,
  wasClosedByUs,
} from './log-directory.ts'
import { LogFiles } from './log-files.ts'
import { loadLog } from './log-loader.ts'
import { decodeManifest, encodeManifest, loadFromManifest, type ManifestEntry } from './log-manifest.ts'
import { partitionDirectories, partitionOf } from './partition-directories.ts'
import { claimDirectory } from './partition-owner.ts'
import { errorText, StorageError } from './storage-error.ts'
import {
  CLEANED,
  HIGH_WATERMARKS,
  LOG_STARTS,
  RECOVERY_POINTS,
  readStoredOffsets,
  type StoredOffsets,
} from './stored-offsets.ts'
import { TimeSlice } from './time-slice.ts'
import { TransactionIndexCheckpoint } from './transaction-index-checkpoint.ts'

/** Logs that are read, or closed, at the same time: syncs that wait together share what the file system does for them. */
const LOGS_AT_ONCE = 32

export interface LogManagerOptions {
  readonly nodeId: number
  /** Written into a new directory; an old one keeps its own. */
  readonly clusterId: string
  readonly processes: ProcessTable | null
  /** Looks at what else is in the directory; throws to have it left alone. */
  readonly inspect?: DirectoryInspection
  readonly checkpointIntervalMs: number
  readonly producerIdExpirationMs: number
  readonly producerIdExpirationCheckIntervalMs: number
}

export type DirectoryInspection = (found: { readonly identity: DirectoryIdentity; readonly clean: boolean }) => void

/** The logs of one directory: opening, dropping, checkpoints, and the mark of a clean stop. */
export class LogManager {
  readonly identity: DirectoryIdentity
  readonly #logs = new Map<string, Log>()
  readonly #opening = new Set<string>()
  readonly #context: LogContext
  readonly #options: LogManagerOptions
  /** producer.id.expiration.ms */
  producerIdExpirationMs: number
  readonly #clean: boolean
  readonly #manifest: Map<string, ManifestEntry>
  readonly #transactionIndexes: TransactionIndexCheckpoint
  readonly #recoveryPoints: Map<string, number>
  readonly #logStarts: Map<string, number>
  readonly #highWatermarks: Map<string, number>
  readonly #cleanedOffsets: Map<string, number>
  /** What the checkpoint files say, so that an idle broker does not write them again. */
  readonly #written = new Map<string, Buffer>()
  #openFailed = false
  readonly #retiring = new Map<string, Promise<void>>()
  readonly #turns = new Limiter(LOGS_AT_ONCE)
  /** A topic of thousands of partitions must not hold up everybody else. */
  readonly #slice: TimeSlice
  readonly #timers = new Set<Timer>()
  #checkpoints: Promise<void> = Promise.resolve()
  /** Asked for but not begun: it will hold whatever is true by then. */
  #nextCheckpoint: Promise<void> | null = null
  #closed = false

  private constructor(
    context: LogContext,
    options: LogManagerOptions,
    identity: DirectoryIdentity,
    offsets: StoredOffsets,
    { clean, manifest }: LastStop,
  ) {
    this.#context = context
    this.#slice = new TimeSlice(context)
    this.#options = options
    this.producerIdExpirationMs = options.producerIdExpirationMs
    this.identity = identity
    this.#clean = clean
    this.#manifest = decodeManifest(manifest)
    this.#transactionIndexes = new TransactionIndexCheckpoint(context.fileSystem, context.directory, context.report)
    this.#recoveryPoints = offsets.recoveryPoints
    this.#logStarts = offsets.logStarts
    this.#cleanedOffsets = offsets.cleanedOffsets
    this.#highWatermarks = offsets.highWatermarks
  }

  /** Whatever is to be refused is refused before the first byte is written. */
  static async open(context: LogContext, options: LogManagerOptions): Promise<LogManager> {
    const { fileSystem, directory } = context
    await makeDirectoryDurably(fileSystem, directory)
    const wanted = { nodeId: options.nodeId, clusterId: options.clusterId }
    const identity = await identifyDirectory(fileSystem, directory, wanted, context.random)
    if (options.processes) refuseHeld(fileSystem, directory, options.processes)
    const clean = isCleanlyClosed(fileSystem, directory)
    const offsets = readStoredOffsets(
      fileSystem,
      directory,
      clean && wasClosedByUs(fileSystem, directory),
      context.report,
    )
    options.inspect?.({ identity, clean })
    if (options.processes) lockDirectory(fileSystem, directory, options.processes)
    const lastStop = await takeCleanShutdownMark(fileSystem, directory)
    const manager = new LogManager(context, options, identity, offsets, lastStop)
    manager.#removeDeleted()
    manager.#repeat(options.checkpointIntervalMs, () => manager.#checkpointLater())
    manager.#repeat(options.producerIdExpirationCheckIntervalMs, () => manager.#expireProducers())
    return manager
  }

  get logs(): Iterable<Log> {
    return this.#logs.values()
  }

  cleanedOffset(log: Log): number | undefined {
    return this.#cleanedOffsets.get(log.name)
  }

  /** Durable with the next checkpoint. */
  noteCleaned(log: Log, offset: number): void {
    if (this.#logs.get(log.name) !== log) return
    this.#cleanedOffsets.set(log.name, offset)
    log.cleanedBelow = Math.max(log.cleanedBelow, offset)
  }

  async openLog(identity: LogIdentity, config: TopicConfig, leaderEpoch: number): Promise<Log> {
    const name = `${identity.topic}-${identity.partition}`
    await this.#retiring.get(name)
    if (this.#logs.has(name) || this.#opening.has(name)) {
      throw new StorageError(`${name} is open under another topic id than ${identity.topicId}`)
    }
    this.#opening.add(name)
    try {
      const log = await this.#turns.run(() => this.#loadLog(name, identity, config, leaderEpoch))
      if (this.#slice.isOver) await this.#slice.next()
      this.#logs.set(name, log)
      if (log.goesOnBehindLoss) await this.#noteLoss(log)
      this.#context.usage.track(log)
      return log
    } catch (error) {
      this.#openFailed = true
      throw error
    } finally {
      this.#opening.delete(name)
    }
  }

  /** Until its recovery point lies behind the loss, a crash would take what comes next for part of it. */
  async #noteLoss(log: Log): Promise<void> {
    await log.writer.syncAll()
    await log.files.finished()
    await this.checkpoint()
  }

  async #loadLog(name: string, identity: LogIdentity, config: TopicConfig, leaderEpoch: number): Promise<Log> {
    const directory = `${this.#context.directory}/${name}`
    let log: Log | null = null
    const jitterMs = Math.min(config['segment.jitter.ms'], config['segment.ms'])
    const transactionIndexes = this.#transactionIndexes.take(name, identity.topicId)
    const request = (): LoadRequest => ({
      directory: () => log?.files.directory ?? directory,
      clean: this.#clean,
      recoveryPoint: this.#recoveryPoints.get(name) ?? 0,
      logStartOffset: this.#logStarts.get(name) ?? 0,
      cleanedOffset: this.#cleanedOffsets.get(name) ?? 0,
      gapsBelow: config['cleanup.policy'].includes('compact')
        ? Number.POSITIVE_INFINITY
        : (this.#cleanedOffsets.get(name) ?? 0),
      leaderEpoch,
      transactionIndexes,
      writtenOffset: this.#highWatermarks.get(name) ?? 0,
      expectedEndOffset: (this.#clean ? this.#highWatermarks : this.#recoveryPoints).get(name) ?? 0,
      expectedStartOffset: null,
      reread: false,
      indexIntervalBytes: config['index.interval.bytes'],
      newJitterMs: () => (jitterMs > 0 ? this.#context.random.below(jitterMs) : 0),
    })
    const entry = this.#manifest.get(name)
    this.#manifest.delete(name)
    const known = entry?.topicId === identity.topicId ? entry : undefined
    let loaded = known ? loadFromManifest(this.#context, request(), known) : null
    if (!loaded) {
      if (!claimDirectory(this.#context, directory, identity)) this.#forgetOffsets(name)
      loaded = await loadLog(this.#context, known ? this.#notAsLeft(request(), known) : request())
    }
    const files = new LogFiles(this.#context, directory, identity.topicId, loaded, () => this.#checkpointLater())
    log = new Log(this.#context, identity, config, leaderEpoch, loaded, files)
    return log
  }

  /** Somebody changed files after a stop in good order: nothing they claim is believed. */
  #notAsLeft(request: LoadRequest, { logStartOffset, logEndOffset }: ManifestEntry): LoadRequest {
    const directory = request.directory()
    this.#context.report(
      'warn',
      `${directory} is not as it was left although the broker was stopped in order; the log is read from its beginning`,
    )
    return { ...request, reread: true, expectedStartOffset: logStartOffset, expectedEndOffset: logEndOffset }
  }

  /** The name is free again when this resolves; the files go later. */
  async retire(log: Log): Promise<void> {
    this.#logs.delete(log.name)
    const noted = this.#isNoted(log.name)
    this.#forgetOffsets(log.name)
    // After a crash what the files say of the old log would be taken for the next one's of that name.
    const retired = this.#retireFiles(log).then(() => (noted ? this.checkpoint() : undefined))
    this.#retiring.set(log.name, retired)
    try {
      await retired
    } finally {
      if (this.#retiring.get(log.name) === retired) this.#retiring.delete(log.name)
    }
  }

  /** Writes the offsets of all logs. Calls that come while one is written share the next. */
  checkpoint(): Promise<void> {
    if (this.#nextCheckpoint) return this.#nextCheckpoint
    const next = this.#checkpoints.then(() => {
      this.#nextCheckpoint = null
      return this.#context.reserve.spend(() => this.#writeCheckpoints())
    })
    this.#nextCheckpoint = next
    this.#checkpoints = next.catch((error: unknown) => {
      this.#context.report('error', `checkpoints in ${this.#context.directory}: ${errorText(error)}`)
    })
    return next
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const timer of this.#timers) timer.cancel()
    const outcomes = await Promise.allSettled([...this.#logs.values()].map((log) => this.#turns.run(() => log.close())))
    await this.checkpoint()
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    const offline = [...this.#logs.values()].find((log) => log.state !== 'closed')
    this.#context.files.closeAll()
    const { fileSystem, directory } = this.#context
    if (failed) this.#context.report('error', `${directory} is not closed in order: ${errorText(failed.reason)}`)
    else if (!offline && !this.#openFailed) {
      await leaveCleanShutdownMark(fileSystem, directory, encodeManifest(this.#logs.values()))
    }
    if (this.#options.processes) unlockDirectory(fileSystem, directory)
  }

  async #retireFiles(log: Log): Promise<void> {
    const { fileSystem, files, removals, usage } = this.#context
    await log.files.finished()
    const directory = log.files.directory
    files.forgetDirectory(directory)
    const { segments } = log
    usage.drop(log)
    if (!fileSystem.exists(directory)) {
      usage.gone(log.topicId, segments)
      return
    }
    const path = `${this.#context.directory}/${retiredName(log.topic, log.partition, this.#context.random, 'delete')}`
    fileSystem.rename(directory, path)
    log.files.directory = path
    await this.#context.directorySync.run()
    const timer = removals.schedule(log.topicId, log.config['file.delete.delay.ms'], () => {
      this.#timers.delete(timer)
      files.forgetDirectory(path)
      this.#removeDirectory(path, () => usage.gone(log.topicId, segments))
    })
    this.#timers.add(timer)
  }

  #removeDeleted(): void {
    const { fileSystem, directory } = this.#context
    for (const name of fileSystem.list(directory))
      if (isDeletedName(name)) this.#removeDirectory(`${directory}/${name}`)
  }

  #removeDirectory(path: string, removed: () => void = () => {}): void {
    this.#context.fileSystem.removeDirectory(path).then(removed, (error: unknown) => {
      this.#context.report('warn', `${path} could not be removed: ${errorText(error)}`)
    })
  }

  /**
   * Once all logs are open: folders that belong to none are moved aside, and nothing of theirs is taken for that of a
   * topic to come.
   */
  async settleUnknown(): Promise<void> {
    const { fileSystem, directory, random, report } = this.#context
    const isOpen = (name: string) => this.#logs.has(name) || this.#opening.has(name)
    const strays = partitionDirectories(fileSystem, directory, (name) => !isOpen(name))
    for (const name of strays) {
      const { topic, partition } = partitionOf(name)!
      const aside = retiredName(topic, partition, random, 'stray')
      report('warn', `${directory}/${name} belongs to no topic in the metadata: it is kept as ${aside}`)
      fileSystem.rename(`${directory}/${name}`, `${directory}/${aside}`)
    }
    const noted = [this.#recoveryPoints, this.#logStarts, this.#highWatermarks, this.#cleanedOffsets]
    for (const name of new Set(noted.flatMap((offsets) => [...offsets.keys()]))) {
      if (!isOpen(name)) this.#forgetOffsets(name)
    }
    if (strays.length > 0) await fileSystem.syncDirectory(directory)
  }

  #isNoted(name: string): boolean {
    const maps = [this.#recoveryPoints, this.#logStarts, this.#highWatermarks, this.#cleanedOffsets]
    return maps.some((offsets) => (offsets.get(name) ?? 0) > 0)
  }

  #forgetOffsets(name: string): void {
    this.#recoveryPoints.delete(name)
    this.#logStarts.delete(name)
    this.#highWatermarks.delete(name)
    this.#cleanedOffsets.delete(name)
  }

  #checkpointLater(): void {
    this.checkpoint().catch(() => {
      // `checkpoint` has reported it; the next one tries again.
    })
  }

  async #writeCheckpoints(): Promise<void> {
    // Taken before the epochs are written: they then hold whatever lies below the recovery points.
    for (const log of this.#logs.values()) {
      this.#recoveryPoints.set(log.name, log.recoveryPoint)
      // Also where the first segment says the same: a log that was emptied has no files until the next append.
      if (log.logStartOffset > 0) this.#logStarts.set(log.name, log.logStartOffset)
      else this.#logStarts.delete(log.name)
      this.#highWatermarks.set(log.name, log.highWatermark)
    }
    const changed = [...this.#logs.values()].filter((log) => log.changed)
    const { fileOperations } = this.#context
    await Promise.all(changed.map((log) => fileOperations.run(() => this.#flushEpochs(log))))
    await this.#transactionIndexes.write(this.#logs.values())
    await this.#writeOffsets(RECOVERY_POINTS, this.#recoveryPoints)
    for (const log of this.#logs.values()) {
      const recoveryPoint = this.#recoveryPoints.get(log.name) ?? 0
      log.files.pruneSnapshots(recoveryPoint, log.segments[log.segmentIndexFor(recoveryPoint)]!.baseOffset)
    }
    await this.#writeOffsets(LOG_STARTS, this.#logStarts)
    await this.#writeOffsets(HIGH_WATERMARKS, this.#highWatermarks)
    await this.#writeOffsets(CLEANED, this.#cleanedOffsets)
  }

  async #flushEpochs(log: Log): Promise<void> {
    // One that was dropped meanwhile needs no checkpoint, and its directory is about to go.
    if (this.#logs.get(log.name) === log) await log.files.flushEpochs(log.epochs)
  }

  /** Logs that are not open yet keep what the file said of them. */
  async #writeOffsets(name: string, offsets: ReadonlyMap<string, number>): Promise<void> {
    const entries = [...offsets].map(([log, offset]) => {
      const dash = log.lastIndexOf('-')
      return { topic: log.slice(0, dash), partition: Number(log.slice(dash + 1)), offset }
    })
    const content = formatOffsetCheckpoint(entries)
    if (this.#written.get(name)?.equals(content)) return
    await this.#context.fileSystem.replaceFile(`${this.#context.directory}/${name}`, content)
    this.#written.set(name, content)
  }

  #expireProducers(): void {
    const nowMs = this.#context.clock.nowMs()
    for (const log of this.#logs.values()) log.producerState.expire(nowMs, this.producerIdExpirationMs)
  }

  #repeat(intervalMs: number, task: () => void): void {
    const timer = this.#context.clock.schedule(intervalMs, () => {
      this.#timers.delete(timer)
      if (this.#closed) return
      task()
      this.#repeat(intervalMs, task)
    })
    this.#timers.add(timer)
  }
}
