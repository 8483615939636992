import { afterEach, describe, expect, it } from 'vitest'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { ListOffsets } from '../../protocol/messages/02-list-offsets.ts'
import { eachBatch, readBatchHeader } from '../../protocol/records/batch.ts'
import { ClockedBroker } from '../support/clocked-broker.ts'
import { Filled } from './topic-setting-effects.ts'

const NAME = 'compacted'
const COMPACTED = { 'cleanup.policy': 'compact', 'segment.ms': '1000', 'min.cleanable.dirty.ratio': '0' }
const CHECK_MS = 60_000

async function fetchAt(broker: ClockedBroker, fetchOffset: number) {
  const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 1 }]
  const request = { maxWaitMs: 0, minBytes: 0, topics: [{ topic: NAME, partitions }], forgottenTopicsData: [] }
  const { responses } = await broker.call(Fetch, 12, request)
  const { errorCode, logStartOffset, highWatermark, records } = responses[0]!.partitions[0]!
  const bytes = records ?? Buffer.alloc(0)
  const ends = [...eachBatch(bytes)].map((at) => {
    const { baseOffset, lastOffsetDelta } = readBatchHeader(bytes, at)
    return baseOffset + lastOffsetDelta
  })
  return { errorCode, logStartOffset, highWatermark, end: ends[0] ?? null }
}

async function offsetAt(broker: ClockedBroker, timestamp: number): Promise<number> {
  const topics = [{ name: NAME, partitions: [{ partitionIndex: 0, timestamp }] }]
  const answer = await broker.call(ListOffsets, 7, { replicaId: -1, isolationLevel: 0, topics })
  return answer.topics[0]!.partitions[0]!.offset
}

describe('a compacted topic', () => {
  let broker: ClockedBroker
  afterEach(() => broker.close())

  it('trap 57: no offset between its beginning and its end is out of range, before a restart and after it', async () => {
    broker = await ClockedBroker.start()
    await broker.createTopic(NAME, COMPACTED)
    const topic = new Filled(broker, NAME)
    await topic.segments(12, ['a=1', 'b=1', 'a=2'])
    await broker.advance(CHECK_MS)
    for (const life of ['first', 'second']) {
      const left = (await broker.records(NAME)).map(({ offset }) => offset)
      expect(left.length, life).toBeLessThan(10)
      const end = await broker.latest(NAME)
      expect([await broker.earliest(NAME), end], life).toEqual([0, 36])
      for (let offset = 0; offset < end; offset++) {
        const answer = await fetchAt(broker, offset)
        expect(answer, `${life}: offset ${offset}`).toMatchObject({
          errorCode: 0,
          logStartOffset: 0,
          highWatermark: end,
        })
        expect(answer.end, `${life}: offset ${offset}`).toBeGreaterThanOrEqual(left.find((other) => other >= offset)!)
      }
      expect(await fetchAt(broker, end)).toMatchObject({ errorCode: 0, end: null })
      expect((await fetchAt(broker, end + 1)).errorCode).toBe(1)
      // By time: where records are, not where they were.
      expect(left).toContain(await offsetAt(broker, 0))
      if (life === 'second') break
      await broker.close()
      broker = await ClockedBroker.start({}, broker)
    }
  })
})
