import { BATCH_HEADER_BYTES, type BatchHeader, MAX_TIMESTAMP_AT } from '../../../protocol/records/batch.ts'
import { readInt64 } from '../../../protocol/records/int64.ts'
import { readEndMarker } from './end-marker.ts'
import { readIndexes } from './index-files.ts'
import { LeaderEpochCache, parseLeaderEpochs } from './leader-epoch-cache.ts'
import type { LogContext } from './log-context.ts'
import { LogSegment, readTransactionIndex, SEGMENT_FILES, segmentName } from './log-segment.ts'
import { backfillProducers } from './producer-backfill.ts'
import { decodeProducerSnapshot, ProducerState } from './producer-state.ts'
import { type ScanResult, scanBatches } from './segment-scanner.ts'
import { finishSwaps, isSwapFile } from './segment-swap.ts'
import { StorageError } from './storage-error.ts'
import { TransactionIndex } from './transaction-index.ts'

export interface LoadRequest {
  /** Of the log: asked anew each time, since a deleted topic's directory is renamed. */
  readonly directory: () => string
  /** The broker was stopped in good order: files are what they claim to be. */
  readonly clean: boolean
  /** Everything below was on the disk. */
  readonly recoveryPoint: number
  /** From log-start-offset-checkpoint, 0 when it says nothing. */
  readonly logStartOffset: number
  /** From cleaner-offset-checkpoint: batches below may have been removed by compaction. */
  readonly cleanedOffset: number
  readonly indexIntervalBytes: number
  readonly newJitterMs: () => number
}

export interface LoadedLog {
  /** At least one; the last one takes appends and has its indexes in memory. */
  readonly segments: LogSegment[]
  readonly logStartOffset: number
  readonly logEndOffset: number
  readonly recoveryPoint: number
  readonly epochs: LeaderEpochCache
  readonly producers: ProducerState
  readonly snapshotOffsets: number[]
  readonly directoryExists: boolean
  /** Names in the directory, and its own, may not be on the disk: an earlier process was killed, or recovery removed some. */
  readonly namesUnsynced: boolean
  /** Full segments whose indexes were made anew and are in memory only. */
  readonly rebuilt: readonly LogSegment[]
}

/** Files that a crash left half way: of no use to anyone. */
const LEFTOVERS = /\.(deleted|cleaned|tmp)$/
const SEGMENT_FILE = /^(\d{20})\.log$/
const SNAPSHOT_FILE = /^(\d{20})\.snapshot$/

/**
 * Reads a log from its directory as of the last start. After a crash everything from the recovery point on is checked:
 * the log ends at the first batch that is not whole, and whatever lies behind it is deleted.
 */
export async function loadLog(context: LogContext, request: LoadRequest): Promise<LoadedLog> {
  return new LogLoader(context, request).load()
}

class LogLoader {
  readonly #context: LogContext
  readonly #request: LoadRequest
  #segments: LogSegment[] = []
  #snapshots: number[] = []
  #epochs = new LeaderEpochCache()
  #producers = new ProducerState()
  readonly #rebuilt: LogSegment[] = []
  /** Producers are known up to here. */
  #replayFrom = 0
  #nextOffset = 0

  constructor(context: LogContext, request: LoadRequest) {
    this.#context = context
    this.#request = request
  }

  async load(): Promise<LoadedLog> {
    const { fileSystem } = this.#context
    let names = fileSystem.list(this.#request.directory())
    if (names.some(isSwapFile)) {
      await finishSwaps(this.#context, this.#request.directory())
      names = fileSystem.list(this.#request.directory())
    }
    this.#openSegments(names)
    this.#loadEpochs()
    const first = this.#segments[0]?.baseOffset ?? 0
    let logStartOffset = Math.max(this.#request.logStartOffset, first)
    this.#loadSnapshot(logStartOffset)
    this.#nextOffset = first
    await this.#readSegments()
    if (this.#nextOffset < logStartOffset || this.#segments.length === 0) {
      logStartOffset = Math.max(logStartOffset, this.#nextOffset)
      this.#startOver(logStartOffset)
    }
    await backfillProducers(this.#context, this.#segments, this.#replayFrom, this.#producers)
    this.#epochs.truncateFromEnd(this.#nextOffset)
    this.#epochs.truncateFromStart(logStartOffset)
    this.#dropSnapshotsAbove(this.#nextOffset)
    this.#producers.advanceTo(this.#nextOffset)
    return {
      segments: this.#segments,
      logStartOffset,
      logEndOffset: this.#nextOffset,
      recoveryPoint: Math.min(this.#request.clean ? this.#nextOffset : this.#request.recoveryPoint, this.#nextOffset),
      epochs: this.#epochs,
      producers: this.#producers,
      snapshotOffsets: this.#snapshots,
      directoryExists: names.length > 0,
      namesUnsynced: names.length > 0 && !this.#request.clean,
      rebuilt: this.#rebuilt.filter((segment) => this.#segments.includes(segment) && segment !== this.#segments.at(-1)),
    }
  }

  #openSegments(names: readonly string[]): void {
    const { fileSystem, clock } = this.#context
    const directory = this.#request.directory()
    for (const name of names) {
      const path = `${directory}/${name}`
      if (LEFTOVERS.test(name)) fileSystem.unlink(path)
      const snapshot = SNAPSHOT_FILE.exec(name)
      if (snapshot) this.#snapshots.push(Number(snapshot[1]))
      const match = SEGMENT_FILE.exec(name)
      if (!match) continue
      const stat = fileSystem.stat(path)
      const transactions = names.includes(`${match[1]}.txnindex`)
        ? readTransactionIndex(fileSystem.readFile(`${directory}/${match[1]}.txnindex`))
        : new TransactionIndex()
      const state = {
        baseOffset: Number(match[1]),
        sizeBytes: stat?.sizeBytes ?? 0,
        createdMs: stat?.modifiedMs ?? clock.nowMs(),
        jitterMs: this.#request.newJitterMs(),
      }
      this.#segments.push(new LogSegment(state, this.#request.directory, transactions ?? new TransactionIndex()))
    }
    this.#segments.sort((a, b) => a.baseOffset - b.baseOffset)
    this.#snapshots.sort((a, b) => a - b)
  }

  #loadEpochs(): void {
    const path = `${this.#request.directory()}/leader-epoch-checkpoint`
    const content = this.#context.fileSystem.readFile(path)
    if (content === null) return
    try {
      this.#epochs = parseLeaderEpochs(content, path)
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      // Every batch carries its epoch: what matters comes back from the batches that are read below.
      this.#context.report('warn', `${error.message}; leader epochs are taken from the log`)
    }
  }

  /** The newest snapshot that can be trusted: after a crash none from beyond the recovery point. */
  #loadSnapshot(logStartOffset: number): void {
    const { fileSystem, clock } = this.#context
    if (!this.#request.clean) this.#dropSnapshotsAbove(this.#request.recoveryPoint)
    for (let offset = this.#snapshots.at(-1); offset !== undefined; offset = this.#snapshots.at(-1)) {
      const path = this.#snapshotPath(offset)
      const content = fileSystem.readFile(path)
      const producers = content && decodeProducerSnapshot(content, clock.nowMs())
      if (producers) {
        this.#producers = producers
        this.#replayFrom = offset
        return
      }
      this.#context.report('warn', `${path} is damaged; producers are taken from the log`)
      fileSystem.unlink(path)
      this.#snapshots.pop()
    }
    this.#replayFrom = Math.min(logStartOffset, this.#segments[0]?.baseOffset ?? 0)
  }

  async #readSegments(): Promise<void> {
    for (let index = 0; index < this.#segments.length; index++) {
      const segment = this.#segments[index]!
      const next = this.#segments[index + 1]
      if (segment.baseOffset < this.#nextOffset && index > 0) {
        this.#deleteFrom(index, `it begins at ${segment.baseOffset}, before the end of its predecessor`)
        return
      }
      this.#nextOffset = Math.max(this.#nextOffset, segment.baseOffset)
      const doubtful = !this.#request.clean && (await this.#isDoubtful(segment, next))
      const problem =
        doubtful || (next === undefined && !readIndexes(this.#context, segment))
          ? await this.#rebuild(segment)
          : await this.#readKnown(segment, next)
      // The end of a file can be lost at the end of a batch; only compaction leaves a hole there that is none.
      const hole = doubtful && next && next.baseOffset > Math.max(this.#nextOffset, this.#request.cleanedOffset)
      if (problem === null && !hole) continue
      this.#deleteFrom(index + 1, `its predecessor ends at ${this.#nextOffset}`)
      return
    }
  }

  /**
   * Whether a crash may have left the segment or its indexes unfinished. The last one too can be whole: when the files
   * behind it never reached the disk. Its indexes are then the only ones that are there for sure, and are kept.
   */
  async #isDoubtful(segment: LogSegment, next: LogSegment | undefined): Promise<boolean> {
    const { recoveryPoint } = this.#request
    // What lies below the log start is read by nobody, and some of its files may be gone already.
    if (next) return next.baseOffset > Math.max(recoveryPoint, this.#request.logStartOffset)
    if (segment.baseOffset >= recoveryPoint || !readIndexes(this.#context, segment)) return true
    const from = segment.offsetIndex!.batchStartBefore(segment.sizeBytes)
    const end = await this.#scan(segment, from, segment.sizeBytes, Number.POSITIVE_INFINITY, () => {})
    return end.problem !== null || end.nextOffset > recoveryPoint
  }

  /** Reads all batches of a segment, checks those above the recovery point and makes the indexes anew. */
  async #rebuild(segment: LogSegment): Promise<string | null> {
    const { fileSystem } = this.#context
    const sizeBytes = segment.sizeBytes
    segment.resetForRebuild()
    for (const suffix of ['index', 'timeindex', 'txnindex'] as const) {
      this.#context.files.forget(segment.path(suffix))
      fileSystem.unlink(segment.path(suffix))
    }
    const checkCrcFrom = this.#request.clean ? Number.POSITIVE_INFINITY : this.#request.recoveryPoint
    const result = await this.#scan(segment, 0, sizeBytes, checkCrcFrom, (header, buffer, at) => {
      segment.noteBatch(header, this.#request.indexIntervalBytes)
      this.#epochs.assign(header.partitionLeaderEpoch, header.baseOffset)
      this.#replay(header, buffer, at, segment)
    })
    segment.writtenBytes = segment.sizeBytes
    this.#rebuilt.push(segment)
    this.#nextOffset = Math.max(this.#nextOffset, result.nextOffset)
    if (result.problem !== null) this.#truncate(segment, sizeBytes, result)
    return result.problem
  }

  /** A segment whose indexes hold: only its end has to be found, and its producers where no snapshot covers them. */
  async #readKnown(segment: LogSegment, next: LogSegment | undefined): Promise<string | null> {
    const unknownProducers = this.#replayFrom < (next?.baseOffset ?? Number.POSITIVE_INFINITY)
    if (next && !unknownProducers) {
      this.#nextOffset = next.baseOffset
      return null
    }
    const index = segment.offsetIndex
    const endEntry = index ? index.batchStartBefore(segment.sizeBytes) : 0
    const from = !index || !unknownProducers ? endEntry : Math.min(endEntry, index.positionBefore(this.#replayFrom))
    const sizeBytes = segment.sizeBytes
    const result = await this.#scan(segment, from, sizeBytes, Number.POSITIVE_INFINITY, (header, buffer, at) => {
      this.#replay(header, buffer, at, null)
    })
    this.#nextOffset = Math.max(this.#nextOffset, result.nextOffset)
    if (next) this.#nextOffset = next.baseOffset
    else if (result.problem !== null) {
      this.#context.report('warn', `${segment.path('log')}: ${result.problem} although the broker was stopped in order`)
      return this.#rebuild(segment)
    }
    this.#loadFirstTimestamp(segment)
    return null
  }

  async #scan(
    segment: LogSegment,
    fromPosition: number,
    endPosition: number,
    checkCrcFrom: number,
    visit: (header: BatchHeader, buffer: Buffer, at: number) => void,
  ): Promise<ScanResult> {
    const leastOffset = fromPosition === 0 ? this.#nextOffset : segment.baseOffset
    if (endPosition === 0) return { endPosition: 0, nextOffset: leastOffset, problem: null }
    const open = segment.acquireLog(this.#context.files)
    try {
      const range = { fromPosition, endPosition, leastOffset, checkCrcFrom }
      return await scanBatches(open.file, this.#context.readBuffers, range, (header, buffer, at) => {
        visit(header, buffer, at)
        return true
      })
    } finally {
      this.#context.files.release(open)
    }
  }

  #replay(header: BatchHeader, buffer: Buffer, at: number, segment: LogSegment | null): void {
    if (header.producerId < 0 || header.baseOffset < this.#replayFrom) return
    const aborted = this.#producers.apply(header, readEndMarker(buffer, at, header), this.#context.clock.nowMs())
    if (aborted && segment) segment.transactions.append(aborted)
  }

  #truncate(segment: LogSegment, sizeBytes: number, result: ScanResult): void {
    const lost = sizeBytes - result.endPosition
    this.#context.report(
      'warn',
      `${segment.path('log')}: ${result.problem}; truncated at ${result.endPosition}, offset ${result.nextOffset}, ${lost} bytes dropped`,
    )
    const open = segment.acquireLog(this.#context.files)
    try {
      open.file.truncate(result.endPosition)
    } finally {
      this.#context.files.release(open)
    }
  }

  #deleteFrom(index: number, reason: string): void {
    for (const segment of this.#segments.splice(index)) {
      this.#context.report('warn', `${segment.path('log')} is deleted: ${reason}`)
      this.#deleteFiles(segment)
    }
  }

  #deleteFiles(segment: LogSegment): void {
    for (const suffix of SEGMENT_FILES) {
      this.#context.files.forget(segment.path(suffix))
      this.#context.fileSystem.unlink(segment.path(suffix))
    }
  }

  /** Nothing that may be read is left: the log begins anew at its start offset. */
  #startOver(logStartOffset: number): void {
    for (const segment of this.#segments.splice(0)) this.#deleteFiles(segment)
    this.#dropSnapshotsAbove(-1)
    this.#producers = new ProducerState()
    this.#nextOffset = logStartOffset
    const state = {
      baseOffset: logStartOffset,
      sizeBytes: 0,
      createdMs: this.#context.clock.nowMs(),
      jitterMs: this.#request.newJitterMs(),
    }
    this.#segments.push(new LogSegment(state, this.#request.directory))
  }

  #dropSnapshotsAbove(offset: number): void {
    while ((this.#snapshots.at(-1) ?? -1) > offset) {
      this.#context.fileSystem.unlink(this.#snapshotPath(this.#snapshots.pop()!))
    }
  }

  #snapshotPath(offset: number): string {
    return `${this.#request.directory()}/${segmentName(offset)}.snapshot`
  }

  #loadFirstTimestamp(segment: LogSegment): void {
    if (segment.firstTimestampMs !== null) return
    const open = segment.acquireLog(this.#context.files)
    try {
      const header = Buffer.alloc(BATCH_HEADER_BYTES)
      const filled = open.file.readSync(header, 0)
      segment.firstTimestampMs = filled < BATCH_HEADER_BYTES ? -1 : readInt64(header, MAX_TIMESTAMP_AT)
    } finally {
      this.#context.files.release(open)
    }
  }
}
