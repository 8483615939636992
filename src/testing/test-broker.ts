import pino, { type Logger } from 'pino'
import { errorName } from '../../protocol/errors.ts'
import { type BrokerConfig, loadBrokerConfig } from '../config/broker-config.ts'
import { AdjustableClock } from '../io/adjustable-clock.ts'
import { nodeClock } from '../io/node-clock.ts'
import { nodeFileSystem } from '../io/node-file-system.ts'
import { nodeProcessTable } from '../io/node-process-table.ts'
import { nodeRandom } from '../io/node-random.ts'
import { NodeTransport } from '../io/node-transport.ts'
import { nodeWork } from '../io/node-work.ts'
import { SimulatedFileSystem } from '../io/simulated-file-system.ts'
import { endOfTurn } from '../io/turn.ts'
import { createTopics } from '../metadata/create-topics.ts'
import { deleteTopics } from '../metadata/delete-topics.ts'
import { resetMetadata } from '../metadata/reset.ts'
import type { BrokerIo } from '../server/engine.ts'
import { Odradek } from '../server/odradek.ts'
import type { BoundListener } from '../server/server.ts'
import { DataSnapshot } from './data-snapshot.ts'
import { type GroupMilestone, whatGroupLacks } from './group-watch.ts'
import { Advances, type Life } from './life.ts'
import type { Message } from './message.ts'
import type { StartOptions } from './start-options.ts'
import { newTopicOf, type TopicSpec } from './topic-spec.ts'
import { TopicView } from './topic-view.ts'
import { until } from './waiting.ts'

const MEMORY_DIRECTORY = '/data'
const DEFAULT_TIMEOUT_MS = 10_000
const ZERO_ID = 'AAAAAAAAAAAAAAAAAAAAAA'

/** What a test wants otherwise than a server: nothing is kept for later, and little is made in advance. */
const TEST_DEFAULTS: Readonly<Record<string, string>> = {
  'log.segment.delete.delay.ms': '0',
  'offsets.topic.num.partitions': '4',
}

export interface WaitOptions {
  /** 10,000 by default. */
  readonly timeoutMs?: number
}

export interface WaitForGroupOptions extends WaitOptions {
  /** Members the group must have at least; 1 by default. */
  readonly members?: number
}

export interface WaitForMessagesOptions extends WaitOptions {
  /** Only messages that it is true of count. */
  readonly where?: (message: Message) => boolean
}

/** A broker, or several, in this process: everything that Kafka clients see of one, and what a test wants beside. */
export class TestBroker implements AsyncDisposable {
  /** Time as the broker sees it. */
  readonly clock: AdjustableClock
  readonly #io: BrokerIo
  readonly #config: BrokerConfig
  readonly #clusterId: string | null
  readonly #topics: readonly (string | TopicSpec)[]
  #life: Life | null = null
  #closing: Promise<void> | null = null

  private constructor(options: StartOptions) {
    this.clock = new AdjustableClock(nodeClock, endOfTurn)
    this.#config = configOf(options)
    this.#clusterId = options.clusterId ?? null
    this.#topics = options.topics ?? []
    const onDisk = options.dataDirectory !== undefined
    this.#io = {
      fileSystem: onDisk
        ? nodeFileSystem
        : new SimulatedFileSystem({ crashable: false, nowMs: () => this.clock.nowMs() }),
      clock: this.clock,
      random: nodeRandom,
      transport: new NodeTransport(),
      work: nodeWork(),
      endOfTurn,
      processes: onDisk ? nodeProcessTable : null,
      logger: loggerOf(options.logger ?? 'silent'),
    }
  }

  /** Resolves when clients can connect and the topics are there. Throws ConfigError for settings that do not fit. */
  static async start(options: StartOptions = {}): Promise<TestBroker> {
    const broker = new TestBroker(options)
    broker.#life = await broker.#begin(new Map(), 0)
    if (broker.#topics.length > 0) await broker.createTopics(broker.#topics)
    return broker
  }

  /** `host:port` of all brokers, comma-separated: what clients call bootstrap.servers. */
  get bootstrapServers(): string {
    return this.#odradek.listeners
      .map(({ advertisedHost, advertisedPort }) => `${advertisedHost}:${advertisedPort}`)
      .join(',')
  }

  get clusterId(): string {
    return this.#odradek.engine.metadata.image.clusterId
  }

  /** Ids of all brokers, alive or not. */
  get brokerIds(): readonly number[] {
    return this.#odradek.brokerIds
  }

  /** Names of the topics that are there, internal ones left out, sorted. */
  get topicNames(): readonly string[] {
    const topics = [...this.#odradek.engine.metadata.image.topics.values()]
    return topics.flatMap(({ name, internal }) => (internal ? [] : [name])).sort()
  }

  /** Resolves when all can be produced to. Throws, naming each topic that could not be created; the others are. */
  async createTopics(topics: readonly (string | TopicSpec)[]): Promise<void> {
    const { metadata, topicDefaults } = this.#odradek.engine
    const created = await metadata.change((image) => createTopics(image, topics.map(newTopicOf), topicDefaults, false))
    refuse(created, 'could not be created')
  }

  /** Resolves when they are gone. Throws, naming each topic that could not be deleted; the others are. */
  async deleteTopics(names: readonly string[]): Promise<void> {
    const { metadata } = this.#odradek.engine
    const deleted = await metadata.change((image) =>
      deleteTopics(
        image,
        names.map((name) => ({ name, topicId: ZERO_ID })),
      ),
    )
    refuse(deleted, 'could not be deleted')
  }

  /**
   * As new: no topics but those of the start, no groups, no settings made at run time. Connected clients stay connected;
   * members of groups are told that they are none, and join again.
   */
  async reset(): Promise<void> {
    const { metadata } = this.#odradek.engine
    await metadata.change(resetMetadata)
    await this.#odradek.reloadGroups()
    if (this.#topics.length > 0) await this.createTopics(this.#topics)
  }

  /** Keeps everything there is: topics, records, groups and their offsets, settings. */
  async snapshot(): Promise<DataSnapshot> {
    // What was accepted without an answer is written at the end of the turn.
    await new Promise<void>((resolve) => endOfTurn(resolve))
    return DataSnapshot.take(this.#io.fileSystem, this.#config.dataDirectory)
  }

  /**
   * Everything as it was at the snapshot, on the same ports. Clients lose their connections and come back; consumers
   * whose position is no longer there begin where auto.offset.reset says.
   */
  async restore(snapshot: DataSnapshot): Promise<void> {
    const { odradek } = this.#life!
    const listeners = new Map(odradek.brokerIds.map((id) => [id, odradek.listenersOf(id)]))
    const epochs = [...odradek.engine.metadata.image.topics.values()].flatMap(({ partitions }) =>
      partitions.map(({ leaderEpoch }) => leaderEpoch),
    )
    await this.#end()
    await snapshot.write(this.#io.fileSystem, this.#config.dataDirectory)
    this.#life = await this.#begin(listeners, epochs.reduce((most, epoch) => Math.max(most, epoch), -1) + 1)
  }

  topic(name: string): TopicView {
    return new TopicView(name, () => this.#life!)
  }

  /**
   * Resolves with the first `count` messages of a topic, partition after partition. Throws when they are not there in
   * time, saying how many are.
   */
  async waitForMessages(topic: string, count: number, options: WaitForMessagesOptions = {}): Promise<Message[]> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS, where = () => true } = options
    let found: Message[] = []
    await until(nodeClock, timeoutMs, `${count} messages in ${topic}`, async () => {
      if (!this.topicNames.includes(topic)) return 'there is no such topic'
      found = []
      for await (const message of this.topic(topic).messages()) {
        if (where(message)) found.push(message)
        if (found.length >= count) return null
      }
      return found.length >= count ? null : `there are ${found.length}`
    })
    return found
  }

  /** Resolves when a group is that far. Throws when it is not in time, saying what it lacks. */
  waitForGroup(groupId: string, milestone: GroupMilestone, options: WaitForGroupOptions = {}): Promise<void> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS, members = 1 } = options
    return until(nodeClock, timeoutMs, `group ${groupId} ${milestone}`, () =>
      whatGroupLacks(this.#odradek, groupId, milestone, members),
    )
  }

  /** Moves the broker's time forward: sessions, retention, tombstones and offsets age. Resolves when that had its effect. */
  advance(ms: number): Promise<void> {
    return this.clock.advance(ms)
  }

  /** Removes now what retention allows to go. */
  runRetention(): Promise<void> {
    return this.#odradek.engine.store.runRetention()
  }

  /** Compacts now what is worth it. */
  runCompaction(): Promise<void> {
    return this.#odradek.engine.store.runCompaction()
  }

  /** One of several brokers ends without a word; what it led goes to other replicas, or stays without a leader. */
  killBroker(id: number): Promise<void> {
    return this.#odradek.killBroker(id)
  }

  /** A killed broker comes back on its port. */
  startBroker(id: number): Promise<void> {
    return this.#odradek.startBroker(id)
  }

  /** One broker neither reads nor answers until it is resumed. */
  pauseBroker(id: number): void {
    this.#odradek.pauseBroker(id)
  }

  resumeBroker(id: number): void {
    this.#odradek.resumeBroker(id)
  }

  /** Hands a partition to another in-sync replica. Throws RangeError when that one cannot lead it. */
  moveLeader(topic: string, partition: number, to: number): Promise<void> {
    return this.#odradek.moveLeader(topic, partition, to)
  }

  /** Answers what is in progress and ends; nothing of it is left in the process. Safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= this.#end()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  get #odradek(): Odradek {
    return this.#life!.odradek
  }

  async #begin(
    earlierListeners: ReadonlyMap<number, readonly BoundListener[]>,
    leastLeaderEpoch: number,
  ): Promise<Life> {
    const [config, clusterId] = [this.#config, this.#clusterId]
    const odradek = await Odradek.start(this.#io, { config, clusterId, earlierListeners, leastLeaderEpoch })
    return { odradek, advances: new Advances(odradek.engine.store) }
  }

  async #end(): Promise<void> {
    const { odradek, advances } = this.#life!
    advances.close()
    await odradek.close()
  }
}

function configOf({
  port = 0,
  host = '127.0.0.1',
  brokers = 1,
  dataDirectory,
  config = {},
}: StartOptions): BrokerConfig {
  const own = Object.entries(config).map(([name, value]): [string, string] => [name, String(value)])
  const texts = new Map([
    ...Object.entries(TEST_DEFAULTS),
    ['odradek.durability', dataDirectory === undefined ? 'os' : 'disk'],
    ['odradek.virtual.brokers', String(brokers)],
    ['listeners', `PLAINTEXT://${host}:${port}`],
    ['log.dirs', dataDirectory ?? MEMORY_DIRECTORY],
    ...own,
  ])
  return loadBrokerConfig({ commandLine: texts }).config
}

function loggerOf(logger: NonNullable<StartOptions['logger']>): Logger {
  if (typeof logger !== 'string') return logger
  return pino({ level: logger, base: null }, pino.destination({ dest: 2, sync: true }))
}

function refuse(
  results: readonly { name: string | null; error: number; message: string | null }[],
  what: string,
): void {
  const failed = results.filter(({ error }) => error !== 0)
  if (failed.length === 0) return
  const reasons = failed.map(({ name, error, message }) => `${name}: ${message ?? errorName(error)}`)
  throw new Error(`${failed.length} of ${results.length} topics ${what}. ${reasons.join('; ')}`)
}
