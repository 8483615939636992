import type { FirstTopic } from '../config/first-topics.ts'
import type { NewTopic } from '../metadata/create-topics.ts'

/** A topic to create. */
export interface TopicSpec {
  readonly name: string
  /** 1 by default. */
  readonly partitions?: number
  /** By default as many as default.replication.factor says: 1 for one broker, else up to 3. */
  readonly replicationFactor?: number
  /** Topic settings by Kafka's names. */
  readonly config?: Readonly<Record<string, string | number | boolean>>
}

/** With no more replicas than there are brokers. */
export function specOf({ name, partitions, replicationFactor, configs }: FirstTopic, brokers: number): TopicSpec {
  const replicas = Math.min(replicationFactor, brokers)
  return { name, partitions, replicationFactor: replicas, config: Object.fromEntries(configs) }
}

export function newTopicOf(topic: string | TopicSpec): NewTopic {
  const {
    name,
    partitions = 1,
    replicationFactor = -1,
    config = {},
  } = typeof topic === 'string' ? { name: topic } : topic
  return {
    name,
    numPartitions: partitions,
    replicationFactor,
    assignments: [],
    configs: Object.entries(config).map(([key, value]) => ({ name: key, value: String(value) })),
  }
}
