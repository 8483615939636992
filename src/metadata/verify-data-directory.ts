import { resolveTopicConfig } from '../config/topic-config.ts'
import type { FileSystem } from '../io/file-system.ts'
import type { ProcessTable } from '../io/process-table.ts'
import { METADATA_DIRECTORY } from '../storage/local/partition-directories.ts'
import { StorageError } from '../storage/local/storage-error.ts'
import {
  type DirectorySummary,
  directoryState,
  type KnownTopic,
  type KnownTopics,
  type Progress,
  verifyDirectory,
} from '../storage/local/verify-directory.ts'
import type { ReportFinding } from '../storage/local/verify-finding.ts'
import type { DirectoryState } from '../storage/local/verify-segment.ts'
import { ALL_BROKERS } from './broker-layers.ts'
import { imageOfStored } from './local-metadata.ts'
import { ConfigResource, type MetadataImage } from './metadata-image.ts'
import { readMetadataLog, SEGMENT_NAME, SNAPSHOT_NAME, type StoredMetadata } from './metadata-log-reader.ts'

export interface DataToVerify {
  readonly fileSystem: FileSystem
  readonly directory: string
  /** Null where the disk is nobody else's. */
  readonly processes: ProcessTable | null
  readonly report: ReportFinding
  readonly progress?: (done: Progress) => void
}

/** A running broker may write a snapshot while its files are listed. */
const ATTEMPTS = 5

/** Checks every file of a data directory against itself and the others. Opens nothing for writing. */
export async function verifyDataDirectory(request: DataToVerify): Promise<DirectorySummary> {
  const { fileSystem, directory, processes } = request
  const { state } = directoryState(fileSystem, directory, processes)
  const topics = verifyMetadata(request, state)
  return verifyDirectory({ ...request, topics })
}

/** The topics of the metadata; null when it cannot be read. */
function verifyMetadata(request: DataToVerify, state: DirectoryState): KnownTopics | null {
  const { fileSystem, report } = request
  const directory = `${request.directory}/${METADATA_DIRECTORY}`
  const stored = readStored(request, directory, state)
  if (stored === null) return null
  if (stored.nextOffset === 0) {
    report({
      level: 'error',
      file: directory,
      place: '',
      problem: 'there is no metadata',
      meaning: 'Nobody knows the topics of this directory',
      remedy: 'Restore the folder from a backup',
    })
    return null
  }
  const note = (file: string, problem: string, meaning: string, remedy: string) => {
    report({ level: 'note', file, place: '', problem, meaning, remedy })
  }
  for (const name of fileSystem.list(directory)) {
    if (SEGMENT_NAME.test(name) || SNAPSHOT_NAME.test(name)) continue
    note(`${directory}/${name}`, name.endsWith('.tmp') ? 'left over' : 'not a file of ours', 'Nothing reads it', '')
  }
  if (stored.tornEnd !== null && state === 'crashed') {
    const { path, tornBytes, wholeBytes } = stored.tornEnd
    const problem = `${tornBytes} bytes behind position ${wholeBytes} are no whole batch`
    note(path, problem, 'A write was cut short', 'The next start cuts them off')
  }
  for (const path of stored.damagedSnapshots) {
    note(path, 'the snapshot is damaged', 'What it stands for is all there', 'The next snapshot replaces it')
  }
  try {
    return topicsOf(imageOfStored(stored, '', directory))
  } catch (error) {
    refuse(request, directory, error)
    return null
  }
}

function readStored(request: DataToVerify, directory: string, state: DirectoryState): StoredMetadata | null {
  for (let attempt = 1; ; attempt++) {
    try {
      return readMetadataLog(request.fileSystem, directory, state === 'clean')
    } catch (error) {
      if (state === 'running' && attempt < ATTEMPTS) continue
      refuse(request, directory, error)
      return null
    }
  }
}

function refuse({ report }: DataToVerify, directory: string, error: unknown): void {
  if (!(error instanceof StorageError)) throw error
  const file = /^\S+\.(?:log|checkpoint)(?=[: ])/.exec(error.message)?.[0] ?? directory
  const problem = error.message.slice(error.message.startsWith(file) ? file.length : 0).replace(/^[: ]+|\.$/g, '')
  report({ level: 'error', file, place: '', problem, meaning: '', remedy: 'No broker starts on it as it is' })
}

/** What the storage has to know of the topics. */
export function topicsOf(image: MetadataImage): KnownTopics {
  const brokers = image.configuredResources(ConfigResource.BROKER).filter((name) => name !== ALL_BROKERS)
  // A directory belongs to one broker. What its own files say is not in it: a default set there is not known.
  const broker = image.configOf(ConfigResource.BROKER, brokers[0] ?? ALL_BROKERS)
  const cluster = image.configOf(ConfigResource.BROKER, ALL_BROKERS)
  const topics = new Map<string, KnownTopic>()
  for (const { name, id, partitions } of image.topics.values()) {
    const topic = image.configOf(ConfigResource.TOPIC, name)
    const config = resolveTopicConfig({ topic, broker, cluster, static: new Map() })
    topics.set(name, {
      topicId: id,
      partitions: partitions.length,
      compacted: config['cleanup.policy'].includes('compact'),
    })
  }
  return topics
}
