import assert from 'node:assert/strict'
import type { CompatClient, ReceivedRecord } from '../client.ts'
import { eventually, sleep } from '../process.ts'
import { has, NotApplicable, offers, type Scenario } from '../scenario.ts'
import { decoded, endOffset, newTopic, produce, readAll, record } from './records.ts'

const BUDGET_BYTES = 1_000_000
const VALUE_CHARACTERS = 20_000
const RECORDS_PER_REQUEST = 3
const PARTITIONS = [0, 1]
/** Long enough that a producer must have tried in vain. */
const REJECTED_MS = 4_000

/** One request after the other into one partition; the values say which is which. */
class Writer {
  readonly partition: number
  readonly acknowledged: { value: string; offset: number }[] = []
  readonly failures: string[] = []
  readonly #client: CompatClient
  readonly #topic: string
  #stopped = false
  #done: Promise<void> | undefined

  constructor(client: CompatClient, topic: string, partition: number) {
    this.#client = client
    this.#topic = topic
    this.partition = partition
  }

  start(): void {
    this.#done = this.#run()
  }

  /** Begins no new request. */
  finish(): void {
    this.#stopped = true
  }

  async finished(): Promise<void> {
    await this.#done
  }

  async #run(): Promise<void> {
    for (let request = 0; !this.#stopped; request++) {
      const values = Array.from({ length: RECORDS_PER_REQUEST }, (_, index) => {
        return `${this.partition}/${request * RECORDS_PER_REQUEST + index} `.padEnd(VALUE_CHARACTERS, '.')
      })
      const records = values.map((value) => record(value, { partition: this.partition }))
      try {
        const { placed } = await produce(this.#client, this.#topic, records, { timeoutMs: 60_000 })
        for (const [index, { offset }] of placed.entries()) {
          this.acknowledged.push({ value: values[index] ?? '', offset })
        }
      } catch (error) {
        this.failures.push(error instanceof Error ? error.message : String(error))
      }
      await sleep(10)
    }
  }
}

/** What is stored now, and was not there already. */
function collect(stored: Map<string, string>, received: readonly ReceivedRecord[]): void {
  for (const { partition, offset, value } of received) stored.set(`${partition}@${offset}`, decoded(value) ?? '')
}

function assertNothingLostOrDoubled(writers: readonly Writer[], stored: ReadonlyMap<string, string>): void {
  for (const { partition, acknowledged } of writers) {
    for (const { value, offset } of acknowledged) {
      assert.equal(
        stored.get(`${partition}@${offset}`),
        value,
        `acknowledged at offset ${offset} of partition ${partition}`,
      )
    }
  }
  assert.equal(new Set(stored.values()).size, stored.size, 'nothing is stored twice')
}

async function liftBudget(client: CompatClient, topic: string): Promise<void> {
  if (!offers(client, 'alterConfigs')) {
    await client.call('replaceConfigs', { topic, configs: {} })
    return
  }
  const operations = [{ name: 'odradek.disk.budget.bytes', op: 'delete' as const, value: null }]
  await client.call('alterConfigs', { type: 'topic', name: topic, operations })
}

export const diskBudgetScenarios: Scenario[] = [
  {
    name: 'disk-budget',
    fixture: 'shared',
    operations: ['deleteRecords'],
    async run(context) {
      if (context.target === 'kafka') throw new NotApplicable('Apache Kafka has no disk budget')
      const { client } = context
      const topic = await newTopic(context, 'budget', PARTITIONS.length, {
        'odradek.disk.budget.bytes': String(BUDGET_BYTES),
      })
      const writers = PARTITIONS.map((partition) => new Writer(client, topic, partition))
      const ends = () => Promise.all(PARTITIONS.map((partition) => endOffset(client, topic, partition)))
      const stored = new Map<string, string>()
      for (const writer of writers) writer.start()
      try {
        let before: readonly number[] = []
        await eventually('the budget is used up', 60_000, async () => {
          const now = await ends()
          if (now.every((end, partition) => end > 0 && end === before[partition])) return true
          before = now
          await sleep(1_000)
          return undefined
        })
        await sleep(REJECTED_MS)
        const rejectedAt = await ends()
        assert.deepEqual(rejectedAt, before, 'nothing is stored while producers are rejected')
        collect(stored, await readAll(client, topic, PARTITIONS))
        for (const [partition, offset] of rejectedAt.entries()) {
          await client.call('deleteRecords', { topic, partition, offset })
        }
        const acknowledged = writers.map((writer) => writer.acknowledged.length)
        const startedMs = performance.now()
        await eventually('the producers go on', 60_000, async () =>
          writers.every((writer, index) => writer.acknowledged.length > (acknowledged[index] ?? 0)) ? true : undefined,
        )
        context.note(
          `recovered ${Math.round((performance.now() - startedMs) / 100) / 10} s after its records were deleted`,
        )
      } finally {
        for (const writer of writers) writer.finish()
        // Whoever is rejected again by now is let go on.
        await liftBudget(client, topic)
        await Promise.all(writers.map((writer) => writer.finished()))
      }
      collect(stored, await readAll(client, topic, PARTITIONS))
      assert.deepEqual(
        writers.flatMap(({ failures }) => failures),
        [],
        'no request fails',
      )
      if (!has(client, 'idempotent')) context.note('not an idempotent producer')
      assertNothingLostOrDoubled(writers, stored)
    },
  },
]
