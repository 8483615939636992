import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { ProduceEvent } from '../../src/broker/broker-event.ts'
import { batchOf, ObservedBroker, type PartitionBatch } from './observed-broker.ts'

const TOPICS = ['a', 'b'] as const
const PARTITIONS = 2

/** What a producer may send to one partition: sound, sent again, out of its sequence, damaged, or nothing at all. */
const kind = fc.constantFrom('plain', 'next', 'repeated', 'ahead', 'damaged', 'null', 'unknown')
const part = fc.record({
  topic: fc.constantFrom(...TOPICS),
  partition: fc.nat({ max: PARTITIONS - 1 }),
  values: fc.array(fc.string({ maxLength: 20 }), { minLength: 1, maxLength: 4 }),
  kind,
})
const requests = fc.array(fc.array(part, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 12 })

interface Part {
  readonly topic: string
  readonly partition: number
  readonly values: readonly string[]
  readonly kind: string
}

/** The sequence of the one idempotent producer in each partition. */
class Sequences {
  readonly #last = new Map<string, { readonly at: number; readonly next: number; readonly values: readonly string[] }>()

  batchOf({ topic, partition, values, kind }: Part): PartitionBatch {
    if (kind === 'unknown') return { topic: 'nowhere', partition, batch: batchOf(...values) }
    if (kind === 'null') return { topic, partition, batch: null }
    if (kind === 'damaged') return { topic, partition, batch: Buffer.alloc(80, 7) }
    if (kind === 'plain') return { topic, partition, batch: batchOf(...values) }
    const place = `${topic}-${partition}`
    const last = this.#last.get(place)
    const producer = { producerId: 77, producerEpoch: 0 }
    if (kind === 'repeated' && last) {
      return { topic, partition, batch: { ...batchOf(...last.values), ...producer, baseSequence: last.at } }
    }
    const next = last?.next ?? 0
    const ahead = kind === 'ahead' && last !== undefined
    if (!ahead) this.#last.set(place, { at: next, next: next + values.length, values })
    return { topic, partition, batch: { ...batchOf(...values), ...producer, baseSequence: ahead ? next + 5 : next } }
  }
}

/** A partition twice in one request is refused as a whole: not what this is about. */
function distinct(parts: readonly Part[]): Part[] {
  return parts.filter((one, at) => parts.findIndex((other) => placeOf(other) === placeOf(one)) === at)
}

const placeOf = ({ topic, partition, kind }: Part) => `${kind === 'unknown' ? 'nowhere' : topic}-${partition}`

it('the produce events that appended something are exactly the batches in the log', async () => {
  const broker = await ObservedBroker.start()
  broker.observe('produce')
  let run = 0
  const property = fc.asyncProperty(requests, async (plan) => {
    broker.seen.length = 0
    await compare(broker, plan, ++run)
  })
  try {
    await fc.assert(property, { numRuns: 25 })
  } finally {
    await broker.close()
  }
})

/** Each run has topics of its own. */
async function compare(broker: ObservedBroker, plan: readonly (readonly Part[])[], run: number): Promise<void> {
  const topics = TOPICS.map((topic) => `${topic}${run}`)
  for (const topic of topics) await broker.createTopic(topic, PARTITIONS)
  const sequences = new Sequences()
  let sent = 0
  for (const parts of plan) {
    const batches = distinct(parts).map((one) => sequences.batchOf({ ...one, topic: `${one.topic}${run}` }))
    sent += batches.length
    const answers = await broker.produce(batches)
    const told = broker.of('produce').slice(-batches.length)
    expect(told.map(outcome)).toEqual(answers.map(outcome))
  }
  const events = broker.of('produce')
  expect(events).toHaveLength(sent)
  for (const topic of topics) {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const here = (event: ProduceEvent) => event.topic === topic && event.partition === partition
      const appended = events.filter((event) => here(event) && event.errorCode === 0 && !event.duplicate)
      expect(appended.map(batch)).toEqual((await broker.stored(topic, partition)).map(batch))
    }
  }
}

function outcome({ errorCode, baseOffset }: Pick<ProduceEvent, 'errorCode' | 'baseOffset'>) {
  return { errorCode, baseOffset }
}

function batch({
  baseOffset,
  recordCount,
  producerId,
}: Pick<ProduceEvent, 'baseOffset' | 'recordCount' | 'producerId'>) {
  return { baseOffset, recordCount, producerId }
}
