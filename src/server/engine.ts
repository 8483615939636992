import type { Logger } from 'pino'
import { apiTable } from '../apis/table.ts'
import { DiskBudget } from '../broker/disk-budget.ts'
import { type Extensions, newExtensions } from '../broker/extensions.ts'
import { PartitionLogs } from '../broker/partition-logs.ts'
import { topicDefaults } from '../broker/topic-defaults.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { TopicConfig } from '../config/topic-config.ts'
import { AppendsUnderWay } from '../coordinator/appends-under-way.ts'
import { CoordinatorPeers } from '../coordinator/coordinator-peers.ts'
import type { Clock } from '../io/clock.ts'
import type { FileSystem } from '../io/file-system.ts'
import type { ProcessTable } from '../io/process-table.ts'
import type { Random } from '../io/random.ts'
import type { Transport } from '../io/transport.ts'
import type { EndOfTurn } from '../io/turn.ts'
import type { Work } from '../io/work.ts'
import { Cluster } from '../metadata/cluster.ts'
import type { TopicDefaults } from '../metadata/create-topics.ts'
import { EffectiveBrokerConfig } from '../metadata/effective-broker-config.ts'
import {
  type FoundMetadata,
  findMetadata,
  LocalMetadata,
  METADATA_VERSION,
  TRANSACTION_VERSION,
} from '../metadata/local-metadata.ts'
import type { MetadataImage } from '../metadata/metadata-image.ts'
import { TopicConfigs } from '../metadata/topic-configs.ts'
import { newTopicId } from '../metadata/topic-id.ts'
import { type ChangeableOptions, LocalLogStore } from '../storage/local/local-log-store.ts'
import type { DirectoryInspection } from '../storage/local/log-manager.ts'
import { METADATA_DIRECTORY } from '../storage/local/partition-directories.ts'
import { DEFAULT_ADVERTISED_HOST } from './advertised-host.ts'

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

/** What all brokers of this process share: one store, one metadata log, and who of them is alive. */
export interface Engine extends Extensions {
  readonly io: BrokerIo
  readonly store: LocalLogStore
  readonly metadata: LocalMetadata
  readonly cluster: Cluster
  /** To the logs of groups, and of transactions. */
  readonly groupAppends: AppendsUnderWay
  readonly transactionAppends: AppendsUnderWay
  readonly peers: CoordinatorPeers
  readonly topicDefaults: TopicDefaults
  readonly diskBudget: DiskBudget
}

const SNAPSHOT_SETTING = 'metadata.log.max.record.bytes.between.snapshots'
/** Wire value of the security protocol in a registration. */
const PLAINTEXT = 0

/** Where others look into the brokers and reach into what they do, with faults for every API there is. */
export function servedExtensions(io: BrokerIo): Extensions {
  return newExtensions({ ...io, apis: [...apiTable.values()].map(({ api }) => api) })
}

/** Opens what is stored, each part finding those it needs. One configuration for each broker, the first for what they share. */
export async function openEngine(
  io: BrokerIo,
  configs: readonly BrokerConfig[],
  clusterId: string | null,
  leastLeaderEpoch: number,
  extensions: Extensions = servedExtensions(io),
): Promise<Engine> {
  const config = configs[0]!
  let found: FoundMetadata | undefined
  // Before the store writes its first byte: a directory that cannot be started on stays as it is.
  const store = await openStore(io, config, clusterId, ({ identity, clean }) => {
    const directory = `${config.dataDirectory}/${METADATA_DIRECTORY}`
    found = findMetadata(io.fileSystem, directory, { clusterId: identity.clusterId, clean })
  })
  const metadata = await openMetadata(io, configs, store, { found, leastLeaderEpoch })
  followStorageSettings(config, store, metadata)
  const cluster = new Cluster({
    ids: configs.map((one) => one['node.id']),
    rackOf: () => config['broker.rack'],
    metadata,
  })
  const topicConfigs = new TopicConfigs(config, config['node.id'])
  const configOf = (image: MetadataImage, topic: string) => topicConfigs.of(image, topic)
  const logs = new PartitionLogs({ store, metadata, configOf })
  await logs.start()
  await store.settleUnknown()
  const diskBudget = await openDiskBudget(io, config, store, metadata, configOf)
  const defaults = topicDefaults(config, io.random, cluster)
  const coordination = {
    groupAppends: new AppendsUnderWay(),
    transactionAppends: new AppendsUnderWay(),
    peers: new CoordinatorPeers(),
  }
  return { io, store, metadata, cluster, topicDefaults: defaults, diskBudget, ...coordination, ...extensions }
}

async function openDiskBudget(
  { clock, logger }: BrokerIo,
  config: BrokerConfig,
  store: LocalLogStore,
  metadata: LocalMetadata,
  topicConfigOf: (image: MetadataImage, topic: string) => TopicConfig,
): Promise<DiskBudget> {
  const effective = new EffectiveBrokerConfig(config, store.identity.nodeId)
  const brokerConfigOf = (image: MetadataImage) => effective.of(image)
  const { disk } = store
  const budget = new DiskBudget({ disk, store, clock, logger, metadata, brokerConfigOf, topicConfigOf })
  await budget.start()
  return budget
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
    ...(config['odradek.open.files'] >= 0 && { openFileLimit: config['odradek.open.files'] }),
    // One checkpoint writes both.
    checkpointIntervalMs: Math.min(
      config['log.flush.offset.checkpoint.interval.ms'],
      config['log.flush.start.offset.checkpoint.interval.ms'],
    ),
    ...storageSettings(config),
    producerIdExpirationCheckIntervalMs: config['producer.id.expiration.check.interval.ms'],
    initialTaskDelayMs: config['log.initial.task.delay.ms'],
    retentionCheckIntervalMs: config['log.retention.check.interval.ms'],
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

/** Those that may change at run time. */
function storageSettings(config: BrokerConfig): ChangeableOptions {
  return {
    producerIdExpirationMs: config['producer.id.expiration.ms'],
    cleaner: {
      enabled: config['log.cleaner.enable'],
      threads: config['log.cleaner.threads'],
      backoffMs: config['log.cleaner.backoff.ms'],
      dedupeBufferBytes: config['log.cleaner.dedupe.buffer.size'],
      dedupeBufferLoadFactor: config['log.cleaner.io.buffer.load.factor'],
      bytesPerSecond: config['log.cleaner.io.max.bytes.per.second'],
    },
  }
}

/** From now on, what was changed before the start included. */
function followStorageSettings(config: BrokerConfig, store: LocalLogStore, metadata: LocalMetadata): void {
  const effective = new EffectiveBrokerConfig(config, store.identity.nodeId)
  let current = config
  const follow = (image: MetadataImage) => {
    const next = effective.of(image)
    if (next === current) return
    current = next
    store.reconfigure(storageSettings(next))
  }
  follow(metadata.image)
  metadata.onChange((image) => follow(image))
}

function openMetadata(
  io: BrokerIo,
  configs: readonly BrokerConfig[],
  store: LocalLogStore,
  { found, leastLeaderEpoch }: { found: FoundMetadata | undefined; leastLeaderEpoch: number },
): Promise<LocalMetadata> {
  const config = configs[0]!
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
    leastLeaderEpoch,
    registrations: configs.map((one) => registrationOf(io, one, directoryId)),
  }
  return LocalMetadata.open(options, found)
}

function registrationOf({ random }: BrokerIo, config: BrokerConfig, directoryId: string) {
  return {
    brokerId: config['node.id'],
    incarnationId: newTopicId(random),
    endPoints: config.brokerListeners.map(({ name, advertisedHost, advertisedPort, port }) => ({
      name,
      host: advertisedHost ?? DEFAULT_ADVERTISED_HOST,
      port: advertisedPort ?? port,
      securityProtocol: PLAINTEXT,
    })),
    features: [METADATA_VERSION, TRANSACTION_VERSION].map(({ name, min, max }) => ({
      name,
      minSupportedVersion: min,
      maxSupportedVersion: max,
    })),
    rack: config['broker.rack'],
    logDirs: [directoryId],
  }
}
