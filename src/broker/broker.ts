import type { Logger } from 'pino'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { CoordinatorPeers } from '../coordinator/coordinator-peers.ts'
import type { GroupCoordinator } from '../coordinator/group/group-coordinator.ts'
import type { MarkerWriter } from '../coordinator/transaction/marker-writer.ts'
import type { TransactionCoordinator } from '../coordinator/transaction/transaction-coordinator.ts'
import type { Clock } from '../io/clock.ts'
import type { TopicDefaults } from '../metadata/create-topics.ts'
import type { EffectiveBrokerConfig } from '../metadata/effective-broker-config.ts'
import type { Membership } from '../metadata/membership.ts'
import type { Metadata } from '../metadata/metadata.ts'
import type { TopicConfigs } from '../metadata/topic-configs.ts'
import type { Durability, LogStore } from '../storage/storage.ts'
import type { BrokerEvents } from './broker-events.ts'
import type { DiskBudget } from './disk-budget.ts'
import type { FetchPurgatory } from './fetch-purgatory.ts'
import type { FetchSessionCache } from './fetch-session-cache.ts'
import type { Partitions } from './partitions.ts'
import type { ProduceInterceptors } from './produce-interceptors.ts'
import type { ProducerIds } from './producer-ids.ts'
import type { RequestFaults } from './request-faults.ts'

/** What a broker is, without sockets. Handlers get it with each request. */
export interface Broker {
  readonly config: BrokerConfig
  /** With what was changed at run time, as of an image of the metadata. */
  readonly effectiveConfig: Pick<EffectiveBrokerConfig, 'of'>
  readonly clock: Clock
  readonly logger: Logger
  readonly metadata: Metadata
  readonly membership: Membership
  readonly topicConfigs: TopicConfigs
  readonly topicDefaults: TopicDefaults
  readonly store: LogStore
  readonly partitions: Partitions
  readonly fetchPurgatory: FetchPurgatory
  readonly fetchSessions: FetchSessionCache
  readonly producerIds: ProducerIds
  readonly diskBudget: DiskBudget
  readonly groups: GroupCoordinator
  readonly transactions: TransactionCoordinator
  /** Those of all brokers of this process. */
  readonly peers: CoordinatorPeers
  readonly markers: MarkerWriter
  /** What happens, for whoever wants to see it; one for all brokers of this process, as the next. */
  readonly events: BrokerEvents
  readonly produceInterceptors: ProduceInterceptors
  /** What goes wrong on purpose; one for all brokers of this process. */
  readonly faults: RequestFaults
  /** What acks=all promises: `disk`, or `os` when the broker was told so. */
  readonly acksAllDurability: Durability
}
