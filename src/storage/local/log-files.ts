import type { AppendResult } from '../storage.ts'
import type { LeaderEpochCache } from './leader-epoch-cache.ts'
import type { LogContext } from './log-context.ts'
import { type LogSegment, SEGMENT_FILES, segmentName } from './log-segment.ts'
import type { OpenFile } from './open-files.ts'
import { encodeProducerSnapshot, type ProducerState } from './producer-state.ts'
import { errorText, StorageError } from './storage-error.ts'

const DONE = Promise.resolve()

/**
 * The files of one log: made when the first batch is written, finished in the background when a segment is full. A
 * partition that was never written to has no files: its topic is in the metadata.
 */
export class LogFiles {
  directory: string
  readonly #context: LogContext
  readonly #topicId: string
  readonly #name: string
  /** The recovery point may rise: the checkpoint should say so before the next crash. */
  readonly #segmentFinished: () => void
  readonly #snapshotOffsets: number[]
  #directoryExists: boolean
  /** Names were created or removed that a power cut could undo. */
  #namesUnsynced = false
  #parentUnsynced = false
  #namesSync: Promise<void> = DONE
  #finishing: Promise<void> = DONE
  #flushing: Promise<void> = DONE
  /** Base offsets of full segments whose indexes are not on the disk yet. */
  readonly #unfinished: number[] = []

  constructor(
    context: LogContext,
    directory: string,
    topicId: string,
    loaded: { directoryExists: boolean; namesUnsynced: boolean; snapshotOffsets: readonly number[] },
    segmentFinished: () => void,
  ) {
    this.#context = context
    this.#segmentFinished = segmentFinished
    this.directory = directory
    this.#name = directory
    this.#topicId = topicId
    this.#directoryExists = loaded.directoryExists
    this.#snapshotOffsets = [...loaded.snapshotOffsets]
    this.#namesUnsynced = loaded.namesUnsynced
    this.#parentUnsynced = loaded.namesUnsynced
  }

  get snapshotOffsets(): readonly number[] {
    return this.#snapshotOffsets
  }

  /** Infinity when all full segments are done. */
  get unfinishedFrom(): number {
    return this.#unfinished[0] ?? Number.POSITIVE_INFINITY
  }

  /** Its indexes are in memory only. */
  isUnfinished(segment: LogSegment): boolean {
    return this.#unfinished.includes(segment.baseOffset)
  }

  get namesUnsynced(): boolean {
    return this.#namesUnsynced
  }

  openForWriting(segment: LogSegment): OpenFile {
    if (!this.#directoryExists) this.#createDirectory()
    if (segment.writtenBytes === 0) this.#namesUnsynced = true
    return this.#context.files.acquire(segment.path('log'), 'create')
  }

  /** Also waits for a sync under way: it is the one that covers the names made before it began. */
  syncNames(): Promise<void> {
    const next = this.#namesSync.then(() => this.#context.fileOperations.run(() => this.#syncNamesNow()))
    this.#namesSync = next.catch(() => {
      // Whoever asked for this sync is told; the next one begins anew.
    })
    return next
  }

  /** Resolves when nothing is left to be done for the segments that are closed by now. */
  whenFinished(): Promise<void> {
    return this.#finishing
  }

  /** Brings the indexes of a full segment to the disk, once its batches are there, and the producers as of its end. */
  finish(segment: LogSegment, nextBase: number, snapshot: Buffer | null, whenSynced: Promise<AppendResult[]>): void {
    this.#unfinished.push(segment.baseOffset)
    this.#finishing = this.#finishing.then(async () => {
      const [failure] = await whenSynced
      if (failure) return // The log is offline or was cut back: recovery will read this segment again.
      try {
        await this.#bringIndexesToDisk(segment)
        if (snapshot) await this.#writeSnapshot(nextBase, snapshot)
        this.#namesUnsynced = true
        await this.syncNames()
        const index = this.#unfinished.indexOf(segment.baseOffset)
        if (index >= 0) this.#unfinished.splice(index, 1)
        this.#context.indexCache.use(segment)
        this.#segmentFinished()
      } catch (error) {
        this.#context.report(
          'warn',
          `${this.#name}: indexes of segment ${segment.baseOffset} are left to recovery: ${errorText(error)}`,
        )
      }
    })
  }

  /** Producers that recovery has read from segments: as soon as these are removed nothing else knows them. */
  keepSnapshot({ offset, content }: { readonly offset: number; readonly content: Buffer }): void {
    if (this.#snapshotOffsets.includes(offset)) return
    this.exclusively(async () => {
      await this.#writeSnapshot(offset, content)
      this.#namesUnsynced = true
      await this.syncNames()
    }).catch((error: unknown) => {
      this.#context.report('warn', `${this.#name}: no snapshot of the producers at ${offset}: ${errorText(error)}`)
    })
  }

  /**
   * Enough are the newest, one to fall back on should that one be damaged, and those that recovery begins with: at the
   * recovery point of the checkpoint, and at the base of its segment, to which that point goes back when the segment has
   * to be recovered.
   */
  pruneSnapshots(recoveryPoint: number, segmentBase: number): void {
    if (this.#snapshotOffsets.length <= 2) return
    const needed = [recoveryPoint, segmentBase].map((end) => this.#snapshotOffsets.findLast((offset) => offset <= end))
    for (const offset of this.#snapshotOffsets.slice(0, -2)) {
      if (needed.includes(offset)) continue
      this.#context.fileSystem.unlink(this.#snapshotPath(offset))
      this.#snapshotOffsets.splice(this.#snapshotOffsets.indexOf(offset), 1)
    }
  }

  /** Resolves when no segment is being finished and no checkpoint written: nothing needs the directory's name. */
  async finished(): Promise<void> {
    await this.#finishing
    await this.#flushing
  }

  /** Runs a task behind those under way: nothing else that renames or finishes files of this log happens meanwhile. */
  exclusively<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#finishing.then(task)
    this.#finishing = result.then(
      () => {},
      () => {}, // Whoever asked for this task is told.
    )
    return result
  }

  /** What belonged to segments before the offset, which are gone. Recovery from there on still needs a snapshot. */
  forgetBefore(offset: number): void {
    while ((this.#unfinished[0] ?? offset) < offset) this.#unfinished.shift()
    while (this.#snapshotOffsets.length > 1 && this.#snapshotOffsets[1]! <= offset)
      this.#context.fileSystem.unlink(this.#snapshotPath(this.#snapshotOffsets.shift()!))
  }

  /** At a clean stop: whatever a start without recovery needs. */
  async finishActive(
    active: LogSegment,
    logEndOffset: number,
    producers: ProducerState,
    epochs: LeaderEpochCache,
  ): Promise<void> {
    if (!this.#directoryExists) return
    active.finishTimeIndex()
    if (active.writtenBytes > 0) await this.#bringIndexesToDisk(active)
    await this.#writeSnapshot(logEndOffset, encodeProducerSnapshot(producers))
    // Behind a checkpoint that may be under way; one sync of the names serves all files.
    await this.#flushing
    await this.#flushEpochsNow(epochs, (path, content) => this.#replaceFile(path, content))
    this.#namesUnsynced = true
    await this.syncNames()
    if (this.#unfinished.length > 0) throw new StorageError(`${this.#name}: not all segments could be finished`)
  }

  /** One after the other, so that two never write the same file. */
  flushEpochs(epochs: LeaderEpochCache): Promise<void> {
    const { fileSystem } = this.#context
    const replace = (path: string, content: Buffer) => fileSystem.replaceFile(path, content)
    const flush = this.#flushing.then(() => this.#flushEpochsNow(epochs, replace))
    this.#flushing = flush.catch(() => {
      // Whoever asked for it is told.
    })
    return flush
  }

  async #flushEpochsNow(
    epochs: LeaderEpochCache,
    replace: (path: string, content: Buffer) => Promise<void>,
  ): Promise<void> {
    if (!epochs.dirty || !this.#directoryExists) return
    epochs.dirty = false
    try {
      await replace(`${this.directory}/leader-epoch-checkpoint`, epochs.toBuffer())
    } catch (error) {
      // The next recovery points must not be written without them.
      epochs.dirty = true
      throw error
    }
  }

  /** Whole or not at all, once the names are synced. */
  async #replaceFile(path: string, content: Buffer): Promise<void> {
    const { fileSystem } = this.#context
    const file = fileSystem.open(`${path}.tmp`, 'create')
    try {
      file.truncate(0)
      file.writeSync([content], 0)
      await file.sync()
    } finally {
      file.close()
    }
    fileSystem.rename(`${path}.tmp`, path)
  }

  deleteSegment(segment: LogSegment): void {
    segment.deleted = true
    this.#context.indexCache.remove(segment)
    for (const suffix of SEGMENT_FILES) {
      this.#context.files.forget(segment.path(suffix))
      this.#context.fileSystem.unlink(segment.path(suffix))
    }
    this.#namesUnsynced = true
  }

  truncateLog(segment: LogSegment): void {
    const open = this.#context.files.acquire(segment.path('log'))
    try {
      open.file.truncate(segment.writtenBytes)
    } finally {
      this.#context.files.release(open)
    }
  }

  async #bringIndexesToDisk(segment: LogSegment): Promise<void> {
    await segment.flushIndexes(this.#context.files)
    const paths = [segment.path('timeindex')]
    // Of an empty file only the name can be lost.
    if (segment.offsetIndex?.count !== 0) paths.push(segment.path('index'))
    if (segment.transactions.entries.length > 0) paths.push(segment.path('txnindex'))
    await this.#syncFiles(paths)
  }

  async #syncNamesNow(): Promise<void> {
    if (this.#parentUnsynced) {
      await this.#syncFiles([`${this.directory}/partition.metadata`])
      await this.#context.directorySync.run()
      this.#parentUnsynced = false
    }
    if (!this.#namesUnsynced) return
    this.#namesUnsynced = false
    try {
      await this.#context.fileSystem.syncDirectory(this.directory)
    } catch (error) {
      this.#namesUnsynced = true
      throw error
    }
  }

  #createDirectory(): void {
    const { fileSystem } = this.#context
    fileSystem.makeDirectory(this.directory)
    // Before any data, so that data never lies in a directory of which nobody knows whose it is.
    const file = fileSystem.open(`${this.directory}/partition.metadata`, 'create')
    try {
      file.truncate(0)
      file.writeSync([partitionMetadata(this.#topicId)], 0)
    } finally {
      file.close()
    }
    this.#directoryExists = true
    this.#namesUnsynced = true
    this.#parentUnsynced = true
  }

  async #writeSnapshot(offset: number, content: Buffer): Promise<void> {
    const { fileSystem } = this.#context
    // Never half written: there may be one already that recovery counts on. Whoever calls this syncs the names.
    const path = this.#snapshotPath(offset)
    const file = fileSystem.open(`${path}.tmp`, 'create')
    try {
      file.truncate(0)
      await file.write([content], 0)
      await file.sync()
    } finally {
      file.close()
    }
    fileSystem.rename(`${path}.tmp`, path)
    if (!this.#snapshotOffsets.includes(offset)) this.#snapshotOffsets.push(offset)
    this.#snapshotOffsets.sort((a, b) => a - b)
  }

  async #syncFiles(paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      const open = this.#context.files.acquire(path)
      try {
        await open.file.sync()
      } finally {
        this.#context.files.release(open)
      }
    }
  }

  #snapshotPath(offset: number): string {
    return `${this.directory}/${segmentName(offset)}.snapshot`
  }
}

export function partitionMetadata(topicId: string): Buffer {
  return Buffer.from(`version: 0\ntopic_id: ${topicId}`)
}

/** The topic id, or null when the file is missing or not whole. */
export function parsePartitionMetadata(content: Buffer | null): string | null {
  const match = content && /^version: 0\ntopic_id: ([\w-]{22})\n?$/.exec(content.toString('latin1'))
  return match ? match[1]! : null
}

/** Throws StorageError for a file of a later format. */
export function refuseNewerPartition(content: Buffer | null, path: string): void {
  const version = /^version: (\d{1,3})\n/.exec(content?.toString('latin1') ?? '')?.[1]
  if (version === undefined || Number(version) === 0) return
  throw new StorageError(
    `${path}: version ${version} is newer than 0, the newest known here; the partition is left alone. ` +
      'Start it with the version that wrote it, or restore the file from a backup.',
  )
}

/** Two ids that differ in one character: no two topics have such ids, but a flipped bit makes one of the other. */
export function isMisspelt(topicId: string, expected: string): boolean {
  let differences = 0
  for (let at = 0; at < expected.length; at++) if (topicId[at] !== expected[at]) differences++
  return topicId.length === expected.length && differences === 1
}
