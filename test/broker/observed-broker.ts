import { Produce } from '../../protocol/messages/00-produce.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { CreateTopics } from '../../protocol/messages/19-create-topics.ts'
import { batchPayload, codecOf, eachBatch, readBatchHeader } from '../../protocol/records/batch.ts'
import { buildBatch, type NewBatch } from '../../protocol/records/batch-builder.ts'
import { decompress } from '../../protocol/records/compression.ts'
import { readRecords } from '../../protocol/records/record.ts'
import { BROKER_EVENT_NAMES, type BrokerEventMap, type BrokerEventName } from '../../src/broker/broker-event.ts'
import { loadBrokerConfig } from '../../src/config/broker-config.ts'
import { nodeClock } from '../../src/io/node-clock.ts'
import { NodeTransport } from '../../src/io/node-transport.ts'
import { SimulatedFileSystem } from '../../src/io/simulated-file-system.ts'
import { SimulatedRandom } from '../../src/io/simulated-random.ts'
import { simulatedWork } from '../../src/io/simulated-work.ts'
import { endOfTurn } from '../../src/io/turn.ts'
import { Odradek } from '../../src/server/odradek.ts'
import { captureLog, type LogCapture } from '../support/log-capture.ts'
import { WireClient } from '../support/wire-client.ts'

export type Seen = {
  [K in BrokerEventName]: { readonly name: K; readonly event: BrokerEventMap[K] }
}[BrokerEventName]

export interface PartitionBatch {
  readonly topic: string
  readonly partition: number
  readonly batch: NewBatch | Buffer | null
}

export interface StoredBatch {
  readonly baseOffset: number
  readonly recordCount: number
  readonly producerId: number
  readonly values: readonly (string | null)[]
}

/** A whole broker in memory, reached over a socket, whose events are kept as they come. */
export class ObservedBroker {
  readonly odradek: Odradek
  readonly log: LogCapture
  readonly seen: Seen[] = []
  readonly client: WireClient

  private constructor(odradek: Odradek, log: LogCapture, client: WireClient) {
    this.odradek = odradek
    this.log = log
    this.client = client
  }

  static async start(settings: Readonly<Record<string, string>> = {}): Promise<ObservedBroker> {
    const own = {
      listeners: 'PLAINTEXT://127.0.0.1:0',
      'log.dirs': '/data',
      'group.initial.rebalance.delay.ms': '0',
      'auto.create.topics.enable': 'false',
    }
    const { config } = loadBrokerConfig({ commandLine: new Map(Object.entries({ ...own, ...settings })) })
    const log = captureLog()
    const io = {
      fileSystem: new SimulatedFileSystem({ crashable: false, nowMs: () => nodeClock.nowMs() }),
      clock: nodeClock,
      random: new SimulatedRandom(1),
      transport: new NodeTransport(),
      work: simulatedWork(),
      endOfTurn,
      processes: null,
      logger: log.logger,
    }
    const odradek = await Odradek.start(io, { config, clusterId: null })
    const client = await WireClient.connect(odradek.listeners[0]!.port, { clientId: 'tester' })
    return new ObservedBroker(odradek, log, client)
  }

  get events() {
    return this.odradek.engine.events
  }

  get interceptors() {
    return this.odradek.engine.produceInterceptors
  }

  get port(): number {
    return this.odradek.listeners[0]!.port
  }

  /** From now on. All of them unless named. */
  observe(...names: BrokerEventName[]): void {
    for (const name of names.length === 0 ? BROKER_EVENT_NAMES : names) {
      this.events.on(name, (event) => void this.seen.push({ name, event } as Seen))
    }
  }

  of<K extends BrokerEventName>(name: K): BrokerEventMap[K][] {
    return this.seen.filter((one) => one.name === name).map(({ event }) => event as BrokerEventMap[K])
  }

  async createTopic(name: string, numPartitions = 1, configs: Readonly<Record<string, string>> = {}): Promise<void> {
    const settings = Object.entries(configs).map(([key, value]) => ({ name: key, value }))
    const topic = { name, numPartitions, replicationFactor: -1, assignments: [], configs: settings }
    const request = { topics: [topic], timeoutMs: 10_000, validateOnly: false }
    const [created] = (await this.client.send(CreateTopics, 5, request)).topics
    if (created!.errorCode !== 0) throw new Error(`${name}: ${created!.errorCode} ${created!.errorMessage}`)
  }

  /** One answer per batch, in order. */
  async produce(batches: readonly PartitionBatch[], acks = -1) {
    const topicData = batches.map(({ topic, partition, batch }) => {
      const records = batch === null || Buffer.isBuffer(batch) ? batch : buildBatch(batch)
      return { name: topic, partitionData: [{ index: partition, records }] }
    })
    const { responses } = await this.client.send(Produce, 9, { acks, timeoutMs: 10_000, topicData })
    return responses.map(({ partitionResponses }) => partitionResponses[0]!)
  }

  async stored(topic: string, partition = 0): Promise<StoredBatch[]> {
    const stored: StoredBatch[] = []
    for (let offset = 0; ; ) {
      const partitions = [{ partition, fetchOffset: offset, partitionMaxBytes: 10_000_000 }]
      const request = { maxWaitMs: 0, minBytes: 0, topics: [{ topic, partitions }], forgottenTopicsData: [] }
      const answer = (await this.client.send(Fetch, 12, request)).responses[0]!.partitions[0]!
      if (answer.errorCode !== 0) throw new Error(`${topic}-${partition}: error ${answer.errorCode}`)
      const { records } = answer
      if (records === null || records.length === 0) return stored
      for (const at of eachBatch(records)) {
        const header = readBatchHeader(records, at)
        const plain = Buffer.from(decompress(codecOf(header.attributes), batchPayload(records, at), 10_000_000))
        const values = [...readRecords(plain, header)].map(({ value }) => value?.toString() ?? null)
        const { baseOffset, recordCount, producerId } = header
        stored.push({ baseOffset, recordCount, producerId, values })
        offset = baseOffset + header.lastOffsetDelta + 1
      }
    }
  }

  async close(): Promise<void> {
    await this.client.close()
    await this.odradek.close()
  }
}

export function batchOf(...values: string[]): NewBatch {
  return { records: values.map((value) => ({ timestamp: Date.now(), key: null, value: Buffer.from(value) })) }
}
