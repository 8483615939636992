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
import { Image, type ResourceConfigs, type Texts } from './image.ts'
import { isInternalTopic } from './internal-topics.ts'
import type { MetadataRecord } from './metadata.ts'
import { ConfigResource, type MetadataImage, type PartitionImage, type TopicImage } from './metadata-image.ts'
import { RecordType } from './metadata-record.ts'
import { PersistentMap, type PersistentMapEditor } from './persistent-map.ts'

/** In a partition change: the leader stays as it was. */
const NO_LEADER_CHANGE = -2

/** Of no consequence for the image of a single node; they are in the log for Kafka's tools, and for those to come. */
const PASSED_OVER = new Set<number>([
  RecordType.REGISTER_BROKER,
  RecordType.UNREGISTER_BROKER,
  RecordType.FENCE_BROKER,
  RecordType.UNFENCE_BROKER,
  RecordType.BROKER_REGISTRATION_CHANGE,
  RecordType.REGISTER_CONTROLLER,
  RecordType.NO_OP,
])

export function emptyImage(clusterId: string): MetadataImage {
  const topics = new PersistentMap<TopicImage>()
  const features = new Map<string, number>()
  return new Image({
    clusterId,
    offset: -1,
    features,
    topics,
    topicsById: topics,
    configs: new Map(),
    nextProducerId: 0,
  })
}

/** The image after some records, the last of which has this offset. It shares with the old one what did not change. */
export function applyRecords(image: MetadataImage, records: readonly MetadataRecord[], offset: number): MetadataImage {
  if (!(image instanceof Image)) throw new TypeError('images are made here only')
  const draft = new Draft(image)
  for (const record of records) draft.apply(record)
  return draft.finish(offset)
}

/** An image being changed. Throws for a record that does not fit: the log is then not what this code has written. */
class Draft {
  readonly #old: Image
  readonly #topics: PersistentMapEditor<TopicImage>
  readonly #topicsById: PersistentMapEditor<TopicImage>
  readonly #configs = new Map<number, PersistentMapEditor<Texts>>()
  /** Topics whose partition list is already a copy of our own. */
  readonly #ownPartitions = new Map<string, PartitionImage[]>()
  /** Settings that are already a copy of our own. */
  readonly #ownTexts = new Set<Texts>()
  #features: Map<string, number> | null = null
  #nextProducerId: number

  constructor(old: Image) {
    this.#old = old
    this.#topics = old.topics.edit()
    this.#topicsById = old.topicsById.edit()
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
    } else if (!PASSED_OVER.has(type)) {
      // To pass over an ACL or a user would open the broker, and the next snapshot would forget it.
      throw new Error(`metadata record type ${type} is of a newer broker and cannot be left out`)
    }
  }

  finish(offset: number): Image {
    const old = this.#old
    const configs = new Map<number, ResourceConfigs>(old.configs)
    for (const [type, editor] of this.#configs) configs.set(type, editor.done())
    return new Image({
      clusterId: old.clusterId,
      offset,
      features: this.#features ?? old.features,
      topics: this.#topics.done(),
      topicsById: this.#topicsById.done(),
      configs: this.#configs.size === 0 ? old.configs : configs,
      nextProducerId: this.#nextProducerId,
    })
  }

  #addTopic({ name, topicId: id }: Decoded<typeof TopicRecord>): void {
    if (this.#topics.get(name) !== undefined) throw new Error(`topic ${name} is created twice`)
    const partitions: PartitionImage[] = []
    this.#ownPartitions.set(id, partitions)
    const topic = { name, id, internal: isInternalTopic(name), partitions }
    this.#topics.set(name, topic)
    this.#topicsById.set(id, topic)
  }

  #addPartition(record: Decoded<typeof PartitionRecord>): void {
    const partitions = this.#partitionsOf(record.topicId)
    // One that is there already is replaced, as in KRaft.
    if (record.partitionId > partitions.length) {
      throw new Error(`partition ${record.partitionId} of topic id ${record.topicId} follows ${partitions.length - 1}`)
    }
    partitions[record.partitionId] = {
      index: record.partitionId,
      leader: record.leader,
      leaderEpoch: record.leaderEpoch,
      partitionEpoch: record.partitionEpoch,
      replicas: record.replicas,
      isr: record.isr,
    }
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
      // Each election is a leadership of its own, of the same node too.
      leaderEpoch: newLeader ? partition.leaderEpoch + 1 : partition.leaderEpoch,
      partitionEpoch: partition.partitionEpoch + 1,
      replicas: record.replicas ?? partition.replicas,
      isr: record.isr ?? partition.isr,
    }
  }

  #removeTopic({ topicId }: Decoded<typeof RemoveTopicRecord>): void {
    const topic = this.#topic(topicId)
    this.#ownPartitions.delete(topicId)
    this.#topics.delete(topic.name)
    this.#topicsById.delete(topicId)
    // A topic's configs go with it: one created anew under the name starts from the defaults.
    this.#resources(ConfigResource.TOPIC).delete(topic.name)
  }

  #setConfig({ resourceType, resourceName, name, value }: Decoded<typeof ConfigRecord>): void {
    const resources = this.#resources(resourceType)
    const before = resources.get(resourceName)
    const own = before !== undefined && this.#ownTexts.has(before)
    const texts = own ? (before as Map<string, string>) : new Map(before)
    if (value === null) texts.delete(name)
    else texts.set(name, value)
    this.#ownTexts.add(texts)
    if (texts.size === 0) resources.delete(resourceName)
    else resources.set(resourceName, texts)
  }

  #setFeature({ name, featureLevel }: Decoded<typeof FeatureLevelRecord>): void {
    this.#features ??= new Map(this.#old.features)
    if (featureLevel === 0) this.#features.delete(name)
    else this.#features.set(name, featureLevel)
  }

  #resources(type: number): PersistentMapEditor<Texts> {
    let editor = this.#configs.get(type)
    if (editor === undefined) {
      editor = (this.#old.configs.get(type) ?? new PersistentMap<Texts>()).edit()
      this.#configs.set(type, editor)
    }
    return editor
  }

  #topic(id: string): TopicImage {
    const topic = this.#topicsById.get(id)
    if (topic === undefined) throw new Error(`no topic has the id ${id}`)
    return topic
  }

  /** The list of a topic that is ours to change: the topic in the maps is a new one from the first change on. */
  #partitionsOf(topicId: string): PartitionImage[] {
    const own = this.#ownPartitions.get(topicId)
    if (own !== undefined) return own
    const topic = this.#topic(topicId)
    const partitions = [...topic.partitions]
    this.#ownPartitions.set(topicId, partitions)
    const changed = { ...topic, partitions }
    this.#topics.set(topic.name, changed)
    this.#topicsById.set(topicId, changed)
    return partitions
  }
}
