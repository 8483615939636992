/**
 * What the broker knows of topics, configs and features at one position of the metadata log. Immutable: a change makes
 * a new image, so a handler that keeps one in a local variable sees one state throughout.
 */
export interface MetadataImage {
  readonly clusterId: string
  /** Offset of the last record in this image; the finalized features' epoch. Never goes back, across restarts too. */
  readonly offset: number
  /** Finalized feature levels by name; what is absent is at level 0. */
  readonly features: ReadonlyMap<string, number>
  /** By name; internal topics are here once their files are used. */
  readonly topics: ReadonlyMap<string, TopicImage>
  readonly topicsById: ReadonlyMap<string, TopicImage>
  /** Explicitly set values of a resource; empty when there are none. */
  configOf(type: ConfigResourceType, name: string): ReadonlyMap<string, string>
  /** Names of resources of a type that have explicitly set values. */
  configuredResources(type: ConfigResourceType): readonly string[]
  /** Names of resources of a type whose explicitly set values differ from those in another image. */
  changedResources(type: ConfigResourceType, previous: MetadataImage): readonly string[]
  /** First producer id that no block covers yet. */
  readonly nextProducerId: number
}

export interface TopicImage {
  readonly name: string
  /** 22 characters of base64url; new when the topic is created anew. */
  readonly id: string
  readonly internal: boolean
  /** By index, dense from 0. */
  readonly partitions: readonly PartitionImage[]
}

export interface PartitionImage {
  readonly index: number
  /** Node id, or -1 while there is none. */
  readonly leader: number
  /** Never decreases while the topic id lives. */
  readonly leaderEpoch: number
  /** Counts the changes of the partition, as KRaft does. */
  readonly partitionEpoch: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
}

/** Wire values of config resources. */
export const ConfigResource = { TOPIC: 2, BROKER: 4, BROKER_LOGGER: 8, CLIENT_METRICS: 16, GROUP: 32 } as const
export type ConfigResourceType = (typeof ConfigResource)[keyof typeof ConfigResource]
