import { ErrorCode } from '../../protocol/errors.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { InitProducerId } from '../../protocol/messages/22-init-producer-id.ts'
import type { SimulatedRandom } from '../../src/io/simulated-random.ts'
import { Client, ConnectionLost } from './client.ts'
import type { PartitionLedger } from './partition-ledger.ts'
import { batchWith } from './payload.ts'
import { Violation } from './violation.ts'
import type { World } from './world.ts'

/** Of max.in.flight.requests.per.connection, with which idempotent producers keep their order. */
const IN_FLIGHT = 5
const LONGEST_QUEUE = 8
const ZSTD = 4
const ZSTD_VERSION = 7

export interface ProducerOptions {
  readonly acks: -1 | 0 | 1
  readonly idempotent: boolean
  /** Sends again what was not answered. */
  readonly retries: boolean
  readonly topics: readonly string[]
}

interface Batch {
  readonly topic: string
  readonly partition: number
  readonly ledger: PartitionLedger
  readonly ids: readonly string[]
  readonly baseSequence: number
  readonly codec: number
  isFlying: boolean
}

/** A producer as the Java client is one: batches queue by partition, several requests are under way, failures go back. */
export class Producer {
  readonly client: Client
  readonly options: ProducerOptions
  readonly #world: World
  readonly #random: SimulatedRandom
  /** By partition, in the order of their sequence: under way first, unless they came back. */
  readonly #queues = new Map<string, Batch[]>()
  readonly #sequences = new Map<string, number>()
  #producerId = -1
  /** Counts the producer ids it has had: each begins its sequences anew, as an application that is started again. */
  #era = 0
  #isRenewing = false
  #requests = 0
  /** Records that were acknowledged. */
  acknowledged = 0

  constructor(world: World, name: string, options: ProducerOptions) {
    this.#world = world
    this.#random = world.fork()
    this.client = new Client(world, name, this.#random)
    this.options = options
  }

  async run(): Promise<void> {
    const { clock } = this.#world
    const paceMs = 5 + this.#random.below(150)
    while (!this.#world.isEnding || this.#hasWork()) {
      this.#renew()
      if (!this.#world.isEnding && !this.#isRenewing && this.#random.below(2) === 0) this.#newBatch()
      try {
        if (this.options.idempotent && this.#producerId < 0) await this.#init()
        this.#send()
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error
        await clock.sleep(100 + this.#random.below(400))
      }
      await clock.sleep(this.#random.below(paceMs))
    }
    this.client.close()
  }

  #hasWork(): boolean {
    return this.#requests > 0 || [...this.#queues.values()].some((queue) => queue.length > 0)
  }

  /** Now and then it finishes its work and begins with another producer id. */
  #renew(): void {
    if (this.#random.below(150) === 0) this.#isRenewing = true
    if (!this.#isRenewing || this.#hasWork()) return
    this.#isRenewing = false
    this.#producerId = -1
    this.#era++
    this.#sequences.clear()
  }

  async #init(): Promise<void> {
    const answer = await this.client.call(InitProducerId, { transactionalId: null, transactionTimeoutMs: 60_000 })
    this.#world.checkError(this.client, 'InitProducerId', answer.errorCode)
    if (answer.errorCode !== ErrorCode.NONE) return
    if (this.#world.producerIds.has(answer.producerId)) {
      throw new Violation(`producer id ${answer.producerId} was given out twice`)
    }
    this.#world.producerIds.add(answer.producerId)
    this.#producerId = answer.producerId
  }

  #newBatch(): void {
    const topic = this.options.topics[this.#random.below(this.options.topics.length)]!
    const partition = this.#random.below(this.#world.topics.get(topic).partitions)
    const key = `${topic}-${partition}`
    const queue = this.#queues.get(key) ?? []
    this.#queues.set(key, queue)
    if (queue.length >= LONGEST_QUEUE) return
    const baseSequence = this.#sequences.get(key) ?? 0
    const count = 1 + this.#random.below(this.#random.below(4) === 0 ? 40 : 4)
    const longest = this.#random.below(10) === 0 ? 3000 : 40
    const ids = Array.from(
      { length: count },
      (_, index) => `${this.client.name}.${this.#era}/${key}/${baseSequence + index}#${this.#random.below(longest)}`,
    )
    this.#sequences.set(key, baseSequence + count)
    const ledger = this.#world.topics.partition(topic, partition)
    const codec = this.#random.below(3) === 0 ? this.#codec() : 0
    queue.push({ topic, partition, ledger, ids, baseSequence, codec, isFlying: false })
  }

  #codec(): number {
    const codec = 1 + this.#random.below(ZSTD)
    return codec === ZSTD && this.client.versionOf(Produce) < ZSTD_VERSION ? 1 : codec
  }

  /** One batch each of some partitions, the oldest that is not under way. */
  #send(): void {
    if (this.#requests >= IN_FLIGHT) return
    const batches: Batch[] = []
    for (const queue of this.#queues.values()) {
      const batch = queue.find(({ isFlying }) => !isFlying)
      if (batch && this.#random.below(3) > 0) batches.push(batch)
    }
    if (batches.length === 0) return
    for (const batch of batches) {
      batch.isFlying = true
      const producer = this.options.idempotent ? `${this.client.name}/${this.#producerId}` : null
      batch.ledger.sends(batch.ids.map((id, index) => ({ id, producer, sequence: batch.baseSequence + index })))
    }
    const { acks } = this.options
    const request = { acks, timeoutMs: 30_000, topicData: this.#topicData(batches) }
    if (acks === 0) {
      for (const batch of batches) this.#remove(batch)
      this.client.post(Produce, request)
      return
    }
    this.#requests++
    void this.#world.spawn(async () => {
      try {
        const answer = await this.client.call(Produce, request)
        for (const topic of answer.responses) {
          for (const partition of topic.partitionResponses) {
            const batch = batches.find((one) => one.partition === partition.index && this.#isOf(one, topic))
            if (batch === undefined) throw new Violation(`${this.client.name}: an answer for what was not sent`)
            batches.splice(batches.indexOf(batch), 1)
            this.#answered(batch, partition.errorCode, partition.baseOffset)
          }
        }
        if (batches.length > 0) throw new Violation(`${this.client.name}: no answer for ${batches[0]!.ids[0]}`)
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error
        for (const batch of batches) this.#lost(batch)
      } finally {
        this.#requests--
      }
    })
  }

  #isOf(batch: Batch, topic: { readonly name: string; readonly topicId: string }): boolean {
    return topic.name === batch.topic || topic.topicId === this.#world.topics.get(batch.topic).id
  }

  #topicData(batches: readonly Batch[]) {
    const timestamp = this.#world.clock.nowMs() - this.#random.below(50)
    return [...new Set(batches.map(({ topic }) => topic))].map((name) => ({
      name,
      topicId: this.#world.topics.get(name).id!,
      partitionData: batches
        .filter(({ topic }) => topic === name)
        .map(({ partition, ids, baseSequence, codec }) => {
          const sequence = { producerId: this.#producerId, producerEpoch: 0, baseSequence }
          return {
            index: partition,
            records: batchWith(ids, timestamp, { codec, ...(this.options.idempotent ? sequence : {}) }),
          }
        }),
    }))
  }

  #answered(batch: Batch, error: number, baseOffset: number): void {
    const { name } = this.client
    if (error === ErrorCode.NONE) {
      this.#world.trace.note(name, `${batch.ids[0]} (${batch.ids.length}) at ${baseOffset}`)
      batch.ledger.acknowledged(batch.ids, baseOffset, this.options.acks)
      this.acknowledged += batch.ids.length
      this.#remove(batch)
      return
    }
    this.#world.trace.note(name, `${batch.ids[0]} got error ${error}`)
    if (error === ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER && this.options.idempotent) {
      if (this.#queueOf(batch)[0] === batch) {
        throw new Violation(`${name}: ${batch.ids[0]} is out of order, although all before it was acknowledged`)
      }
    } else this.#world.checkError(this.client, `Produce of ${batch.ids[0]}`, error, ErrorCode.NOT_LEADER_OR_FOLLOWER)
    this.#lost(batch)
  }

  #lost(batch: Batch): void {
    batch.isFlying = false
    if (!this.options.retries) this.#remove(batch)
  }

  #remove(batch: Batch): void {
    const queue = this.#queueOf(batch)
    queue.splice(queue.indexOf(batch), 1)
  }

  #queueOf({ topic, partition }: Batch): Batch[] {
    return this.#queues.get(`${topic}-${partition}`)!
  }
}
