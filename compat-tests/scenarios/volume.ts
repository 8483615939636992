import assert from 'node:assert/strict'
import type { OutgoingRecord } from '../client.ts'
import type { Scenario } from '../scenario.ts'
import { assertSame, encoded, newTopic, payload, produce, readAll, record } from './records.ts'

const SMALL_RECORDS = 10_000
const LARGE_RECORDS = 20
const PARTITIONS = 4

export const volumeScenarios: Scenario[] = [
  {
    name: '10000-small-and-20-large',
    fixture: 'shared',
    async run(context) {
      const { client } = context
      const topic = await newTopic(context, 'volume', PARTITIONS)
      const perPartition: OutgoingRecord[][] = Array.from({ length: PARTITIONS }, () => [])
      for (let start = 0; start < SMALL_RECORDS; start += 1_000) {
        const chunk = Array.from({ length: 1_000 }, (_, index) =>
          record(`small ${start + index}`, { partition: index % PARTITIONS }),
        )
        await produce(client, topic, chunk)
        for (const each of chunk) perPartition[each.partition ?? 0]?.push(each)
      }
      for (let index = 0; index < LARGE_RECORDS; index++) {
        const partition = index % PARTITIONS
        const large = record(null, {
          partition,
          key: encoded(`large ${index}`),
          value: payload(900_000 - index, index + 1),
        })
        await produce(client, topic, [large])
        perPartition[partition]?.push(large)
      }
      for (const [partition, sent] of perPartition.entries()) {
        assertSame(await readAll(client, topic, [partition]), sent)
      }
    },
  },
  {
    name: 'several-partitions',
    fixture: 'shared',
    async run(context) {
      const { client } = context
      const topic = await newTopic(context, 'partitions', 6)
      const sent = Array.from({ length: 60 }, (_, index) =>
        record(`to ${index % 6} number ${index}`, { partition: index % 6 }),
      )
      const { placed } = await produce(client, topic, sent)
      for (const [index, place] of placed.entries()) {
        assert.deepEqual(place, { partition: index % 6, offset: Math.floor(index / 6) }, `record ${index}`)
      }
      const received = await readAll(client, topic, [0, 1, 2, 3, 4, 5])
      for (let partition = 0; partition < 6; partition++) {
        const ofPartition = received.filter((each) => each.partition === partition)
        assertSame(
          ofPartition,
          sent.filter((each) => each.partition === partition),
        )
      }
    },
  },
  {
    name: 'partitioner-keeps-keys-together',
    fixture: 'shared',
    async run(context) {
      const { client } = context
      const topic = await newTopic(context, 'keyed', 4)
      const keyed = (index: number) => record(`value ${index}`, { partition: null, key: encoded(`key ${index % 10}`) })
      const sent = Array.from({ length: 100 }, (_, index) => keyed(index))
      await produce(client, topic, sent)
      const received = await readAll(client, topic, [0, 1, 2, 3])
      assert.equal(received.length, sent.length)
      const homes = new Map<string, Set<number>>()
      for (const { key, partition } of received) {
        const partitions = homes.get(key ?? '') ?? new Set()
        homes.set(key ?? '', partitions.add(partition))
      }
      assert.equal(homes.size, 10, 'keys')
      for (const [key, partitions] of homes) assert.equal(partitions.size, 1, `partitions of key ${key}`)
      assert.ok(new Set([...homes.values()].flatMap((set) => [...set])).size > 1, 'more than one partition is used')
    },
  },
]
