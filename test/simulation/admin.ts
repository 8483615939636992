import { ErrorCode } from '../../protocol/errors.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { ApiVersions } from '../../protocol/messages/18-api-versions.ts'
import { CreateTopics } from '../../protocol/messages/19-create-topics.ts'
import { DeleteTopics } from '../../protocol/messages/20-delete-topics.ts'
import { DeleteRecords } from '../../protocol/messages/21-delete-records.ts'
import { DescribeConfigs } from '../../protocol/messages/32-describe-configs.ts'
import { CreatePartitions } from '../../protocol/messages/37-create-partitions.ts'
import { IncrementalAlterConfigs } from '../../protocol/messages/44-incremental-alter-configs.ts'
import type { SimulatedRandom } from '../../src/io/simulated-random.ts'
import { Client, ConnectionLost } from './client.ts'
import { batchWith } from './payload.ts'
import { Violation } from './violation.ts'
import type { World } from './world.ts'

const TIMEOUT_MS = 30_000
const TOPIC_RESOURCE = 2
const SET = 0
/** Metadata answers with topic ids from here on; CreateTopics, and by id DeleteTopics. */
const METADATA_IDS_VERSION = 10
const CREATED_ID_VERSION = 7
const DELETE_TOPICS_VERSION = 6
const TOPIC_IDS_VERSION = 13
const ALTERED = 'max.message.bytes'

/** An administrator who never gives up: creates, grows, empties, alters and deletes topics, and looks at the result. */
export class Admin {
  readonly client: Client
  readonly #world: World
  readonly #random: SimulatedRandom
  readonly #shared: readonly string[]
  #topics = 0

  constructor(world: World, name: string, shared: readonly string[]) {
    this.#world = world
    this.#random = world.fork()
    // One that gives up may have its first request carried out after its second.
    this.client = new Client(world, name, this.#random, { isPatient: true })
    this.client.versionOf(Metadata, METADATA_IDS_VERSION)
    this.#shared = shared
  }

  async run(): Promise<void> {
    const own = new Set<string>()
    while (!this.#world.isEnding) {
      const choice = this.#random.below(12)
      if (choice < 3) await this.#oneLife(own)
      else if (choice < 5) await this.look(this.#shared)
      else if (choice < 7) await this.#deleteRecords(this.#anyShared())
      else if (choice < 8) await this.#grow(this.#anyShared())
      else if (choice < 9) await this.#alter(this.#anyShared())
      await this.#world.clock.sleep(this.#random.below(1500))
    }
    for (const name of own) await this.#delete(name)
    await this.look(this.#shared)
    this.client.close()
  }

  /** Creates a topic and waits until everybody knows its id. */
  async create(name: string, partitions: number): Promise<void> {
    const topic = this.#world.topics.get(name)
    topic.state = 'unsure'
    topic.partitionBound = Math.max(topic.partitionBound, partitions)
    await this.#insist(async (isRetry) => {
      const answer = await this.client.call(CreateTopics, {
        topics: [{ name, numPartitions: partitions, replicationFactor: 1, assignments: [], configs: [] }],
        timeoutMs: TIMEOUT_MS,
      })
      const { errorCode, topicId } = answer.topics[0]!
      const done = isRetry ? [ErrorCode.TOPIC_ALREADY_EXISTS] : []
      this.#world.checkError(this.client, `CreateTopics of ${name}`, errorCode, ...done)
      if (errorCode !== ErrorCode.NONE && errorCode !== ErrorCode.TOPIC_ALREADY_EXISTS) return false
      const isTold = errorCode === ErrorCode.NONE && this.client.versionOf(CreateTopics) >= CREATED_ID_VERSION
      this.#world.topics.created(name, partitions, isTold ? topicId : null)
      this.#world.trace.note(this.client.name, `created ${name}`)
      return true
    })
    await this.look([name])
  }

  async look(names: readonly string[]): Promise<void> {
    await this.#insist(async () => {
      const { topics } = this.#world
      const floors = new Map(names.map((name) => [name, topics.floor(name)]))
      const answer = await this.client.call(Metadata, {
        topics: names.map((name) => ({ name })),
        allowAutoTopicCreation: false,
        includeTopicAuthorizedOperations: false,
        includeClusterAuthorizedOperations: false,
      })
      for (const topic of answer.topics) topics.saw(topic, floors.get(topic.name!)!)
      const floor = topics.featuresEpoch
      const { errorCode, finalizedFeaturesEpoch } = await this.client.call(ApiVersions, {
        clientSoftwareName: 'simulation',
        clientSoftwareVersion: '1',
      })
      this.#world.checkError(this.client, 'ApiVersions', errorCode)
      if (finalizedFeaturesEpoch >= 0) topics.sawFeaturesEpoch(finalizedFeaturesEpoch, floor)
      return true
    })
  }

  #anyShared(): string {
    return this.#shared[this.#random.below(this.#shared.length)]!
  }

  /** One topic of its own, from creation to deletion or not. Names are used again. */
  async #oneLife(own: Set<string>): Promise<void> {
    const name = `${this.client.name}-topic-${this.#topics++ % 3}`
    if (own.has(name)) {
      await this.#delete(name)
      own.delete(name)
      await this.look([name])
      return
    }
    own.add(name)
    const partitions = 1 + this.#random.below(3)
    await this.create(name, partitions)
    await this.#use(name, this.#random.below(partitions))
    if (this.#random.below(2) === 0) {
      await this.#grow(name)
      await this.#use(name, this.#world.topics.get(name).partitions - 1)
    }
    if (this.#random.below(2) === 0) await this.#deleteRecords(name)
  }

  /** A topic that was created can be written to at once. */
  async #use(name: string, partition: number): Promise<void> {
    const ledger = this.#world.topics.partition(name, partition)
    const first = ledger.seenEnd
    await this.#insist(async () => {
      const id = `${this.client.name}/${name}-${partition}/${first}.${this.#random.below(1e9)}#10`
      ledger.sends([{ id, producer: null, sequence: 0 }])
      const topicId = this.#world.topics.get(name).id!
      if (this.client.versionOf(Produce) >= TOPIC_IDS_VERSION && topicId === null) return true
      const records = batchWith([id], this.#world.clock.nowMs(), {})
      const answer = await this.client.call(Produce, {
        acks: -1,
        timeoutMs: TIMEOUT_MS,
        topicData: [{ name, topicId, partitionData: [{ index: partition, records }] }],
      })
      const { errorCode, baseOffset } = answer.responses[0]!.partitionResponses[0]!
      this.#world.checkError(this.client, `Produce to the new ${name}-${partition}`, errorCode)
      if (errorCode !== ErrorCode.NONE) return false
      ledger.acknowledged([id], baseOffset, -1)
      return true
    })
  }

  async #grow(name: string): Promise<void> {
    const topic = this.#world.topics.get(name)
    const count = topic.partitions + 1
    if (count > 6) return
    topic.partitionBound = Math.max(topic.partitionBound, count)
    await this.#insist(async () => {
      const topics = [{ name, count, assignments: null }]
      const answer = await this.client.call(CreatePartitions, { topics, timeoutMs: TIMEOUT_MS, validateOnly: false })
      const { errorCode } = answer.results[0]!
      // A retry of what was done, or another administrator was faster.
      this.#world.checkError(this.client, `CreatePartitions of ${name}`, errorCode, ErrorCode.INVALID_PARTITIONS)
      if (errorCode !== ErrorCode.NONE && errorCode !== ErrorCode.INVALID_PARTITIONS) return false
      this.#world.trace.note(this.client.name, `${name} has ${count} partitions`)
      this.#world.topics.created(name, count, null)
      return true
    })
  }

  async #deleteRecords(name: string): Promise<void> {
    const partition = this.#random.below(this.#world.topics.get(name).partitions)
    const ledger = this.#world.topics.partition(name, partition)
    const offset = Math.floor(ledger.seenEnd * (this.#random.below(100) / 100))
    const { cuts } = ledger
    ledger.deleteBound = Math.max(ledger.deleteBound, offset)
    await this.#insist(async () => {
      const topics = [{ name, partitions: [{ partitionIndex: partition, offset }] }]
      const answer = await this.client.call(DeleteRecords, { topics, timeoutMs: TIMEOUT_MS })
      const { errorCode, lowWatermark } = answer.topics[0]!.partitions[0]!
      if (errorCode === ErrorCode.OFFSET_OUT_OF_RANGE && ledger.cuts !== cuts) return true
      this.#world.checkError(
        this.client,
        `DeleteRecords of ${ledger.name}`,
        errorCode,
        ErrorCode.NOT_LEADER_OR_FOLLOWER,
      )
      if (errorCode !== ErrorCode.NONE) return false
      if (lowWatermark < offset) throw new Violation(`${ledger.name} starts at ${lowWatermark}, not at ${offset}`)
      this.#world.trace.note(this.client.name, `${ledger.name} starts at ${lowWatermark}`)
      ledger.deletedTo = Math.max(ledger.deletedTo, lowWatermark)
      return true
    })
  }

  /** Sets a value and reads it again; nobody else may change it meanwhile, so each administrator has a value of its own. */
  async #alter(name: string): Promise<void> {
    const value = String(1_000_000 + this.#random.below(1_000_000))
    this.#world.configs.sends(name, value)
    await this.#insist(async () => {
      const configs = [{ name: ALTERED, configOperation: SET, value }]
      const resources = [{ resourceType: TOPIC_RESOURCE, resourceName: name, configs }]
      const answer = await this.client.call(IncrementalAlterConfigs, { resources, validateOnly: false })
      const { errorCode } = answer.responses[0]!
      if (errorCode !== ErrorCode.NONE) this.#world.trace.note(this.client.name, `altering ${name}: error ${errorCode}`)
      this.#world.checkError(this.client, `IncrementalAlterConfigs of ${name}`, errorCode)
      return errorCode === ErrorCode.NONE
    })
    this.#world.configs.stored(name, value)
    this.#world.trace.note(this.client.name, `${ALTERED} of ${name} is ${value}`)
    await this.#insist(async () => {
      const resources = [{ resourceType: TOPIC_RESOURCE, resourceName: name, configurationKeys: [ALTERED] }]
      const before = this.#world.configs.possible(name)
      const answer = await this.client.call(DescribeConfigs, { resources })
      const { errorCode, configs } = answer.results[0]!
      this.#world.checkError(this.client, `DescribeConfigs of ${name}`, errorCode)
      if (errorCode === ErrorCode.NONE) this.#world.configs.read(name, configs[0]!.value!, before)
      return true
    })
  }

  async #delete(name: string): Promise<void> {
    const topic = this.#world.topics.get(name)
    topic.state = 'unsure'
    const isById = this.client.versionOf(DeleteTopics) >= DELETE_TOPICS_VERSION
    await this.#insist(async (isRetry) => {
      const answer = await this.client.call(DeleteTopics, {
        topics: isById ? [{ name, topicId: NO_ID }] : [],
        topicNames: isById ? [] : [name],
        timeoutMs: TIMEOUT_MS,
      })
      const { errorCode } = answer.responses[0]!
      const gone = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
      this.#world.checkError(this.client, `DeleteTopics of ${name}`, errorCode, ...(isRetry ? [gone] : []))
      return errorCode === ErrorCode.NONE || errorCode === gone
    })
    this.#world.topics.deleted(name)
    this.#world.trace.note(this.client.name, `deleted ${name}`)
  }

  /** Until it is done, over as many connections as it takes. */
  async #insist(attempt: (isRetry: boolean) => Promise<boolean>): Promise<void> {
    for (let isRetry = false; ; isRetry = true) {
      try {
        if (await attempt(isRetry)) return
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error
      }
      await this.#world.clock.sleep(100 + this.#random.below(300))
    }
  }
}

const NO_ID = 'AAAAAAAAAAAAAAAAAAAAAA'
