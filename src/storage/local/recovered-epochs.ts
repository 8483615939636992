import type { BatchHeader } from '../../../protocol/records/batch.ts'
import type { FileSystem } from '../../io/file-system.ts'
import { type EpochEntry, LeaderEpochCache, parseLeaderEpochs } from './leader-epoch-cache.ts'
import type { LoadRequest } from './loaded-log.ts'
import { StorageError } from './storage-error.ts'
import { refuseNewerCheckpoint } from './stored-offsets.ts'

/** The leader epochs of a log while it is loaded: those of the file, and those of batches that are read. */
export class RecoveredEpochs {
  cache = new LeaderEpochCache()
  #waiting: EpochEntry | null = null

  /** Reads the file; tells why it cannot be that of this log, or null. `firstBase`: of the first segment. */
  read(fileSystem: FileSystem, request: LoadRequest, firstBase: number | null): string | null {
    const path = `${request.directory()}/leader-epoch-checkpoint`
    const content = fileSystem.readFile(path)
    refuseNewerCheckpoint(content, path)
    // Every batch carries its epoch.
    if (request.reread) return null
    const written = firstBase !== null && (request.clean || request.expectedEndOffset > 0)
    if (content === null) return written ? `${path} is missing` : null
    try {
      this.cache = parseLeaderEpochs(content, path)
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      return error.message
    }
    const logStart = Math.max(request.logStartOffset, firstBase ?? 0)
    const knownFrom = this.cache.entries[0]?.startOffset ?? Number.POSITIVE_INFINITY
    if (!written || knownFrom <= logStart) return null
    return (
      `${path} begins at offset ${knownFrom} and the log at ${logStart}; records deleted with DeleteRecords are ` +
      'there again when log-start-offset-checkpoint has lost where it began'
    )
  }

  /**
   * The epoch of a batch is not covered by its CRC, and one that is too high hides all that follow: it counts when the
   * next batch has no lower one.
   */
  note({ partitionLeaderEpoch, baseOffset }: BatchHeader): void {
    this.finish(partitionLeaderEpoch)
    this.#waiting = { epoch: partitionLeaderEpoch, startOffset: baseOffset }
  }

  /** `most`: what the last batch can have. */
  finish(most: number): void {
    if (this.#waiting !== null && this.#waiting.epoch <= most)
      this.cache.assign(this.#waiting.epoch, this.#waiting.startOffset)
  }
}
