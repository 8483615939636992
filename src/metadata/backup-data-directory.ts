import { basename } from 'node:path'
import type { FileSystem } from '../io/file-system.ts'
import type { ProcessTable } from '../io/process-table.ts'
import { makeDirectoryDurably } from '../storage/local/durable-directory.ts'
import { writeNewFile } from '../storage/local/file-copy.ts'
import { identityProblem } from '../storage/local/log-directory.ts'
import {
  bytesOf,
  copyAsOf,
  copyPartition,
  cutPartition,
  type PartitionCut,
  type PartitionToCopy,
} from '../storage/local/partition-copy.ts'
import { METADATA_DIRECTORY, partitionDirectories, partitionOf } from '../storage/local/partition-directories.ts'
import { StorageError } from '../storage/local/storage-error.ts'
import { directoryState, type KnownTopics } from '../storage/local/verify-directory.ts'
import { GROUP_METADATA_TOPIC, SHARE_GROUP_STATE_TOPIC, TRANSACTION_STATE_TOPIC } from './internal-topics.ts'
import { imageOfStored } from './local-metadata.ts'
import { readMetadataLog, type StoredMetadata } from './metadata-log-reader.ts'
import { topicsOf } from './verify-data-directory.ts'

export interface DataToBackUp {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly destination: string
  /** Null where the disk is nobody else's. */
  readonly processes: ProcessTable | null
  /** Lets a moment pass. */
  readonly pause: () => Promise<void>
  readonly progress?: (doneBytes: number, ofBytes: number) => void
  /** Something that whoever restores the copy should know. */
  readonly note?: (message: string) => void
}

export interface BackupSummary {
  readonly partitions: number
  readonly bytes: number
  /** The copy starts as after a clean stop; otherwise as after a crash. */
  readonly clean: boolean
}

const CHECKPOINTS = [
  'recovery-point-offset-checkpoint',
  'log-start-offset-checkpoint',
  'replication-offset-checkpoint',
  'cleaner-offset-checkpoint',
]
/** They make a start believe the files without reading them: true of a stopped broker only. */
const MARKS = ['.odradek-manifest', '.kafka_cleanshutdown']
/** Says whose data a directory holds. Written last: without it nobody starts on half a copy. */
const IDENTITY = 'meta.properties'
const ATTEMPTS = 20

/** Order of the cut: what is committed about records before the records. */
const COORDINATORS = [GROUP_METADATA_TOPIC, SHARE_GROUP_STATE_TOPIC, TRANSACTION_STATE_TOPIC]

/**
 * Copies a data directory, also one that a broker is writing to, so that a start on the copy finds everything that was
 * acknowledged before: docs/backup.md says why. Never writes to the directory.
 */
export async function backUpDataDirectory(request: DataToBackUp): Promise<BackupSummary> {
  return new Backup(request).run()
}

type MetadataFiles = readonly (readonly [name: string, content: Buffer])[]

/** Everything at about one moment. */
interface Cut {
  readonly coordinators: readonly PartitionCut[]
  readonly others: readonly PartitionCut[]
  readonly metadata: MetadataFiles
  readonly topics: KnownTopics
}

class Backup {
  readonly #request: DataToBackUp
  readonly #running: boolean
  readonly #clean: boolean
  #doneBytes = 0
  #totalBytes = 0

  constructor(request: DataToBackUp) {
    const { fileSystem, directory } = request
    this.#request = request
    const { state } = directoryState(fileSystem, directory, request.processes)
    this.#running = state === 'running'
    this.#clean = state === 'clean'
  }

  async run(): Promise<BackupSummary> {
    const { fileSystem, directory, destination } = this.#request
    const problem = identityProblem(fileSystem, directory)
    if (problem !== null) throw new StorageError(`${directory}/${IDENTITY}: ${problem}; this is no data directory`)
    if (fileSystem.stat(destination)?.directory === false) throw new StorageError(`${destination} is a file`)
    if (fileSystem.list(destination).length > 0) {
      throw new StorageError(`${destination} is not empty: a backup needs a folder of its own`)
    }
    await makeDirectoryDurably(fileSystem, destination)
    // Before the logs: what they promise of them only becomes more true.
    const small = [...CHECKPOINTS, ...(this.#clean ? MARKS : []), IDENTITY].map((name) => {
      return [name, fileSystem.readFile(`${directory}/${name}`)] as const
    })
    const cut = await this.#copyCoordinators()
    let partitions = cut.coordinators.length
    for (const partition of cut.others) {
      if (await copyPartition(this.#partition(partition, cut.topics), partition)) partitions++
    }
    await this.#writeMetadata(cut.metadata)
    if (!this.#running) this.#refuseStart(cut.metadata)
    for (const [name, content] of small) {
      if (name === IDENTITY) await fileSystem.syncDirectory(destination)
      if (content !== null) await writeNewFile(fileSystem, `${destination}/${name}`, content)
    }
    await fileSystem.syncDirectory(destination)
    return { partitions, bytes: this.#doneBytes, clean: this.#clean }
  }

  /** A cut of which the coordinators' logs are copied already: compaction replaces them often. */
  async #copyCoordinators(): Promise<Cut> {
    const { fileSystem, destination, pause } = this.#request
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const cut = await this.#cut()
      let whole = true
      for (const partition of cut.coordinators) {
        const request = this.#partition(partition, cut.topics)
        whole &&= this.#running ? await copyAsOf(request, partition) : await copyPartition(request, partition)
        if (!whole) break
      }
      if (whole) return cut
      for (const { name } of cut.coordinators) await fileSystem.removeDirectory(`${destination}/${name}`)
      this.#doneBytes = 0
      await pause()
    }
    throw new StorageError('the logs of the coordinators change too often to be copied; try again')
  }

  /**
   * Takes the sizes of all logs. Committed offsets come first, so that the records they speak of are in the logs by
   * then; the metadata comes last, so that it knows every topic and producer id that the logs do.
   */
  async #cut(): Promise<Cut> {
    const { fileSystem, directory, note, pause } = this.#request
    for (let attempt = 1; ; attempt++) {
      const names = partitionDirectories(fileSystem, directory)
      const take = (wanted: readonly string[]) => wanted.map((name) => cutPartition(fileSystem, directory, name))
      const ofCoordinators = COORDINATORS.flatMap((topic) => names.filter((name) => topicOf(name) === topic))
      const transactions = names.filter((name) => topicOf(name) === TRANSACTION_STATE_TOPIC)
      const coordinators = take(ofCoordinators)
      const before = take(transactions)
      const others = take(names.filter((name) => !ofCoordinators.includes(name)))
      const still = JSON.stringify(take(transactions)) === JSON.stringify(before)
      const { metadata, topics } = await this.#readMetadata()
      if (!still && attempt < ATTEMPTS) {
        await pause()
        continue
      }
      if (!still) note?.('transactions ended while the sizes of the logs were taken: one may be there in part')
      // A topic that is being created or deleted right now.
      const known = ({ name }: PartitionCut) => !this.#running || isKnown(name, topics)
      const cut = { coordinators: coordinators.filter(known), others: others.filter(known), metadata, topics }
      this.#totalBytes = [...cut.coordinators, ...cut.others].reduce((sum, partition) => sum + bytesOf(partition), 0)
      return cut
    }
  }

  async #readMetadata(): Promise<Pick<Cut, 'metadata' | 'topics'>> {
    const { fileSystem, directory, pause } = this.#request
    const from = `${directory}/${METADATA_DIRECTORY}`
    for (let attempt = 1; ; attempt++) {
      const metadata = filesOf(fileSystem, from)
      // A stopped broker's is copied as it is, whatever it is.
      if (!this.#running) return { metadata, topics: new Map() }
      try {
        // From the bytes that go into the copy: the files change.
        const contents = new Map(metadata)
        const stored = readMetadataLog(
          { list: () => [...contents.keys()], readFile: (path) => contents.get(basename(path)) ?? null },
          from,
          false,
        )
        return { metadata: withoutTornEnd(metadata, stored), topics: topicsOf(imageOfStored(stored, '', from)) }
      } catch (error) {
        // Between the list of its files and the last of them a snapshot may have taken their place.
        if (!(error instanceof StorageError) || attempt === ATTEMPTS) throw error
        await pause()
      }
    }
  }

  #partition({ name }: PartitionCut, topics: KnownTopics): PartitionToCopy {
    const { fileSystem, directory, destination, progress } = this.#request
    return {
      fileSystem,
      from: directory,
      to: destination,
      running: this.#running,
      compacted: topics.get(topicOf(name))?.compacted ?? false,
      onBytes: (bytes) => {
        this.#doneBytes += bytes
        progress?.(this.#doneBytes, this.#totalBytes)
      },
    }
  }

  async #writeMetadata(metadata: MetadataFiles): Promise<void> {
    const { fileSystem, destination } = this.#request
    const to = `${destination}/${METADATA_DIRECTORY}`
    fileSystem.makeDirectory(to)
    for (const [name, content] of metadata) {
      await writeNewFile(fileSystem, `${to}/${name}`, content)
      this.#doneBytes += content.length
    }
    await fileSystem.syncDirectory(to)
  }

  /** Each start writes to the metadata: what was copied of the logs may be from before it, or from after. */
  #refuseStart(metadata: MetadataFiles): void {
    const { fileSystem, directory, processes } = this.#request
    const now = filesOf(fileSystem, `${directory}/${METADATA_DIRECTORY}`)
    const same = metadata.length === now.length && now.every(([, content], at) => metadata[at]![1].equals(content))
    if (same && directoryState(fileSystem, directory, processes).state !== 'running') return
    throw new StorageError(`a broker was started on ${directory} meanwhile: the copy is not whole, begin again`)
  }
}

function filesOf(fileSystem: FileSystem, directory: string): MetadataFiles {
  return fileSystem.list(directory).flatMap((name) => {
    if (name.endsWith('.tmp')) return []
    const content = fileSystem.readFile(`${directory}/${name}`)
    return content === null ? [] : [[name, content] as const]
  })
}

function withoutTornEnd(metadata: MetadataFiles, { tornEnd }: StoredMetadata): MetadataFiles {
  if (tornEnd === null) return metadata
  const torn = basename(tornEnd.path)
  return metadata.map(([name, content]) => [name, name === torn ? content.subarray(0, tornEnd.wholeBytes) : content])
}

function topicOf(name: string): string {
  return partitionOf(name)?.topic ?? ''
}

function isKnown(name: string, topics: KnownTopics): boolean {
  const { topic, partition } = partitionOf(name)!
  return partition < (topics.get(topic)?.partitions ?? 0)
}
