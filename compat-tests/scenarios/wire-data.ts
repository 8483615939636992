import assert from 'node:assert/strict'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { ListOffsets } from '../../protocol/messages/02-list-offsets.ts'
import { InitProducerId } from '../../protocol/messages/22-init-producer-id.ts'
import { OffsetForLeaderEpoch } from '../../protocol/messages/23-offset-for-leader-epoch.ts'
import { patchCrc } from '../../protocol/records/batch.ts'
import { buildBatch, type NewBatch } from '../../protocol/records/batch-builder.ts'
import { differs, type Scenario, type ScenarioContext, settled } from '../scenario.ts'
import type { WireConnection } from '../wire.ts'
import { fetchRequest, onWire, usableTopic } from './wire-protocol.ts'

function batch(values: readonly string[], fields: Partial<NewBatch> = {}): Buffer {
  const timestamp = Date.now()
  const records = values.map((value) => ({ timestamp, key: null, value: Buffer.from(value) }))
  return buildBatch({ records, ...fields })
}

function produceRequest(topic: string, records: Buffer | null, acks = -1, index = 0) {
  return { acks, timeoutMs: 5_000, topicData: [{ name: topic, partitionData: [{ index, records }] }] }
}

async function produce(wire: WireConnection, topic: string, records: Buffer | null, acks = -1, index = 0) {
  const answer = await wire.ask(Produce, 9, produceRequest(topic, records, acks, index))
  const found = answer.responses[0]?.partitionResponses[0]
  assert.ok(found !== undefined, 'the partition is in the answer')
  return found
}

/** A batch with some of its header bytes overwritten, and the CRC made right again unless it is what is wrong. */
function tampered(change: (bytes: Buffer) => void, fields: Partial<NewBatch> = {}, recomputed = true): Buffer {
  const bytes = batch(['a', 'b'], fields)
  change(bytes)
  if (recomputed) patchCrc(bytes, 0)
  return bytes
}

interface Refusal {
  what: string
  records: Buffer | null
  code: number
  /** Where Kafka 4.3.1 answers otherwise, or not at all, and the reason why we do not follow. */
  kafka?: number | 'silence'
  why?: string
}

function refusals(): Refusal[] {
  return [
    { what: 'no records', records: Buffer.alloc(0), code: 87 },
    { what: 'magic 1', records: tampered((bytes) => bytes.writeInt8(1, 16), {}, false), code: 87 },
    { what: 'two batches', records: Buffer.concat([batch(['a']), batch(['b'])]), code: 87 },
    { what: 'a base offset of 5', records: batch(['a'], { baseOffset: 5 }), code: 87 },
    { what: 'a wrong CRC', records: tampered((bytes) => bytes.writeInt32BE(1, 17), {}, false), code: 2 },
    { what: 'a count of 0', records: tampered((bytes) => bytes.writeInt32BE(0, 57)), code: 87 },
    { what: 'a count of 3 for 2 records', records: tampered((bytes) => bytes.writeInt32BE(3, 57)), code: 87 },
    {
      what: 'a last offset delta of 4 for 2 records',
      records: tampered((bytes) => bytes.writeInt32BE(4, 23)),
      code: 87,
    },
    { what: 'a control batch', records: tampered((bytes) => bytes.writeInt16BE(0x20, 21)), code: 87 },
    { what: 'a producer without a sequence', records: batch(['a'], { producerId: 5, producerEpoch: 0 }), code: 87 },
    {
      what: 'records of null',
      records: null,
      code: 87,
      kafka: 'silence',
      why: 'records of null are answered with 87; Kafka 4.3.1 never answers them',
    },
    {
      what: 'codec 5',
      records: tampered((bytes) => bytes.writeInt16BE(5, 21)),
      code: 87,
      kafka: -1,
      why: 'a codec that does not exist is an invalid record (87), not an unknown server error (-1)',
    },
  ]
}

export const wireDataScenarios: Scenario[] = [
  {
    name: 'wire-produce-refusals',
    fixture: 'shared',
    async run(context) {
      const topic = await usableTopic(context, 'refusals')
      for (const { what, records, code, kafka = code, why } of refusals()) {
        await onWire(context, async (wire) => {
          const expected =
            why === undefined ? code : differs<number | 'silence'>(context, { kafka, odradek: code, why })
          if (expected === 'silence') {
            wire.send(Produce, 9, produceRequest(topic, records))
            assert.equal(await wire.outcome(1_500), 'silence', what)
            return
          }
          const { errorCode, baseOffset, logAppendTimeMs } = await produce(wire, topic, records)
          assert.equal(errorCode, expected, what)
          assert.equal(baseOffset, -1, what)
          assert.equal(logAppendTimeMs, -1, what)
        })
      }
      await onWire(context, async (wire) => {
        assert.equal((await produce(wire, topic, batch(['a']), 2)).errorCode, 21, 'acks of 2')
        assert.equal((await produce(wire, topic, batch(['a']), -1, 7)).errorCode, 3, 'a partition too high')
        assert.equal((await produce(wire, context.unique('nowhere'), batch(['a']))).errorCode, 3, 'an unknown topic')
        const zstd = await wire.ask(Produce, 6, produceRequest(topic, batch(['a'], { codec: 4 })))
        assert.equal(zstd.responses[0]?.partitionResponses[0]?.errorCode, 76, 'zstd before version 7')
        const none = await wire.ask(Produce, 9, { acks: -1, timeoutMs: 1_000, topicData: [] })
        assert.deepEqual(none.responses, [])
        // Nothing of all this was written.
        assert.equal((await produce(wire, topic, batch(['first']))).baseOffset, 0)
      })
    },
  },
  {
    name: 'wire-one-bad-partition-spares-its-neighbours',
    fixture: 'shared',
    async run(context) {
      const topic = await usableTopic(context, 'neighbours', 3)
      const partitionData = [batch(['a']), Buffer.alloc(0), batch(['b'])].map((records, index) => ({ index, records }))
      await onWire(context, async (wire) => {
        const request = { acks: -1, timeoutMs: 5_000, topicData: [{ name: topic, partitionData }] }
        const answer = await wire.ask(Produce, 9, request)
        const answered = answer.responses[0]?.partitionResponses ?? []
        const found = answered.map(({ index, errorCode, baseOffset }) => [index, errorCode, baseOffset]).sort()
        assert.deepEqual(found, [
          [0, 0, 0],
          [1, 87, -1],
          [2, 0, 0],
        ])
      })
    },
  },
  {
    name: 'wire-acks-0-is-silent',
    fixture: 'shared',
    async run(context) {
      const topic = await usableTopic(context, 'silent')
      await onWire(context, async (wire) => {
        wire.send(Produce, 9, produceRequest(topic, batch(['a']), 0))
        // The next answer on the connection is that of the next request.
        assert.equal((await produce(wire, topic, batch(['b']))).baseOffset, 1)
      })
      await onWire(context, async (wire) => {
        wire.send(Produce, 9, produceRequest(context.unique('nowhere'), batch(['a']), 0))
        assert.equal(await wire.outcome(10_000), 'closed', 'the one way to say that it went wrong')
      })
    },
  },
  {
    name: 'wire-idempotence',
    fixture: 'shared',
    async run(context) {
      const topic = await usableTopic(context, 'sequences')
      await onWire(context, async (wire) => {
        const made = await settled(context, 'a producer id', async () => {
          const answer = await wire.ask(InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 1_000 })
          // Kafka's broker first asks its controller for a block of ids.
          return answer.errorCode === 14 && context.target === 'kafka' ? undefined : answer
        })
        assert.equal(made.errorCode, 0)
        assert.equal(made.producerEpoch, 0)
        const { producerId } = made
        const send = (baseSequence: number, values: string[], producerEpoch = 0) =>
          produce(wire, topic, batch(values, { producerId, producerEpoch, baseSequence }))
        assert.deepEqual(pick(await send(0, ['a', 'b'])), [0, 0])
        assert.deepEqual(pick(await send(2, ['c'])), [0, 2])
        assert.deepEqual(pick(await send(0, ['a', 'b'])), [0, 0], 'a duplicate gets the offset it had')
        assert.deepEqual(pick(await send(2, ['c'])), [0, 2], 'the last one too')
        assert.equal((await send(9, ['gap'])).errorCode, 45)
        assert.equal((await send(0, ['new epoch'], 1)).errorCode, 0)
        assert.equal((await send(1, ['old epoch'], 0)).errorCode, 47)
        assert.equal((await send(5, ['not from 0'], 2)).errorCode, 45)
        assert.deepEqual(pick(await produce(wire, topic, batch(['plain']))), [0, 4], 'refused ones left no trace')
      })
    },
  },
  {
    name: 'wire-fetch-bounds',
    fixture: 'shared',
    async run(context) {
      const topic = await usableTopic(context, 'bounds', 2)
      await onWire(context, async (wire) => {
        await produce(wire, topic, batch(['a'.repeat(2_000), 'b']))
        await produce(wire, topic, batch(['c']))
        await produce(wire, topic, batch(['other']), -1, 1)
        const fetch = async (fields: object, request: object = {}) => {
          const partition = { partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000_000, ...fields }
          const answer = await wire.ask(Fetch, 12, fetchRequest(topic, [partition], request))
          const found = answer.responses[0]?.partitions[0]
          assert.ok(found !== undefined, 'the partition is in the answer')
          return found
        }
        const all = await fetch({})
        assert.deepEqual([all.errorCode, all.highWatermark, all.lastStableOffset, all.logStartOffset], [0, 3, 3, 0])
        assert.equal(all.abortedTransactions, null, 'null for read_uncommitted')
        assert.deepEqual((await fetch({}, { isolationLevel: 1 })).abortedTransactions, [], 'a list for read_committed')
        const small = await fetch({ partitionMaxBytes: 1 })
        const inside = await fetch({ fetchOffset: 1, partitionMaxBytes: 1 })
        assert.ok((small.records?.length ?? 0) > 2_000, 'the first batch comes whole')
        assert.equal(small.records?.readInt32BE(8), all.records?.readInt32BE(8) ?? 0, 'as it lies in the log')
        assert.equal(inside.records?.readInt32BE(4), 0, 'the batch that contains the offset, from its start')
        assert.deepEqual(
          [(await fetch({ fetchOffset: 3 })).errorCode, (await fetch({ fetchOffset: 3 })).records?.length],
          [0, 0],
        )
        const beyond = await fetch({ fetchOffset: 4 })
        assert.deepEqual([beyond.errorCode, beyond.highWatermark, beyond.records?.length], [1, -1, 0])
        assert.equal((await fetch({ fetchOffset: -5 })).errorCode, 1)
        assert.equal((await fetch({ partition: 9 })).errorCode, 3)
        assert.equal((await fetch({ currentLeaderEpoch: 1_000 })).errorCode, 75)
        const both = [0, 1].map((partition) => ({ partition, fetchOffset: 0, partitionMaxBytes: 1_000_000 }))
        const limited = await wire.ask(Fetch, 12, fetchRequest(topic, both, { maxBytes: 1 }))
        const sizes = limited.responses[0]?.partitions.map(({ records }) => records?.length ?? -1)
        assert.ok((sizes?.[0] ?? 0) > 0, 'something of the first partition')
        assert.equal(sizes?.[1], 0, 'nothing of the second, yet it is there')
      })
    },
  },
  {
    name: 'wire-fetch-waits',
    fixture: 'shared',
    async run(context) {
      const topic = await usableTopic(context, 'waits')
      await onWire(context, async (wire) => {
        const wait = (partition: number) =>
          fetchRequest(topic, [{ partition, fetchOffset: 0, partitionMaxBytes: 1_000 }], { maxWaitMs: 20_000 })
        wire.send(Fetch, 12, wait(0))
        assert.equal(await wire.outcome(400), 'silence', 'nothing to read: it waits')
        await onWire(context, async (other) => {
          await produce(other, topic, batch(['at last']))
        })
        const answer = await wire.answer(Fetch, 12)
        assert.ok((answer.responses[0]?.partitions[0]?.records?.length ?? 0) > 0)
        // An error of one partition is not held back.
        wire.send(Fetch, 12, wait(9))
        assert.equal(await wire.outcome(5_000), 'answer')
      })
    },
  },
  {
    name: 'wire-fetch-sessions',
    fixture: 'shared',
    run: fetchSessions,
  },
  {
    name: 'wire-list-offsets',
    fixture: 'shared',
    async run(context) {
      const topic = await usableTopic(context, 'listed')
      await onWire(context, async (wire) => {
        await produce(wire, topic, batch(['a', 'b', 'c']))
        const list = async (timestamp: number, fields: object = {}, times = 1) => {
          const partitions = Array.from({ length: times }, () => ({ partitionIndex: 0, timestamp, ...fields }))
          const answer = await wire.ask(ListOffsets, 11, {
            replicaId: -1,
            isolationLevel: 0,
            topics: [{ name: topic, partitions }],
            timeoutMs: 1_000,
          })
          const found = answer.topics[0]?.partitions
          assert.equal(found?.length, 1)
          return [found[0]?.errorCode, found[0]?.offset]
        }
        assert.deepEqual(await list(-1), [0, 3], 'latest')
        assert.deepEqual(await list(-2), [0, 0], 'earliest')
        assert.deepEqual(await list(-3), [0, 0], 'the first of those with the largest timestamp')
        assert.deepEqual(await list(-4), [0, 0], 'earliest local')
        assert.deepEqual(await list(-5), [0, -1], 'latest tiered')
        assert.deepEqual(await list(-6), [0, -1], 'earliest pending upload')
        assert.deepEqual((await list(-7))[0], 35, 'a special time nobody knows')
        assert.deepEqual(await list(Date.now() + 60_000), [0, -1], 'later than everything')
        assert.deepEqual((await list(-1, {}, 2))[0], 42, 'a partition named twice')
        assert.deepEqual((await list(-1, { currentLeaderEpoch: 1_000 }))[0], 75, 'an epoch to come')
        assert.deepEqual((await list(-1, { partitionIndex: 8 }))[0], 3, 'a partition too high')
      })
    },
  },
  {
    name: 'wire-offset-for-leader-epoch',
    fixture: 'shared',
    async run(context) {
      const topic = await usableTopic(context, 'epochs')
      await onWire(context, async (wire) => {
        await produce(wire, topic, batch(['a', 'b', 'c']))
        const ask = async (fields: { partition?: number; currentLeaderEpoch?: number; leaderEpoch: number }) => {
          const answer = await wire.ask(OffsetForLeaderEpoch, 4, {
            topics: [{ topic, partitions: [{ partition: 0, ...fields }] }],
          })
          const found = answer.topics[0]?.partitions[0]
          return [found?.errorCode, found?.leaderEpoch, found?.endOffset]
        }
        assert.deepEqual(await ask({ leaderEpoch: 0 }), [0, 0, 3])
        assert.deepEqual(await ask({ leaderEpoch: 1_000 }), [0, -1, -1], 'an epoch to come')
        assert.equal((await ask({ leaderEpoch: 0, currentLeaderEpoch: 1_000 }))[0], 75)
        assert.equal((await ask({ leaderEpoch: 0, partition: 7 }))[0], 3)
      })
    },
  },
]

function pick({ errorCode, baseOffset }: { errorCode: number; baseOffset: number }): [number, number] {
  return [errorCode, baseOffset]
}

async function fetchSessions(context: ScenarioContext): Promise<void> {
  const topic = await usableTopic(context, 'sessions', 2)
  await onWire(context, async (wire) => {
    // Written to before, so that both partitions are up.
    for (const partition of [0, 1]) await produce(wire, topic, batch(['before']), -1, partition)
    const both = [0, 1].map((partition) => ({ partition, fetchOffset: 1, partitionMaxBytes: 1_000 }))
    const fetch = (sessionId: number, sessionEpoch: number, partitions: typeof both = []) =>
      wire.ask(Fetch, 12, fetchRequest(topic, partitions, { sessionId, sessionEpoch }))
    const listed = (answer: Awaited<ReturnType<typeof fetch>>) =>
      answer.responses.flatMap(({ partitions }) => partitions.map(({ partitionIndex }) => partitionIndex))
    const full = await fetch(0, 0, both)
    assert.ok(full.sessionId > 0, 'a session was made')
    assert.deepEqual(listed(full), [0, 1], 'the first answer names all')
    assert.deepEqual(listed(await fetch(full.sessionId, 1)), [], 'nothing has changed')
    await produce(wire, topic, batch(['a']), -1, 1)
    const changed = await fetch(full.sessionId, 2)
    assert.equal(changed.sessionId, full.sessionId)
    assert.deepEqual(listed(changed), [1], 'only what has changed')
    const repeated = await fetch(full.sessionId, 2)
    assert.deepEqual([repeated.errorCode, repeated.sessionId, repeated.responses.length], [71, 0, 0], 'an epoch twice')
    const unknown = await fetch(123_456_789, 1)
    assert.deepEqual([unknown.errorCode, unknown.sessionId], [70, 0], 'a session nobody knows')
    const none = await fetch(0, -1, both)
    assert.deepEqual([none.errorCode, none.sessionId, listed(none).length], [0, 0, 2], 'without a session')
  })
}
