import type { FileSystem } from '../../io/file-system.ts'
import { readOffsetCheckpoint } from './checkpoint-file.ts'
import type { Report } from './log-context.ts'
import { StorageError } from './storage-error.ts'

export const RECOVERY_POINTS = 'recovery-point-offset-checkpoint'
export const LOG_STARTS = 'log-start-offset-checkpoint'
export const HIGH_WATERMARKS = 'replication-offset-checkpoint'
export const CLEANED = 'cleaner-offset-checkpoint'

/** What the four checkpoint files say, by `topic-partition`. */
export interface StoredOffsets {
  readonly recoveryPoints: Map<string, number>
  readonly logStarts: Map<string, number>
  readonly highWatermarks: Map<string, number>
  readonly cleanedOffsets: Map<string, number>
}

/** What a start does without the file; null where that is not for a broker to decide. */
const WITHOUT: Readonly<Record<string, string | null>> = {
  [RECOVERY_POINTS]: 'all logs are read from their beginning, should the last stop not have been in order',
  [LOG_STARTS]: null,
  [HIGH_WATERMARKS]: 'a log that has become shorter cannot be told from one that was always short',
  [CLEANED]: 'compaction begins at the start of each log again',
}

/**
 * Reads the checkpoint files; touches nothing. A damaged one is done without where nothing is lost by that, and is
 * never taken for an empty one in silence. `complete`: the last stop left all four.
 */
export function readStoredOffsets(
  fileSystem: FileSystem,
  directory: string,
  complete: boolean,
  report: Report,
): StoredOffsets {
  const read = (name: string) => readOne(fileSystem, `${directory}/${name}`, WITHOUT[name] ?? null, complete, report)
  return {
    recoveryPoints: read(RECOVERY_POINTS),
    logStarts: read(LOG_STARTS),
    highWatermarks: read(HIGH_WATERMARKS),
    cleanedOffsets: read(CLEANED),
  }
}

function readOne(
  fileSystem: FileSystem,
  path: string,
  without: string | null,
  complete: boolean,
  report: Report,
): Map<string, number> {
  const content = fileSystem.readFile(path)
  refuseNewerCheckpoint(content, path)
  const consequence = without ?? 'records that were deleted with DeleteRecords may be readable again'
  if (complete && (content === null || content.length === 0)) {
    report('warn', `${path} is ${content === null ? 'missing' : 'empty'}: ${consequence}`)
    return new Map()
  }
  try {
    return readOffsetCheckpoint(fileSystem, path)
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    if (without === null) {
      throw new StorageError(`${error.message}. Restore the file from a backup, or delete it: ${consequence} then.`)
    }
    report('warn', `${error.message}. The file is done without: ${consequence}`)
    return new Map()
  }
}

/** Throws StorageError for a checkpoint file of a later format. */
export function refuseNewerCheckpoint(content: Buffer | null, path: string): void {
  const version = /^(\d{1,3})\n/.exec(content?.subarray(0, 8).toString('latin1') ?? '')?.[1]
  if (version === undefined || Number(version) === 0) return
  throw new StorageError(
    `${path}: version ${version} is newer than 0, the newest known here; the directory is left alone. ` +
      'Start it with the version that wrote it.',
  )
}
