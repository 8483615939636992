import type { Api, Fields, InputOf, ValueOf } from '../../protocol/codec/schema.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { ListOffsets } from '../../protocol/messages/02-list-offsets.ts'
import { CreateTopics } from '../../protocol/messages/19-create-topics.ts'
import { IncrementalAlterConfigs } from '../../protocol/messages/44-incremental-alter-configs.ts'
import { batchPayload, codecOf, eachBatch, readBatchHeader } from '../../protocol/records/batch.ts'
import { buildBatch, type NewBatch } from '../../protocol/records/batch-builder.ts'
import { decompress } from '../../protocol/records/compression.ts'
import { readRecords } from '../../protocol/records/record.ts'
import type { Broker } from '../../src/broker/broker.ts'
import { loadBrokerConfig } from '../../src/config/broker-config.ts'
import { DiskFaults } from '../../src/io/disk-faults.ts'
import { FaultyFileSystem } from '../../src/io/faulty-file-system.ts'
import { NodeTransport } from '../../src/io/node-transport.ts'
import { SimulatedClock } from '../../src/io/simulated-clock.ts'
import { SimulatedFileSystem } from '../../src/io/simulated-file-system.ts'
import { SimulatedRandom } from '../../src/io/simulated-random.ts'
import { simulatedWork } from '../../src/io/simulated-work.ts'
import { endOfTurn } from '../../src/io/turn.ts'
import { Odradek } from '../../src/server/odradek.ts'
import { WireClient } from '../wire/wire-client.ts'
import { captureLog, type LogLine } from './log-capture.ts'

const HOST = '127.0.0.1'
/** Turns of the event loop in which whatever a timer began on a disk without latency comes to its end. */
const TURNS = 200
export const TOPIC_RESOURCE = 2
export const BROKER_RESOURCE = 4
const SET = 0
const EARLIEST = -2
const LATEST = -1

export type Settings = Readonly<Record<string, string>>

export interface Produced {
  readonly error: number
  readonly logAppendTimeMs: number
  readonly baseOffset: number
}

export interface Stored {
  readonly offset: number
  readonly key: string | null
  readonly value: string | null
  readonly codec: number
  readonly batchBytes: number
}

/** What outlives a broker. */
export interface World {
  readonly clock: SimulatedClock
  readonly disk: SimulatedFileSystem
}

/** A whole broker in this process, reached over a socket, whose time stands still until a test moves it. */
export class ClockedBroker {
  readonly clock: SimulatedClock
  readonly disk: SimulatedFileSystem
  /** What it has logged. */
  readonly lines: readonly LogLine[]
  /** What goes wrong on the way to the disk. */
  readonly diskFaults: DiskFaults
  readonly #odradek: Odradek
  readonly #client: WireClient

  private constructor(
    { clock, disk }: World,
    lines: readonly LogLine[],
    diskFaults: DiskFaults,
    odradek: Odradek,
    client: WireClient,
  ) {
    this.clock = clock
    this.disk = disk
    this.lines = lines
    this.diskFaults = diskFaults
    this.#odradek = odradek
    this.#client = client
  }

  /** On the disk of an earlier one, or a new one. */
  static async start(settings: Settings = {}, earlier?: Partial<World>): Promise<ClockedBroker> {
    const clock = earlier?.clock ?? new SimulatedClock()
    const disk = earlier?.disk ?? new SimulatedFileSystem({ nowMs: () => clock.nowMs() })
    const own = {
      listeners: `PLAINTEXT://${HOST}:0`,
      'log.dirs': '/data',
      'log.initial.task.delay.ms': '1000',
      // Hours go by between two requests.
      'connections.max.idle.ms': String(Number.MAX_SAFE_INTEGER),
    }
    const { logger, lines } = captureLog()
    const { config } = loadBrokerConfig({ commandLine: new Map(Object.entries({ ...own, ...settings })) })
    const diskFaults = new DiskFaults({ clock, random: 1, block: (ms) => clock.advance(ms) })
    const io = {
      fileSystem: new FaultyFileSystem(disk, diskFaults),
      clock,
      random: new SimulatedRandom(1),
      transport: new NodeTransport(),
      work: simulatedWork(),
      endOfTurn,
      processes: null,
      logger,
    }
    const odradek = await Odradek.start(io, { config, clusterId: null })
    const client = await WireClient.open(HOST, odradek.listeners[0]!.port, 'test')
    return new ClockedBroker({ clock, disk }, lines, diskFaults, odradek, client)
  }

  call<Q extends Fields, S extends Fields>(api: Api<Q, S>, version: number, request: InputOf<Q>): Promise<ValueOf<S>> {
    return this.#client.call(api, version, request)
  }

  get broker(): Broker {
    return this.#odradek.broker
  }

  get port(): number {
    return this.#odradek.listeners[0]!.port
  }

  async close(): Promise<void> {
    this.#client.close()
    await this.#odradek.close()
  }

  /** Everything that falls due on the way is done when this resolves. */
  async advance(ms: number, steps = 1): Promise<void> {
    for (let step = 0; step < steps; step++) {
      this.clock.advance(ms / steps)
      for (let turn = 0; turn < TURNS; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
    }
  }

  async createTopic(name: string, settings: Settings = {}): Promise<void> {
    const configs = Object.entries(settings).map(([key, value]) => ({ name: key, value }))
    const topic = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs }
    const request = { topics: [topic], timeoutMs: 10_000, validateOnly: false }
    const [created] = (await this.#client.call(CreateTopics, 5, request)).topics
    if (created!.errorCode !== 0) throw new Error(`${name}: ${created!.errorCode} ${created!.errorMessage}`)
  }

  /** An empty name stands for all brokers. */
  async alter(resourceType: number, resourceName: string, settings: Settings): Promise<void> {
    const configs = Object.entries(settings).map(([name, value]) => ({ name, configOperation: SET, value }))
    const request = { resources: [{ resourceType, resourceName, configs }], validateOnly: false }
    const [answer] = (await this.#client.call(IncrementalAlterConfigs, 1, request)).responses
    if (answer!.errorCode !== 0) throw new Error(`${JSON.stringify(settings)}: ${answer!.errorMessage}`)
  }

  /** One batch to partition 0; `key=value`, `key` alone for a tombstone. */
  async produce(topic: string, pairs: readonly string[], options: ProduceOptions = {}): Promise<Produced> {
    const { timestamp = this.clock.nowMs(), acks = -1, ...batch } = options
    const records = pairs.map((pair) => {
      const [key, value] = pair.split('=')
      return { timestamp, key: Buffer.from(key!), value: value === undefined ? null : Buffer.from(value) }
    })
    const partitionData = [{ index: 0, records: buildBatch({ ...batch, records }) }]
    const request = { acks, timeoutMs: 10_000, topicData: [{ name: topic, partitionData }] }
    const { responses } = await this.#client.call(Produce, 9, request)
    const { errorCode, logAppendTimeMs, baseOffset } = responses[0]!.partitionResponses[0]!
    return { error: errorCode, logAppendTimeMs, baseOffset }
  }

  earliest(topic: string): Promise<number> {
    return this.#offset(topic, EARLIEST)
  }

  latest(topic: string): Promise<number> {
    return this.#offset(topic, LATEST)
  }

  async records(topic: string): Promise<Stored[]> {
    const stored: Stored[] = []
    const end = await this.latest(topic)
    for (let offset = await this.earliest(topic); offset < end; ) {
      const partitions = [{ partition: 0, fetchOffset: offset, partitionMaxBytes: 10_000_000 }]
      const request = { maxWaitMs: 0, minBytes: 0, topics: [{ topic, partitions }], forgottenTopicsData: [] }
      const { responses } = await this.#client.call(Fetch, 12, request)
      const { errorCode, records } = responses[0]!.partitions[0]!
      if (errorCode !== 0 || !records?.length) throw new Error(`${topic}: error ${errorCode} at offset ${offset}`)
      for (const at of eachBatch(records)) {
        const header = readBatchHeader(records, at)
        const codec = codecOf(header.attributes)
        const plain = Buffer.from(decompress(codec, batchPayload(records, at), 100_000_000))
        for (const record of readRecords(plain, header)) {
          const [key, value] = [record.key?.toString() ?? null, record.value?.toString() ?? null]
          stored.push({ offset: record.offset, key, value, codec, batchBytes: header.sizeBytes })
        }
        offset = header.baseOffset + header.lastOffsetDelta + 1
      }
    }
    return stored
  }

  /** Names in the directory of partition 0 that end so. */
  files(topic: string, suffix: string): string[] {
    return this.disk.list(`/data/${topic}-0`).filter((name) => name.endsWith(suffix))
  }

  async #offset(topic: string, timestamp: number): Promise<number> {
    const topics = [{ name: topic, partitions: [{ partitionIndex: 0, timestamp }] }]
    const answer = await this.#client.call(ListOffsets, 7, { replicaId: -1, isolationLevel: 0, topics })
    const { errorCode, offset } = answer.topics[0]!.partitions[0]!
    if (errorCode !== 0) throw new Error(`${topic}: error ${errorCode}`)
    return offset
  }
}

export type ProduceOptions = Omit<NewBatch, 'records'> & { readonly timestamp?: number; readonly acks?: number }
