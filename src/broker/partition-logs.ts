import type { TopicConfig } from '../config/topic-config.ts'
import { topicChanges } from '../metadata/image.ts'
import type { Metadata } from '../metadata/metadata.ts'
import type { MetadataImage, TopicImage } from '../metadata/metadata-image.ts'
import { ConfigResource } from '../metadata/metadata-image.ts'
import type { LogStore } from '../storage/storage.ts'

/** How many logs are opened at once: enough to overlap the disk, few enough to leave the loop responsive. */
const OPEN_TOGETHER = 64

export interface PartitionLogsOptions {
  readonly store: LogStore
  readonly metadata: Metadata
  readonly configOf: (image: MetadataImage, topic: string) => TopicConfig
}

/** Keeps the open logs in step with the metadata. */
export class PartitionLogs {
  readonly #store: LogStore
  readonly #metadata: Metadata
  readonly #configOf: PartitionLogsOptions['configOf']

  constructor(options: PartitionLogsOptions) {
    this.#store = options.store
    this.#metadata = options.metadata
    this.#configOf = options.configOf
  }

  /** Opens every log of the image, then follows its changes. Called once, before the first request. */
  async start(): Promise<void> {
    const image = this.#metadata.image
    await this.#open(image, [...image.topics.values()])
    this.#metadata.onChange((next, previous) => this.#follow(next, previous))
  }

  async #follow(image: MetadataImage, previous: MetadataImage): Promise<void> {
    const { changed, removed } = topicChanges(image, previous)
    await Promise.all(removed.map((topic) => this.#remove(topic)))
    await this.#open(image, changed)
    this.#reconfigure(image, previous)
  }

  async #open(image: MetadataImage, topics: readonly TopicImage[]): Promise<void> {
    let opening: Promise<unknown>[] = []
    for (const topic of topics) {
      const config = this.#configOf(image, topic.name)
      for (const partition of topic.partitions) {
        const log = this.#store.get(topic.id, partition.index)
        if (log !== undefined) {
          this.#store.setLeaderEpoch(log, partition.leaderEpoch)
          continue
        }
        const identity = { topic: topic.name, topicId: topic.id, partition: partition.index }
        opening.push(this.#store.open(identity, config, partition.leaderEpoch))
        if (opening.length < OPEN_TOGETHER) continue
        await Promise.all(opening)
        opening = []
      }
    }
    await Promise.all(opening)
  }

  async #remove(topic: TopicImage): Promise<void> {
    const logs = topic.partitions.map((partition) => this.#store.get(topic.id, partition.index))
    await Promise.all(logs.map((log) => log && this.#store.drop(log)))
  }

  /** A topic's own settings concern that topic, the broker's all that do not have their own. */
  #reconfigure(image: MetadataImage, previous: MetadataImage): void {
    const ofBroker = image.changedResources(ConfigResource.BROKER, previous).length > 0
    const names = ofBroker ? image.topics.keys() : image.changedResources(ConfigResource.TOPIC, previous)
    for (const name of names) {
      const topic = image.topics.get(name)
      if (topic === undefined) continue
      const config = this.#configOf(image, name)
      for (const { index } of topic.partitions) {
        const log = this.#store.get(topic.id, index)
        if (log !== undefined) this.#store.configure(log, config)
      }
    }
  }
}
