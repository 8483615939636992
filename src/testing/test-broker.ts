import { errorName } from '../../protocol/errors.ts'
import type { BrokerEventMap, BrokerEventName } from '../broker/broker-event.ts'
import type { BrokerEventListener } from '../broker/broker-events.ts'
import type { Extensions } from '../broker/extensions.ts'
import type { ProduceInterceptor } from '../broker/produce-interceptors.ts'
import type { RequestFaults } from '../broker/request-faults.ts'
import { type FirstTopic, firstTopicsOf } from '../config/first-topics.ts'
import type { ConsoleServer } from '../console/console-server.ts'
import { AdjustableClock } from '../io/adjustable-clock.ts'
import { DiskFaults } from '../io/disk-faults.ts'
import { FaultyFileSystem } from '../io/faulty-file-system.ts'
import { nodeClock } from '../io/node-clock.ts'
import { nodeFileSystem } from '../io/node-file-system.ts'
import { nodeRandom } from '../io/node-random.ts'
import { NodeTransport } from '../io/node-transport.ts'
import { nodeWork } from '../io/node-work.ts'
import { endOfTurn } from '../io/turn.ts'
import { createTopics } from '../metadata/create-topics.ts'
import { deleteTopics } from '../metadata/delete-topics.ts'
import { type BrokerIo, servedExtensions } from '../server/engine.ts'
import type { NodeState } from '../server/node-state.ts'
import { Odradek } from '../server/odradek.ts'
import type { BoundListener } from '../server/server.ts'
import { DataSnapshot } from './data-snapshot.ts'
import { type GroupMilestone, whatGroupLacks } from './group-watch.ts'
import { type Hosting, hostingOf } from './hosting.ts'
import { Advances, type Life } from './life.ts'
import type { Message } from './message.ts'
import { renewAll, renewPrefixed } from './renewal.ts'
import type { StartOptions } from './start-options.ts'
import { newTopicOf, specOf, type TopicSpec } from './topic-spec.ts'
import { TopicView } from './topic-view.ts'
import type { WaitForGroupOptions, WaitForMessagesOptions } from './wait-options.ts'
import { until } from './waiting.ts'

const DEFAULT_TIMEOUT_MS = 10_000
const ZERO_ID = 'AAAAAAAAAAAAAAAAAAAAAA'

/** One of the brokers that clients see. */
export interface BrokerInfo {
  readonly id: number
  /** `host:port` of its first listener, as clients are told. */
  readonly address: string
  readonly state: NodeState
}

/** How much a reset resets. */
export interface ResetOptions {
  /** Only what has a name that begins with it; for tests that share a broker. */
  readonly prefix?: string
}

/** A broker, or several, in this process: everything that Kafka clients see of one, and what a test wants beside. */
export class TestBroker implements AsyncDisposable {
  /** Time as the broker sees it. */
  readonly clock: AdjustableClock
  /** Requests that go wrong on purpose. */
  readonly faults: RequestFaults
  /** A disk that goes wrong on purpose. */
  readonly diskFaults: DiskFaults
  readonly #hosting: Hosting
  readonly #io: BrokerIo
  readonly #extensions: Extensions
  readonly #topics: readonly (string | TopicSpec)[]
  #console: ConsoleServer | null = null
  #life: Life | null = null
  #closing: Promise<void> | null = null

  private constructor(hosting: Hosting, clock: AdjustableClock, topics: readonly (string | TopicSpec)[]) {
    const { logger, disk, processes } = hosting
    this.#hosting = hosting
    this.#topics = topics
    this.clock = clock
    this.diskFaults = new DiskFaults({ clock, random: nodeRandom })
    this.#io = {
      fileSystem: new FaultyFileSystem(disk, this.diskFaults),
      clock,
      random: nodeRandom,
      transport: new NodeTransport(),
      work: nodeWork(),
      endOfTurn,
      processes,
      logger,
    }
    this.#extensions = servedExtensions(this.#io)
    this.faults = this.#extensions.faults
  }

  /** Resolves when clients can connect and the topics are there. Throws ConfigError for settings that do not fit. */
  static start(options: StartOptions = {}): Promise<TestBroker> {
    const clock = new AdjustableClock(nodeClock, endOfTurn)
    const hosting = hostingOf(options, clock)
    const firstTopics = firstTopicsOf(hosting.config, (file) => nodeFileSystem.readFile(file)?.toString('utf8') ?? null)
    return TestBroker.#start(hosting, clock, [...specsOf(hosting, firstTopics), ...(options.topics ?? [])])
  }

  /**
   * The same around what somebody else has prepared.
   * @internal
   */
  static host(hosting: Hosting, firstTopics: readonly FirstTopic[] = []): Promise<TestBroker> {
    const clock = new AdjustableClock(nodeClock, endOfTurn)
    return TestBroker.#start(hosting, clock, specsOf(hosting, firstTopics), firstTopics)
  }

  static async #start(
    hosting: Hosting,
    clock: AdjustableClock,
    topics: readonly (string | TopicSpec)[],
    firstTopics: readonly FirstTopic[] | null = null,
  ): Promise<TestBroker> {
    const broker = new TestBroker(hosting, clock, topics)
    // Before the data directory is touched: a port that is taken changes nothing.
    await broker.#openConsole()
    try {
      broker.#life = await broker.#begin(new Map(), 0, firstTopics ?? [])
      if (firstTopics === null) await broker.#createFirstTopics()
    } catch (error) {
      await broker.close()
      throw error
    }
    const { faults, diskFaults } = broker
    broker.#console?.serve({
      faults,
      diskFaults,
      get diskBudget() {
        return broker.#odradek.engine.diskBudget
      },
    })
    return broker
  }

  /** `host:port` of all brokers, comma-separated: what clients call bootstrap.servers. */
  get bootstrapServers(): string {
    return this.brokers.map(({ address }) => address).join(',')
  }

  /** `http://host:port` of the HTTP side, null where it was not asked for. */
  get httpUrl(): string | null {
    return this.#console?.url ?? null
  }

  /** 22 characters of base64url. */
  get clusterId(): string {
    return this.#odradek.engine.metadata.image.clusterId
  }

  /**
   * Where clients connect, with what was bound.
   * @internal
   */
  get listeners(): readonly BoundListener[] {
    return this.#odradek.listeners
  }

  /** All of them, alive or not, by id. */
  get brokers(): readonly BrokerInfo[] {
    const odradek = this.#odradek
    return odradek.brokerIds.map((id) => {
      return { id, address: odradek.listenersOf(id)[0]!.address, state: odradek.stateOf(id) }
    })
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
    const doomed = names.map((name) => ({ name, topicId: ZERO_ID }))
    const deleted = await this.#odradek.engine.metadata.change((image) => deleteTopics(image, doomed))
    refuse(deleted, 'could not be deleted')
  }

  /**
   * As new: no topics but those of the start, no groups, no settings made at run time, no faults. Connected clients stay
   * connected; members of groups are told that they are none, and join again. The time stays what it is. With a prefix
   * only topics and groups whose names begin with it are as new, and nothing else changes.
   */
  async reset(options: ResetOptions = {}): Promise<void> {
    const { prefix } = options
    const topics = this.#topics.map(newTopicOf)
    if (prefix === undefined) {
      this.faults.clear()
      this.diskFaults.clear()
      refuse(await renewAll(this.#odradek, topics), 'could not be created')
      return
    }
    const own = topics.filter(({ name }) => name.startsWith(prefix))
    refuse(await renewPrefixed(this.#odradek, prefix, own), 'could not be created')
  }

  /** Keeps everything there is: topics, records, groups and their offsets, settings. */
  async snapshot(): Promise<DataSnapshot> {
    // What was accepted without an answer is written at the end of the turn.
    await new Promise<void>((resolve) => endOfTurn(resolve))
    const { disk, config } = this.#hosting
    return DataSnapshot.take(disk, config.dataDirectory)
  }

  /**
   * Everything as it was at the snapshot, on the same ports. Clients lose their connections and come back; consumers
   * whose position is no longer there begin where auto.offset.reset says.
   */
  async restore(snapshot: DataSnapshot): Promise<void> {
    const { odradek } = this.#life!
    const { disk, config } = this.#hosting
    const listeners = new Map(odradek.brokerIds.map((id) => [id, odradek.listenersOf(id)]))
    let lastEpoch = -1
    for (const { partitions } of odradek.engine.metadata.image.topics.values()) {
      for (const { leaderEpoch } of partitions) lastEpoch = Math.max(lastEpoch, leaderEpoch)
    }
    await this.#end()
    await snapshot.write(disk, config.dataDirectory)
    this.#life = await this.#begin(listeners, lastEpoch + 1)
  }

  /** A topic as it is in the log. It need not be there yet. */
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

  /** Calls back whenever something happens, where it happens. Gives a function that ends it. */
  on<K extends BrokerEventName>(name: K, listener: BrokerEventListener<K>): () => void {
    return this.#extensions.events.on(name, listener)
  }

  /** Ends every subscription of this listener to this event. */
  off<K extends BrokerEventName>(name: K, listener: BrokerEventListener<K>): void {
    this.#extensions.events.off(name, listener)
  }

  /** The first event from now on that fits. Rejects with the signal's reason when that aborts first. */
  nextEvent<K extends BrokerEventName>(
    name: K,
    fits?: (event: BrokerEventMap[K]) => boolean,
    signal?: AbortSignal,
  ): Promise<BrokerEventMap[K]> {
    return this.#extensions.events.next(name, fits, signal)
  }

  /** Looks at each produced batch before it is appended, and may reject or route it. Gives a function that ends it. */
  intercept(interceptor: ProduceInterceptor): () => void {
    return this.#extensions.produceInterceptors.add(interceptor)
  }

  /** Moves the broker's time forward: sessions, retention, tombstones and offsets age. Resolves when that had its effect. */
  advance(ms: number): Promise<void> {
    return this.clock.advance(ms)
  }

  /** Removes now what retention allows to go. */
  runRetention(): Promise<void> {
    return this.#odradek.engine.store.runRetention()
  }

  /** Compacts now every topic that asks for it, up to its last record but for what min.compaction.lag.ms protects. */
  runCompaction(): Promise<void> {
    return this.#odradek.engine.store.compactEverything()
  }

  /** Drops now the committed offsets that are older than offsets.retention.minutes. */
  runOffsetExpiration(): Promise<void> {
    return this.#odradek.expireOffsets()
  }

  /** One of several brokers ends without a word; what it led goes to other replicas, or stays without a leader. */
  killBroker(id: number): Promise<void> {
    return this.#odradek.killBroker(id)
  }

  /** A killed broker comes back on its port. */
  startBroker(id: number): Promise<void> {
    return this.#odradek.startBroker(id)
  }

  /**
   * One broker neither reads nor answers until it is resumed; after broker.session.timeout.ms of the broker's time the
   * others take over what it led.
   */
  pauseBroker(id: number): void {
    this.#odradek.pauseBroker(id)
  }

  /** A paused broker answers what was sent to it meanwhile; what others took over stays theirs. Resolves when it is one of them again. */
  resumeBroker(id: number): Promise<void> {
    return this.#odradek.resumeBroker(id)
  }

  /** Hands a partition to another in-sync replica. Throws RangeError when that one cannot lead it. */
  moveLeader(topic: string, partition: number, to: number): Promise<void> {
    return this.#odradek.moveLeader(topic, partition, to)
  }

  /** Answers what is in progress and ends; nothing of it is left in the process. Safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= Promise.all([this.#console?.close(), this.#end()]).then(() => {})
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  get #odradek(): Odradek {
    return this.#life!.odradek
  }

  async #openConsole(): Promise<void> {
    const { config, logger } = this.#hosting
    const listener = config['odradek.http.listener']
    if (listener === null) return
    // Loaded only when it is asked for: a start without it does not pay for it.
    const [{ openConsole }, { testRoutes }] = await Promise.all([
      import('../console/open-console.ts'),
      import('./test-routes.ts'),
    ])
    this.#console = await openConsole(listener, logger, testRoutes(this))
  }

  async #begin(
    earlierListeners: ReadonlyMap<number, readonly BoundListener[]>,
    leastLeaderEpoch: number,
    firstTopics: readonly FirstTopic[] = [],
  ): Promise<Life> {
    const { config, clusterId } = this.#hosting
    const extensions = this.#extensions
    const options = { config, clusterId, earlierListeners, leastLeaderEpoch, extensions, firstTopics }
    const odradek = await Odradek.start(this.#io, options)
    return { odradek, advances: new Advances(odradek.engine.store) }
  }

  async #createFirstTopics(): Promise<void> {
    if (this.#topics.length > 0) await this.createTopics(this.#topics)
  }

  async #end(): Promise<void> {
    this.#life?.advances.close()
    await this.#life?.odradek.close()
  }
}

function specsOf({ config }: Hosting, topics: readonly FirstTopic[]): TopicSpec[] {
  return topics.map((topic) => specOf(topic, config['odradek.virtual.brokers']))
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
