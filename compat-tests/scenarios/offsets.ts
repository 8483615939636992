import assert from 'node:assert/strict'
import { failsWithOrLocally, has, type Scenario } from '../scenario.ts'
import { assertSame, endOffset, newTopic, produce, readAll, record, startOffset } from './records.ts'

const HOUR_MS = 3_600_000

export const offsetScenarios: Scenario[] = [
  {
    name: 'offsets-by-timestamp',
    fixture: 'shared',
    async run(context) {
      const { client } = context
      const topic = await newTopic(context, 'by-time', 2)
      const start = Date.now() - HOUR_MS
      // One batch: the answer is the offset of a record inside it, not of the batch.
      await produce(
        client,
        topic,
        Array.from({ length: 10 }, (_, i) => record(`r${i}`, { timestamp: start + i * 1_000 })),
      )
      // The latest time is not at the end of the log.
      await produce(client, topic, [record('newest', { timestamp: start + 60_000 })])
      await produce(client, topic, [record('late arrival', { timestamp: start + 2_500 })])
      const at = (spec: 'earliest' | 'latest' | 'max-timestamp' | number) =>
        client.call('listOffsets', { topic, partition: 0, spec })
      const expectAt = async (spec: 'max-timestamp' | number, offset: number, timestamp: number) => {
        const found = await at(spec)
        assert.equal(found.offset, offset, `offset for ${spec}`)
        if (found.timestamp !== null) assert.equal(found.timestamp, timestamp, `timestamp for ${spec}`)
      }
      assert.equal((await at('earliest')).offset, 0)
      assert.equal((await at('latest')).offset, 12)
      await expectAt(start, 0, start)
      await expectAt(start - 5_000, 0, start)
      await expectAt(start + 4_000, 4, start + 4_000)
      await expectAt(start + 4_001, 5, start + 5_000)
      await expectAt(start + 9_001, 10, start + 60_000)
      if (has(client, 'offset-of-time-beyond-end')) await expectAt(start + 60_001, -1, -1)
      if (has(client, 'offset-of-max-timestamp')) await expectAt('max-timestamp', 10, start + 60_000)
      // Nothing was ever written to partition 1.
      assert.equal(await startOffset(client, topic, 1), 0)
      assert.equal(await endOffset(client, topic, 1), 0)
      if (has(client, 'offset-of-time-beyond-end')) {
        assert.equal((await client.call('listOffsets', { topic, partition: 1, spec: start })).offset, -1)
      }
    },
  },
  {
    name: 'delete-records',
    fixture: 'shared',
    operations: ['deleteRecords'],
    async run(context) {
      const { client } = context
      const topic = await newTopic(context, 'delete-records')
      const sent = Array.from({ length: 10 }, (_, i) => record(`r${i}`))
      for (const each of sent) await produce(client, topic, [each])
      const deleteBefore = (offset: number) => client.call('deleteRecords', { topic, partition: 0, offset })
      const { lowWatermark } = await deleteBefore(4)
      if (lowWatermark !== null) assert.equal(lowWatermark, 4)
      assert.equal(await startOffset(client, topic, 0), 4)
      assertSame(await readAll(client, topic), sent.slice(4), 4)
      // Error 1, OFFSET_OUT_OF_RANGE: beyond the high watermark.
      await failsWithOrLocally(1, deleteBefore(11))
      await deleteBefore(10)
      assert.equal(await startOffset(client, topic, 0), 10)
      assert.equal(await endOffset(client, topic, 0), 10)
      const { placed } = await produce(client, topic, [record('next')])
      assert.deepEqual(placed, [{ partition: 0, offset: 10 }], 'offsets go on')
    },
  },
]
