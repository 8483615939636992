import type { BatchHeader } from '../../../protocol/records/batch.ts'
import { readEndMarker } from './end-marker.ts'
import { readIndexes } from './index-files.ts'
import type { LoadedLog, LoadRequest } from './loaded-log.ts'
import type { LogContext } from './log-context.ts'
import { endOfBatchesBehind, InconsistentLogError, lastIndexedPosition, lostText } from './log-damage.ts'
import { LogSegment, SEGMENT_FILES } from './log-segment.ts'
import { backfillProducers } from './producer-backfill.ts'
import { ProducerSnapshots } from './producer-snapshots.ts'
import { encodeProducerSnapshot, ProducerState } from './producer-state.ts'
import { producersBefore } from './producers-before.ts'
import { RecoveredEpochs } from './recovered-epochs.ts'
import { listSegments } from './segment-listing.ts'
import { type ScanResult, scanBatches } from './segment-scanner.ts'
import { finishSwaps, isSwapFile } from './segment-swap.ts'
import { firstTimestampMs } from './segment-times.ts'

/**
 * Reads a log from its directory as of the last start. After a crash everything from the recovery point on is checked:
 * the log ends at the first batch that is not whole, and whatever lies behind it is deleted.
 */
export async function loadLog(context: LogContext, request: LoadRequest): Promise<LoadedLog> {
  try {
    return await new LogLoader(context, request).load()
  } catch (error) {
    if (!(error instanceof InconsistentLogError)) throw error
    context.report('warn', `${error.message}; the log is read from its beginning`)
    return new LogLoader(context, { ...request, reread: true }).load()
  }
}

class LogLoader {
  readonly #context: LogContext
  readonly #request: LoadRequest
  #segments: LogSegment[] = []
  readonly #snapshots: ProducerSnapshots
  readonly #epochs = new RecoveredEpochs()
  #producers = new ProducerState()
  readonly #rebuilt: LogSegment[] = []
  #goesOnBehindLoss = false
  /** Producers are known up to here. */
  #replayFrom = 0
  #snapshot: LoadedLog['snapshot'] = null
  #nextOffset = 0
  /** Of what is lost below, a line has told. */
  #named = 0

  constructor(context: LogContext, request: LoadRequest) {
    this.#context = context
    this.#request = request
    this.#snapshots = new ProducerSnapshots(context, request.directory)
  }

  async load(): Promise<LoadedLog> {
    const { fileSystem } = this.#context
    let names = fileSystem.list(this.#request.directory())
    if (names.some(isSwapFile)) {
      await finishSwaps(this.#context, this.#request.directory())
      names = fileSystem.list(this.#request.directory())
    }
    this.#openFiles(names)
    this.#loadEpochs()
    const first = this.#segments[0]?.baseOffset ?? 0
    let logStartOffset = Math.max(this.#request.logStartOffset, first)
    this.#noteMissingStart(first)
    this.#loadProducers(logStartOffset)
    this.#nextOffset = first
    await this.#readSegments()
    if (this.#nextOffset < logStartOffset || this.#segments.length === 0) {
      logStartOffset = Math.max(logStartOffset, this.#nextOffset)
      this.#startOver(logStartOffset)
    }
    this.#continueAtExpectedEnd()
    logStartOffset = Math.max(logStartOffset, this.#segments[0]!.baseOffset)
    this.#epochs.finish(this.#request.leaderEpoch)
    await backfillProducers(this.#context, this.#segments, this.#replayFrom, this.#producers)
    this.#epochs.cache.truncateFromEnd(this.#nextOffset)
    this.#epochs.cache.truncateFromStart(logStartOffset)
    this.#snapshots.dropAbove(this.#nextOffset)
    this.#producers.advanceTo(this.#nextOffset)
    return {
      segments: this.#segments,
      logStartOffset,
      logEndOffset: this.#nextOffset,
      recoveryPoint: this.#recoveryPoint,
      epochs: this.#epochs.cache,
      producers: this.#producers,
      snapshotOffsets: this.#snapshots.offsets,
      snapshot: this.#snapshot,
      directoryExists: names.length > 0,
      namesUnsynced: names.length > 0 && (!this.#request.clean || this.#request.reread),
      rebuilt: this.#rebuilt.filter((segment) => this.#segments.includes(segment) && segment !== this.#segments.at(-1)),
      gapsBelow: this.#request.gapsBelow,
      goesOnBehindLoss: this.#goesOnBehindLoss,
    }
  }

  /** What was read anew is on the disk no more than what a crash has left. */
  get #recoveryPoint(): number {
    const { clean, reread, recoveryPoint } = this.#request
    if (reread) return this.#segments[0]?.baseOffset ?? 0
    return Math.min(clean ? this.#nextOffset : recoveryPoint, this.#nextOffset)
  }

  #openFiles(names: readonly string[]): void {
    const { segments, snapshots, damaged } = listSegments(this.#context, this.#request, names)
    if (damaged !== null) this.#contradicts(`${damaged} is missing or damaged`)
    this.#segments = segments
    this.#snapshots.add(snapshots)
  }

  #loadEpochs(): void {
    const { fileSystem } = this.#context
    const problem = this.#epochs.read(fileSystem, this.#request, this.#segments[0]?.baseOffset ?? null)
    if (problem !== null) this.#contradicts(problem)
  }

  /** Segments are removed only once log start and leader epochs say so on the disk. */
  #noteMissingStart(firstOffset: number): void {
    const { expectedStartOffset, logStartOffset } = this.#request
    const told = expectedStartOffset ?? this.#epochs.cache.entries[0]?.startOffset ?? firstOffset
    const start = Math.max(told, logStartOffset)
    if (this.#segments.length === 0 || start >= firstOffset) return
    const where = `${this.#request.directory()} begins at offset ${firstOffset} and began at ${start} before`
    this.#context.report('error', `${where}${lostText(start, firstOffset)}`)
  }

  #contradicts(problem: string): void {
    if (!this.#request.reread) throw new InconsistentLogError(problem)
  }

  #loadProducers(logStartOffset: number): void {
    const first = this.#segments[0]?.baseOffset ?? 0
    // What is read anew makes its transaction indexes anew, for which producers are followed from the first batch on.
    if (this.#request.reread) this.#snapshots.dropAbove(first)
    else if (!this.#request.clean) this.#snapshots.dropAbove(this.#request.recoveryPoint)
    const newest = this.#snapshots.newest()
    if (newest) this.#producers = newest.producers
    this.#replayFrom = newest?.offset ?? Math.min(logStartOffset, first)
  }

  async #readSegments(): Promise<void> {
    for (let index = 0; index < this.#segments.length; index++) {
      const segment = this.#segments[index]!
      const next = this.#segments[index + 1]
      if (segment.baseOffset < this.#nextOffset && index > 0) {
        await this.#deleteFrom(index, `it begins at ${segment.baseOffset}, before the end of its predecessor`)
        return
      }
      this.#nextOffset = Math.max(this.#nextOffset, segment.baseOffset)
      if (index > 0 && this.#replayFrom < segment.baseOffset)
        this.#snapshot = { offset: segment.baseOffset, content: encodeProducerSnapshot(this.#producers) }
      const doubtful = await this.#isDoubtful(segment, next)
      const problem =
        doubtful || (next === undefined && !readIndexes(this.#context, segment))
          ? await this.#rebuild(segment, next)
          : await this.#readKnown(segment, next)
      // The end of a file can be lost at the end of a batch; only compaction leaves a hole there that is none.
      const hole = next && next.baseOffset > Math.max(this.#nextOffset, this.#request.cleanedOffset)
      if (problem === null && !hole) continue
      if (next && (this.#isSettled(next) || this.#nextOffset < this.#request.recoveryPoint)) {
        if (problem === null) this.#noteHole(segment, next)
        this.#nextOffset = next.baseOffset
        if (segment.sizeBytes > 0) continue
        this.#deleteFiles(segment)
        this.#segments.splice(index--, 1)
        continue
      }
      await this.#deleteFrom(index + 1, `its predecessor ends at ${this.#nextOffset}`)
      return
    }
  }

  /** It lay on the disk together with what comes before it: no crash can have taken anything away there. */
  #isSettled(segment: LogSegment): boolean {
    return this.#request.clean || segment.baseOffset <= this.#request.recoveryPoint
  }

  /**
   * Whether a crash may have left the segment or its indexes unfinished. The last one too can be whole: when the files
   * behind it never reached the disk. Its indexes are then the only ones that are there for sure, and are kept.
   */
  async #isDoubtful(segment: LogSegment, next: LogSegment | undefined): Promise<boolean> {
    const { recoveryPoint, logStartOffset, clean, reread } = this.#request
    // What lies below the log start is read by nobody, and some of its files may be gone already.
    if (next && next.baseOffset <= logStartOffset) return false
    if (reread) return true
    if (clean) return false
    if (next) return next.baseOffset > recoveryPoint
    if (segment.baseOffset >= recoveryPoint || !readIndexes(this.#context, segment)) return true
    const from = segment.offsetIndex!.batchStartBefore(segment.sizeBytes)
    const end = await this.#scan(segment, from, segment.sizeBytes, Number.POSITIVE_INFINITY, () => {})
    if (end.nextOffset < recoveryPoint) {
      this.#contradicts(`${segment.path('log')} ends at offset ${end.nextOffset}, before its recovery point`)
    }
    return end.problem !== null || end.nextOffset > recoveryPoint
  }

  /** Reads all batches of a segment, checks those above the recovery point and makes the indexes anew. */
  async #rebuild(segment: LogSegment, next: LogSegment | undefined): Promise<string | null> {
    const { fileSystem } = this.#context
    const sizeBytes = segment.sizeBytes
    // A snapshot from the middle of the segment knows nothing of the transactions that ended before it.
    const earlier =
      segment.baseOffset < this.#replayFrom
        ? await producersBefore(segment, this.#context, this.#segments, this.#snapshots)
        : undefined
    segment.resetForRebuild()
    for (const suffix of ['index', 'timeindex', 'txnindex'] as const) {
      this.#context.files.forget(segment.path(suffix))
      fileSystem.unlink(segment.path(suffix))
    }
    const { clean, reread, recoveryPoint } = this.#request
    const checkCrcFrom = reread ? 0 : clean ? Number.POSITIVE_INFINITY : recoveryPoint
    const result = await this.#scan(segment, 0, sizeBytes, checkCrcFrom, (header, buffer, at) => {
      segment.noteBatch(header, this.#request.indexIntervalBytes)
      this.#epochs.note(header)
      this.#replay(header, buffer, at, segment, earlier)
    })
    // Whatever is wrong in a log that was closed in order is no unfinished write.
    if (result.problem !== null && clean)
      this.#contradicts(`${segment.path('log')}: ${result.problem}${this.#although}`)
    segment.writtenBytes = segment.sizeBytes
    this.#rebuilt.push(segment)
    this.#nextOffset = Math.max(this.#nextOffset, result.nextOffset)
    if (result.problem !== null) await this.#truncate(segment, sizeBytes, result, next)
    return result.problem
  }

  /** A segment whose indexes hold: only its end has to be found, and its producers where no snapshot covers them. */
  async #readKnown(segment: LogSegment, next: LogSegment | undefined): Promise<string | null> {
    const unread = next !== undefined && next.baseOffset <= this.#request.logStartOffset
    const unknownProducers = this.#replayFrom < (next?.baseOffset ?? Number.POSITIVE_INFINITY)
    const index = segment.offsetIndex
    const endEntry = index
      ? index.batchStartBefore(segment.sizeBytes)
      : lastIndexedPosition(this.#context.fileSystem, segment)
    const earlier = index ? index.positionBefore(this.#replayFrom) : 0
    const from = unknownProducers ? Math.min(endEntry, earlier) : endEntry
    const sizeBytes = segment.sizeBytes
    let wrongEpoch = false
    const result = await this.#scan(segment, from, sizeBytes, Number.POSITIVE_INFINITY, (header, buffer, at) => {
      const epoch = this.#epochs.cache.epochAt(header.baseOffset)
      wrongEpoch ||= epoch >= 0 && epoch !== header.partitionLeaderEpoch
      if (unknownProducers) this.#replay(header, buffer, at)
    })
    if (!unread) this.#checkKnown(segment, next, result, wrongEpoch)
    this.#nextOffset = next ? next.baseOffset : Math.max(this.#nextOffset, result.nextOffset)
    if (!next) firstTimestampMs(this.#context, segment)
    return null
  }

  #checkKnown(
    segment: LogSegment,
    next: LogSegment | undefined,
    { problem, nextOffset }: ScanResult,
    wrongEpoch: boolean,
  ): void {
    const path = segment.path('log')
    if (problem !== null) this.#contradicts(`${path}: ${problem}${this.#although}`)
    if (wrongEpoch) this.#contradicts(`${path} and leader-epoch-checkpoint disagree`)
    if (next && nextOffset !== next.baseOffset && next.baseOffset > this.#request.cleanedOffset) {
      this.#contradicts(`${path} ends at offset ${nextOffset}${this.#although}`)
    }
  }

  get #although(): string {
    return this.#request.clean ? ' although the broker was stopped in order' : ''
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
      const { gapsBelow } = this.#request
      const range = { fromPosition, endPosition, leastOffset, checkCrcFrom, gapsBelow }
      return await scanBatches(open.file, this.#context.readBuffers, range, (header, buffer, at) => {
        visit(header, buffer, at)
        return true
      })
    } finally {
      this.#context.files.release(open)
    }
  }

  /** `earlier`: the producers where the segment begins, when those of the log are already known further on. */
  #replay(header: BatchHeader, buffer: Buffer, at: number, segment?: LogSegment, earlier?: ProducerState): void {
    if (header.producerId < 0 || (!earlier && header.baseOffset < this.#replayFrom)) return
    const marker = readEndMarker(buffer, at, header)
    const nowMs = this.#context.clock.nowMs()
    const aborted = (earlier ?? this.#producers).apply(header, marker, nowMs)
    if (earlier && header.baseOffset >= this.#replayFrom) this.#producers.apply(header, marker, nowMs)
    if (aborted && segment) segment.transactions.append(aborted)
  }

  async #truncate(
    segment: LogSegment,
    sizeBytes: number,
    { problem, endPosition, nextOffset }: ScanResult,
    next: LogSegment | undefined,
  ): Promise<void> {
    const path = segment.path('log')
    const end = next
      ? next.baseOffset
      : await endOfBatchesBehind(this.#context.fileSystem, segment, endPosition, nextOffset)
    const place = `truncated at ${endPosition}, offset ${nextOffset}, ${sizeBytes - endPosition} bytes dropped`
    this.#context.report('warn', `${path}: ${problem}; ${place}${lostText(nextOffset, end)}`)
    this.#named = Math.max(this.#named, end)
    const open = segment.acquireLog(this.#context.files)
    try {
      open.file.truncate(endPosition)
    } finally {
      this.#context.files.release(open)
    }
  }

  #noteHole(segment: LogSegment, next: LogSegment): void {
    const place = `${segment.path('log')} ends at offset ${this.#nextOffset}`
    this.#context.report('error', `${place}${lostText(this.#nextOffset, next.baseOffset)}`)
  }

  async #deleteFrom(index: number, reason: string): Promise<void> {
    const segments = this.#segments.splice(index)
    for (const [at, segment] of segments.entries()) {
      const { baseOffset } = segment
      const { fileSystem } = this.#context
      const end = segments[at + 1]?.baseOffset ?? (await endOfBatchesBehind(fileSystem, segment, 0, baseOffset))
      this.#context.report('warn', `${segment.path('log')} is deleted: ${reason}${lostText(baseOffset, end)}`)
      this.#named = Math.max(this.#named, end)
      this.#deleteFiles(segment)
    }
  }

  /**
   * Offsets that were given out are not given out again, whatever became of their records: consumers would miss the new
   * ones without a word.
   */
  #continueAtExpectedEnd(): void {
    const { expectedEndOffset: least, writtenOffset } = this.#request
    const end = this.#nextOffset
    const expectedEndOffset = Math.max(least, writtenOffset)
    if (end >= expectedEndOffset) return
    const first = Math.max(end, this.#named)
    const where = `${this.#request.directory()} ends at offset ${end} and ended at ${expectedEndOffset} before`
    // What was not on the disk yet may be gone after a power cut.
    this.#context.report(end < least ? 'error' : 'warn', `${where}${lostText(first, expectedEndOffset)}`)
    if (end >= least) return
    this.#goesOnBehindLoss = true
    const last = this.#segments.at(-1)!
    if (last.sizeBytes === 0) this.#deleteFiles(this.#segments.pop()!)
    else if (last.offsetIndex !== null && !this.#rebuilt.includes(last)) this.#rebuilt.push(last)
    this.#segments.push(this.#newSegment(expectedEndOffset))
    this.#nextOffset = expectedEndOffset
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
    this.#snapshots.dropAbove(-1)
    this.#producers = new ProducerState()
    this.#snapshot = null
    this.#nextOffset = logStartOffset
    this.#segments.push(this.#newSegment(logStartOffset))
  }

  #newSegment(baseOffset: number): LogSegment {
    const state = {
      baseOffset,
      sizeBytes: 0,
      createdMs: this.#context.clock.nowMs(),
      jitterMs: this.#request.newJitterMs(),
    }
    return new LogSegment(state, this.#request.directory)
  }
}
