import assert from 'node:assert/strict'
import { eventually } from '../process.ts'
import { failsWith, failureOf, has, type Scenario } from '../scenario.ts'
import {
  assertSame,
  decoded,
  encoded,
  endOffset,
  newTopic,
  numbered,
  payload,
  produce,
  readAll,
  record,
} from './records.ts'

const HOUR_MS = 3_600_000

export const produceScenarios: Scenario[] = [
  {
    name: 'acks-0-1-all',
    fixture: 'shared',
    async run(context) {
      const { client } = context
      const topic = await newTopic(context, 'acks')
      await produce(client, topic, numbered('zero ', 0, 5), { acks: 0, idempotent: false })
      await eventually('the unacknowledged records are there', 20_000, async () =>
        (await endOffset(client, topic, 0)) === 5 ? true : undefined,
      )
      const plain = { idempotent: false }
      const one = await produce(client, topic, numbered('one ', 0, 5), { acks: 1, ...plain })
      const all = await produce(client, topic, numbered('all ', 0, 5), { acks: -1, ...plain })
      const offsets = [...one.placed, ...all.placed].map(({ offset }) => offset)
      assert.deepEqual(offsets, [5, 6, 7, 8, 9, 10, 11, 12, 13, 14])
      // A second unacknowledged send on a connection that has already carried one: no answer may have gone astray.
      await produce(client, topic, numbered('zero again ', 0, 5), { acks: 0, ...plain })
      await eventually('the second unacknowledged send is there', 20_000, async () =>
        (await endOffset(client, topic, 0)) === 20 ? true : undefined,
      )
    },
  },
  {
    name: 'idempotent-producer-in-flight',
    fixture: 'shared',
    features: ['idempotent'],
    async run(context) {
      const { client } = context
      const topic = await newTopic(context, 'idempotent', 2)
      const sends = Array.from({ length: 40 }, (_, send) => {
        const fields = { partition: send % 2, key: encoded(`send ${send}`) }
        return produce(client, topic, numbered(`${send}/`, 0, 10, fields), { idempotent: true })
      })
      const answers = await Promise.all(sends)
      const received = await readAll(client, topic, [0, 1])
      assert.equal(received.length, 400)
      assert.equal(new Set(received.map(({ value }) => value)).size, 400, 'each record once')
      for (const [send, { placed }] of answers.entries()) {
        for (const [index, { partition, offset }] of placed.entries()) {
          const found = received.find((each) => each.partition === partition && each.offset === offset)
          assert.equal(decoded(found?.value ?? null), `${send}/${index}`, `at ${partition}:${offset}`)
        }
      }
    },
  },
  {
    name: 'size-limit-of-a-topic',
    fixture: 'shared',
    async run(context) {
      const { client } = context
      const strict = await newTopic(context, 'small-limit', 1, { 'max.message.bytes': '20000' })
      // Error 10, MESSAGE_TOO_LARGE.
      await failsWith(10, produce(client, strict, [record(null, { value: payload(30_000, 1) })], { timeoutMs: 5_000 }))
      const fitting = [record(null, { value: payload(15_000, 2) })]
      await produce(client, strict, fitting)
      assertSame(await readAll(client, strict), fitting)
      // Larger than what clients ask for per partition (1 MiB): the first batch comes whole all the same.
      const generous = await newTopic(context, 'large-limit', 1, { 'max.message.bytes': '4000000' })
      const large = [record('before'), record(null, { value: payload(3_000_000, 3) }), record('after')]
      for (const each of large) await produce(client, generous, [each])
      assertSame(await readAll(client, generous), large)
    },
  },
  {
    name: 'null-key-on-a-compacted-topic',
    fixture: 'shared',
    async run(context) {
      const { client } = context
      const topic = await newTopic(context, 'compacted', 1, { 'cleanup.policy': 'compact' })
      // Error 87, INVALID_RECORD: not retriable.
      const refused = produce(client, topic, [record('no key')], { timeoutMs: 5_000 })
      if (has(client, 'names-all-errors')) await failsWith(87, refused)
      else await failureOf(refused)
      assert.equal(await endOffset(client, topic, 0), 0)
      const keyed = [record('with a key', { key: encoded('k') })]
      await produce(client, topic, keyed)
      assertSame(await readAll(client, topic), keyed)
    },
  },
  {
    name: 'timestamps',
    fixture: 'shared',
    async run(context) {
      const { client } = context
      const appendTime = await newTopic(context, 'append-time', 1, { 'message.timestamp.type': 'LogAppendTime' })
      const before = Date.now()
      await produce(client, appendTime, [
        record('a', { timestamp: before - HOUR_MS }),
        record('b', { timestamp: before - HOUR_MS }),
      ])
      const stamped = await readAll(client, appendTime)
      assert.equal(stamped.length, 2)
      for (const { timestamp } of has(client, 'append-time') ? stamped : []) {
        assert.ok(timestamp >= before && timestamp <= Date.now(), `the broker's clock, not ${timestamp}`)
      }
      const createTime = await newTopic(context, 'create-time')
      // Error 32, INVALID_TIMESTAMP: more than message.timestamp.after.max.ms (one hour) ahead.
      const ahead = record('ahead', { timestamp: Date.now() + 2 * HOUR_MS })
      await failsWith(32, produce(client, createTime, [ahead], { timeoutMs: 5_000 }))
      const own = [record('own', { timestamp: before - HOUR_MS })]
      await produce(client, createTime, own)
      assertSame(await readAll(client, createTime), own)
    },
  },
]
