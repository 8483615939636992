import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { TopicConfig } from '../../src/config/topic-config.ts'
import type { LogHandle } from '../../src/storage/storage.ts'
import { appendTo, batchOf, config, type Fixture, identity, NOW_MS, openFixture } from './store-fixture.ts'

const DELETE = { 'segment.bytes': 100, 'odradek.disk.budget.action': 'delete' } as const
const ALL = { topicId: null, mayDelete: () => true }

function idOf(topic: number): string {
  return Buffer.alloc(16, topic + 1).toString('base64url')
}

/** A log with one segment for each age, the last of which is active. */
async function openWith(
  { store }: Fixture,
  topic: number,
  agesMs: readonly number[],
  overrides: Partial<TopicConfig> = {},
): Promise<LogHandle> {
  const log = await store.open(identity(`topic${topic}`, 0, idOf(topic)), config({ ...DELETE, ...overrides }), 0)
  for (const ageMs of agesMs) await appendTo(store, log, batchOf(['value'], { timestamp: NOW_MS - ageMs }))
  return log
}

function starts(logs: readonly LogHandle[]): number[] {
  return logs.map(({ offsets }) => offsets.logStartOffset)
}

/** Deletes until so many bytes are left. */
function deleteDownTo({ store }: Fixture, bytes: number, request = ALL) {
  const { disk } = store
  return disk.deleteOldest({ ...request, excessBytes: () => disk.usedBytes - disk.leavingBytes - bytes })
}

describe('deleting the oldest segments', () => {
  it('takes the oldest of all logs first, and stops when there is enough room', async () => {
    const fixture = await openFixture()
    const logs = [await openWith(fixture, 0, [90, 50, 10]), await openWith(fixture, 1, [80, 70, 60, 5])]
    const segmentBytes = fixture.store.disk.usedBytes / 7
    const deleted = await deleteDownTo(fixture, 4 * segmentBytes)
    expect(starts(logs)).toEqual([1, 2])
    expect(deleted).toEqual([
      { topic: 'topic0', partition: 0, segments: 1, bytes: segmentBytes, logStartOffset: 1 },
      { topic: 'topic1', partition: 0, segments: 2, bytes: 2 * segmentBytes, logStartOffset: 2 },
    ])
    await deleteDownTo(fixture, 4 * segmentBytes)
    expect(starts(logs), 'files on their way out are no reason to delete more').toEqual([1, 2])
  })

  it('never takes an active segment', async () => {
    const fixture = await openFixture()
    const logs = [await openWith(fixture, 0, [90]), await openWith(fixture, 1, [80, 70])]
    await deleteDownTo(fixture, 0)
    expect(starts(logs)).toEqual([0, 1])
  })

  it('leaves alone what is compacted only, kept for ever, to be rejected, or not to be deleted', async () => {
    const fixture = await openFixture()
    const ages = [9, 8, 7]
    const logs = [
      await openWith(fixture, 0, ages, { 'cleanup.policy': ['compact'] }),
      await openWith(fixture, 1, ages, { 'cleanup.policy': [] }),
      await openWith(fixture, 2, ages, { 'odradek.disk.budget.action': 'reject' }),
      await openWith(fixture, 3, ages),
      await openWith(fixture, 4, ages, { 'cleanup.policy': ['compact', 'delete'] }),
    ]
    await deleteDownTo(fixture, 0, { topicId: null, mayDelete: (topic: string) => topic !== 'topic3' } as typeof ALL)
    expect(starts(logs)).toEqual([0, 0, 0, 0, 2])
  })

  it('takes those of one topic only when asked to', async () => {
    const fixture = await openFixture()
    const logs = [await openWith(fixture, 0, [9, 8, 7]), await openWith(fixture, 1, [3, 2, 1])]
    const request = { topicId: idOf(1), mayDelete: () => true }
    await fixture.store.disk.deleteOldest({ ...request, excessBytes: () => fixture.store.disk.usedBytes })
    expect(starts(logs)).toEqual([0, 2])
  })

  it('a log start that was moved survives a crash right after', async () => {
    const fixture = await openFixture()
    await openWith(fixture, 0, [9, 8, 7, 6])
    await deleteDownTo(fixture, 0)
    for (let seed = 0; seed < 10; seed++) {
      const again = await openFixture({ fileSystem: fixture.fileSystem.crash(seed) })
      const log = await again.store.open(identity('topic0', 0, idOf(0)), config(DELETE), 1)
      expect(log.offsets, `seed ${seed}`).toMatchObject({ logStartOffset: 3, logEndOffset: 4 })
    }
  })
})

it('property: a segment goes only above the low mark, and only when no other first segment is older', async () => {
  const ages = fc.array(fc.array(fc.nat(20), { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(ages, fc.double({ min: 0, max: 1, noNaN: true }), async (agesOfLogs, share) => {
      const fixture = await openFixture()
      const { disk } = fixture.store
      const logs: LogHandle[] = []
      for (const [topic, each] of agesOfLogs.entries()) logs.push(await openWith(fixture, topic, each))
      const lowBytes = Math.floor(disk.usedBytes * share)
      // The model: all segments have one size, and a segment may go while another one is behind it.
      const segmentBytes = disk.usedBytes / agesOfLogs.flat().length
      const expected = agesOfLogs.map(() => 0)
      let staying = disk.usedBytes
      while (staying > lowBytes) {
        const heads = agesOfLogs
          .map((each, log) => ({ log, age: each[expected[log]!]!, closed: expected[log]! < each.length - 1 }))
          .filter(({ closed }) => closed)
        if (heads.length === 0) break
        // Of two that are equally old the first by name.
        const oldest = heads.reduce((one, other) => (other.age > one.age ? other : one))
        expected[oldest.log]!++
        staying -= segmentBytes
      }
      await deleteDownTo(fixture, lowBytes)
      expect(starts(logs)).toEqual(expected)
      expect(disk.usedBytes - disk.leavingBytes).toBeGreaterThan(lowBytes - segmentBytes)
      await fixture.store.close()
    }),
    { numRuns: 40 },
  )
})
