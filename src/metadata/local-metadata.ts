import type { Logger } from 'pino'
import type { Clock } from '../io/clock.ts'
import type { FileSystem } from '../io/file-system.ts'
import { applyRecords, emptyImage } from './image-builder.ts'
import type { Decision, Metadata, MetadataListener, MetadataRecord } from './metadata.ts'
import type { MetadataImage } from './metadata-image.ts'
import { MetadataLog } from './metadata-log.ts'
import { featureLevelRecord, partitionChangeRecord, registerBrokerRecord } from './metadata-record.ts'
import { type Registration, snapshotRecords } from './snapshot-records.ts'

/** The feature level of Apache Kafka 4.3: the formats of the records that this broker writes. */
export const METADATA_VERSION = { name: 'metadata.version', min: 7, max: 30 } as const

/** A snapshot pays once the log has grown by this much, and by twice what a snapshot takes. */
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
  /** What the node says of itself at each start. */
  readonly registration: Omit<Registration, 'brokerId' | 'brokerEpoch' | 'fenced'>
  readonly logger: Logger
}

interface Command {
  readonly decide: (image: MetadataImage) => Decision<unknown>
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

/** Metadata of a node that is its own controller: commands become records, records become images. */
export class LocalMetadata implements Metadata {
  readonly #log: MetadataLog
  readonly #registration: Registration
  readonly #logger: Logger
  readonly #listeners: MetadataListener[] = []
  #image: MetadataImage
  #queue: Command[] = []
  #running: Promise<void> | null = null

  private constructor(log: MetadataLog, image: MetadataImage, registration: Registration, logger: Logger) {
    this.#log = log
    this.#logger = logger
    this.#image = image
    this.#registration = registration
  }

  /** Rebuilds the image, then begins a new leadership of everything this node leads. */
  static async open(options: LocalMetadataOptions): Promise<LocalMetadata> {
    const log = new MetadataLog(options)
    let image = emptyImage(options.clusterId)
    for (const { records, lastOffset } of log.load()) image = applyRecords(image, records, lastOffset)
    await log.begin()
    const registration = {
      ...options.registration,
      brokerId: options.nodeId,
      brokerEpoch: log.nextOffset,
      fenced: false,
    }
    const metadata = new LocalMetadata(log, image, registration, options.logger)
    await metadata.change((current) => ({ records: startRecords(current, registration), result: null }))
    return metadata
  }

  get image(): MetadataImage {
    return this.#image
  }

  onChange(listener: MetadataListener): void {
    this.#listeners.push(listener)
  }

  change<T>(decide: (image: MetadataImage) => Decision<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ decide, resolve: resolve as (result: unknown) => void, reject })
      this.#running ??= this.#run()
    })
  }

  async close(): Promise<void> {
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
    const previous = this.#image
    let next = previous
    const records: MetadataRecord[] = []
    const decided: { command: Command; result: unknown }[] = []
    for (const command of commands) {
      try {
        const decision = command.decide(next)
        if (decision.records.length > 0) {
          next = applyRecords(
            next,
            decision.records,
            this.#log.nextOffset + records.length + decision.records.length - 1,
          )
          records.push(...decision.records)
        }
        decided.push({ command, result: decision.result })
      } catch (error) {
        command.reject(error)
      }
    }
    try {
      if (records.length > 0) {
        await this.#log.append(records)
        for (const listener of this.#listeners) await listener(next, previous)
        this.#image = next
      }
      for (const { command, result } of decided) command.resolve(result)
    } catch (error) {
      for (const { command } of decided) command.reject(error)
      return
    }
    await this.#snapshotWhenDue()
  }

  async #snapshotWhenDue(): Promise<void> {
    const { bytesSinceSnapshot, snapshotBytes } = this.#log
    if (bytesSinceSnapshot < Math.max(SNAPSHOT_AFTER_BYTES, SNAPSHOT_GROWTH * snapshotBytes)) return
    try {
      await this.#log.snapshot(snapshotRecords(this.#image, this.#registration))
    } catch (error) {
      // Nothing is lost: the log still holds everything, and the next change tries again.
      this.#logger.error({ err: error }, 'the metadata snapshot could not be written; the metadata log keeps growing')
    }
  }
}

/** What each start records: the feature level of a new directory, this node, and a higher epoch for all it leads. */
function startRecords(image: MetadataImage, registration: Registration): MetadataRecord[] {
  const records: MetadataRecord[] = []
  if (!image.features.has(METADATA_VERSION.name)) {
    records.push(featureLevelRecord({ name: METADATA_VERSION.name, featureLevel: METADATA_VERSION.max }))
  }
  records.push(registerBrokerRecord(registration))
  for (const topic of image.topics.values()) {
    for (const { index } of topic.partitions) {
      records.push(partitionChangeRecord({ topicId: topic.id, partitionId: index, leader: registration.brokerId }))
    }
  }
  return records
}
