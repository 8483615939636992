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
import { topicChanges } from '../metadata/image.ts'
import { GROUP_METADATA_TOPIC } from '../metadata/internal-topics.ts'
import type { Membership } from '../metadata/membership.ts'
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
    const ensureTopic = () => createInternalTopic({ config, metadata, topicDefaults }, GROUP_METADATA_TOPIC)
    const groups = new GroupCoordinator({
      config,
      log: coordinatorLog(engine, config, membership, ensureTopic),
      membership,
      clock,
      random,
      logger,
      onNotes: (notes) => emitGroupNotes(events, { clock, metadata, membership }, notes),
    })
    await groups.start()
    await groups.forgetMissingTopics(metadata.image)
    const { selfId } = membership
    return new BrokerNode(engine, {
      config,
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
      producerIds: new ProducerIds(metadata, selfId),
      diskBudget,
      groups,
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
    const { groups, logger } = this.broker
    const { removed } = topicChanges(image, previous)
    if (removed.length === 0) return
    // Never awaited here: what groups append may wait for metadata itself, for the creation of __consumer_offsets.
    // In memory it happens at once, and a start after a crash repeats it.
    groups.onTopicsDeleted(removed.map(({ name }) => name)).catch((error: unknown) => {
      logger.error({ err: error }, 'offsets of deleted topics could not be removed')
    })
  }

  /** Whoever waits for data of a topic that is gone, or led elsewhere by now, is told. */
  onPublished(image: MetadataImage, previous: MetadataImage): void {
    const { fetchPurgatory, groups } = this.broker
    const { removed, changed } = topicChanges(image, previous)
    for (const { id } of removed) fetchPurgatory.completeTopic(id)
    for (const { id } of changed) if (previous.topicsById.has(id)) fetchPurgatory.completeTopic(id)
    groups.followOwnership()
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
    await this.broker.groups.close()
  }

  /** Answers what is in progress. Safe to call twice. */
  async close(): Promise<void> {
    const { fetchPurgatory, groups } = this.broker
    let groupsClosed: Promise<void> = Promise.resolve()
    await this.#server.close(() => {
      fetchPurgatory.close()
      groupsClosed = groups.close()
    })
    await groupsClosed
  }
}

function coordinatorLog(
  { store, metadata, groupAppends }: Engine,
  config: BrokerConfig,
  membership: Membership,
  ensureTopic: () => Promise<void>,
): LocalCoordinatorLog {
  return new LocalCoordinatorLog({
    topic: GROUP_METADATA_TOPIC,
    partitions: config['offsets.topic.num.partitions'],
    store,
    metadata,
    ensureTopic,
    durability: config['odradek.durability'],
    fence: (shard) => membership.fenceFor('group', shard),
    underWay: groupAppends,
  })
}
