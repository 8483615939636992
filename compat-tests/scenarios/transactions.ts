import assert from 'node:assert/strict'
import { CODECS } from '../client.ts'
import { failureOf, type Scenario } from '../scenario.ts'
import { decoded, newTopic, numbered, payload, produce, record } from './records.ts'
import { TransactionalProducer, visibleInFirst, visibleValues } from './transactional-producer.ts'

const OPERATIONS = ['initTransactions', 'beginTransaction', 'produceInTransaction', 'endTransaction'] as const
const MANY_PARTITIONS = 40

/** What transactions are to those who read, on a broker that stays. */
export const transactionScenarios: readonly Scenario[] = [
  {
    name: 'transaction-committed-and-aborted',
    fixture: 'shared',
    operations: OPERATIONS,
    async run(context) {
      const { client } = context
      const [first, second] = [await newTopic(context, 'txn', 3), await newTopic(context, 'txn', 3)]
      const producer = await TransactionalProducer.init(client, context.unique('id'))
      await produce(client, first, [record('plain')])
      await producer.begin()
      for (const partition of [0, 1, 2]) {
        await producer.send(first, numbered(`kept ${partition}/`, 0, 3, { partition }))
        await producer.send(second, numbered(`kept ${partition}/`, 0, 3, { partition }))
      }
      await producer.commit()
      await producer.begin()
      await producer.send(first, numbered('dropped ', 0, 3))
      await producer.send(second, numbered('dropped ', 0, 3, { partition: 2 }))
      await producer.abort()
      await producer.run(first, [record('last')])
      await producer.close()

      const kept = (partition: number) => [0, 1, 2].map((index) => `kept ${partition}/${index}`)
      const dropped = [0, 1, 2].map((index) => `dropped ${index}`)
      assert.deepEqual(await visibleValues(client, first, [0, 1, 2]), [['plain', ...kept(0), 'last'], kept(1), kept(2)])
      assert.deepEqual(await visibleValues(client, second, [0, 1, 2]), [kept(0), kept(1), kept(2)])
      const everything = await visibleInFirst(client, first, 'read_uncommitted')
      assert.deepEqual(everything, ['plain', ...kept(0), ...dropped, 'last'])
    },
  },
  {
    name: 'transactions-in-a-row',
    fixture: 'shared',
    operations: OPERATIONS,
    features: ['leaves-out-every-aborted-transaction'],
    async run(context) {
      const { client } = context
      const topic = await newTopic(context, 'row', 2)
      // Two producers that take turns in the same partitions: their markers lie between the records of each other.
      const names = ['a', 'b']
      const producers = await Promise.all(names.map((name) => TransactionalProducer.init(client, context.unique(name))))
      const expected: string[][] = [[], []]
      for (let round = 0; round < 12; round++) {
        for (const producer of producers) await producer.begin()
        for (const [index, producer] of producers.entries()) {
          const outcome = (round + index) % 3 === 0 ? 'abort' : 'commit'
          const partition = round % 2
          const values = [0, 1].map((number) => `${outcome} ${names[index]} ${round}/${number}`)
          for (const value of values) await producer.send(topic, [record(value, { partition })])
          if (outcome === 'commit') expected[partition]?.push(...values)
        }
        for (const [index, producer] of producers.entries()) {
          if ((round + index) % 3 === 0) await producer.abort()
          else await producer.commit()
        }
      }
      for (const producer of producers) await producer.close()
      assert.deepEqual(await visibleValues(client, topic, [0, 1]), expected)
      const everything = await visibleValues(client, topic, [0, 1], 'read_uncommitted')
      assert.deepEqual(
        everything.map((values) => values.length),
        [24, 24],
      )
    },
  },
  {
    name: 'transaction-open-holds-readers-back',
    fixture: 'shared',
    operations: OPERATIONS,
    async run(context) {
      const { client } = context
      const topic = await newTopic(context, 'open')
      await produce(client, topic, [record('before')])
      const producer = await TransactionalProducer.init(client, context.unique('id'))
      await producer.begin()
      await producer.send(topic, [record('inside')])
      const { placed } = await produce(client, topic, [record('behind')])
      const until = (placed[0]?.offset ?? 0) + 1
      const read = (isolation: 'read_committed' | 'read_uncommitted', timeoutMs: number) =>
        client.call('read', { topic, partitions: [{ partition: 0, from: 0, until }], isolation, timeoutMs })
      const valuesOf = async (isolation: 'read_committed' | 'read_uncommitted') =>
        (await read(isolation, 20_000)).records.map(({ value }) => decoded(value))
      assert.deepEqual(await valuesOf('read_uncommitted'), ['before', 'inside', 'behind'])
      const { message } = await failureOf(read('read_committed', 3_000))
      assert.match(
        message,
        /read 1 records, not all/,
        'what lies behind the open transaction is held back, even if plain',
      )
      await producer.commit()
      assert.deepEqual(await valuesOf('read_committed'), ['before', 'inside', 'behind'])
      await producer.close()
    },
  },
  {
    name: 'transaction-over-many-partitions',
    fixture: 'shared',
    operations: OPERATIONS,
    async run(context) {
      const { client } = context
      const topic = await newTopic(context, 'many', MANY_PARTITIONS)
      const partitions = Array.from({ length: MANY_PARTITIONS }, (_, partition) => partition)
      const producer = await TransactionalProducer.init(client, context.unique('id'), { codec: 'gzip' })
      const valuesOf = (prefix: string, partition: number) =>
        Array.from({ length: 25 }, (_, index) => `${prefix} ${partition}/${index}`)
      const records = (prefix: string) =>
        partitions.flatMap((partition) => valuesOf(prefix, partition).map((value) => record(value, { partition })))
      await producer.run(topic, records('kept'))
      await producer.run(topic, records('dropped'), 'abort')
      await producer.run(topic, records('more'))
      await producer.close()
      const expected = partitions.map((partition) => [...valuesOf('kept', partition), ...valuesOf('more', partition)])
      assert.deepEqual(await visibleValues(client, topic, partitions), expected)
    },
  },
  {
    name: 'transaction-compressed',
    fixture: 'shared',
    operations: OPERATIONS,
    async run(context) {
      const { client } = context
      const topic = await newTopic(context, 'compressed')
      const expected: string[] = []
      for (const codec of CODECS) {
        if (!client.greeting.codecs.includes(codec)) continue
        const producer = await TransactionalProducer.init(client, context.unique('id'), { codec })
        const kept = [0, 1].map((seed) => payload(30_000, seed))
        await producer.run(topic, [record(`${codec} dropped`), record(null, { value: payload(30_000, 9) })], 'abort')
        await producer.run(topic, [record(codec), ...kept.map((value) => record(null, { value }))])
        await producer.close()
        expected.push(codec, ...kept.map((value) => decoded(value) ?? ''))
      }
      assert.ok((await visibleInFirst(client, topic)).join() === expected.join(), 'what was committed, as it was sent')
    },
  },
]
