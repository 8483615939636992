import { ErrorCode } from '../../../protocol/errors.ts'
import type { Durability } from '../storage.ts'
import { type AppendGroup, notAppended } from './append-group.ts'
import type { LogContext } from './log-context.ts'
import type { LogSegment } from './log-segment.ts'
import type { OpenFile } from './open-files.ts'
import { errorText, systemErrorCode } from './storage-error.ts'
import type { TailSlice } from './tail-cache.ts'

/** Bytes and system-call vectors that one write takes at most. */
const GROUP_BYTES = 8 * 1024 * 1024
const GROUP_SLICES = 1024

/** Nothing is wrong with the disk: no room on it, or no descriptor left. The log goes on once there is. */
const TRANSIENT: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE'])

interface PendingWrite {
  readonly segment: LogSegment
  readonly slice: TailSlice
  readonly position: number
  /** Offset after its last batch. */
  endOffset: number
}

interface Waiter {
  readonly offset: number
  readonly group: AppendGroup
  readonly index: number
}

export interface WriterHost {
  readonly name: string
  /** The file of a segment, created together with what it needs when it is the first. */
  openForWriting(segment: LogSegment): OpenFile
  /** Names were made that a power cut could still take away. */
  readonly namesUnsynced: boolean
  /** Makes new names survive a power cut. */
  syncNames(): Promise<void>
  written(bytes: number): void
  /** A write or sync failed. Everything that waited has been answered with an error. */
  failed(error: unknown, recoverable: boolean): void
}

/**
 * Brings the appended bytes of one log to its files: what one turn brought goes in one write; one fdatasync serves every
 * append that was written before it began.
 */
export class LogWriter {
  readonly #context: LogContext
  readonly #host: WriterHost
  #pending: PendingWrite[] = []
  #pendingBytes = 0
  #writing = false
  #syncing = false
  /** blocked: the disk is full, and the log is being cut back to what is written. */
  #state: 'running' | 'blocked' | 'stopped' = 'running'
  /** Mostly none or one: a set for each of ten thousand logs would take more memory than the rest of this. */
  #unsynced: LogSegment[] = []
  #waitingForWrite: Waiter[] = []
  #waitingForSync: Waiter[] = []
  #idleWaiters: (() => void)[] = []
  /** Everything below is in the file: the high watermark. */
  writtenOffset: number
  /** Everything below survives a power cut. */
  syncedOffset: number
  /** A sync is wanted although nobody waits for it. */
  #syncRequested = false

  constructor(context: LogContext, host: WriterHost, endOffset: number, syncedOffset: number) {
    this.#context = context
    this.#host = host
    this.writtenOffset = endOffset
    this.syncedOffset = syncedOffset
  }

  get pendingBytes(): number {
    return this.#pendingBytes
  }

  /** Takes bytes that already have their place in the segment. */
  enqueue(segment: LogSegment, slice: TailSlice, position: number, endOffset: number): void {
    this.#pendingBytes += slice.end - slice.start
    const last = this.#pending[this.#pending.length - 1]
    if (last && last.slice.block === slice.block && last.slice.end === slice.start) {
      last.slice.end = slice.end
      last.endOffset = endOffset
      this.#context.tailCache.unpin(slice.block) // One pin serves the joined slice.
      return
    }
    this.#pending.push({ segment, slice, position, endOffset })
  }

  /** Settles the append once everything below the offset is as durable as asked. */
  wait(offset: number, durability: Durability, group: AppendGroup, index: number): void {
    if (durability === 'disk') {
      if (offset <= this.syncedOffset) group.settle(index)
      else this.#waitingForSync.push({ offset, group, index })
    } else if (offset <= this.writtenOffset) group.settle(index)
    else this.#waitingForWrite.push({ offset, group, index })
  }

  requestSync(): void {
    this.#syncRequested = true
  }

  /** Writes what is pending, at once where that is cheap. */
  flush(): void {
    while (!this.#writing && this.#state === 'running' && this.#pending.length > 0) {
      const group = this.#nextGroup()
      const bytes = sizeOf(group)
      if (this.#syncing || this.#mustSyncNames(group) || !this.#context.pace.mayBlock(bytes)) {
        this.#writing = true
        void this.#writeLater(group, bytes)
        return
      }
      if (!this.#writeNow(group, bytes)) return
    }
    this.#sync()
  }

  /** Resolves when nothing is pending, being written or being synced; at once after a failure. */
  async idle(): Promise<void> {
    this.flush()
    while (this.#state === 'running' && (this.#writing || this.#syncing || this.#pending.length > 0)) {
      await new Promise<void>((resolve) => this.#idleWaiters.push(resolve))
    }
  }

  /** Everything appended so far is written and synced when this resolves, or the writer has failed. */
  async syncAll(): Promise<void> {
    await this.idle()
    this.#syncRequested = true
    await this.idle()
  }

  /** Stops for good: whoever waits is told, nothing is written any more. */
  abandon(error: ErrorCode, message: string): void {
    this.#state = 'stopped'
    this.#dropPending()
    this.#failWaiters(error, message, -1)
    this.#wakeIdle()
  }

  /** After the log was cut back to what is written. */
  resume(): void {
    if (this.#state !== 'blocked') return
    this.#state = 'running'
    this.flush()
  }

  markUnsynced(segment: LogSegment): void {
    if (!this.#unsynced.includes(segment)) this.#unsynced.push(segment)
  }

  #nextGroup(): PendingWrite[] {
    const segment = this.#pending[0]!.segment
    let count = 0
    let bytes = 0
    while (count < this.#pending.length && count < GROUP_SLICES) {
      const next = this.#pending[count]!
      const sizeBytes = next.slice.end - next.slice.start
      if (next.segment !== segment || (count > 0 && bytes + sizeBytes > GROUP_BYTES)) break
      bytes += sizeBytes
      count++
    }
    return this.#pending.splice(0, count)
  }

  #writeNow(group: PendingWrite[], bytes: number): boolean {
    const { segment, position } = group[0]!
    let open: OpenFile | null = null
    try {
      const file = (open = this.#host.openForWriting(segment)).file
      this.#context.pace.measure(bytes, () => file.writeSync(viewsOf(group), position))
    } catch (error) {
      this.#writeFailed(group, error)
      return false
    } finally {
      if (open) this.#context.files.release(open)
    }
    this.#wrote(group, bytes)
    return true
  }

  async #writeLater(group: PendingWrite[], bytes: number): Promise<void> {
    let failure: unknown = null
    try {
      if (this.#mustSyncNames(group)) await this.#host.syncNames()
      await this.#context.fileOperations.run(() => this.#write(group))
    } catch (error) {
      failure = error ?? new Error('the write failed')
    }
    this.#writing = false
    if (this.#state === 'stopped') this.#unpin(group)
    else if (failure !== null) this.#writeFailed(group, failure)
    else this.#wrote(group, bytes)
    this.flush()
    this.#wakeIdle()
  }

  /** A new segment must not outlive a power cut that takes the first one away: the log would begin in the middle. */
  #mustSyncNames([first]: readonly PendingWrite[]): boolean {
    return first!.segment.writtenBytes === 0 && this.#host.namesUnsynced
  }

  async #write(group: PendingWrite[]): Promise<void> {
    const { segment, position } = group[0]!
    const open = this.#host.openForWriting(segment)
    try {
      await open.file.write(viewsOf(group), position)
    } finally {
      this.#context.files.release(open)
    }
  }

  #wrote(group: PendingWrite[], bytes: number): void {
    const { segment } = group[0]!
    const last = group[group.length - 1]!
    this.#unpin(group)
    this.#pendingBytes -= bytes
    segment.writtenBytes = last.position + (last.slice.end - last.slice.start)
    this.markUnsynced(segment)
    this.writtenOffset = last.endOffset
    this.#host.written(bytes)
    settleUpTo(this.#waitingForWrite, this.writtenOffset)
  }

  #writeFailed(group: PendingWrite[], error: unknown): void {
    const transient = TRANSIENT.has(systemErrorCode(error))
    this.#state = transient ? 'blocked' : 'stopped'
    this.#unpin(group)
    this.#dropPending()
    // What is in the file stays there when the disk is full: who waits for its sync goes on waiting.
    this.#failWaiters(ErrorCode.KAFKA_STORAGE_ERROR, errorText(error), transient ? this.writtenOffset : -1)
    this.#host.failed(error, transient)
    this.#wakeIdle()
    // Also a full disk can sync what it has, and who cuts the log back waits for that.
    this.#sync()
  }

  #sync(): void {
    if (this.#syncing || this.#state === 'stopped') return
    const wanted =
      this.#syncRequested || (this.#waitingForSync[0]?.offset ?? Number.POSITIVE_INFINITY) <= this.writtenOffset
    if (!wanted) return
    this.#syncRequested = false
    if (this.#unsynced.length === 0 && this.syncedOffset === this.writtenOffset) {
      settleUpTo(this.#waitingForSync, this.syncedOffset)
      return
    }
    this.#syncing = true
    void this.#syncLater(this.writtenOffset)
  }

  async #syncLater(target: number): Promise<void> {
    const segments = this.#unsynced
    this.#unsynced = []
    let failure: unknown = null
    try {
      await Promise.all(segments.map((segment) => this.#context.fileOperations.run(() => this.#syncSegment(segment))))
      await this.#host.syncNames()
    } catch (error) {
      failure = error ?? new Error('the sync failed')
    }
    this.#syncing = false
    if (failure === null) {
      this.syncedOffset = Math.max(this.syncedOffset, target)
      settleUpTo(this.#waitingForSync, this.syncedOffset)
    } else if (this.#state !== 'stopped') {
      // The kernel may have dropped the dirty pages: a later sync would succeed and prove nothing.
      this.abandon(ErrorCode.KAFKA_STORAGE_ERROR, errorText(failure))
      this.#host.failed(failure, false)
    }
    this.flush()
    this.#wakeIdle()
  }

  async #syncSegment(segment: LogSegment): Promise<void> {
    if (segment.deleted) return
    const open = segment.acquireLog(this.#context.files)
    try {
      await open.file.sync()
    } finally {
      this.#context.files.release(open)
    }
  }

  #dropPending(): void {
    this.#unpin(this.#pending.splice(0))
    this.#pendingBytes = 0
  }

  #unpin(group: readonly PendingWrite[]): void {
    for (const { slice } of group) this.#context.tailCache.unpin(slice.block)
  }

  /** Tells those who wait for an offset above the given one. */
  #failWaiters(error: ErrorCode, message: string, aboveOffset: number): void {
    const waiters = [...this.#waitingForWrite.splice(0), ...this.#waitingForSync.splice(0)]
    for (const waiter of waiters) {
      if (waiter.offset <= aboveOffset) this.#waitingForSync.push(waiter)
      else waiter.group.settle(waiter.index, notAppended(error, message))
    }
  }

  #wakeIdle(): void {
    for (const wake of this.#idleWaiters.splice(0)) wake()
  }
}

function sizeOf(group: readonly PendingWrite[]): number {
  let bytes = 0
  for (const { slice } of group) bytes += slice.end - slice.start
  return bytes
}

function viewsOf(group: readonly PendingWrite[]): Buffer[] {
  return group.map(({ slice }) => slice.block.buffer.subarray(slice.start, slice.end))
}

/** Waiters stand in the order of their offsets. */
function settleUpTo(waiters: Waiter[], offset: number): void {
  let count = 0
  while (count < waiters.length && waiters[count]!.offset <= offset) count++
  for (const waiter of waiters.splice(0, count)) waiter.group.settle(waiter.index)
}
