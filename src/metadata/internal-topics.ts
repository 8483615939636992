import type { NewTopic } from './create-topics.ts'

/** Topics that belong to the broker: written by it only, marked in Metadata so that pattern subscriptions skip them. */
export const GROUP_METADATA_TOPIC = '__consumer_offsets'
export const TRANSACTION_STATE_TOPIC = '__transaction_state'
export const SHARE_GROUP_STATE_TOPIC = '__share_group_state'

const INTERNAL = new Set([GROUP_METADATA_TOPIC, TRANSACTION_STATE_TOPIC, SHARE_GROUP_STATE_TOPIC])

export function isInternalTopic(name: string): boolean {
  return INTERNAL.has(name)
}

/** What a new internal topic looks like, from the broker's settings; copies never exceed the brokers there are. */
export function internalTopic(name: string, config: InternalTopicConfig, brokers: number): NewTopic {
  const { numPartitions, replicationFactor, segmentBytes, more } = shapeOf(name, config)
  const configs = { 'segment.bytes': String(segmentBytes), ...more }
  return {
    name,
    numPartitions,
    replicationFactor: Math.min(replicationFactor, brokers),
    assignments: [],
    configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
  }
}

/** The settings of the broker that shape internal topics. */
export interface InternalTopicConfig {
  readonly 'offsets.topic.num.partitions': number
  readonly 'offsets.topic.replication.factor': number
  readonly 'offsets.topic.segment.bytes': number
  readonly 'transaction.state.log.num.partitions': number
  readonly 'transaction.state.log.replication.factor': number
  readonly 'transaction.state.log.segment.bytes': number
  readonly 'share.coordinator.state.topic.num.partitions': number
  readonly 'share.coordinator.state.topic.replication.factor': number
  readonly 'share.coordinator.state.topic.segment.bytes': number
}

interface Shape {
  readonly numPartitions: number
  readonly replicationFactor: number
  readonly segmentBytes: number
  readonly more: Readonly<Record<string, string>>
}

function shapeOf(name: string, config: InternalTopicConfig): Shape {
  switch (name) {
    case GROUP_METADATA_TOPIC:
      return {
        numPartitions: config['offsets.topic.num.partitions'],
        replicationFactor: config['offsets.topic.replication.factor'],
        segmentBytes: config['offsets.topic.segment.bytes'],
        more: { 'cleanup.policy': 'compact', 'compression.type': 'producer' },
      }
    case TRANSACTION_STATE_TOPIC:
      return {
        numPartitions: config['transaction.state.log.num.partitions'],
        replicationFactor: config['transaction.state.log.replication.factor'],
        segmentBytes: config['transaction.state.log.segment.bytes'],
        more: {
          'cleanup.policy': 'compact',
          'compression.type': 'uncompressed',
          'unclean.leader.election.enable': 'false',
        },
      }
    case SHARE_GROUP_STATE_TOPIC:
      return {
        numPartitions: config['share.coordinator.state.topic.num.partitions'],
        replicationFactor: config['share.coordinator.state.topic.replication.factor'],
        segmentBytes: config['share.coordinator.state.topic.segment.bytes'],
        more: { 'cleanup.policy': 'delete', 'compression.type': 'producer', 'retention.ms': '-1' },
      }
    default:
      throw new TypeError(`${name} is not an internal topic`)
  }
}
