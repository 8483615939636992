import type { Decoded } from '../../protocol/codec/schema.ts'
import type {
  ConfigRecord,
  FeatureLevelRecord,
  PartitionChangeRecord,
  PartitionRecord,
  ProducerIdsRecord,
  RemoveTopicRecord,
  TopicRecord,
} from '../../protocol/messages/records/metadata.ts'
import { isInternalTopic } from './internal-topics.ts'
import type { MetadataRecord } from './metadata.ts'
import {
  ConfigResource,
  type ConfigResourceType,
  type MetadataImage,
  type PartitionImage,
  type TopicImage,
} from './metadata-image.ts'
import { RecordType } from './metadata-record.ts'

type ResourceConfigs = ReadonlyMap<string, ReadonlyMap<string, string>>

const NO_CONFIGS: ReadonlyMap<string, string> = new Map()
/** In a partition change: the leader stays as it was. */
const NO_LEADER_CHANGE = -2

interface ImageState {
  readonly clusterId: string
  readonly offset: number
  readonly features: ReadonlyMap<string, number>
  readonly topics: ReadonlyMap<string, TopicImage>
  readonly topicsById: ReadonlyMap<string, TopicImage>
  readonly configs: ReadonlyMap<number, ResourceConfigs>
  readonly nextProducerId: number
}

class Image implements MetadataImage {
  readonly #state: ImageState
  readonly topics: ReadonlyMap<string, TopicImage>
  readonly topicsById: ReadonlyMap<string, TopicImage>

  constructor(state: ImageState) {
    this.#state = state
    this.topics = state.topics
    this.topicsById = state.topicsById
  }

  get state(): ImageState {
    return this.#state
  }

  get clusterId(): string {
    return this.#state.clusterId
  }

  get offset(): number {
    return this.#state.offset
  }

  get features(): ReadonlyMap<string, number> {
    return this.#state.features
  }

  get nextProducerId(): number {
    return this.#state.nextProducerId
  }

  configOf(type: ConfigResourceType, name: string): ReadonlyMap<string, string> {
    return this.#state.configs.get(type)?.get(name) ?? NO_CONFIGS
  }

  configuredResources(type: ConfigResourceType): readonly string[] {
    return [...(this.#state.configs.get(type)?.keys() ?? [])]
  }
}

export function emptyImage(clusterId: string): MetadataImage {
  return new Image({
    clusterId,
    offset: -1,
    features: new Map(),
    topics: new Map(),
    topicsById: new Map(),
    configs: new Map(),
    nextProducerId: 0,
  })
}

/** The image after some records, the last of which has this offset. Maps are copied once each, and only if touched. */
export function applyRecords(image: MetadataImage, records: readonly MetadataRecord[], offset: number): MetadataImage {
  if (!(image instanceof Image)) throw new TypeError('images are made here only')
  const next = new Draft(image.state)
  for (const record of records) next.apply(record)
  return new Image({ ...next.finish(), offset })
}

/** An image being changed: each of its maps is the old one until the first change to it. */
class Draft {
  readonly #old: ImageState
  #features: Map<string, number> | null = null
  #topics: Map<string, TopicImage> | null = null
  #topicsById: Map<string, TopicImage> | null = null
  #configs: Map<number, ResourceConfigs> | null = null
  /** Topics whose partition list is already a copy of our own. */
  readonly #ownPartitions = new Map<string, PartitionImage[]>()
  #nextProducerId: number

  constructor(old: ImageState) {
    this.#old = old
    this.#nextProducerId = old.nextProducerId
  }

  apply({ type, value }: MetadataRecord): void {
    if (type === RecordType.TOPIC) this.#addTopic(value as Decoded<typeof TopicRecord>)
    else if (type === RecordType.PARTITION) this.#addPartition(value as Decoded<typeof PartitionRecord>)
    else if (type === RecordType.PARTITION_CHANGE) this.#changePartition(value as Decoded<typeof PartitionChangeRecord>)
    else if (type === RecordType.REMOVE_TOPIC) this.#removeTopic(value as Decoded<typeof RemoveTopicRecord>)
    else if (type === RecordType.CONFIG) this.#setConfig(value as Decoded<typeof ConfigRecord>)
    else if (type === RecordType.FEATURE_LEVEL) this.#setFeature(value as Decoded<typeof FeatureLevelRecord>)
    else if (type === RecordType.PRODUCER_IDS) {
      this.#nextProducerId = (value as Decoded<typeof ProducerIdsRecord>).nextProducerId
    }
    // Registrations and the like stay in the log for Kafka's tools; they change nothing that a single node does.
  }

  finish(): ImageState {
    for (const [id, partitions] of this.#ownPartitions) {
      const topic = this.#topicsById!.get(id)
      if (topic !== undefined) this.#setTopic({ ...topic, partitions })
    }
    const old = this.#old
    return {
      ...old,
      features: this.#features ?? old.features,
      topics: this.#topics ?? old.topics,
      topicsById: this.#topicsById ?? old.topicsById,
      configs: this.#configs ?? old.configs,
      nextProducerId: this.#nextProducerId,
    }
  }

  #addTopic({ name, topicId }: Decoded<typeof TopicRecord>): void {
    this.#setTopic({ name, id: topicId, internal: isInternalTopic(name), partitions: [] })
  }

  #addPartition(record: Decoded<typeof PartitionRecord>): void {
    const partitions = this.#partitionsOf(record.topicId)
    if (record.partitionId !== partitions.length) {
      throw new Error(`partition ${record.partitionId} of topic id ${record.topicId} follows ${partitions.length - 1}`)
    }
    partitions.push({
      index: record.partitionId,
      leader: record.leader,
      leaderEpoch: record.leaderEpoch,
      partitionEpoch: record.partitionEpoch,
      replicas: record.replicas,
      isr: record.isr,
    })
  }

  #changePartition(record: Decoded<typeof PartitionChangeRecord>): void {
    const partitions = this.#partitionsOf(record.topicId)
    const partition = partitions[record.partitionId]
    if (partition === undefined) {
      throw new Error(`topic id ${record.topicId} has no partition ${record.partitionId} that could change`)
    }
    const newLeader = record.leader !== undefined && record.leader !== NO_LEADER_CHANGE
    partitions[record.partitionId] = {
      ...partition,
      leader: newLeader ? record.leader : partition.leader,
      leaderEpoch: newLeader ? partition.leaderEpoch + 1 : partition.leaderEpoch,
      partitionEpoch: partition.partitionEpoch + 1,
      replicas: record.replicas ?? partition.replicas,
      isr: record.isr ?? partition.isr,
    }
  }

  #removeTopic({ topicId }: Decoded<typeof RemoveTopicRecord>): void {
    const topic = this.#topic(topicId)
    this.#ownPartitions.delete(topicId)
    this.#topics = this.#topics ?? new Map(this.#old.topics)
    this.#topicsById = this.#topicsById ?? new Map(this.#old.topicsById)
    this.#topics.delete(topic.name)
    this.#topicsById.delete(topicId)
    // A topic's configs go with it: one created anew under the name starts from the defaults.
    const resources = (this.#configs ?? this.#old.configs).get(ConfigResource.TOPIC)
    if (resources?.has(topic.name)) this.#resources(ConfigResource.TOPIC).delete(topic.name)
  }

  #setConfig({ resourceType, resourceName, name, value }: Decoded<typeof ConfigRecord>): void {
    const resources = this.#resources(resourceType)
    const configs = new Map(resources.get(resourceName))
    if (value === null) configs.delete(name)
    else configs.set(name, value)
    if (configs.size === 0) resources.delete(resourceName)
    else resources.set(resourceName, configs)
  }

  #setFeature({ name, featureLevel }: Decoded<typeof FeatureLevelRecord>): void {
    this.#features = this.#features ?? new Map(this.#old.features)
    if (featureLevel === 0) this.#features.delete(name)
    else this.#features.set(name, featureLevel)
  }

  #resources(type: number): Map<string, ReadonlyMap<string, string>> {
    this.#configs = this.#configs ?? new Map(this.#old.configs)
    const resources = this.#configs.get(type)
    const own =
      resources === this.#old.configs.get(type)
        ? new Map(resources)
        : (resources as Map<string, ReadonlyMap<string, string>>)
    this.#configs.set(type, own)
    return own
  }

  #topic(id: string): TopicImage {
    const topic = (this.#topicsById ?? this.#old.topicsById).get(id)
    if (topic === undefined) throw new Error(`no topic has the id ${id}`)
    return topic
  }

  #partitionsOf(topicId: string): PartitionImage[] {
    const own = this.#ownPartitions.get(topicId)
    if (own !== undefined) return own
    const copy = [...this.#topic(topicId).partitions]
    this.#topicsById = this.#topicsById ?? new Map(this.#old.topicsById)
    this.#ownPartitions.set(topicId, copy)
    return copy
  }

  #setTopic(topic: TopicImage): void {
    this.#topics = this.#topics ?? new Map(this.#old.topics)
    this.#topicsById = this.#topicsById ?? new Map(this.#old.topicsById)
    this.#topics.set(topic.name, topic)
    this.#topicsById.set(topic.id, topic)
  }
}
