import { ErrorCode } from '../../../protocol/errors.ts'
import type { TopicConfig } from '../../config/topic-config.ts'
import type { Clock } from '../../io/clock.ts'
import type { FileSystem } from '../../io/file-system.ts'
import type { ProcessTable } from '../../io/process-table.ts'
import type { Random } from '../../io/random.ts'
import { type EndOfTurn, endOfTurn } from '../../io/turn.ts'
import type { Work } from '../../io/work.ts'
import type { DiskUse } from '../disk-use.ts'
import type {
  AdvanceListener,
  Append,
  AppendResult,
  Durability,
  EpochEndOffset,
  Isolation,
  LogDirectory,
  LogHandle,
  LogIdentity,
  LogOffsets,
  LogStore,
  ProducerStateEntry,
  Read,
  ReadLimits,
  ReadResult,
  TimestampOffset,
} from '../storage.ts'
import { AppendGroup } from './append-group.ts'
import { closeActiveSegment } from './close-active-segment.ts'
import { DelayedRemovals } from './delayed-removals.ts'
import { DiskUsage } from './disk-usage.ts'
import { IndexCache } from './index-cache.ts'
import { Limiter } from './limiter.ts'
import { Log } from './log.ts'
import { LogCleaner, type LogCleanerOptions } from './log-cleaner.ts'
import type { FlushableLog, LogContext, Report } from './log-context.ts'
import type { DirectoryIdentity } from './log-directory.ts'
import { type DirectoryInspection, LogManager } from './log-manager.ts'
import { readLog } from './log-reader.ts'
import { LogRetention } from './log-retention.ts'
import { deleteOldest } from './oldest-segments.ts'
import { defaultOpenFileLimit, OpenFiles } from './open-files.ts'
import { ReadBuffers } from './read-buffers.ts'
import { RetiredFiles } from './retired-files.ts'
import { SharedSync } from './shared-sync.ts'
import { SpaceReserve } from './space-reserve.ts'
import { errorText } from './storage-error.ts'
import { TailCache } from './tail-cache.ts'
import { findByTimestamp, findMaxTimestamp } from './timestamp-search.ts'
import { WritePace } from './write-pace.ts'

export interface LocalLogStoreOptions {
  readonly directory: string
  readonly fileSystem: FileSystem
  readonly clock: Clock
  readonly random: Random
  readonly work: Work
  readonly nodeId: number
  /** Written into a new directory; what an old one says stands, see `identity`. */
  readonly clusterId: string
  /** Guards the directory against a second process; null where the disk is nobody else's. */
  readonly processes?: ProcessTable | null
  /** Looks at what else is in the directory before anything is written; throws to have it left alone. */
  readonly inspect?: DirectoryInspection
  readonly endOfTurn?: EndOfTurn
  readonly report?: Report
  /** Memory for the most recent batches of all logs. */
  readonly tailCacheBytes?: number
  /** Memory for the indexes of full segments. */
  readonly indexCacheBytes?: number
  /** Memory kept ready for reads from files. */
  readonly readBufferBytes?: number
  /** Files kept open; half of what the process may have, up to a limit, unless given. */
  readonly openFileLimit?: number
  /** Decompressed size of one batch above which it is refused. */
  readonly decompressedBatchLimitBytes?: number
  /** log.flush.offset.checkpoint.interval.ms */
  readonly checkpointIntervalMs?: number
  /** producer.id.expiration.ms */
  readonly producerIdExpirationMs?: number
  /** producer.id.expiration.check.interval.ms */
  readonly producerIdExpirationCheckIntervalMs?: number
  /** log.initial.task.delay.ms */
  readonly initialTaskDelayMs?: number
  /** log.retention.check.interval.ms */
  readonly retentionCheckIntervalMs?: number
  readonly cleaner?: Partial<LogCleanerOptions>
}

/** What of the options may change while the store is open. */
export type ChangeableOptions = Pick<LocalLogStoreOptions, 'producerIdExpirationMs' | 'cleaner'>

const MIB = 1024 * 1024
const CLEANER_DEFAULTS: LogCleanerOptions = {
  enabled: true,
  threads: 1,
  backoffMs: 15_000,
  dedupeBufferBytes: 128 * MIB,
  dedupeBufferLoadFactor: 0.9,
  bytesPerSecond: Number.MAX_VALUE,
}
/** More than libuv has threads, so that none of them waits for work; far fewer than descriptors. */
const FILE_OPERATIONS_AT_ONCE = 32

/** Segment logs in one directory, in Kafka's file formats. */
export class LocalLogStore implements LogStore {
  readonly #context: LogContext
  readonly #manager: LogManager
  readonly #retired: RetiredFiles
  readonly #retention: LogRetention
  readonly #cleaner: LogCleaner
  /** By topic id, then partition. */
  readonly #logs = new Map<string, (Log | undefined)[]>()
  readonly #opening = new Map<string, Promise<Log>>()

  readonly #listeners: AdvanceListener[]

  private constructor(
    context: LogContext,
    manager: LogManager,
    options: LocalLogStoreOptions,
    listeners: AdvanceListener[],
  ) {
    this.#context = context
    this.#manager = manager
    this.#listeners = listeners
    this.#retired = new RetiredFiles(context)
    this.#retention = new LogRetention(context, manager, this.#retired, {
      initialDelayMs: options.initialTaskDelayMs ?? 30_000,
      intervalMs: options.retentionCheckIntervalMs ?? 300_000,
    })
    this.#cleaner = new LogCleaner(context, manager, this.#retired, { ...CLEANER_DEFAULTS, ...options.cleaner })
  }

  static async open(options: LocalLogStoreOptions): Promise<LocalLogStore> {
    const listeners: AdvanceListener[] = []
    const context = contextOf(options, listeners)
    const manager = await LogManager.open(context, {
      nodeId: options.nodeId,
      clusterId: options.clusterId,
      processes: options.processes ?? null,
      ...(options.inspect === undefined ? {} : { inspect: options.inspect }),
      checkpointIntervalMs: options.checkpointIntervalMs ?? 60_000,
      producerIdExpirationMs: options.producerIdExpirationMs ?? 86_400_000,
      producerIdExpirationCheckIntervalMs: options.producerIdExpirationCheckIntervalMs ?? 600_000,
    })
    return new LocalLogStore(context, manager, options, listeners)
  }

  /** Cluster, node and directory id as the directory has them. */
  get identity(): DirectoryIdentity {
    return this.#manager.identity
  }

  async open(identity: LogIdentity, config: TopicConfig, leaderEpoch: number): Promise<LogHandle> {
    const present = this.#logs.get(identity.topicId)?.[identity.partition]
    if (present) {
      present.setLeaderEpoch(leaderEpoch)
      return present
    }
    const key = `${identity.topicId}-${identity.partition}`
    const opening = this.#opening.get(key) ?? this.#openNow(identity, config, leaderEpoch)
    this.#opening.set(key, opening)
    try {
      return await opening
    } finally {
      this.#opening.delete(key)
    }
  }

  /** Once every log of the metadata is open: what belongs to none of them is moved aside and kept. */
  settleUnknown(): Promise<void> {
    return this.#manager.settleUnknown()
  }

  get(topicId: string, partition: number): LogHandle | undefined {
    return this.#logs.get(topicId)?.[partition]
  }

  async drop(handle: LogHandle): Promise<void> {
    const log = logOf(handle)
    const partitions = this.#logs.get(log.topicId)
    if (partitions?.[log.partition] !== log) return
    partitions[log.partition] = undefined
    if (partitions.every((other) => other === undefined)) this.#logs.delete(log.topicId)
    log.stop('dropped', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 'The topic was deleted.')
    await this.#manager.retire(log)
  }

  configure(handle: LogHandle, config: TopicConfig): void {
    logOf(handle).configure(config)
  }

  /** What is not given stays as it is. */
  reconfigure({ producerIdExpirationMs, cleaner }: ChangeableOptions): void {
    if (producerIdExpirationMs !== undefined) this.#manager.producerIdExpirationMs = producerIdExpirationMs
    if (cleaner !== undefined) this.#cleaner.reconfigure(cleaner)
  }

  setLeaderEpoch(handle: LogHandle, leaderEpoch: number): void {
    logOf(handle).setLeaderEpoch(leaderEpoch)
  }

  append(appends: readonly Append[], durability: Durability): Promise<AppendResult[]> {
    const group = new AppendGroup(appends.length)
    for (let index = 0; index < appends.length; index++) {
      const append = appends[index]!
      logOf(append.log).submit(append, durability, group, index)
    }
    return group.whenSettled()
  }

  async read(reads: readonly Read[], limits: ReadLimits): Promise<ReadResult[]> {
    const results: ReadResult[] = []
    let remainingBytes = limits.maxBytes
    let nothingYet = true
    for (const read of reads) {
      const request = {
        log: logOf(read.log),
        offset: read.offset,
        maxBytes: Math.max(0, Math.min(read.maxBytes, remainingBytes)),
        isolation: limits.isolation,
        firstIsExempt: nothingYet,
      }
      const outcome = readLog(this.#context, request)
      const result = outcome instanceof Promise ? await outcome : outcome
      remainingBytes -= result.sizeBytes
      if (result.sizeBytes > 0) nothingYet = false
      results.push(result)
    }
    return results
  }

  findByTimestamp(handle: LogHandle, timestampMs: number, isolation: Isolation): Promise<TimestampOffset> {
    return findByTimestamp(this.#context, logOf(handle), timestampMs, isolation)
  }

  findMaxTimestamp(handle: LogHandle): Promise<TimestampOffset> {
    return findMaxTimestamp(this.#context, logOf(handle))
  }

  epochAt(handle: LogHandle, offset: number): number {
    return logOf(handle).epochs.epochAt(offset)
  }

  endOffsetForEpoch(handle: LogHandle, leaderEpoch: number): EpochEndOffset {
    const log = logOf(handle)
    return log.epochs.endOffset(leaderEpoch, log.logEndOffset)
  }

  async deleteRecords(handle: LogHandle, offset: number): Promise<LogOffsets> {
    const log = logOf(handle)
    log.deleteRecordsBefore(offset)
    // Also when the log starts there already: it may not be written down yet, or could not be.
    await this.#manager.checkpoint()
    if (this.#context.removals.isUrgent(log.topicId)) this.#makeRoom()
    return log.offsets
  }

  /** Somebody waits for the room: what no log begins with any more need not lie there until the next regular run. */
  #makeRoom(): void {
    this.#retention.run().catch((error: unknown) => {
      this.#context.report('error', `old segments in ${this.#context.directory} stay: ${errorText(error)}`)
    })
  }

  producers(handle: LogHandle): readonly ProducerStateEntry[] {
    return logOf(handle).producerState.entries()
  }

  producer(handle: LogHandle, producerId: number): ProducerStateEntry | undefined {
    return logOf(handle).producerState.entry(producerId)
  }

  sizeBytes(handle: LogHandle): number {
    return logOf(handle).sizeBytes
  }

  directories(): readonly LogDirectory[] {
    const { directory, fileSystem } = this.#context
    const space = fileSystem.space(directory)
    return [
      {
        path: directory,
        error: ErrorCode.NONE,
        totalBytes: space?.totalBytes ?? -1,
        usableBytes: space?.freeBytes ?? -1,
      },
    ]
  }

  /** What the logs take of the disk. */
  get disk(): DiskUse {
    const { usage, removals, fileSystem, directory } = this.#context
    return {
      get usedBytes() {
        return usage.usedBytes
      },
      get leavingBytes() {
        return usage.leavingBytes
      },
      topicUsedBytes: (topicId) => usage.topicUsedBytes(topicId),
      topicLeavingBytes: (topicId) => usage.topicLeavingBytes(topicId),
      measureSpace: () => fileSystem.measureSpace(directory),
      deleteOldest: (request) => deleteOldest(this.#context, this.#manager.logs, this.#retention, request),
      removeExpired: () => this.#retention.run(),
      hurry: (isUrgent) => removals.hurry(isUrgent),
    }
  }

  onAdvance(listener: AdvanceListener): void {
    this.#listeners.push(listener)
  }

  /** Removes now what retention settings allow to go; otherwise done every log.retention.check.interval.ms. */
  runRetention(): Promise<void> {
    return this.#retention.run()
  }

  /** Compacts now what is worth it; otherwise done every log.cleaner.backoff.ms. */
  runCompaction(): Promise<void> {
    return this.#cleaner.run()
  }

  /** Compacts now everything that may be compacted at all, also what is in active segments: they are closed first. */
  async compactEverything(): Promise<void> {
    const logs = [...this.#manager.logs].filter(({ config }) => config['cleanup.policy'].includes('compact'))
    await Promise.all(logs.map((log) => closeActiveSegment(this.#context, log)))
    await this.#cleaner.run('all')
  }

  async close(): Promise<void> {
    await Promise.all([this.#retention.stop(), this.#cleaner.stop()])
    await this.#retired.close()
    await this.#manager.close()
  }

  async #openNow(identity: LogIdentity, config: TopicConfig, leaderEpoch: number): Promise<Log> {
    const log = await this.#manager.openLog(identity, config, leaderEpoch)
    const partitions = this.#logs.get(identity.topicId)
    if (partitions) partitions[identity.partition] = log
    else {
      const first: (Log | undefined)[] = []
      first[identity.partition] = log
      this.#logs.set(identity.topicId, first)
    }
    return log
  }
}

/** Only this store makes handles: another one's is a bug in the caller. */
function logOf(handle: LogHandle): Log {
  if (handle instanceof Log) return handle
  throw new TypeError(`the handle of ${handle.topic}-${handle.partition} is not from this store`)
}

function contextOf(options: LocalLogStoreOptions, listeners: readonly AdvanceListener[]): LogContext {
  const atEndOfTurn = options.endOfTurn ?? endOfTurn
  const pace = new WritePace(options.clock)
  const usage = new DiskUsage()
  const report = options.report ?? (() => {})
  const reserve = new SpaceReserve(options.fileSystem, options.directory, () => usage.usedBytes, report)
  const dirty = new Set<FlushableLog>()
  const flushAll = () => {
    const logs = [...dirty]
    dirty.clear()
    pace.beginTurn()
    for (const log of logs) log.flush()
  }
  return {
    fileSystem: options.fileSystem,
    clock: options.clock,
    random: options.random,
    work: options.work,
    endOfTurn: atEndOfTurn,
    files: new OpenFiles(options.fileSystem, options.openFileLimit ?? defaultOpenFileLimit(options.fileSystem)),
    fileOperations: new Limiter(FILE_OPERATIONS_AT_ONCE),
    tailCache: new TailCache(options.tailCacheBytes ?? 32 * MIB),
    indexCache: new IndexCache(options.indexCacheBytes ?? 16 * MIB),
    readBuffers: new ReadBuffers(options.readBufferBytes ?? 8 * MIB),
    pace,
    directorySync: new SharedSync(() => options.fileSystem.syncDirectory(options.directory)),
    report,
    usage,
    removals: new DelayedRemovals(options.clock, () => reserve.isSpent),
    reserve,
    decompressedBatchLimitBytes: options.decompressedBatchLimitBytes ?? 128 * MIB,
    directory: options.directory,
    scheduleFlush(log) {
      if (dirty.size === 0) atEndOfTurn(flushAll)
      dirty.add(log)
    },
    advanced(log, appendedBytes) {
      for (const listener of listeners) listener(log, appendedBytes)
    },
  }
}
