import assert from 'node:assert/strict'
import { CODECS, type Codec, type CompatClient, type OutgoingRecord } from '../client.ts'
import { has, NotApplicable, type Scenario } from '../scenario.ts'
import { assertSame, encoded, newTopic, payload, produce, readAll, readRanges, record } from './records.ts'

/** Recent, so that no retention takes the records away while the suite runs. */
const HOUR_MS = 3_600_000

function sampleRecords(client: CompatClient): OutgoingRecord[] {
  const start = Date.now() - HOUR_MS
  const headers = [
    { name: 'plain', value: encoded('header value') },
    { name: 'empty', value: '' },
    { name: 'ünïcode', value: encoded('✓') },
  ]
  if (has(client, 'null-header-value')) headers.push({ name: 'null', value: null as unknown as string })
  const records = [
    record('value without a key'),
    record('value with a key', { key: encoded('key') }),
    record('value with an empty key', { key: '' }),
    record(null, { key: encoded('tombstone') }),
    record('value with headers', { key: encoded('h'), headers }),
    ...[0, 1, 127, 128, 4_096, 70_000].map((size) =>
      record(null, { key: encoded(`${size}`), value: payload(size, size) }),
    ),
  ]
  return records.map((each, index) => ({ ...each, timestamp: start + index * 10 }))
}

function roundTrip(codec: Codec): Scenario {
  return {
    name: `round-trip-${codec}`,
    fixture: 'shared',
    async run(context) {
      const { client } = context
      if (!client.greeting.codecs.includes(codec)) throw new NotApplicable(`the client has no codec ${codec}`)
      const topic = await newTopic(context, `round-trip-${codec}`)
      const small = sampleRecords(client)
      const { placed } = await produce(client, topic, small, { codec })
      const expected = small.map((_, offset) => ({ partition: 0, offset }))
      assert.deepEqual(placed, expected, 'where the records went')
      // Alone in its request: with others it would be over the limit of a batch.
      const large = record(null, { key: encoded('large'), value: payload(900_000, 7) })
      await produce(client, topic, [large], { codec })
      assertSame(await readAll(client, topic), [...small, large])
      // From inside a batch: what lies before the offset in the same batch must not come back.
      const tail = await readRanges(client, topic, [{ partition: 0, from: 3, until: 6 }])
      assertSame(tail, small.slice(3, 6), 3)
    },
  }
}

export const roundTripScenarios: Scenario[] = [
  ...CODECS.map(roundTrip),
  {
    name: 'repeated-header-names',
    fixture: 'shared',
    features: ['duplicate-header-names'],
    async run(context) {
      const { client } = context
      const topic = await newTopic(context, 'repeated-headers')
      const headers = ['one', 'two', 'one'].map((value) => ({ name: 'same', value: encoded(value) }))
      const sent = [record('v', { headers })]
      await produce(client, topic, sent)
      assertSame(await readAll(client, topic), sent)
    },
  },
  {
    name: 'read-committed-of-plain-records',
    fixture: 'shared',
    async run(context) {
      const { client } = context
      const topic = await newTopic(context, 'read-committed')
      const sent = [record('a'), record('b'), record('c')]
      await produce(client, topic, sent)
      const partitions = [{ partition: 0, from: 0, until: 3 }]
      const { records } = await client.call('read', {
        topic,
        partitions,
        isolation: 'read_committed',
        timeoutMs: 20_000,
      })
      assertSame(records, sent)
    },
  },
]
