import type { Api } from '../../protocol/codec/schema.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { FindCoordinator } from '../../protocol/messages/10-find-coordinator.ts'
import { InitProducerId } from '../../protocol/messages/22-init-producer-id.ts'
import { AddPartitionsToTxn } from '../../protocol/messages/24-add-partitions-to-txn.ts'
import { AddOffsetsToTxn } from '../../protocol/messages/25-add-offsets-to-txn.ts'
import { EndTxn } from '../../protocol/messages/26-end-txn.ts'
import { TxnOffsetCommit } from '../../protocol/messages/28-txn-offset-commit.ts'
import type { SimulatedRandom } from '../../src/io/simulated-random.ts'
import { Client, ConnectionLost } from './client.ts'
import { batchWith } from './payload.ts'
import type { TransactionTale } from './transaction-ledger.ts'
import { Violation } from './violation.ts'
import type { World } from './world.ts'

/** Everything that a producer repeats until it is answered otherwise. */
const RETRIABLE: ReadonlySet<number> = new Set([
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.NOT_ENOUGH_REPLICAS,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.CONCURRENT_TRANSACTIONS,
  ErrorCode.KAFKA_STORAGE_ERROR,
])
/** The transaction took too long and was aborted, or the producer that began it is not the current one. */
const FENCED: ReadonlySet<number> = new Set([
  ErrorCode.INVALID_TXN_STATE,
  ErrorCode.INVALID_PRODUCER_EPOCH,
  ErrorCode.PRODUCER_FENCED,
  ErrorCode.INVALID_PRODUCER_ID_MAPPING,
])
/** By the generation of the protocol: explicit, or implicit with a new epoch for each transaction (KIP-890). */
const VERSIONS: Readonly<Record<1 | 2, readonly (readonly [Api, number])[]>> = {
  1: [
    [Produce, 11],
    [AddPartitionsToTxn, 3],
    [AddOffsetsToTxn, 3],
    [TxnOffsetCommit, 4],
    [EndTxn, 4],
  ],
  2: [
    [Produce, 12],
    [TxnOffsetCommit, 5],
    [EndTxn, 5],
  ],
}

/** It cannot go on: somebody who takes its place decides what becomes of what it left open. */
class Fenced extends Error {}

export interface TransactorOptions {
  readonly topic: string
  readonly partitions: number
  readonly generation: 1 | 2
  /** Ends after so many; goes on until the end of the world when left out. */
  readonly transactions?: number
}

/** A transactional producer: consumes nothing, but writes records and the offsets of a group all or not at all. */
export class Transactor {
  readonly client: Client
  readonly group: string
  readonly #world: World
  readonly #random: SimulatedRandom
  readonly #options: TransactorOptions
  readonly #timeoutMs: number
  readonly #sequences = new Map<number, number>()
  #producerId = -1
  #producerEpoch = -1
  #number = 0
  committed = 0

  constructor(world: World, name: string, options: TransactorOptions) {
    this.#world = world
    this.#random = world.fork()
    this.client = new Client(world, name, this.#random)
    this.group = `offsets-of-${name}`
    this.#options = options
    this.#timeoutMs = this.#random.below(3) === 0 ? 1500 : 60_000
    for (const [api, version] of VERSIONS[options.generation]) this.client.pin(api, version)
    this.client.pin(FindCoordinator, 4)
  }

  async run(): Promise<void> {
    while (!this.#isDone) {
      await this.#begin()
      try {
        for (let more = 1 + this.#random.below(8); more > 0 && !this.#isDone; more--) await this.#transaction()
      } catch (error) {
        if (!(error instanceof Fenced)) throw error
      }
      // As an application that is started again: what it left open is decided by its successor.
      if (this.#random.below(3) === 0) this.client.vanish()
    }
    // Nothing stays open.
    await this.#begin()
    this.client.close()
  }

  get #isDone(): boolean {
    return this.#world.isEnding || this.#number >= (this.#options.transactions ?? Number.POSITIVE_INFINITY)
  }

  /** Takes the transactional id over. */
  async #begin(): Promise<void> {
    const { name } = this.client
    const request = { transactionalId: name, transactionTimeoutMs: this.#timeoutMs }
    const answer = await this.#until('InitProducerId', () => this.client.call(InitProducerId, request))
    if (answer.errorCode !== ErrorCode.NONE) {
      throw new Violation(`${name}: InitProducerId was answered with error ${answer.errorCode}`)
    }
    this.#become(answer.producerId, answer.producerEpoch)
  }

  #become(producerId: number, producerEpoch: number): void {
    if (producerId === this.#producerId && producerEpoch <= this.#producerEpoch) {
      throw new Violation(`${this.client.name}: epoch ${producerEpoch} follows ${this.#producerEpoch}`)
    }
    this.#producerId = producerId
    this.#producerEpoch = producerEpoch
    this.#sequences.clear()
  }

  async #transaction(): Promise<void> {
    const { clock, transactions } = this.#world
    const tale = transactions.begins(this.client.name, this.#number++)
    const isWorthwhile = await this.#fill(tale).catch((error) => {
      if (!(error instanceof Fenced)) throw error
      tale.fate = 'aborted'
      throw error
    })
    // Some die with the transaction open.
    if (this.#random.below(12) === 0) {
      tale.fate = 'aborted'
      throw new Fenced('gone')
    }
    await this.#end(tale, isWorthwhile && this.#random.below(4) > 0)
    await clock.sleep(this.#random.below(200))
  }

  /** False when something could not be written: the transaction can only be aborted. */
  async #fill(tale: TransactionTale): Promise<boolean> {
    const { partitions } = this.#options
    const batches = 1 + this.#random.below(5)
    for (let batch = 0; batch < batches; batch++) {
      if (!(await this.#write(tale, this.#random.below(partitions)))) return false
      await this.#world.clock.sleep(this.#random.below(60))
    }
    return this.#random.below(2) === 0 ? this.#commitOffset(tale) : true
  }

  async #write(tale: TransactionTale, partition: number): Promise<boolean> {
    const { topic, generation } = this.#options
    if (generation === 1 && !(await this.#addPartition(partition))) return false
    const baseSequence = this.#sequences.get(partition) ?? 0
    const ids = Array.from(
      { length: 1 + this.#random.below(4) },
      (_, index) => `${tale.name}/${tale.number}/${partition}/${baseSequence + index}#${this.#random.below(60)}`,
    )
    this.#world.transactions.sends(tale, ids)
    const { producerId, producerEpoch } = this
    const options = { producerId, producerEpoch, baseSequence, transactional: true }
    const error = await this.#error('Produce', async () => {
      const records = batchWith(ids, this.#world.clock.nowMs(), options)
      const topicData = [{ name: topic, partitionData: [{ index: partition, records }] }]
      const request = { transactionalId: tale.name, acks: -1, timeoutMs: 30_000, topicData }
      const { responses } = await this.client.call(Produce, request)
      return responses[0]!.partitionResponses[0]!.errorCode
    })
    if (error !== ErrorCode.NONE) return false
    this.#sequences.set(partition, baseSequence + ids.length)
    this.#world.transactions.acknowledged(tale, partition, ids)
    return true
  }

  get producerId(): number {
    return this.#producerId
  }

  get producerEpoch(): number {
    return this.#producerEpoch
  }

  async #addPartition(partition: number): Promise<boolean> {
    const { topic } = this.#options
    const error = await this.#error('AddPartitionsToTxn', async () => {
      const answer = await this.client.call(AddPartitionsToTxn, {
        v3AndBelowTransactionalId: this.client.name,
        v3AndBelowProducerId: this.#producerId,
        v3AndBelowProducerEpoch: this.#producerEpoch,
        v3AndBelowTopics: [{ name: topic, partitions: [partition] }],
      })
      return answer.resultsByTopicV3AndBelow[0]!.resultsByPartition[0]!.partitionErrorCode
    })
    return error === ErrorCode.NONE
  }

  async #commitOffset(tale: TransactionTale): Promise<boolean> {
    const { topic, generation } = this.#options
    const { group } = this
    const own = { transactionalId: tale.name, producerId: this.#producerId, producerEpoch: this.#producerEpoch }
    if (generation === 1) {
      const request = { ...own, groupId: group }
      const added = await this.#error(
        'AddOffsetsToTxn',
        async () => (await this.client.call(AddOffsetsToTxn, request)).errorCode,
      )
      if (added !== ErrorCode.NONE) return false
    }
    const committed = { partitionIndex: 0, committedOffset: tale.number, committedMetadata: '' }
    const error = await this.#error('TxnOffsetCommit', async () => {
      const request = { ...own, groupId: group, topics: [{ name: topic, partitions: [committed] }] }
      const { topics } = await this.client.call(TxnOffsetCommit, request)
      return topics[0]!.partitions[0]!.errorCode
    })
    if (error !== ErrorCode.NONE) return false
    tale.offset = tale.number
    return true
  }

  async #end(tale: TransactionTale, commit: boolean): Promise<void> {
    tale.fate = 'ending'
    const request = {
      transactionalId: tale.name,
      producerId: this.#producerId,
      producerEpoch: this.#producerEpoch,
      committed: commit,
    }
    let isUnsure = false
    const answer = await this.#until('EndTxn', async () => {
      try {
        return await this.client.call(EndTxn, request)
      } catch (error) {
        isUnsure = true
        throw error
      }
    })
    const { errorCode } = answer
    this.#world.trace.note(tale.name, `transaction ${tale.number}: ${commit ? 'commit' : 'abort'} got ${errorCode}`)
    if (errorCode === ErrorCode.NONE) {
      tale.fate = commit ? 'committed' : 'aborted'
      if (commit) this.committed++
      if (this.#options.generation === 2) this.#become(answer.producerId, answer.producerEpoch)
      return
    }
    // Nothing was written, and there was nothing to end.
    const isEmpty = tale.sent.size === 0 && tale.offset < 0
    if (!FENCED.has(errorCode)) throw new Violation(`${tale.name}: EndTxn was answered with error ${errorCode}`)
    if (!isEmpty && this.#timeoutMs > 10_000 && !isUnsure) {
      throw new Violation(`${tale.name}: EndTxn was answered with error ${errorCode}, although it was in time`)
    }
    tale.fate = 'aborted'
    throw new Fenced(`error ${errorCode}`)
  }

  /** Repeats what may be repeated. Throws Fenced for what nobody can repair. */
  async #error(what: string, ask: () => Promise<number>): Promise<number> {
    const { errorCode } = await this.#until(what, async () => ({ errorCode: await ask() }))
    if (errorCode === ErrorCode.NONE) return errorCode
    if (FENCED.has(errorCode)) {
      if (this.#timeoutMs > 10_000)
        throw new Violation(`${this.client.name}: ${what} was answered with error ${errorCode}`)
      throw new Fenced(`error ${errorCode}`)
    }
    this.#world.checkError(this.client, what, errorCode, ErrorCode.UNKNOWN_SERVER_ERROR)
    return errorCode
  }

  async #until<T extends { readonly errorCode: number }>(what: string, ask: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        const answer = await ask()
        if (!RETRIABLE.has(answer.errorCode)) return answer
        this.#world.trace.note(this.client.name, `${what} got ${answer.errorCode}`)
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error
      }
      await this.#world.clock.sleep(20 + this.#random.below(300))
    }
  }
}
