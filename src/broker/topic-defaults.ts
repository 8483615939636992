import type { BrokerConfig } from '../config/broker-config.ts'
import type { Random } from '../io/random.ts'
import type { TopicDefaults } from '../metadata/create-topics.ts'
import { newTopicId } from '../metadata/topic-id.ts'

/**
 * What a topic gets that does not say. A default replication factor from a cluster's settings is cut to the brokers
 * there are: a configuration written for three should start on one.
 */
export function topicDefaults(config: BrokerConfig, random: Random, brokerIds: readonly number[]): TopicDefaults {
  return {
    numPartitions: config['num.partitions'],
    replicationFactor: Math.min(config['default.replication.factor'], brokerIds.length),
    brokerIds,
    newTopicId: () => newTopicId(random),
  }
}
