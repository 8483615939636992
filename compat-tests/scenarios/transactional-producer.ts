import assert from 'node:assert/strict'
import type { Codec, CompatClient, InitTransactionsRequest, OutgoingRecord, PartitionOffset } from '../client.ts'
import { eventually } from '../process.ts'
import type { ScenarioContext } from '../scenario.ts'
import { decoded, produce, record } from './records.ts'

/** What Kafka says to a producer whose epoch is old: 47 INVALID_PRODUCER_EPOCH, 90 PRODUCER_FENCED. */
export const FENCED = [47, 90]

/** Longer than any client retries here. */
const CALL_TIMEOUT_MS = 90_000

/** A transactional producer in a client process. */
export class TransactionalProducer {
  readonly client: CompatClient
  readonly request: InitTransactionsRequest

  private constructor(client: CompatClient, request: InitTransactionsRequest) {
    this.client = client
    this.request = request
  }

  /** Registers the id at once, which ends what another producer with it has left open. */
  static async init(
    client: CompatClient,
    transactionalId: string,
    { transactionTimeoutMs = 60_000, codec = 'none' }: { transactionTimeoutMs?: number; codec?: Codec } = {},
  ): Promise<TransactionalProducer> {
    const request = { producer: transactionalId, transactionalId, transactionTimeoutMs, codec }
    await client.call('initTransactions', request, CALL_TIMEOUT_MS)
    return new TransactionalProducer(client, request)
  }

  get #name() {
    return { producer: this.request.producer }
  }

  async begin(): Promise<void> {
    await this.client.call('beginTransaction', this.#name, CALL_TIMEOUT_MS)
  }

  async send(topic: string, records: OutgoingRecord[]): Promise<void> {
    await this.client.call('produceInTransaction', { ...this.#name, topic, records }, CALL_TIMEOUT_MS)
  }

  async sendOffsets(member: string, group: string, offsets: PartitionOffset[]): Promise<void> {
    await this.client.call('sendOffsets', { ...this.#name, member, group, offsets }, CALL_TIMEOUT_MS)
  }

  async commit(): Promise<void> {
    await this.client.call('endTransaction', { ...this.#name, commit: true }, CALL_TIMEOUT_MS)
  }

  async abort(): Promise<void> {
    await this.client.call('endTransaction', { ...this.#name, commit: false }, CALL_TIMEOUT_MS)
  }

  /** A whole transaction about one topic. */
  async run(topic: string, records: OutgoingRecord[], outcome: 'commit' | 'abort' = 'commit'): Promise<void> {
    await this.begin()
    await this.send(topic, records)
    await this[outcome]()
  }

  /** Gives up this producer and registers its id again with another one. */
  async renew(): Promise<TransactionalProducer> {
    await this.close()
    return TransactionalProducer.init(this.client, this.request.transactionalId, this.request)
  }

  async close(): Promise<void> {
    // One that cannot say goodbye any more is as good as closed.
    await this.client.call('closeProducer', this.#name).catch(() => undefined)
  }
}

/** A plain record behind everything that is read. */
export const SENTINEL = 'the end of what is read'

/**
 * The values that are visible in each partition, in order. A plain record behind everything marks the end: a
 * read_committed reader comes to it when no transaction before it is open any more.
 */
export async function visibleValues(
  client: CompatClient,
  topic: string,
  partitions: readonly number[] = [0],
  isolation: 'read_committed' | 'read_uncommitted' = 'read_committed',
): Promise<string[][]> {
  const sentinels = partitions.map((partition) => record(SENTINEL, { partition }))
  const { placed } = await produce(client, topic, sentinels, { timeoutMs: 60_000 })
  const ranges = placed.map(({ partition, offset }) => ({ partition, from: 0, until: offset + 1 }))
  const request = { topic, partitions: ranges, isolation, timeoutMs: 40_000 }
  const { records } = await client.call('read', request, 70_000)
  return partitions.map((partition) => {
    const own = records.filter((each) => each.partition === partition).sort((a, b) => a.offset - b.offset)
    return own.map(({ value }) => decoded(value) ?? '').filter((value) => value !== SENTINEL)
  })
}

/** As visibleValues, of partition 0. */
export async function visibleInFirst(
  client: CompatClient,
  topic: string,
  isolation: 'read_committed' | 'read_uncommitted' = 'read_committed',
): Promise<string[]> {
  return (await visibleValues(client, topic, [0], isolation))[0] ?? []
}

export async function committedOffset(context: ScenarioContext, group: string, topic: string): Promise<number> {
  const partitions = [{ topic, partition: 0 }]
  const { offsets } = await context.client.call('fetchOffsets', { group, partitions })
  return offsets[0]?.offset ?? -1
}

/** A transaction is over for its producer before its offsets are there for everybody. */
export async function assertCommittedOffset(
  context: ScenarioContext,
  group: string,
  topic: string,
  expected: number,
): Promise<void> {
  let found = -2
  await eventually(`the committed offset is ${expected}`, 30_000, async () => {
    found = await committedOffset(context, group, topic).catch(() => -2)
    return found === expected ? true : undefined
  }).catch((error) => {
    throw new assert.AssertionError({ message: `${error.message}; it is ${found}` })
  })
}
