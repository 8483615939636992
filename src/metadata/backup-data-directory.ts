import type { FileSystem } from '../io/file-system.ts'
import type { ProcessTable } from '../io/process-table.ts'
import { makeDirectoryDurably } from '../storage/local/durable-directory.ts'
import { copyFile, writeNewFile } from '../storage/local/file-copy.ts'
import { directoryHolder, identityProblem, isCleanlyClosed, isDeletedName } from '../storage/local/log-directory.ts'
import {
  bytesOf,
  copyAsOf,
  copyPartition,
  cutPartition,
  type PartitionCut,
  type PartitionToCopy,
} from '../storage/local/partition-copy.ts'
import { StorageError } from '../storage/local/storage-error.ts'
import { GROUP_METADATA_TOPIC, SHARE_GROUP_STATE_TOPIC, TRANSACTION_STATE_TOPIC } from './internal-topics.ts'
import { imageOfStored } from './local-metadata.ts'
import { readMetadataLog, type StoredMetadata } from './metadata-log-reader.ts'
import { type KnownTopics, METADATA_DIRECTORY, topicsOf } from './verify-data-directory.ts'

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
const PARTITION_DIRECTORY = /^(.+)-\d+$/
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

/** Everything at one moment. */
interface Cut {
  readonly coordinators: readonly PartitionCut[]
  readonly others: readonly PartitionCut[]
  readonly metadata: readonly (readonly [name: string, content: Buffer])[]
  readonly topics: KnownTopics
}

class Backup {
  readonly #request: DataToBackUp
  readonly #holderPid: number | null
  readonly #clean: boolean
  #doneBytes = 0
  #totalBytes = 0

  constructor(request: DataToBackUp) {
    const { fileSystem, directory, processes } = request
    this.#request = request
    this.#holderPid = holderOf(request)
    this.#clean = this.#holderPid === null && isCleanlyClosed(fileSystem, directory)
    const problem = identityProblem(fileSystem, directory)
    if (problem !== null) throw new StorageError(`${directory}/${IDENTITY}: ${problem}; this is no data directory`)
    if (this.#holderPid !== null && processes === null) throw new Error('a holder without processes')
  }

  async run(): Promise<BackupSummary> {
    const { fileSystem, directory, destination } = this.#request
    if (fileSystem.stat(destination)?.directory === false) throw new StorageError(`${destination} is a file`)
    if (fileSystem.list(destination).length > 0) {
      throw new StorageError(`${destination} is not empty: a backup needs a folder of its own`)
    }
    await makeDirectoryDurably(fileSystem, destination)
    // Before anything else: what they promise of the logs only becomes more true.
    const small = [...CHECKPOINTS, ...(this.#clean ? MARKS : []), IDENTITY].map((name) => {
      return [name, fileSystem.readFile(`${directory}/${name}`)] as const
    })
    const { others, metadata, topics } = await this.#copyCoordinators()
    let partitions = 0
    for (const cut of others) if (await this.#copy(cut, topics)) partitions++
    await this.#writeMetadata(metadata)
    this.#refuseRestart()
    for (const [name, content] of small) {
      if (name === IDENTITY) await fileSystem.syncDirectory(destination)
      if (content !== null) await writeNewFile(fileSystem, `${destination}/${name}`, content)
    }
    await fileSystem.syncDirectory(destination)
    return { partitions, bytes: this.#doneBytes, clean: this.#clean }
  }

  /** A cut of which the coordinators' logs are copied already: compaction may replace them soon after. */
  async #copyCoordinators(): Promise<Cut> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const cut = await this.#cut()
      const copied: PartitionCut[] = []
      let whole = true
      for (const partition of cut.coordinators) {
        copied.push(partition)
        whole &&= await copyAsOf(this.#partition(partition, cut.topics), partition)
        if (!whole) break
      }
      if (whole) return cut
      for (const { name } of copied) {
        await this.#request.fileSystem.removeDirectory(`${this.#request.destination}/${name}`)
      }
      this.#doneBytes = 0
    }
    throw new StorageError('the logs of the coordinators change too often to be copied; try again')
  }

  /**
   * Takes the sizes of all logs at about one moment. Committed offsets come first, so that the records they speak of
   * are in the logs by then; the metadata comes last, so that it knows every topic and producer id in the logs.
   */
  async #cut(): Promise<Cut> {
    const { fileSystem, directory, note, pause } = this.#request
    for (let attempt = 1; ; attempt++) {
      const names = this.#partitionNames()
      const take = (wanted: readonly string[]) => wanted.map((name) => cutPartition(fileSystem, directory, name))
      const ofCoordinators = COORDINATORS.flatMap((topic) => names.filter((name) => topicOf(name) === topic))
      const transactions = names.filter((name) => topicOf(name) === TRANSACTION_STATE_TOPIC)
      const coordinators = take(ofCoordinators)
      const others = take(names.filter((name) => !ofCoordinators.includes(name)))
      // A transaction that ended between the first log and the last would be half committed in the copy.
      const still = sizesOf(take(transactions)) === sizesOf(coordinators.filter(({ name }) => transactions.includes(name)))
      const metadata = await this.#readMetadata()
      if (!still && attempt < ATTEMPTS) {
        await pause()
        continue
      }
      if (!still) note?.('transactions ended while the sizes of the logs were taken: one of them may be there in part')
      const known = ({ name }: PartitionCut) => this.#holderPid === null || isKnown(name, metadata.topics)
      const cut = { ...metadata, coordinators: coordinators.filter(known), others: others.filter(known) }
      this.#totalBytes = [...cut.coordinators, ...cut.others].reduce((sum, partition) => sum + bytesOf(partition), 0)
      return cut
    }
  }

  #partitionNames(): string[] {
    const { fileSystem, directory, note } = this.#request
    const names: string[] = []
    for (const name of fileSystem.list(directory)) {
      const isDirectory = fileSystem.stat(`${directory}/${name}`)?.directory ?? false
      if (!isDirectory || name === METADATA_DIRECTORY || isDeletedName(name)) continue
      if (PARTITION_DIRECTORY.test(name)) names.push(name)
      else note?.(`${directory}/${name} is not copied: it is no partition`)
    }
    return names
  }

  async #readMetadata(): Promise<Pick<Cut, 'metadata' | 'topics'>> {
    const { fileSystem, directory, pause } = this.#request
    const from = `${directory}/${METADATA_DIRECTORY}`
    for (let attempt = 1; ; attempt++) {
      const names = fileSystem.list(from).filter((name) => !name.endsWith('.tmp'))
      const files = names.map((name) => [name, fileSystem.readFile(`${from}/${name}`)] as const)
      const unchanged = fileSystem.list(from).filter((name) => !name.endsWith('.tmp')).join() === names.join()
      try {
        if (!unchanged || files.some(([, content]) => content === null)) throw new StorageError(`${from} keeps changing`)
        const metadata = files.map(([name, content]) => [name, content!] as const)
        // From the bytes that go into the copy, not from files that change.
        const stored: StoredMetadata = readMetadataLog(filesInMemory(from, new Map(metadata)), from, this.#clean)
        return { metadata: withoutTornEnd(metadata, stored), topics: topicsOf(imageOfStored(stored, '', from)) }
      } catch (error) {
        if (!(error instanceof StorageError) || this.#holderPid === null || attempt === ATTEMPTS) throw error
        await pause()
      }
    }
  }

  async #copy(cut: PartitionCut, topics: KnownTopics): Promise<boolean> {
    return copyPartition(this.#partition(cut, topics), cut)
  }

  #partition({ name }: PartitionCut, topics: KnownTopics): PartitionToCopy {
    const { fileSystem, directory, destination, progress } = this.#request
    return {
      fileSystem,
      from: directory,
      to: destination,
      running: this.#holderPid !== null,
      compacted: topics.get(topicOf(name))?.compacted ?? false,
      onBytes: (bytes) => {
        this.#doneBytes += bytes
        progress?.(this.#doneBytes, this.#totalBytes)
      },
    }
  }

  async #writeMetadata(metadata: Cut['metadata']): Promise<void> {
    const { fileSystem, destination } = this.#request
    const to = `${destination}/${METADATA_DIRECTORY}`
    fileSystem.makeDirectory(to)
    for (const [name, content] of metadata) {
      await writeNewFile(fileSystem, `${to}/${name}`, content)
      this.#doneBytes += content.length
    }
    await fileSystem.syncDirectory(to)
  }

  /** A start may cut off what was copied, and a stop is no matter. */
  #refuseRestart(): void {
    const { fileSystem, directory } = this.#request
    const holderPid = holderOf(this.#request)
    const sameState = this.#clean ? isCleanlyClosed(fileSystem, directory) : true
    if ((holderPid === null || holderPid === this.#holderPid) && sameState) return
    throw new StorageError(`a broker was started on ${directory} while it was copied: the copy is not whole, begin again`)
  }
}
