import type { BrokerConfig } from '../config/broker-config.ts'
import type { Random } from '../io/random.ts'
import type { Cluster } from '../metadata/cluster.ts'
import type { TopicDefaults } from '../metadata/create-topics.ts'
import { newTopicId } from '../metadata/topic-id.ts'

type TopicBrokers = Pick<Cluster, 'ids' | 'liveIds'>

/**
 * What a topic gets that does not say. A default replication factor from a cluster's settings is cut to the brokers
 * there are: a configuration written for three should start on one.
 */
export function topicDefaults(config: BrokerConfig, random: Random, brokers: TopicBrokers): TopicDefaults {
  return {
    numPartitions: config['num.partitions'],
    get replicationFactor() {
      return Math.min(config['default.replication.factor'], brokers.ids.length)
    },
    get brokerIds() {
      return brokers.liveIds
    },
    get fencedIds() {
      return brokers.ids.filter((id) => !brokers.liveIds.includes(id))
    },
    newTopicId: () => newTopicId(random),
  }
}
