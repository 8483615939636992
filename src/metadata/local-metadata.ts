import { dirname } from 'node:path'
import type { Logger } from 'pino'
import type { Clock } from '../io/clock.ts'
import type { FileSystem } from '../io/file-system.ts'
import { partitionDirectories } from '../storage/local/partition-directories.ts'
import { StorageError } from '../storage/local/storage-error.ts'
import { applyRecords, emptyImage } from './image-builder.ts'
import { beginLeadership } from './leadership.ts'
import type { Decision, Metadata, MetadataListener, MetadataRecord, PublishedListener } from './metadata.ts'
import type { MetadataImage } from './metadata-image.ts'
import { MetadataLog } from './metadata-log.ts'
import { readMetadataLog, type StoredMetadata } from './metadata-log-reader.ts'
import { featureLevelRecord, registerBrokerRecord } from './metadata-record.ts'
import { type Registration, snapshotRecords } from './snapshot-records.ts'

/** KIP-890 in full. */
export const TRANSACTION_VERSION = { name: 'transaction.version', min: 0, max: 2 } as const
/** The feature level of Apache Kafka 4.3: the formats of the records that this broker writes. */
export const METADATA_VERSION = { name: 'metadata.version', min: 7, max: 30 } as const

const SNAPSHOT_AFTER_BYTES = 1024 * 1024
const SNAPSHOT_GROWTH = 2

export interface LocalMetadataOptions {
  readonly fs: FileSystem
  readonly clock: Clock
  /** `…/__cluster_metadata-0`. */
  readonly directory: string
  readonly clusterId: string
  readonly nodeId: number
  /** False under `--durability os`. */
  readonly sync: boolean
  /** What each broker of this process says of itself at each start. */
  readonly registrations: readonly Omit<Registration, 'brokerEpoch' | 'fenced'>[]
  readonly logger: Logger
  /** Every leadership begins with at least this epoch; 0 unless given. */
  readonly leastLeaderEpoch?: number
  /** A snapshot is written once the log has grown by so much, and by twice what a snapshot takes; 1 MiB unless given. */
  readonly snapshotAfterBytes?: number
}

interface Command {
  readonly decide: (image: MetadataImage) => Decision<unknown>
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

/** Metadata of a node that is its own controller: commands become records, records become images. */
export class LocalMetadata implements Metadata {
  readonly #log: MetadataLog
  readonly #registrations: readonly Registration[]
  readonly #logger: Logger
  readonly #listeners: MetadataListener[] = []
  readonly #published: PublishedListener[] = []
  #image: MetadataImage
  #queue: Command[] = []
  #running: Promise<void> | null = null
  readonly #snapshotAfterBytes: number
  #closed = false

  private constructor(
    log: MetadataLog,
    image: MetadataImage,
    registrations: readonly Registration[],
    { logger, snapshotAfterBytes }: LocalMetadataOptions,
  ) {
    this.#log = log
    this.#logger = logger
    this.#snapshotAfterBytes = snapshotAfterBytes ?? SNAPSHOT_AFTER_BYTES
    this.#image = image
    this.#registrations = registrations
  }

  /**
   * Begins a new leadership of everything this node leads, on what is stored; `found` saves reading what was read
   * already.
   */
  static async open(options: LocalMetadataOptions, found?: FoundMetadata): Promise<LocalMetadata> {
    const { directory, logger, fs, clusterId } = options
    const { stored, image } = found ?? findMetadata(fs, directory, { clusterId, clean: false })
    const log = new MetadataLog(options)
    log.load(stored)
    if (stored.tornEnd !== null) {
      const { path, wholeBytes, tornBytes } = stored.tornEnd
      logger.warn(`${path} ended in an unfinished append: ${tornBytes} bytes are cut off at position ${wholeBytes}`)
    }
    for (const path of stored.damagedSnapshots) {
      logger.warn(`${path} is damaged; the metadata before it is all there and was read instead`)
    }
    let registrations: readonly Registration[] = []
    const { records, lastOffset } = await log.begin((offset) => {
      registrations = options.registrations.map((one) => ({ ...one, brokerEpoch: offset, fenced: false }))
      return startRecords(image, registrations, options.leastLeaderEpoch)
    })
    return new LocalMetadata(log, applyRecords(image, records, lastOffset), registrations, options)
  }

  get image(): MetadataImage {
    return this.#image
  }

  onChange(listener: MetadataListener): void {
    this.#listeners.push(listener)
  }

  onPublished(listener: PublishedListener): void {
    this.#published.push(listener)
  }

  change<T>(decide: (image: MetadataImage) => Decision<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new Error('the metadata is closed'))
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ decide, resolve: resolve as (result: unknown) => void, reject })
      this.#running ??= this.#run()
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#running
    this.#log.close()
  }

  /** Commands that wait together share one append; each decides on the image that those before it made. */
  async #run(): Promise<void> {
    // A turn of grace: commands of one burst come in one after the other.
    await null
    while (this.#queue.length > 0) {
      const commands = this.#queue
      this.#queue = []
      await this.#runTogether(commands)
    }
    this.#running = null
  }

  async #runTogether(commands: readonly Command[]): Promise<void> {
    const { decided, records, next } = this.#decideAll(commands)
    if (records.length === 0) {
      for (const { command, result } of decided) command.resolve(result)
      return
    }
    try {
      await this.#log.append(records)
    } catch (error) {
      // Those that change nothing have seen what the others were about to change.
      for (const { command } of decided) command.reject(error)
      return
    }
    const failure = await this.#publish(next)
    for (const { command, result, changes } of decided) {
      if (failure !== null && changes) command.reject(failure.error)
      else command.resolve(result)
    }
    await this.#snapshotWhenDue()
  }

  #decideAll(commands: readonly Command[]) {
    let next = this.#image
    const records: MetadataRecord[] = []
    const decided: { command: Command; result: unknown; changes: boolean }[] = []
    for (const command of commands) {
      try {
        const decision = command.decide(next)
        const lastOffset = this.#log.nextOffset + records.length + decision.records.length - 1
        if (decision.records.length > 0) next = applyRecords(next, decision.records, lastOffset)
        for (const record of decision.records) records.push(record)
        decided.push({ command, result: decision.result, changes: decision.records.length > 0 })
      } catch (error) {
        command.reject(error)
      }
    }
    return { decided, records, next }
  }

  /** What is in the log has happened, also when somebody could not follow: the image must say so either way. */
  async #publish(next: MetadataImage): Promise<{ readonly error: unknown } | null> {
    const previous = this.#image
    let failure: { readonly error: unknown } | null = null
    for (const listener of this.#listeners) {
      try {
        await listener(next, previous)
      } catch (error) {
        failure ??= { error }
      }
    }
    this.#image = next
    for (const listener of this.#published) listener(next, previous)
    return failure
  }

  async #snapshotWhenDue(): Promise<void> {
    const { bytesSinceSnapshot, snapshotBytes } = this.#log
    if (bytesSinceSnapshot < Math.max(this.#snapshotAfterBytes, SNAPSHOT_GROWTH * snapshotBytes)) return
    try {
      await this.#log.snapshot(snapshotRecords(this.#image, this.#registrations))
    } catch (error) {
      // Nothing is lost: the log still holds everything, and the next change tries again.
      this.#logger.error({ err: error }, 'the metadata snapshot could not be written; the metadata log keeps growing')
    }
  }
}

export interface FoundMetadata {
  readonly stored: StoredMetadata
  readonly image: MetadataImage
}

/** Reads the metadata and touches nothing; throws StorageError for what a broker must not start on. */
export function findMetadata(
  fs: FileSystem,
  directory: string,
  { clusterId, clean }: { readonly clusterId: string; readonly clean: boolean },
): FoundMetadata {
  const stored = readMetadataLog(fs, directory, clean)
  const partition = stored.nextOffset > 0 ? undefined : partitionDirectories(fs, dirname(directory))[0]
  if (partition !== undefined) {
    throw new StorageError(
      `${directory} holds no metadata, but there is the partition directory ${partition}: everything is left alone. ` +
        'Restore that folder from a backup.',
    )
  }
  return { stored, image: imageOfStored(stored, clusterId, directory) }
}

/** Throws StorageError for metadata that this version does not understand, and must not write to. */
export function imageOfStored(stored: StoredMetadata, clusterId: string, directory: string): MetadataImage {
  const records = stored.batches.flatMap((batch) => batch.records)
  let image: MetadataImage
  try {
    image = applyRecords(emptyImage(clusterId), records, stored.nextOffset - 1)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new StorageError(`${directory}: ${reason}. The directory is left alone.`)
  }
  const level = image.features.get(METADATA_VERSION.name) ?? METADATA_VERSION.max
  if (level > METADATA_VERSION.max) {
    throw new StorageError(
      `${directory}: ${METADATA_VERSION.name} ${level} is newer than ${METADATA_VERSION.max}, the newest known here. ` +
        'The directory is left alone; start it with the version that wrote it.',
    )
  }
  return image
}

/** What each start records: the feature level of a new directory, its brokers, and a higher epoch for all they lead. */
function startRecords(
  image: MetadataImage,
  registrations: readonly Registration[],
  leastLeaderEpoch?: number,
): MetadataRecord[] {
  const records: MetadataRecord[] = []
  if (!image.features.has(METADATA_VERSION.name)) {
    records.push(featureLevelRecord({ name: METADATA_VERSION.name, featureLevel: METADATA_VERSION.max }))
  }
  // Directories from before there were transactions get it as well.
  if (!image.features.has(TRANSACTION_VERSION.name)) {
    records.push(featureLevelRecord({ name: TRANSACTION_VERSION.name, featureLevel: TRANSACTION_VERSION.max }))
  }
  records.push(...registrations.map((registration) => registerBrokerRecord(registration)))
  const ids = registrations.map(({ brokerId }) => brokerId)
  for (const record of beginLeadership(image, ids, leastLeaderEpoch)) records.push(record)
  return records
}
