import { setTimeout as sleep } from 'node:timers/promises'
import { Produce } from '../protocol/messages/00-produce.ts'
import { Fetch } from '../protocol/messages/01-fetch.ts'
import { ListOffsets } from '../protocol/messages/02-list-offsets.ts'
import { CreateTopics } from '../protocol/messages/19-create-topics.ts'
import { DeleteRecords } from '../protocol/messages/21-delete-records.ts'
import { IncrementalAlterConfigs } from '../protocol/messages/44-incremental-alter-configs.ts'
import { WireClient } from '../test/wire/wire-client.ts'
import type { Broker } from './broker.ts'
import { CommittedView } from './committed-view.ts'

const OFFSET_OUT_OF_RANGE = 1
/** UNKNOWN_TOPIC_OR_PARTITION, LEADER_NOT_AVAILABLE, NOT_LEADER_OR_FOLLOWER: the broker has not heard of it yet. */
const NOT_YET = new Set([3, 5, 6])
const RETRIES = 100
const EARLIEST = -2
const LATEST = -1
const TOPIC_RESOURCE = 2
const SET = 0
const CLIENT_ID = '__admin_client'
/** Cleaning and retention run every few hundred milliseconds: nothing comes any more after this long. */
const QUIET_MS = 3_000
const PATIENCE_MS = 90_000

export type Configs = Readonly<Record<string, string>>

/** What a reader finds in partition 0 of a topic. */
export interface Contents {
  readonly earliest: number
  readonly latest: number
  /** `offset @timestamp key=value`. */
  readonly records: readonly string[]
}

/** One broker of either kind, spoken to by hand: both get the same bytes. */
export class CompactionBroker {
  readonly #client: WireClient

  private constructor(client: WireClient) {
    this.#client = client
  }

  static async connect(broker: Broker): Promise<CompactionBroker> {
    return new CompactionBroker(await WireClient.open(broker.host, broker.port, CLIENT_ID))
  }

  close(): void {
    this.#client.close()
  }

  async createTopic(name: string, configs: Configs): Promise<void> {
    const entries = Object.entries(configs).map(([key, value]) => ({ name: key, value }))
    const topic = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: entries }
    const answer = await this.#client.call(CreateTopics, 5, { topics: [topic], timeoutMs: 10_000, validateOnly: false })
    const [created] = answer.topics
    if (created?.errorCode !== 0) throw new Error(`${name}: error ${created?.errorCode} ${created?.errorMessage}`)
  }

  async configure(topic: string, configs: Configs): Promise<void> {
    const entries = Object.entries(configs).map(([name, value]) => ({ name, configOperation: SET, value }))
    const resource = { resourceType: TOPIC_RESOURCE, resourceName: topic, configs: entries }
    const request = { resources: [resource], validateOnly: false }
    const { responses } = await this.#client.call(IncrementalAlterConfigs, 1, request)
    if (responses[0]?.errorCode !== 0) throw new Error(`${topic}: ${responses[0]?.errorMessage}`)
  }

  /** Also while the topic is new to the broker. */
  async produce(topic: string, records: Buffer): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      const partitionData = [{ index: 0, records: Buffer.from(records) }]
      const request = { acks: -1, timeoutMs: 10_000, topicData: [{ name: topic, partitionData }] }
      const { responses } = await this.#client.call(Produce, 9, request)
      const [answer] = responses[0]!.partitionResponses
      if (answer!.errorCode === 0) return
      if (!NOT_YET.has(answer!.errorCode) || attempt > RETRIES)
        throw new Error(`${topic}: error ${answer!.errorCode} ${answer!.errorMessage}`)
      await sleep(100)
    }
  }

  async deleteRecords(topic: string, offset: number): Promise<void> {
    const request = { topics: [{ name: topic, partitions: [{ partitionIndex: 0, offset }] }], timeoutMs: 10_000 }
    const { topics } = await this.#client.call(DeleteRecords, 2, request)
    const [answer] = topics[0]!.partitions
    if (answer!.errorCode !== 0) throw new Error(`${topic}: error ${answer!.errorCode}`)
  }

  async contents(topic: string): Promise<Contents> {
    const earliest = await this.#offset(topic, EARLIEST)
    const latest = await this.#offset(topic, LATEST)
    const view = await this.#read(topic, earliest, latest)
    // Retention went by between the two questions: everything is asked anew.
    return view ? { earliest, latest, records: view.all } : this.contents(topic)
  }

  /** All of the topic as readers of both isolations see it. */
  async view(topic: string): Promise<CommittedView> {
    const view = await this.#read(topic, await this.#offset(topic, EARLIEST), await this.#offset(topic, LATEST))
    return view ?? this.view(topic)
  }

  /** Null when the beginning is gone. */
  async #read(topic: string, earliest: number, latest: number): Promise<CommittedView | null> {
    const view = new CommittedView()
    for (let offset = earliest; offset < latest; ) {
      const partition = { partition: 0, fetchOffset: offset, partitionMaxBytes: 1_000_000 }
      const topics = [{ topic, partitions: [partition] }]
      const request = { maxWaitMs: 100, minBytes: 1, isolationLevel: 1, topics, forgottenTopicsData: [] }
      const { responses } = await this.#client.call(Fetch, 12, request)
      const answer = responses[0]!.partitions[0]!
      if (answer.errorCode === OFFSET_OUT_OF_RANGE) return null
      if (answer.errorCode !== 0) throw new Error(`${topic}: error ${answer.errorCode} at offset ${offset}`)
      const next = view.take(answer.records ?? Buffer.alloc(0), answer.abortedTransactions ?? [], offset)
      if (next === offset) throw new Error(`${topic}: nothing at offset ${offset} of ${latest}`)
      offset = next
    }
    return view
  }

  /** The contents once they satisfy the test and nothing has changed for a while. */
  async settled(topic: string, what: string, test: (contents: Contents) => boolean): Promise<Contents> {
    const deadlineMs = performance.now() + PATIENCE_MS
    let contents = await this.contents(topic)
    for (let sinceMs = performance.now(); ; ) {
      await sleep(100)
      const now = await this.contents(topic)
      if (JSON.stringify(now) !== JSON.stringify(contents)) sinceMs = performance.now()
      contents = now
      if (test(contents) && performance.now() - sinceMs > QUIET_MS) return contents
      if (performance.now() > deadlineMs)
        throw new Error(`${topic}: waited in vain for ${what}: ${JSON.stringify(now)}`)
    }
  }

  /** Also while the broker is starting. */
  async #offset(topic: string, timestamp: number): Promise<number> {
    const topics = [{ name: topic, partitions: [{ partitionIndex: 0, timestamp }] }]
    for (let attempt = 0; ; attempt++) {
      const answer = await this.#client.call(ListOffsets, 7, { replicaId: -1, isolationLevel: 0, topics })
      const { errorCode, offset } = answer.topics[0]!.partitions[0]!
      if (errorCode === 0) return offset
      if (!NOT_YET.has(errorCode) || attempt > RETRIES) throw new Error(`${topic}: error ${errorCode}`)
      await sleep(100)
    }
  }
}
