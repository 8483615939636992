import type { DecodedResponseOf } from '../../protocol/codec/schema.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { FindCoordinator } from '../../protocol/messages/10-find-coordinator.ts'
import { InitProducerId } from '../../protocol/messages/22-init-producer-id.ts'
import { AddPartitionsToTxn } from '../../protocol/messages/24-add-partitions-to-txn.ts'
import { EndTxn } from '../../protocol/messages/26-end-txn.ts'
import { DescribeTransactions } from '../../protocol/messages/65-describe-transactions.ts'
import { batchOf } from './batches.ts'
import { produceRequest } from './data.ts'
import type { WireClient } from './wire-client.ts'
import type { TestTopic, WireTest } from './wire-test.ts'

/** Which requests a producer sends: 1 adds its partitions by hand, 2 leaves that to the first write (KIP-890). */
export type Generation = 1 | 2

export const GENERATIONS: readonly Generation[] = [1, 2]
/** The newest versions that a producer of each generation uses. */
export const PRODUCE_VERSION = { 1: 11, 2: 13 } as const
export const END_VERSION = { 1: 4, 2: 5 } as const

/** COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR. */
const NOT_READY = new Set([14, 15, 16])
const CONCURRENT_TRANSACTIONS = 51

export type Described = DecodedResponseOf<typeof DescribeTransactions>['transactionStates'][number]
type InitAnswer = DecodedResponseOf<typeof InitProducerId>

export interface InitOptions {
  readonly version?: number
  readonly timeoutMs?: number
  /** What the producer believes to be. */
  readonly expected?: { readonly producerId: number; readonly producerEpoch: number }
}

export interface SendOptions {
  readonly index?: number
  readonly count?: number
  readonly sequence?: number
  readonly version?: number
  readonly producerEpoch?: number
}

/** A transactional id whose coordinator answers: a fresh Kafka takes a while. */
export async function transactionalId(test: WireTest): Promise<string> {
  const id = test.unique('txn')
  if (!test.isKafka) return id
  await test.eventually(`the coordinator of ${id}`, async () => {
    const { coordinators } = await test.call(FindCoordinator, 4, { keyType: 1, coordinatorKeys: [id] })
    if (coordinators[0]!.errorCode !== 0) return false
    return !NOT_READY.has((await describeTransaction(test, id)).errorCode)
  })
  return id
}

export async function describeTransaction(test: WireTest, id: string): Promise<Described> {
  return (await test.call(DescribeTransactions, 0, { transactionalIds: [id] })).transactionStates[0]!
}

/** Until the markers of the decided transaction are written, which either broker does after its answer. */
export async function untilComplete(test: WireTest, id: string): Promise<Described> {
  let described: Described | undefined
  await test.eventually(`the markers of ${id}`, async () => {
    described = await describeTransaction(test, id)
    return !described.transactionState.startsWith('Prepare')
  })
  return described!
}

/** One transactional producer, which does as it is told: no retries, and whatever sequence it is given. */
export class TransactionalProducer {
  readonly test: WireTest
  readonly id: string
  readonly generation: Generation
  producerId = -1
  producerEpoch = -1
  readonly #sequences = new Map<string, number>()

  constructor(test: WireTest, id: string, generation: Generation) {
    this.test = test
    this.id = id
    this.generation = generation
  }

  /** With an identity. */
  static async start(test: WireTest, generation: Generation = 2, id?: string): Promise<TransactionalProducer> {
    const producer = new TransactionalProducer(test, id ?? (await transactionalId(test)), generation)
    await producer.begin()
    return producer
  }

  /** With an identity, and one record in a transaction that is open. */
  static async writing(test: WireTest, topic: TestTopic, generation: Generation = 2): Promise<TransactionalProducer> {
    const producer = await TransactionalProducer.start(test, generation)
    await producer.write(topic)
    return producer
  }

  get identity() {
    return { producerId: this.producerId, producerEpoch: this.producerEpoch }
  }

  /** Another one of the same transactional id, which has seen nothing. */
  twin(): TransactionalProducer {
    return new TransactionalProducer(this.test, this.id, this.generation)
  }

  async init({ version = 5, timeoutMs = 60_000, expected }: InitOptions = {}): Promise<InitAnswer> {
    const request = { transactionalId: this.id, transactionTimeoutMs: timeoutMs, ...expected }
    const answer = await this.test.call(InitProducerId, version, request)
    if (answer.errorCode === 0) this.#become(answer)
    return answer
  }

  /** Asks until the transaction of whoever was there before is out of the way. */
  async begin(options: InitOptions = {}): Promise<void> {
    await this.test.eventually(`${this.id} to begin`, async () => {
      const { errorCode } = await this.init(options)
      if (errorCode !== 0 && errorCode !== CONCURRENT_TRANSACTIONS && !NOT_READY.has(errorCode)) {
        throw new Error(`InitProducerId was refused with ${errorCode}`)
      }
      return errorCode === 0
    })
  }

  /** The error of each partition. */
  async add(topic: TestTopic, partitions: readonly number[] = [0], version = 3): Promise<number[]> {
    const { resultsByTopicV3AndBelow: results } = await this.test.call(AddPartitionsToTxn, version, {
      v3AndBelowTransactionalId: this.id,
      v3AndBelowProducerId: this.producerId,
      v3AndBelowProducerEpoch: this.producerEpoch,
      v3AndBelowTopics: [{ name: topic.name, partitions: [...partitions] }],
    })
    return results[0]!.resultsByPartition.map(({ partitionErrorCode }) => partitionErrorCode)
  }

  batch(topic: TestTopic, { index = 0, count = 1, sequence, producerEpoch }: SendOptions = {}): Buffer {
    const place = `${topic.name}-${index}`
    const baseSequence = sequence ?? this.#sequences.get(place) ?? 0
    this.#sequences.set(place, baseSequence + count)
    const { producerId } = this
    const epoch = producerEpoch ?? this.producerEpoch
    return batchOf(count, { producerId, producerEpoch: epoch, baseSequence, transactional: true })
  }

  /** Whatever comes of it. */
  async send(topic: TestTopic, options: SendOptions = {}, client?: WireClient) {
    const { index = 0, version = PRODUCE_VERSION[this.generation] } = options
    const request = produceRequest(topic, this.batch(topic, options), { index, transactionalId: this.id })
    const { responses } = await (client ?? (await this.test.client())).call(Produce, version, request)
    return responses[0]!.partitionResponses[0]!
  }

  /** Writes, and gives the offset; Kafka may need a moment for the markers of the transaction before. */
  async write(topic: TestTopic, options: SendOptions = {}): Promise<number> {
    const { index = 0 } = options
    let baseOffset = -1
    if (this.generation === 1) {
      await this.test.eventually('the partition to be added', async () => {
        const [error] = await this.add(topic, [index])
        if (error !== 0 && error !== CONCURRENT_TRANSACTIONS) throw new Error(`the partition was refused with ${error}`)
        return error === 0
      })
    }
    await this.test.eventually('the write', async () => {
      const before = this.#sequences.get(`${topic.name}-${index}`) ?? 0
      const answer = await this.send(topic, options)
      if (answer.errorCode === CONCURRENT_TRANSACTIONS) {
        this.#sequences.set(`${topic.name}-${index}`, before)
        return false
      }
      if (answer.errorCode !== 0) throw new Error(`refused with ${answer.errorCode}: ${answer.errorMessage}`)
      baseOffset = answer.baseOffset
      return true
    })
    return baseOffset
  }

  /** The error code; the identity that comes with it is taken. */
  async end(committed: boolean, version: number = END_VERSION[this.generation]): Promise<number> {
    const { producerId, producerEpoch } = this
    const request = { transactionalId: this.id, producerId, producerEpoch, committed }
    const answer = await this.test.call(EndTxn, version, request)
    if (answer.errorCode === 0 && version >= 5) this.#become(answer)
    return answer.errorCode
  }

  /** Ended, with the markers in place. */
  async finish(committed: boolean): Promise<Described> {
    const error = await this.end(committed)
    if (error !== 0) throw new Error(`EndTxn was refused with ${error}`)
    return untilComplete(this.test, this.id)
  }

  #become({ producerId, producerEpoch }: { producerId: number; producerEpoch: number }): void {
    if (producerId !== this.producerId || producerEpoch !== this.producerEpoch) this.#sequences.clear()
    this.producerId = producerId
    this.producerEpoch = producerEpoch
  }
}
