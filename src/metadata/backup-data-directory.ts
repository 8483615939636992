import { basename } from 'node:path'
import type { FileSystem } from '../io/file-system.ts'
import type { ProcessTable } from '../io/process-table.ts'
import { formatCheckpoint, parseCheckpoint } from '../storage/local/checkpoint-file.ts'
import { makeDirectoryDurably } from '../storage/local/durable-directory.ts'
import { writeNewFile } from '../storage/local/file-copy.ts'
import { identityProblem } from '../storage/local/log-directory.ts'
import { parsePartitionMetadata } from '../storage/local/log-files.ts'
import {
  bytesOf,
  closePartition,
  copyOpened,
  copyPartition,
  cutPartition,
  type OpenPartition,
  openPartition,
  type PartitionCut,
  type PartitionToCopy,
} from '../storage/local/partition-copy.ts'
import { METADATA_DIRECTORY, partitionDirectories, partitionOf } from '../storage/local/partition-directories.ts'
import { StorageError, systemErrorCode } from '../storage/local/storage-error.ts'
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
const AGAIN = 'try again when less is going on'
const ELSEWHERE = 'Make room there, or name a folder on another disk'
const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

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
  /** Of a running broker; compaction replaces their segments often. */
  readonly coordinators: readonly OpenPartition[]
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
    if (problem !== null) throw new StorageError(`${directory} cannot be backed up: ${IDENTITY}: ${problem}`)
    if (fileSystem.stat(destination)?.directory === false) {
      throw new StorageError(`${destination} is a file: name a new or an empty folder`)
    }
    if (fileSystem.list(destination).length > 0) {
      throw new StorageError(`${destination} is not empty: name a new or an empty folder, one for each backup`)
    }
    await makeDirectoryDurably(fileSystem, destination)
    try {
      return await this.#copy()
    } catch (error) {
      await this.#removeCopy()
      throw FULL.has(systemErrorCode(error)) ? new StorageError(this.#fullDisk()) : error
    }
  }

  /** Half a copy is of no use, and would be in the way of the next one. */
  async #removeCopy(): Promise<void> {
    const { fileSystem, destination } = this.#request
    for (const name of fileSystem.list(destination)) {
      const path = `${destination}/${name}`
      if (fileSystem.stat(path)?.directory) await fileSystem.removeDirectory(path)
      else fileSystem.unlink(path)
    }
  }

  /** Before it fills a disk that the broker may need as well. */
  #refuseTooLarge(cuts: readonly PartitionCut[], metadata: MetadataFiles): void {
    const { fileSystem, destination } = this.#request
    const logBytes = cuts.reduce((sum, cut) => sum + bytesOf(cut), 0)
    this.#totalBytes = metadata.reduce((sum, [, content]) => sum + content.length, logBytes)
    const freeBytes = fileSystem.space(destination)?.freeBytes ?? Number.POSITIVE_INFINITY
    if (freeBytes >= this.#totalBytes) return
    throw new StorageError(
      `${destination}: the copy needs ${megabytes(this.#totalBytes)}, and ${megabytes(freeBytes)} are free. ${ELSEWHERE}`,
    )
  }

  #fullDisk(): string {
    const [done, all] = [this.#doneBytes, this.#totalBytes].map(megabytes)
    return `${this.#request.destination}: the disk was full after ${done} of ${all}; they were removed. ${ELSEWHERE}`
  }

  async #copy(): Promise<BackupSummary> {
    const { fileSystem, directory, destination } = this.#request
    const { topics: before } = await this.#readMetadata()
    // Before the logs: what they promise of them only becomes more true.
    const small = [...CHECKPOINTS, ...(this.#clean ? MARKS : []), IDENTITY].map((name) => {
      return [name, fileSystem.readFile(`${directory}/${name}`)] as const
    })
    const cut = await this.#cut(before)
    const copied = await this.#copyPartitions(cut)
    const { metadata, topics } = this.#running ? await this.#readMetadata() : cut
    const partitions = this.#running ? await this.#dropDeleted(copied, topics) : copied.length
    await this.#writeMetadata(metadata)
    if (!this.#running) this.#refuseStart(metadata)
    for (const [name, content] of small) {
      if (name === IDENTITY) await fileSystem.syncDirectory(destination)
      if (content === null) continue
      const isCheckpoint = this.#running && CHECKPOINTS.includes(name)
      const kept = isCheckpoint ? this.#withoutReplaced(name, content, before, topics) : content
      await writeNewFile(fileSystem, `${destination}/${name}`, kept)
    }
    await fileSystem.syncDirectory(destination)
    return { partitions, bytes: this.#doneBytes, clean: this.#clean }
  }

  /** Their names. */
  async #copyPartitions({ coordinators, others, topics }: Cut): Promise<string[]> {
    const copied: string[] = []
    try {
      for (const opened of coordinators) {
        await copyOpened(this.#partition(opened.cut, topics), opened)
        copied.push(opened.cut.name)
      }
    } finally {
      coordinators.forEach(closePartition)
    }
    for (const cut of others) {
      if (await copyPartition(this.#partition(cut, topics), cut)) copied.push(cut.name)
    }
    return copied
  }

  /**
   * A topic that was deleted meanwhile may have been copied in part, and one that was created in its place is another
   * one. Returns how many partitions are left.
   */
  async #dropDeleted(copied: readonly string[], topics: KnownTopics): Promise<number> {
    const { fileSystem, destination } = this.#request
    let left = 0
    for (const name of copied) {
      const owner = parsePartitionMetadata(fileSystem.readFile(`${destination}/${name}/partition.metadata`))
      const topicId = topics.get(topicOf(name))?.topicId
      if (isKnown(name, topics) && (owner === null || owner === topicId)) left++
      else await fileSystem.removeDirectory(`${destination}/${name}`)
    }
    return left
  }

  /** What a checkpoint says of topics that are still the same ones. */
  #withoutReplaced(name: string, content: Buffer, before: KnownTopics, now: KnownTopics): Buffer {
    try {
      const lines = parseCheckpoint(content, name)
      return formatCheckpoint(
        lines.filter((line) => {
          const topic = line.slice(0, line.indexOf(' '))
          return before.get(topic)?.topicId === now.get(topic)?.topicId
        }),
      )
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      return content // Damaged: for `verify` to name.
    }
  }

  /**
   * Takes the sizes of all logs. Committed offsets come first, so that the records they speak of are in the logs by
   * then. The metadata of the copy is taken when everything is copied: it knows every topic and producer id of the logs.
   */
  async #cut(before: KnownTopics): Promise<Cut> {
    const { fileSystem, directory, note, pause } = this.#request
    for (let attempt = 1; ; attempt++) {
      const names = partitionDirectories(fileSystem, directory)
      const take = (wanted: readonly string[]) => wanted.map((name) => cutPartition(fileSystem, directory, name))
      const first = this.#running
        ? COORDINATORS.flatMap((topic) => names.filter((name) => topicOf(name) === topic && isKnown(name, before)))
        : []
      const transactions = names.filter((name) => topicOf(name) === TRANSACTION_STATE_TOPIC)
      const coordinators = this.#openAll(take(first), before)
      if (coordinators === null) {
        if (attempt >= ATTEMPTS) throw new StorageError(`the logs of the coordinators change too often; ${AGAIN}`)
        await pause()
        continue
      }
      const transactionsBefore = take(transactions)
      const others = take(names.filter((name) => !first.includes(name)))
      const still = JSON.stringify(take(transactions)) === JSON.stringify(transactionsBefore)
      const { metadata, topics } = await this.#readMetadata()
      if (!still && attempt < ATTEMPTS) {
        coordinators.forEach(closePartition)
        await pause()
        continue
      }
      if (!still) note?.('transactions ended while the sizes of the logs were taken: one may be there in part')
      // A topic that is being created or deleted right now.
      const known = others.filter(({ name }) => !this.#running || isKnown(name, topics))
      this.#refuseTooLarge([...coordinators.map(({ cut }) => cut), ...known], metadata)
      return { coordinators, others: known, metadata, topics }
    }
  }

  /** Null when one of them was changed in this very moment. */
  #openAll(cuts: readonly PartitionCut[], topics: KnownTopics): OpenPartition[] | null {
    const opened: OpenPartition[] = []
    for (const cut of cuts) {
      const partition = openPartition(this.#partition(cut, topics), cut)
      if (partition === null) {
        opened.forEach(closePartition)
        return null
      }
      opened.push(partition)
    }
    return opened
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
    const { fileSystem, directory, destination, pause, progress } = this.#request
    return {
      fileSystem,
      from: directory,
      to: destination,
      running: this.#running,
      compacted: topics.get(topicOf(name))?.compacted ?? true,
      pause,
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

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}

function topicOf(name: string): string {
  return partitionOf(name)?.topic ?? ''
}

function isKnown(name: string, topics: KnownTopics): boolean {
  const { topic, partition } = partitionOf(name)!
  return partition < (topics.get(topic)?.partitions ?? 0)
}
