import { apiTable } from '../apis/table.ts'
import { createInternalTopic } from '../broker/auto-create-topics.ts'
import type { Broker } from '../broker/broker.ts'
import { FetchPurgatory } from '../broker/fetch-purgatory.ts'
import { FetchSessionCache } from '../broker/fetch-session-cache.ts'
import { emitGroupNotes } from '../broker/group-events.ts'
import { Partitions } from '../broker/partitions.ts'
import { ProducerIds } from '../broker/producer-ids.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { GroupCoordinator } from '../coordinator/group/group-coordinator.ts'
import { LocalCoordinatorLog } from '../coordinator/local-coordinator-log.ts'
import { MarkerWriter } from '../coordinator/transaction/marker-writer.ts'
import { TransactionCoordinator } from '../coordinator/transaction/transaction-coordinator.ts'
import { EffectiveBrokerConfig } from '../metadata/effective-broker-config.ts'
import { topicChanges } from '../metadata/image.ts'
import { GROUP_METADATA_TOPIC, TRANSACTION_STATE_TOPIC } from '../metadata/internal-topics.ts'
import type { CoordinatorKind, Membership } from '../metadata/membership.ts'
import type { MetadataImage } from '../metadata/metadata-image.ts'
import { TopicConfigs } from '../metadata/topic-configs.ts'
import type { Durability, LogHandle } from '../storage/storage.ts'
import type { Engine } from './engine.ts'
import { limitsOf } from './limits.ts'
import { type BoundListener, Server } from './server.ts'

/** One broker as clients see it: its sockets, its share of the partitions and groups, and what waits there. */
export class BrokerNode {
  readonly id: number
  readonly broker: Broker
  readonly #engine: Engine
  readonly #server: Server
  #listeners: readonly BoundListener[] = []

  private constructor(engine: Engine, broker: Broker) {
    const { clock, logger, transport } = engine.io
    const limits = limitsOf(broker.config)
    this.id = broker.membership.selfId
    this.broker = broker
    this.#engine = engine
    this.#server = new Server({ transport, clock, logger, broker, apis: apiTable, limits })
  }

  /** Loads the groups. Clients can connect once `listen` resolves. */
  static async start(engine: Engine, config: BrokerConfig): Promise<BrokerNode> {
    const { io, store, metadata, cluster, topicDefaults, diskBudget, faults, events, produceInterceptors } = engine
    const { clock, logger, random } = io
    const membership = cluster.membershipOf(config['node.id'])
    const durability: Durability = config['odradek.durability']
    const groups = new GroupCoordinator({
      config,
      log: coordinatorLog(engine, config, membership, GROUPS),
      membership,
      clock,
      random,
      logger,
      onNotes: (notes) => emitGroupNotes(events, { clock, metadata, membership }, notes),
    })
    await groups.start()
    await groups.forgetMissingTopics(metadata.image)
    const { selfId } = membership
    const producerIds = new ProducerIds(metadata, selfId)
    const { peers } = engine
    const markers = new MarkerWriter({ store, metadata, membership, peers, clock, durability })
    const transactions = new TransactionCoordinator({
      config,
      log: coordinatorLog(engine, config, membership, TRANSACTIONS),
      membership,
      markers,
      producerIds,
      clock,
      logger,
    })
    // Markers of a transaction that was decided before may go to groups of any broker.
    peers.set(selfId, { groups, transactions })
    await transactions.start()
    return new BrokerNode(engine, {
      config,
      effectiveConfig: new EffectiveBrokerConfig(config, selfId),
      clock,
      logger,
      metadata,
      membership,
      topicConfigs: new TopicConfigs(config, selfId),
      topicDefaults,
      store,
      partitions: new Partitions(store, selfId),
      fetchPurgatory: new FetchPurgatory(clock),
      fetchSessions: new FetchSessionCache(clock, random, config['max.incremental.fetch.session.cache.slots']),
      producerIds,
      diskBudget,
      groups,
      transactions,
      peers,
      markers,
      faults,
      events,
      produceInterceptors,
      acksAllDurability: durability,
    })
  }

  /** Where clients connect, in the order of the configuration. */
  get listeners(): readonly BoundListener[] {
    return this.#listeners
  }

  /** Resolves when every listener accepts. Those of an earlier life keep the ports they were given. */
  async listen(earlier: readonly BoundListener[] = []): Promise<void> {
    const bound: BoundListener[] = []
    for (const listener of this.broker.config.brokerListeners) {
      const port = earlier.find(({ name }) => name === listener.name)?.port ?? listener.port
      const { advertisedHost, advertisedPort } = listener
      const one = await this.#server.listen({
        name: listener.name,
        // Without a host Node binds both address families.
        host: listener.host ?? '::',
        port,
        advertisedHost,
        ...(advertisedPort === null ? {} : { advertisedPort }),
      })
      bound.push(one)
      this.#engine.cluster.setEndpoint(this.id, one.name, { host: one.advertisedHost, port: one.advertisedPort })
    }
    this.#listeners = bound
  }

  onAdvance(log: LogHandle, appendedBytes: number): void {
    this.broker.fetchPurgatory.advance(log, appendedBytes)
  }

  /** Before the image is the current one. */
  onChange(image: MetadataImage, previous: MetadataImage): void {
    const { groups, transactions, logger } = this.broker
    const { removed } = topicChanges(image, previous)
    if (removed.length === 0) return
    // Never awaited here: what groups append may wait for metadata itself, for the creation of __consumer_offsets.
    // In memory it happens at once, and a start after a crash repeats it.
    const names = removed.map(({ name }) => name)
    groups.onTopicsDeleted(names).catch((error: unknown) => {
      logger.error({ err: error }, 'offsets of deleted topics could not be removed')
    })
    if (!names.includes(TRANSACTION_STATE_TOPIC)) return
    transactions.reload().catch((error: unknown) => {
      logger.error({ err: error }, 'transactions could not be loaded anew')
    })
  }

  /** Whoever waits for data of a topic that is gone, or led elsewhere by now, is told. */
  onPublished(image: MetadataImage, previous: MetadataImage): void {
    const { fetchPurgatory } = this.broker
    const { removed, changed } = topicChanges(image, previous)
    for (const { id } of removed) fetchPurgatory.completeTopic(id)
    for (const { id } of changed) if (previous.topicsById.has(id)) fetchPurgatory.completeTopic(id)
    this.followOwnership()
  }

  /** Groups and transactions may be others' by now, or this broker's. */
  followOwnership(): void {
    this.broker.groups.followOwnership()
    this.broker.transactions.followOwnership()
  }

  pause(): void {
    this.#server.pause()
  }

  resume(): void {
    this.#server.resume()
  }

  /** Ends without a word, as a killed process does. */
  async kill(): Promise<void> {
    this.#server.abort()
    this.broker.fetchPurgatory.close()
    await Promise.all([this.broker.groups.close(), this.broker.transactions.close()])
  }

  /** Answers what is in progress. Safe to call twice. */
  async close(): Promise<void> {
    const { fetchPurgatory, groups, transactions } = this.broker
    let closed: Promise<unknown> = Promise.resolve()
    await this.#server.close(() => {
      fetchPurgatory.close()
      closed = Promise.all([groups.close(), transactions.close()])
    })
    await closed
  }
}

/** What the logs of one kind of coordinator are called, how many there are, and who is appending to them. */
interface CoordinatorLogs {
  readonly topic: string
  readonly partitions: 'offsets.topic.num.partitions' | 'transaction.state.log.num.partitions'
  readonly kind: CoordinatorKind
  readonly underWay: 'groupAppends' | 'transactionAppends'
}

const GROUPS: CoordinatorLogs = {
  topic: GROUP_METADATA_TOPIC,
  partitions: 'offsets.topic.num.partitions',
  kind: 'group',
  underWay: 'groupAppends',
}
const TRANSACTIONS: CoordinatorLogs = {
  topic: TRANSACTION_STATE_TOPIC,
  partitions: 'transaction.state.log.num.partitions',
  kind: 'transaction',
  underWay: 'transactionAppends',
}

function coordinatorLog(
  engine: Engine,
  config: BrokerConfig,
  membership: Membership,
  { topic, partitions, kind, underWay }: CoordinatorLogs,
): LocalCoordinatorLog {
  const { store, metadata, topicDefaults } = engine
  return new LocalCoordinatorLog({
    topic,
    partitions: config[partitions],
    store,
    metadata,
    ensureTopic: () => createInternalTopic({ config, metadata, topicDefaults }, topic),
    durability: config['odradek.durability'],
    fence: (shard) => membership.fenceFor(kind, shard),
    underWay: engine[underWay],
  })
}
