import type { LeaderEpochCache } from './leader-epoch-cache.ts'
import type { LogSegment } from './log-segment.ts'
import type { ProducerState } from './producer-state.ts'

/** What is known of a log before its directory is read. */
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
  /** Batches may be missing below: those of a compacted log, and of one that was. */
  readonly gapsBelow: number
  /** Of the partition now: no batch can have a higher one. */
  readonly leaderEpoch: number
  /** Checksums of transaction indexes, by base offset, as far as they are known. */
  readonly transactionIndexes: ReadonlyMap<number, number>
  /** It had been written up to there, to the operating system at least. */
  readonly writtenOffset: number
  /** The log ended there or later, and that was on the disk: below, nothing may be missing. */
  readonly expectedEndOffset: number
  /** Where the log began, as far as that is known better than from the files themselves; otherwise null. */
  readonly expectedStartOffset: number | null
  /** Files were found not to be what they claim: every batch is read and every index made anew. */
  readonly reread: boolean
  readonly indexIntervalBytes: number
  readonly newJitterMs: () => number
}

/** What came of it: all that a log needs to go on. */
export interface LoadedLog {
  /** At least one; the last one takes appends and has its indexes in memory. */
  readonly segments: LogSegment[]
  readonly logStartOffset: number
  readonly logEndOffset: number
  readonly recoveryPoint: number
  readonly epochs: LeaderEpochCache
  readonly producers: ProducerState
  readonly snapshotOffsets: number[]
  /** The producers where the last segment begins, when no snapshot is as new: removed segments may be all that knows them. */
  readonly snapshot: { readonly offset: number; readonly content: Buffer } | null
  readonly directoryExists: boolean
  /** Names in the directory, and its own, may not be on the disk: an earlier process was killed, or recovery removed some. */
  readonly namesUnsynced: boolean
  /** Full segments whose indexes were made anew and are in memory only. */
  readonly rebuilt: readonly LogSegment[]
  readonly gapsBelow: number
  /** Something was lost at its end, and the log goes on behind that: to be noted before it takes an append. */
  readonly goesOnBehindLoss: boolean
}
