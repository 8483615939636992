import type { FileSystem } from '../../io/file-system.ts'
import type { ProcessTable } from '../../io/process-table.ts'
import { readOffsetCheckpoint } from './checkpoint-file.ts'
import { directoryHolder, identityProblem, isCleanlyClosed, isDeletedName, isStrayName } from './log-directory.ts'
import { parsePartitionMetadata } from './log-files.ts'
import { METADATA_DIRECTORY, partitionOf } from './partition-directories.ts'
import { StorageError } from './storage-error.ts'
import { TRANSACTION_INDEXES } from './transaction-index-checkpoint.ts'
import { type Finding, lostText, RESTORE, type ReportFinding } from './verify-finding.ts'
import { type CheckpointedOffsets, verifyPartition } from './verify-partition.ts'
import type { DirectoryState } from './verify-segment.ts'

/** A topic as the metadata has it. */
export interface KnownTopic {
  readonly topicId: string
  readonly partitions: number
  /** Its cleanup policy contains compact. */
  readonly compacted: boolean
}

/** By name. */
export type KnownTopics = ReadonlyMap<string, KnownTopic>

export interface DirectoryToVerify {
  readonly fileSystem: FileSystem
  readonly directory: string
  /** Tells whether the process in the lock file runs; null where the disk is nobody else's. */
  readonly processes: ProcessTable | null
  /** Null when the metadata cannot be read. */
  readonly topics: KnownTopics | null
  readonly report: ReportFinding
  readonly progress?: (done: Progress) => void
}

export interface Progress {
  readonly partitions: number
  readonly ofPartitions: number
  readonly bytes: number
}

export interface DirectorySummary {
  readonly state: DirectoryState
  readonly partitions: number
  readonly segments: number
  readonly batches: number
  readonly bytes: number
}

const CHECKPOINTS = [
  'recovery-point-offset-checkpoint',
  'log-start-offset-checkpoint',
  'replication-offset-checkpoint',
  'cleaner-offset-checkpoint',
] as const
type CheckpointName = (typeof CHECKPOINTS)[number]
type Checkpoints = ReadonlyMap<CheckpointName, ReadonlyMap<string, number>>

const ROOT_FILES = new Set<string>([
  ...CHECKPOINTS,
  'meta.properties',
  '.lock',
  TRANSACTION_INDEXES,
  '.kafka_cleanshutdown',
  '.odradek-manifest',
  '.odradek-reserve',
])

/** How a directory was left, without touching it; or who uses it. */
export function directoryState(
  fileSystem: FileSystem,
  directory: string,
  processes: ProcessTable | null,
): { readonly state: DirectoryState; readonly holderPid: number | null } {
  const holder = processes && directoryHolder(fileSystem, directory, processes)
  if (holder) return { state: 'running', holderPid: holder.pid }
  return { state: isCleanlyClosed(fileSystem, directory) ? 'clean' : 'crashed', holderPid: null }
}

/** Checks every file of a data directory but the metadata's own. Reads, and does nothing else. */
export async function verifyDirectory(request: DirectoryToVerify): Promise<DirectorySummary> {
  return new DirectoryCheck(request).run()
}

class DirectoryCheck {
  readonly #request: DirectoryToVerify
  readonly #state: DirectoryState
  /** Read before the logs, which a running broker only makes longer. */
  readonly #checkpoints: Checkpoints
  readonly #seen = new Set<string>()
  #segments = 0
  #batches = 0
  #bytes = 0

  constructor(request: DirectoryToVerify) {
    this.#request = request
    this.#state = directoryState(request.fileSystem, request.directory, request.processes).state
    const { fileSystem, directory } = request
    this.#checkpoints = readCheckpoints(fileSystem, directory, (problem, name) => {
      // A clean stop leaves all of them, a broker in its first minute none.
      if (problem === MISSING && this.#state !== 'clean') return
      this.#add('error', name, problem, MEANINGS[name], RESTORE)
    })
  }

  async run(): Promise<DirectorySummary> {
    const { fileSystem, directory, progress } = this.#request
    this.#checkIdentity()
    const names = fileSystem.list(directory)
    const partitions = names.filter((name) => this.#isPartition(name))
    for (const [index, name] of partitions.entries()) {
      progress?.({ partitions: index, ofPartitions: partitions.length, bytes: this.#bytes })
      await this.#verifyPartition(name, (bytes) => {
        this.#bytes += bytes
        progress?.({ partitions: index, ofPartitions: partitions.length, bytes: this.#bytes })
      })
    }
    this.#checkMissingPartitions()
    return {
      state: this.#state,
      partitions: partitions.length,
      segments: this.#segments,
      batches: this.#batches,
      bytes: this.#bytes,
    }
  }

  #checkIdentity(): void {
    const { fileSystem, directory } = this.#request
    const problem = identityProblem(fileSystem, directory)
    if (problem === null) return
    // What can be done is part of the problem, but for a file that is not there.
    const [what, remedy] = problem.endsWith('.') ? [problem.slice(0, -1), ''] : [problem, RESTORE]
    this.#add('error', 'meta.properties', what, 'No broker starts on this directory', remedy)
  }

  /** A name of a partition's directory; notes what is neither that nor any other name of ours. */
  #isPartition(name: string): boolean {
    const { fileSystem, directory } = this.#request
    if (ROOT_FILES.has(name) || name === METADATA_DIRECTORY) return false
    const isDirectory = fileSystem.stat(`${directory}/${name}`)?.directory ?? false
    if (isDirectory && isDeletedName(name)) {
      const remedy = this.#state === 'running' ? '' : 'The next start removes it'
      this.#add('note', name, 'of a deleted topic', 'Nothing reads it', remedy)
    } else if (isDirectory && isStrayName(name)) {
      const remedy = 'Remove it when nothing in it is wanted any more'
      this.#add('note', name, 'moved aside, since it belongs to no topic', 'Nothing reads it', remedy)
    } else if (isDirectory && partitionOf(name) !== null) return true
    else this.#add('note', name, 'not a file of ours', 'Nothing reads it', '')
    return false
  }

  async #verifyPartition(name: string, onBytes: (bytes: number) => void): Promise<void> {
    const { fileSystem, directory, report } = this.#request
    this.#seen.add(name)
    const topic = this.#topicOf(name)
    if (topic === 'unknown') {
      this.#add(
        this.#state === 'clean' ? 'error' : 'note',
        name,
        'the metadata has no such partition',
        'Its topic was deleted, or the metadata has lost it. Nobody can read the records',
        'The next start moves the folder aside and keeps it',
      )
    } else this.#checkOwner(name, topic)
    const { segments, batches } = await verifyPartition({
      fileSystem,
      directory: `${directory}/${name}`,
      state: this.#state,
      offsets: offsetsOf(this.#checkpoints, name),
      compacted: topic === null || topic === 'unknown' || topic.compacted,
      report,
      onBytes,
    })
    this.#segments += segments
    this.#batches += batches
  }

  /** Null when the metadata cannot be asked. */
  #topicOf(name: string): KnownTopic | 'unknown' | null {
    const { topics } = this.#request
    if (topics === null) return null
    const place = partitionOf(name)
    const topic = topics.get(place?.topic ?? '')
    return topic !== undefined && place!.partition < topic.partitions ? topic : 'unknown'
  }

  #checkOwner(name: string, topic: KnownTopic | null): void {
    const { fileSystem, directory } = this.#request
    const file = `${name}/partition.metadata`
    const names = fileSystem.list(`${directory}/${name}`)
    const hasData = names.some((file) => file.endsWith('.log'))
    const content = names.includes('partition.metadata') ? fileSystem.readFile(`${directory}/${file}`) : null
    const owner = parsePartitionMetadata(content)
    const level = hasData ? 'error' : 'note'
    const meaning = 'Nothing says whose records these are'
    const expected = topic ? `topic_id: ${topic.topicId}` : 'its topic id'
    if (content === null) this.#add(level, file, 'the file is missing', meaning, `It should say ${expected}`)
    else if (owner === null) this.#add(level, file, 'the file is damaged', meaning, `It should say ${expected}`)
    else if (topic !== null && owner !== topic.topicId) {
      const problem = `it says topic id ${owner}, the metadata ${topic.topicId}`
      this.#add('error', file, problem, 'The records belong to another topic of the same name', RESTORE)
    }
  }

  /** Partitions that the checkpoints know and that have no directory. One never written to has none, and needs none. */
  #checkMissingPartitions(): void {
    const known = new Set([...this.#checkpoints.values()].flatMap((offsets) => [...offsets.keys()]))
    for (const name of known) {
      if (this.#seen.has(name)) continue
      if (this.#topicOf(name) === 'unknown') {
        this.#add('note', name, 'the checkpoints know it, the metadata does not', 'Its topic was deleted', '')
        continue
      }
      const { recoveryPoint = 0, logStart = 0, highWatermark = 0 } = offsetsOf(this.#checkpoints, name)
      const end = Math.max(recoveryPoint, this.#state === 'clean' ? highWatermark : 0)
      if (end <= logStart) continue
      const meaning = `${lostText(logStart, end)} lost`
      this.#add('error', name, 'the folder is missing', meaning, 'Restore it from a backup')
    }
  }

  #add(level: Finding['level'], name: string, problem: string, meaning: string, remedy: string): void {
    const file = `${this.#request.directory}/${name}`
    this.#request.report({ level, file, place: '', problem, meaning, remedy })
  }
}

const MISSING = 'the file is missing'

/** The four checkpoint files; what is wrong with one of them is told, and it counts as empty. */
export function readCheckpoints(
  fileSystem: FileSystem,
  directory: string,
  onProblem: (problem: string, name: CheckpointName) => void,
): Checkpoints {
  const read = (name: CheckpointName) => {
    const path = `${directory}/${name}`
    try {
      if (!fileSystem.exists(path)) onProblem(MISSING, name)
      return readOffsetCheckpoint(fileSystem, path)
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      onProblem(error.message.replace(`${path}: `, ''), name)
      return new Map<string, number>()
    }
  }
  return new Map(CHECKPOINTS.map((name) => [name, read(name)]))
}

/** What they say of one partition, `topic-partition`. */
export function offsetsOf(checkpoints: Checkpoints, name: string): CheckpointedOffsets {
  return {
    recoveryPoint: checkpoints.get('recovery-point-offset-checkpoint')?.get(name),
    logStart: checkpoints.get('log-start-offset-checkpoint')?.get(name),
    highWatermark: checkpoints.get('replication-offset-checkpoint')?.get(name),
    cleaned: checkpoints.get('cleaner-offset-checkpoint')?.get(name),
  }
}

/** What follows when a checkpoint file does not tell. */
const MEANINGS: Readonly<Record<CheckpointName, string>> = {
  'recovery-point-offset-checkpoint': 'After a crash the next start reads all logs from their beginning',
  'log-start-offset-checkpoint': 'Records that were deleted with DeleteRecords may be readable again',
  'replication-offset-checkpoint': 'A log that became shorter is not noticed',
  'cleaner-offset-checkpoint': 'Compaction begins from the start of each log again',
}
