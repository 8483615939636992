import { ErrorCode } from '../../protocol/errors.ts'
import type { TopicConfig } from '../config/topic-config.ts'
import { topicChanges } from '../metadata/image.ts'
import type { Membership } from '../metadata/membership.ts'
import type { Metadata } from '../metadata/metadata.ts'
import type { MetadataImage, TopicImage } from '../metadata/metadata-image.ts'
import { ConfigResource } from '../metadata/metadata-image.ts'
import type { LogHandle, LogStore } from '../storage/storage.ts'

/** A partition as a request meets it: either its log here, or the error and who leads it instead. */
export type Located =
  | { readonly error: typeof ErrorCode.NONE; readonly log: LogHandle; readonly leaderEpoch: number }
  | { readonly error: ErrorCode; readonly log: null; readonly leaderEpoch: number; readonly leaderId: number }

const UNKNOWN: Located = { error: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, log: null, leaderEpoch: -1, leaderId: -1 }

/** How many logs are opened at once: enough to overlap the disk, few enough to leave the loop responsive. */
const OPEN_TOGETHER = 64

export interface PartitionsOptions {
  readonly store: LogStore
  readonly metadata: Metadata
  readonly membership: Membership
  readonly configOf: (image: MetadataImage, topic: string) => TopicConfig
}

/** Keeps the open logs in step with the metadata, and finds the log a request means. */
export class Partitions {
  readonly #store: LogStore
  readonly #metadata: Metadata
  readonly #membership: Membership
  readonly #configOf: PartitionsOptions['configOf']
  readonly #onRemoved: ((topicId: string) => void)[] = []

  constructor(options: PartitionsOptions) {
    this.#store = options.store
    this.#metadata = options.metadata
    this.#membership = options.membership
    this.#configOf = options.configOf
  }

  /** Opens every log of the image, then follows its changes. Called once, before the first request. */
  async start(): Promise<void> {
    const image = this.#metadata.image
    await this.#open(image, [...image.topics.values()])
    this.#metadata.onChange((next, previous) => this.#follow(next, previous))
  }

  /** Tells when a topic is gone, so that what waits on it can be answered. */
  onTopicRemoved(listener: (topicId: string) => void): void {
    this.#onRemoved.push(listener)
  }

  /**
   * The log of a partition, when this broker leads it. `currentLeaderEpoch` is the epoch the client believes in, or -1:
   * older than ours is fenced, newer is not known here yet (KIP-320).
   */
  locate(topic: TopicImage | undefined, index: number, currentLeaderEpoch = -1): Located {
    const partition = topic?.partitions[index]
    if (topic === undefined || partition === undefined) return UNKNOWN
    const leaderId = this.#membership.leaderFor(topic.id, index)
    const { leaderEpoch } = partition
    if (leaderId !== this.#membership.selfId) {
      const error = leaderId < 0 ? ErrorCode.LEADER_NOT_AVAILABLE : ErrorCode.NOT_LEADER_OR_FOLLOWER
      return { error, log: null, leaderEpoch, leaderId }
    }
    if (currentLeaderEpoch >= 0 && currentLeaderEpoch !== leaderEpoch) {
      const stale = currentLeaderEpoch < leaderEpoch
      const error = stale ? ErrorCode.FENCED_LEADER_EPOCH : ErrorCode.UNKNOWN_LEADER_EPOCH
      return { error, log: null, leaderEpoch, leaderId }
    }
    const log = this.#store.get(topic.id, index)
    if (log === undefined) return { error: ErrorCode.NOT_LEADER_OR_FOLLOWER, log: null, leaderEpoch, leaderId: -1 }
    return { error: ErrorCode.NONE, log, leaderEpoch }
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
    for (const listener of this.#onRemoved) listener(topic.id)
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
