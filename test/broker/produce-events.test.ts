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

type Part = typeof part extends fc.Arbitrary<infer T> ? T : never

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
  await fc.assert(
    fc.asyncProperty(requests, async (plan) => {
      const broker = await ObservedBroker.start()
      try {
        for (const topic of TOPICS) await broker.createTopic(topic, PARTITIONS)
        broker.observe('produce')
        const sequences = new Sequences()
        let sent = 0
        for (const parts of plan) {
          const batches = distinct(parts).map((one) => sequences.batchOf(one))
          sent += batches.length
          const answers = await broker.produce(batches)
          const told = broker.of('produce').slice(-batches.length)
          expect(told.map(({ errorCode, baseOffset }) => ({ errorCode, baseOffset }))).toEqual(
            answers.map(({ errorCode, baseOffset }) => ({ errorCode, baseOffset })),
          )
        }
        const events = broker.of('produce')
        expect(events).toHaveLength(sent)
        for (const topic of TOPICS) {
          for (let partition = 0; partition < PARTITIONS; partition++) {
            const appended = (event: ProduceEvent) =>
              event.topic === topic && event.partition === partition && event.errorCode === 0 && !event.duplicate
            const told = events.filter(appended).map(({ baseOffset, recordCount, producerId }) => {
              return { baseOffset, recordCount, producerId }
            })
            const stored = await broker.stored(topic, partition)
            expect(told).toEqual(
              stored.map(({ baseOffset, recordCount, producerId }) => ({ baseOffset, recordCount, producerId })),
            )
          }
        }
      } finally {
        await broker.close()
      }
    }),
    { numRuns: 15 },
  )
})
