import type { Logger } from 'pino'
import { apiTable } from '../apis/table.ts'
import { createInternalTopic } from '../broker/auto-create-topics.ts'
import type { Broker } from '../broker/broker.ts'
import { FetchPurgatory } from '../broker/fetch-purgatory.ts'
import { FetchSessionCache } from '../broker/fetch-session-cache.ts'
import { Partitions } from '../broker/partitions.ts'
import { ProducerIds } from '../broker/producer-ids.ts'
import { topicDefaults } from '../broker/topic-defaults.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { GroupCoordinator } from '../coordinator/group/group-coordinator.ts'
import { LocalCoordinatorLog } from '../coordinator/local-coordinator-log.ts'
import type { Clock } from '../io/clock.ts'
import type { FileSystem } from '../io/file-system.ts'
import type { ProcessTable } from '../io/process-table.ts'
import type { Random } from '../io/random.ts'
import type { Transport } from '../io/transport.ts'
import type { EndOfTurn } from '../io/turn.ts'
import type { Work } from '../io/work.ts'
import { topicChanges } from '../metadata/image.ts'
import { GROUP_METADATA_TOPIC } from '../metadata/internal-topics.ts'
import { type FoundMetadata, findMetadata, LocalMetadata, METADATA_VERSION } from '../metadata/local-metadata.ts'
import type { Membership } from '../metadata/membership.ts'
import { SingleNodeMembership } from '../metadata/single-node-membership.ts'
import { TopicConfigs } from '../metadata/topic-configs.ts'
import { newTopicId } from '../metadata/topic-id.ts'
import { LocalLogStore } from '../storage/local/local-log-store.ts'
import type { DirectoryInspection } from '../storage/local/log-manager.ts'
import { METADATA_DIRECTORY } from '../storage/local/partition-directories.ts'
import type { Durability } from '../storage/storage.ts'
import { limitsOf } from './limits.ts'
import { type BoundListener, Server } from './server.ts'

/** The outside world, real or simulated. */
export interface BrokerIo {
  readonly fileSystem: FileSystem
  readonly clock: Clock
  readonly random: Random
  readonly transport: Transport
  readonly work: Work
  readonly endOfTurn: EndOfTurn
  /** Who else runs on this machine; null where the disk is nobody else's. */
  readonly processes: ProcessTable | null
  readonly logger: Logger
}

export interface OdradekOptions {
  readonly config: BrokerConfig
  /** Used when the data directory is new; a stored id wins. */
  readonly clusterId: string | null
}

/** What clients are told when nothing says where the broker can be reached. */
const DEFAULT_ADVERTISED_HOST = 'localhost'
/** Settings that, when given, replace the sync before the answer to acks=all. */
const FLUSH_SETTINGS = ['log.flush.interval.messages', 'log.flush.interval.ms', 'log.flush.scheduler.interval.ms']
const SNAPSHOT_SETTING = 'metadata.log.max.record.bytes.between.snapshots'
/** Wire value of the security protocol in a registration. */
const PLAINTEXT = 0

/** A whole broker: storage, metadata, coordinators and sockets, started in an order in which each finds what it needs. */
export class Odradek {
  readonly broker: Broker
  readonly #server: Server
  readonly #metadata: LocalMetadata
  readonly #store: LocalLogStore
  readonly #listeners: BoundListener[] = []
  #closing: Promise<void> | null = null

  private constructor(broker: Broker, server: Server, metadata: LocalMetadata, store: LocalLogStore) {
    this.broker = broker
    this.#server = server
    this.#metadata = metadata
    this.#store = store
  }

  /** Where clients connect, in the order of the configuration. */
  get listeners(): readonly BoundListener[] {
    return this.#listeners
  }

  /** Resolves when every listener accepts and every API can be served. */
  static async start(io: BrokerIo, { config, clusterId }: OdradekOptions): Promise<Odradek> {
    const { clock, logger } = io
    const durability: Durability = config['odradek.durability']
    let found: FoundMetadata | undefined
    // Before the store writes its first byte: a directory that cannot be started on stays as it is.
    const store = await openStore(io, config, clusterId, ({ identity, clean }) => {
      const directory = `${config.dataDirectory}/${METADATA_DIRECTORY}`
      found = findMetadata(io.fileSystem, directory, { clusterId: identity.clusterId, clean })
    })
    const metadata = await openMetadata(io, config, store, found)
    const endpoints = new Map<string, BoundListener>()
    const membership: Membership = new SingleNodeMembership(
      config['node.id'],
      (name) => {
        const bound = endpoints.get(name)
        if (bound === undefined) throw new Error(`listener ${name} is not bound`)
        return { host: bound.advertisedHost, port: bound.advertisedPort }
      },
      config['broker.rack'],
    )
    const topicConfigs = new TopicConfigs(config, membership.selfId)
    const partitions = new Partitions({
      store,
      metadata,
      membership,
      configOf: (image, topic) => topicConfigs.of(image, topic),
    })
    await partitions.start()
    await store.settleUnknown()
    const defaults = topicDefaults(config, io.random, [membership.selfId])
    const groups = new GroupCoordinator({
      config,
      log: new LocalCoordinatorLog({
        topic: GROUP_METADATA_TOPIC,
        partitions: config['offsets.topic.num.partitions'],
        store,
        metadata,
        ensureTopic: () => createInternalTopic({ config, metadata, topicDefaults: defaults }, GROUP_METADATA_TOPIC),
        durability,
        fence: (shard) => membership.fenceFor('group', shard),
      }),
      membership,
      clock,
      random: io.random,
      logger,
    })
    await groups.start()
    await groups.forgetMissingTopics(metadata.image)
    const fetchPurgatory = new FetchPurgatory(clock, store)
    partitions.onTopicRemoved((topicId) => fetchPurgatory.completeTopic(topicId))
    metadata.onChange((image, previous) => {
      const { removed } = topicChanges(image, previous)
      if (removed.length === 0) return
      // Never awaited here: what groups append may wait for metadata itself, for the creation of __consumer_offsets.
      // In memory it happens at once, and a start after a crash repeats it.
      groups.onTopicsDeleted(removed.map(({ name }) => name)).catch((error: unknown) => {
        logger.error({ err: error }, 'offsets of deleted topics could not be removed')
      })
    })
    const broker: Broker = {
      config,
      clock,
      logger,
      metadata,
      membership,
      topicConfigs,
      topicDefaults: defaults,
      store,
      partitions,
      fetchPurgatory,
      fetchSessions: new FetchSessionCache(clock, io.random, config['max.incremental.fetch.session.cache.slots']),
      producerIds: new ProducerIds(metadata, membership.selfId),
      groups,
      acksAllDurability: durability,
    }
    const { transport } = io
    const server = new Server({ transport, clock, logger, broker, apis: apiTable, limits: limitsOf(config) })
    const odradek = new Odradek(broker, server, metadata, store)
    const flushSettings = FLUSH_SETTINGS.filter((name) => config.texts.has(name))
    if (durability === 'disk' && flushSettings.length > 0) {
      logger.warn(`${flushSettings.join(' and ')} set: acks=all is answered before the sync to disk, as in Kafka`)
    }
    await odradek.#listen(config, endpoints)
    return odradek
  }

  /** Answers what is in progress, then writes everything down. Safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const { fetchPurgatory, groups } = this.broker
    let groupsClosed: Promise<void> = Promise.resolve()
    await this.#server.close(() => {
      fetchPurgatory.close()
      groupsClosed = groups.close()
    })
    await groupsClosed
    await this.#metadata.close()
    await this.#store.close()
  }

  async #listen(config: BrokerConfig, endpoints: Map<string, BoundListener>): Promise<void> {
    for (const listener of config.brokerListeners) {
      const bound = await this.#server.listen({
        name: listener.name,
        // Without a host Node binds both address families.
        host: listener.host ?? '::',
        port: listener.port,
        advertisedHost: listener.advertisedHost ?? DEFAULT_ADVERTISED_HOST,
        ...(listener.advertisedPort === null ? {} : { advertisedPort: listener.advertisedPort }),
      })
      endpoints.set(listener.name, bound)
      this.#listeners.push(bound)
    }
  }
}

async function openStore(
  io: BrokerIo,
  config: BrokerConfig,
  clusterId: string | null,
  inspect: DirectoryInspection,
): Promise<LocalLogStore> {
  const store = await LocalLogStore.open({
    directory: config.dataDirectory,
    inspect,
    fileSystem: io.fileSystem,
    clock: io.clock,
    random: io.random,
    work: io.work,
    endOfTurn: io.endOfTurn,
    processes: io.processes,
    nodeId: config['node.id'],
    clusterId: clusterId ?? newTopicId(io.random),
    report: (level, message) => io.logger[level](message),
    checkpointIntervalMs: config['log.flush.offset.checkpoint.interval.ms'],
    producerIdExpirationMs: config['producer.id.expiration.ms'],
    producerIdExpirationCheckIntervalMs: config['producer.id.expiration.check.interval.ms'],
    initialTaskDelayMs: config['log.initial.task.delay.ms'],
    retentionCheckIntervalMs: config['log.retention.check.interval.ms'],
    cleaner: {
      enabled: config['log.cleaner.enable'],
      threads: config['log.cleaner.threads'],
      backoffMs: config['log.cleaner.backoff.ms'],
      dedupeBufferBytes: config['log.cleaner.dedupe.buffer.size'],
      bytesPerSecond: config['log.cleaner.io.max.bytes.per.second'],
    },
  })
  const stored = store.identity.clusterId
  if (clusterId !== null && clusterId !== stored) {
    io.logger.warn(
      { configured: clusterId, stored },
      `the cluster id ${clusterId} is ignored: the data in ${config.dataDirectory} belongs to ${stored}`,
    )
  }
  return store
}

function openMetadata(
  io: BrokerIo,
  config: BrokerConfig,
  store: LocalLogStore,
  found: FoundMetadata | undefined,
): Promise<LocalMetadata> {
  const { clusterId, nodeId, directoryId } = store.identity
  const options = {
    fs: io.fileSystem,
    clock: io.clock,
    directory: `${config.dataDirectory}/${METADATA_DIRECTORY}`,
    clusterId,
    nodeId,
    sync: config['odradek.durability'] === 'disk',
    logger: io.logger,
    // Kafka's default is far more than one node's metadata: only a wish is followed.
    ...(config.texts.has(SNAPSHOT_SETTING) && { snapshotAfterBytes: config[SNAPSHOT_SETTING] }),
    registration: {
      incarnationId: newTopicId(io.random),
      endPoints: config.brokerListeners.map(({ name, advertisedHost, advertisedPort, port }) => ({
        name,
        host: advertisedHost ?? DEFAULT_ADVERTISED_HOST,
        port: advertisedPort ?? port,
        securityProtocol: PLAINTEXT,
      })),
      features: [
        {
          name: METADATA_VERSION.name,
          minSupportedVersion: METADATA_VERSION.min,
          maxSupportedVersion: METADATA_VERSION.max,
        },
      ],
      rack: config['broker.rack'],
      logDirs: [directoryId],
    },
  }
  return LocalMetadata.open(options, found)
}
