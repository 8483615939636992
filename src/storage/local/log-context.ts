import type { Clock } from '../../io/clock.ts'
import type { FileSystem } from '../../io/file-system.ts'
import type { Random } from '../../io/random.ts'
import type { EndOfTurn } from '../../io/turn.ts'
import type { Work } from '../../io/work.ts'
import type { LogHandle } from '../storage.ts'
import type { DelayedRemovals } from './delayed-removals.ts'
import type { DiskUsage } from './disk-usage.ts'
import type { IndexCache } from './index-cache.ts'
import type { Limiter } from './limiter.ts'
import type { OpenFiles } from './open-files.ts'
import type { ReadBuffers } from './read-buffers.ts'
import type { SharedSync } from './shared-sync.ts'
import type { SpaceReserve } from './space-reserve.ts'
import type { TailCache } from './tail-cache.ts'
import type { WritePace } from './write-pace.ts'

/** What an operator should read: with the partition or file in it. */
export type Report = (level: 'info' | 'warn' | 'error', message: string) => void

/** What all logs of a store share. */
export interface LogContext {
  readonly fileSystem: FileSystem
  readonly clock: Clock
  readonly random: Random
  readonly work: Work
  readonly endOfTurn: EndOfTurn
  readonly files: OpenFiles
  /** Of asynchronous operations on files: a thousand logs synced at once must not hold a thousand files open. */
  readonly fileOperations: Limiter
  readonly tailCache: TailCache
  readonly indexCache: IndexCache
  readonly readBuffers: ReadBuffers
  readonly pace: WritePace
  /** Of `directory`: new logs that come together share it. */
  readonly directorySync: SharedSync
  readonly report: Report
  readonly usage: DiskUsage
  readonly removals: DelayedRemovals
  readonly reserve: SpaceReserve
  /** Decompressed size of one batch above which it is refused; Kafka has no such limit. */
  readonly decompressedBatchLimitBytes: number
  /** Where the directories of the logs lie. */
  readonly directory: string
  /** Asks for `flush` of this log at the end of the turn. */
  scheduleFlush(log: FlushableLog): void
  advanced(log: LogHandle, appendedBytes: number): void
}

export interface FlushableLog {
  flush(): void
}
