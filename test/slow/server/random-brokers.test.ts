import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../../protocol/errors.ts'
import { Produce } from '../../../protocol/messages/00-produce.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { OffsetCommit } from '../../../protocol/messages/08-offset-commit.ts'
import { OffsetFetch } from '../../../protocol/messages/09-offset-fetch.ts'
import { FindCoordinator } from '../../../protocol/messages/10-find-coordinator.ts'
import { buildBatch } from '../../../protocol/records/batch-builder.ts'
import { startBroker } from '../../../src/index.ts'
import { SimulatedRandom } from '../../../src/io/simulated-random.ts'
import type { TestBroker } from '../../../src/testing/test-broker.ts'
import { WireClient } from '../../support/wire-client.ts'

const STEPS = 80
const PARTITIONS = 3
const SESSION_MS = 9_000
const SEEDS = 12
const GROUP = 'readers'
const WITHOUT_MORE = {
  allowAutoTopicCreation: false,
  includeClusterAuthorizedOperations: false,
  includeTopicAuthorizedOperations: false,
}

/** Brokers that come and go as a seed decides, and what must be true of them all the time. */
class Run {
  readonly #cluster: TestBroker
  readonly #random: SimulatedRandom
  readonly #acknowledged = Array.from({ length: PARTITIONS }, () => new Map<number, string>())
  /** Leader of each epoch of each partition, as anybody was ever told. */
  readonly #leaders = new Map<string, number>()
  readonly #connections = new Map<number, WireClient>()
  #committed = -1
  #values = 0

  constructor(cluster: TestBroker, seed: number) {
    this.#cluster = cluster
    this.#random = new SimulatedRandom(seed)
  }

  async step(): Promise<void> {
    const roll = this.#random.below(10)
    const id = 1 + this.#random.below(3)
    if (roll < 4) await this.#produce(this.#random.below(PARTITIONS))
    else if (roll < 6) await this.#commit()
    else if (roll === 6) await this.#toggle(id)
    else if (roll === 7) await this.#doze(id)
    else if (roll === 8) await this.#move(id)
    else await this.#cluster.advance(this.#random.below(2 * SESSION_MS))
    await this.#look()
  }

  /** Everybody is back: what was acknowledged is there, each record once. */
  async end(): Promise<void> {
    for (const { id, state } of this.#cluster.brokers) {
      if (state === 'paused') await this.#cluster.resumeBroker(id)
      if (state === 'killed') await this.#cluster.startBroker(id)
    }
    await this.#look()
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const stored = new Map<number, string>()
      for await (const { offset, text } of this.#cluster.topic('t').messages({ partition }))
        stored.set(offset, `${text}`)
      for (const [offset, value] of this.#acknowledged[partition]!) expect(stored.get(offset)).toBe(value)
      expect(new Set(stored.values()).size).toBe(stored.size)
    }
    for (const client of this.#connections.values()) await client.close()
  }

  async #toggle(id: number): Promise<void> {
    const { state } = this.#cluster.brokers.find((broker) => broker.id === id)!
    if (state === 'killed') await this.#cluster.startBroker(id)
    else if (this.#ids('running').some((other) => other !== id)) {
      this.#connections.delete(id)
      await this.#cluster.killBroker(id)
    }
  }

  async #doze(id: number): Promise<void> {
    const { state } = this.#cluster.brokers.find((broker) => broker.id === id)!
    if (state === 'paused') await this.#cluster.resumeBroker(id)
    else if (state === 'running' && this.#ids('running').length > 1) this.#cluster.pauseBroker(id)
  }

  #move(to: number): Promise<void> {
    // One that is away, or out of sync, cannot lead.
    return this.#cluster.moveLeader('t', this.#random.below(PARTITIONS), to).catch((error: unknown) => {
      expect(error).toBeInstanceOf(RangeError)
    })
  }

  async #produce(index: number): Promise<void> {
    const leader = (await this.#partitions())[index]!.leaderId
    if (!this.#ids('running').includes(leader)) return
    const value = `v${this.#values++}`
    const records = buildBatch({ records: [{ timestamp: 1, key: null, value: Buffer.from(value) }] })
    const topicData = [{ name: 't', partitionData: [{ index, records }] }]
    const answer = await (await this.#at(leader)).send(Produce, 9, { acks: -1, timeoutMs: 1000, topicData })
    const { errorCode, baseOffset } = answer.responses[0]!.partitionResponses[0]!
    expect(errorCode).toBe(ErrorCode.NONE)
    this.#acknowledged[index]!.set(baseOffset, value)
  }

  async #commit(): Promise<void> {
    const { nodeId } = await (await this.#anybody()).send(FindCoordinator, 3, { key: GROUP, keyType: 0 })
    if (!this.#ids('running').includes(nodeId)) return
    const client = await this.#at(nodeId)
    const topics = [{ name: 't', partitionIndexes: [0] }]
    const fetched = await client.send(OffsetFetch, 7, { groupId: GROUP, topics, groups: [] })
    if (fetched.errorCode === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS) return
    expect(fetched.errorCode).toBe(ErrorCode.NONE)
    expect(fetched.topics[0]!.partitions[0]!.committedOffset).toBe(this.#committed)
    const partition = { partitionIndex: 0, committedOffset: this.#committed + 1, committedMetadata: '' }
    const committing = { groupId: GROUP, memberId: '', topics: [{ name: 't', partitions: [partition] }] }
    const { errorCode } = (await client.send(OffsetCommit, 7, committing)).topics[0]!.partitions[0]!
    expect(errorCode).toBe(ErrorCode.NONE)
    this.#committed++
  }

  /** Every broker that answers says the same, and nothing that cannot be. */
  async #look(): Promise<void> {
    const answers = await Promise.all(this.#ids('running').map((id) => this.#partitions(id)))
    for (const answer of answers) expect(answer).toEqual(answers[0])
    for (const { partitionIndex, leaderId, leaderEpoch, isrNodes, replicaNodes, offlineReplicas } of answers[0]!) {
      const key = `${partitionIndex}@${leaderEpoch}`
      expect(this.#leaders.get(key) ?? leaderId).toBe(leaderId)
      this.#leaders.set(key, leaderId)
      expect(replicaNodes).toHaveLength(3)
      expect(isrNodes.length).toBeGreaterThan(0)
      // Somebody runs, so somebody leads, and is in sync and alive.
      expect(isrNodes).toContain(leaderId)
      expect(offlineReplicas).not.toContain(leaderId)
      expect(new Set([...isrNodes, ...offlineReplicas])).toEqual(new Set(replicaNodes))
    }
  }

  async #partitions(id?: number) {
    const client = id === undefined ? await this.#anybody() : await this.#at(id)
    const { topics } = await client.send(Metadata, 12, { topics: [{ name: 't' }], ...WITHOUT_MORE })
    return [...topics[0]!.partitions].sort((a, b) => a.partitionIndex - b.partitionIndex)
  }

  #ids(wanted: 'running' | 'paused' | 'killed'): number[] {
    return this.#cluster.brokers.filter(({ state }) => state === wanted).map(({ id }) => id)
  }

  #anybody(): Promise<WireClient> {
    const running = this.#ids('running')
    return this.#at(running[this.#random.below(running.length)]!)
  }

  async #at(id: number): Promise<WireClient> {
    const known = this.#connections.get(id)
    if (known !== undefined) return known
    const { address } = this.#cluster.brokers.find((broker) => broker.id === id)!
    const client = await WireClient.connect(Number(address.split(':')[1]))
    this.#connections.set(id, client)
    return client
  }
}

describe('three brokers that come and go', () => {
  it.each(Array.from({ length: SEEDS }, (_, index) => index + 1))('as seed %i decides', async (seed) => {
    const cluster = await startBroker({
      brokers: 3,
      topics: [{ name: 't', partitions: PARTITIONS, config: { 'retention.ms': -1 } }],
    })
    const run = new Run(cluster, seed)
    try {
      for (let step = 0; step < STEPS; step++) await run.step()
      await run.end()
    } finally {
      await cluster.close()
    }
  })
})
