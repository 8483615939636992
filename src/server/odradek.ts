import { ErrorCode } from '../../protocol/errors.ts'
import type { Broker } from '../broker/broker.ts'
import type { EventOrigin } from '../broker/broker-events.ts'
import type { Extensions } from '../broker/extensions.ts'
import { emitTopicChanges } from '../broker/topic-events.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { FirstTopic } from '../config/first-topics.ts'
import { virtualBrokerConfigs } from '../config/virtual-brokers.ts'
import type { Timer } from '../io/clock.ts'
import { admitBroker, moveLeader, withdrawBroker } from '../metadata/leadership.ts'
import type { MetadataRecord } from '../metadata/metadata.ts'
import type { MetadataImage } from '../metadata/metadata-image.ts'
import { BrokerNode } from './broker-node.ts'
import { type BrokerIo, type Engine, openEngine } from './engine.ts'
import { checkFirstTopics, createFirstTopics } from './first-topics.ts'
import type { NodeState } from './node-state.ts'
import type { BoundListener } from './server.ts'

export interface OdradekOptions {
  readonly config: BrokerConfig
  /** Used when the data directory is new; a stored id wins. */
  readonly clusterId: string | null
  /** Where the brokers of an earlier life in this process listened: they get the ports of then. */
  readonly earlierListeners?: ReadonlyMap<number, readonly BoundListener[]>
  /** Every leadership begins with at least this epoch: for data that is older than what clients have seen. */
  readonly leastLeaderEpoch?: number
  /** Those of an earlier life, so that who listens goes on listening. */
  readonly extensions?: Extensions
  /** Created before anybody can connect, unless they are there. */
  readonly firstTopics?: readonly FirstTopic[]
}

/** Settings that, when given, replace the sync before the answer to acks=all. */
const FLUSH_SETTINGS = ['log.flush.interval.messages', 'log.flush.interval.ms', 'log.flush.scheduler.interval.ms']

interface Member {
  readonly config: BrokerConfig
  node: BrokerNode
  state: NodeState
  /** Of a paused broker, until the others count it out. */
  session: Timer | null
}

/** Everything of one process: one broker, or several virtual ones over the same store. */
export class Odradek {
  /** What its brokers share. */
  readonly engine: Engine
  readonly #members = new Map<number, Member>()
  #closing: Promise<void> | null = null

  private constructor(engine: Engine) {
    this.engine = engine
    engine.store.onAdvance((log, appendedBytes) => {
      for (const { node } of this.#members.values()) node.onAdvance(log, appendedBytes)
    })
    engine.metadata.onChange((image, previous) => {
      for (const { node } of this.#members.values()) node.onChange(image, previous)
    })
    engine.metadata.onPublished((image, previous) => {
      for (const { node } of this.#members.values()) node.onPublished(image, previous)
      emitTopicChanges(engine.events, clusterOrigin(engine), image, previous)
    })
  }

  /** Resolves when every listener accepts and every API can be served. */
  static async start(io: BrokerIo, options: OdradekOptions): Promise<Odradek> {
    const { config, clusterId, earlierListeners, leastLeaderEpoch = 0, extensions, firstTopics = [] } = options
    checkFirstTopics(firstTopics)
    const configs = virtualBrokerConfigs(config)
    const engine = await openEngine(io, configs, clusterId, leastLeaderEpoch, extensions)
    const odradek = new Odradek(engine)
    warnOfFlushSettings(io, config)
    for (const one of configs) {
      const node = await BrokerNode.start(engine, one)
      odradek.#members.set(node.id, { config: one, node, state: 'running', session: null })
    }
    await createFirstTopics(engine, firstTopics)
    for (const { node } of odradek.#members.values()) await node.listen(earlierListeners?.get(node.id))
    return odradek
  }

  /** The first of its brokers. */
  get broker(): Broker {
    return this.#members.values().next().value!.node.broker
  }

  /** Ids of all brokers, alive or not. */
  get brokerIds(): readonly number[] {
    return [...this.#members.keys()]
  }

  /** Where clients connect: broker after broker, in the order of the configuration. */
  get listeners(): readonly BoundListener[] {
    return [...this.#members.values()].flatMap(({ node }) => node.listeners)
  }

  listenersOf(id: number): readonly BoundListener[] {
    return this.#member(id).node.listeners
  }

  /** The broker that coordinates a group, or null while there is none. */
  coordinatorOf(groupId: string): Broker | null {
    const id = this.engine.cluster.coordinatorFor('group', this.broker.groups.shardOf(groupId))
    return this.#members.get(id)?.node.broker ?? null
  }

  /** Of all brokers that run; null while some groups are being loaded. */
  async groupIds(): Promise<readonly string[] | null> {
    const running = [...this.#members.values()].filter(({ state }) => state !== 'killed')
    const lists = await Promise.all(running.map(({ node }) => node.broker.groups.listGroups({ states: [], types: [] })))
    if (lists.some(({ error }) => error !== ErrorCode.NONE)) return null
    return lists.flatMap(({ groups }) => groups.map(({ groupId }) => groupId))
  }

  stateOf(id: number): NodeState {
    return this.#member(id).state
  }

  /** The broker ends without a word; what it led goes to the next in-sync replica, or stays without a leader. */
  async killBroker(id: number): Promise<void> {
    const member = this.#member(id)
    if (member.state === 'killed') return
    member.state = 'killed'
    member.session?.cancel()
    const killed = member.node.kill()
    await this.#withdraw(id)
    await killed
  }

  /** A killed broker comes back on its ports, in sync at once. What others have taken over stays with them. */
  async startBroker(id: number): Promise<void> {
    const member = this.#member(id)
    if (member.state !== 'killed') return
    const node = await BrokerNode.start(this.engine, member.config)
    await node.listen(member.node.listeners)
    member.node = node
    member.state = 'running'
    await this.#admit(id)
  }

  /**
   * The broker neither reads nor answers, and its connections stay. It keeps what it leads until it has been silent for
   * broker.session.timeout.ms; then the others go on without it, if there are any.
   */
  pauseBroker(id: number): void {
    const member = this.#member(id)
    if (member.state !== 'running') return
    const { cluster, io } = this.engine
    member.state = 'paused'
    member.node.pause()
    member.session = io.clock.schedule(member.config['broker.session.timeout.ms'], () => {
      if (cluster.liveIds.length === 1) return
      this.#withdraw(id).catch((error: unknown) => io.logger.error({ err: error, broker: id }, 'a silent broker stays'))
    })
  }

  /** What was sent to it meanwhile is answered by a broker that knows what it has lost. */
  async resumeBroker(id: number): Promise<void> {
    const member = this.#member(id)
    if (member.state !== 'paused') return
    member.session?.cancel()
    member.state = 'running'
    try {
      if (!this.engine.cluster.liveIds.includes(id)) await this.#admit(id)
    } finally {
      member.node.resume()
    }
  }

  /** Hands a partition to another of its in-sync replicas. Throws when that one cannot lead it. */
  async moveLeader(topicName: string, partition: number, to: number): Promise<void> {
    const { cluster } = this.engine
    await this.#elect((image) => {
      const topic = image.topics.get(topicName)
      const replicas = topic?.partitions[partition]
      if (topic === undefined || replicas === undefined) throw new RangeError(`there is no ${topicName}-${partition}`)
      if (!replicas.isr.includes(to) || !cluster.liveIds.includes(to)) {
        const able = replicas.isr.filter((id) => cluster.liveIds.includes(id))
        throw new RangeError(`broker ${to} cannot lead ${topicName}-${partition}; these can: ${able.join(', ')}`)
      }
      return replicas.leader === to ? [] : [moveLeader(topic, partition, to)]
    })
  }

  /** Groups and transactions begin with what is in the logs now: all members are sent away. */
  async reloadCoordinators(): Promise<void> {
    const running = [...this.#members.values()].filter(({ state }) => state !== 'killed')
    await Promise.all(running.flatMap(({ node }) => [node.broker.groups.reload(), node.broker.transactions.reload()]))
  }

  async expireOffsets(): Promise<void> {
    const running = [...this.#members.values()].filter(({ state }) => state !== 'killed')
    await Promise.all(running.map(({ node }) => node.broker.groups.expireOffsets()))
  }

  /** Answers what is in progress, then writes everything down. Safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    for (const { node, session } of this.#members.values()) {
      session?.cancel()
      node.resume()
    }
    await Promise.all([...this.#members.values()].map(({ node, state }) => (state === 'killed' ? null : node.close())))
    await this.engine.diskBudget.close()
    await this.engine.metadata.close()
    await this.engine.store.close()
  }

  /** What it led goes to others; its last records are theirs as well. */
  #withdraw(id: number): Promise<void> {
    const { cluster } = this.engine
    cluster.setLive(id, false)
    return this.#elect((image) => withdrawBroker(image, id, cluster.liveIds))
  }

  #admit(id: number): Promise<void> {
    const { cluster } = this.engine
    cluster.setLive(id, true)
    return this.#elect((image) => admitBroker(image, id, cluster.liveIds))
  }

  async #elect(decide: (image: MetadataImage) => readonly MetadataRecord[]): Promise<void> {
    await this.engine.metadata.change((image) => ({ records: decide(image), result: null }))
    // Also where no record says so: groups without a log follow who is alive.
    for (const { node } of this.#members.values()) node.followOwnership()
  }

  #member(id: number): Member {
    const member = this.#members.get(id)
    if (member === undefined) throw new RangeError(`there is no broker ${id}; there are ${this.brokerIds.join(', ')}`)
    return member
  }
}

/** Topics and leaders are the cluster's; the controller stands for it. */
function clusterOrigin({ io, metadata, cluster }: Engine): EventOrigin {
  return { clock: io.clock, metadata, membership: { selfId: cluster.liveIds[0] ?? -1 } }
}

function warnOfFlushSettings({ logger }: BrokerIo, config: BrokerConfig): void {
  const given = FLUSH_SETTINGS.filter((name) => config.texts.has(name))
  if (config['odradek.durability'] !== 'disk' || given.length === 0) return
  logger.warn(`${given.join(' and ')} set: acks=all is answered before the sync to disk, as in Kafka`)
}
