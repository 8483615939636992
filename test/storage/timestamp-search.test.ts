import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import { appendTo, batchOf, config, identity, NOW_MS, openFixture } from './store-fixture.ts'

const NONE = { timestampMs: -1, offset: -1, leaderEpoch: -1 }

/** Batches of the given timestamps (after NOW_MS), in small segments. */
async function logOf(batches: readonly (readonly number[])[], options: { codec?: number; close?: boolean } = {}) {
  const first = await openFixture()
  const topic = config({ 'segment.bytes': 400, 'index.interval.bytes': 100 })
  let log = await first.store.open(identity(), topic, 2)
  for (const timestamps of batches) {
    const records = timestamps.map((ms) => ({ timestamp: NOW_MS + ms, key: null, value: Buffer.from('v') }))
    await appendTo(first.store, log, buildBatch({ codec: options.codec ?? 0, records }), { leaderEpoch: 2 })
  }
  if (!options.close) return { store: first.store, log }
  await first.store.close()
  const { store } = await openFixture({ fileSystem: first.fileSystem.kill() })
  log = await store.open(identity(), topic, 3)
  return { store, log }
}

describe('findByTimestamp', () => {
  it('trap 58: the first record by offset, not the base of its batch', async () => {
    const { store, log } = await logOf([[10, 20, 30], [5], [40]])
    expect(await store.findByTimestamp(log, NOW_MS + 15, 'read_uncommitted')).toEqual({
      timestampMs: NOW_MS + 20,
      offset: 1,
      leaderEpoch: 2,
    })
    expect(await store.findByTimestamp(log, NOW_MS + 30, 'read_uncommitted')).toMatchObject({ offset: 2 })
    expect(await store.findByTimestamp(log, NOW_MS + 31, 'read_uncommitted')).toMatchObject({ offset: 4 })
    expect(await store.findByTimestamp(log, 0, 'read_uncommitted')).toMatchObject({ offset: 0 })
    expect(await store.findByTimestamp(log, NOW_MS + 41, 'read_uncommitted')).toEqual(NONE)
  })

  it('looks into compressed batches', async () => {
    const { store, log } = await logOf(
      [
        [10, 20, 30],
        [5, 50],
      ],
      { codec: 4 },
    )
    expect(await store.findByTimestamp(log, NOW_MS + 11, 'read_uncommitted')).toMatchObject({ offset: 1 })
    expect(await store.findByTimestamp(log, NOW_MS + 31, 'read_uncommitted')).toMatchObject({ offset: 4 })
  })

  it('under log append time every record has the time of its batch', async () => {
    const { store, clock } = await openFixture()
    const log = await store.open(identity(), config({ 'message.timestamp.type': 'LogAppendTime' }), 0)
    await appendTo(store, log, batchOf(['a', 'b']))
    clock.advance(100)
    await appendTo(store, log, batchOf(['c', 'd']))
    expect(await store.findByTimestamp(log, NOW_MS + 1, 'read_uncommitted')).toEqual({
      timestampMs: NOW_MS + 100,
      offset: 2,
      leaderEpoch: 0,
    })
  })

  it('nothing beyond the bound of the isolation, nothing before the log start', async () => {
    const { store, log } = await logOf([[10], [20], [30]])
    await appendTo(
      store,
      log,
      batchOf(['x'], { producerId: 1, producerEpoch: 0, baseSequence: 0, transactional: true, timestamp: NOW_MS + 40 }),
    )
    expect(await store.findByTimestamp(log, NOW_MS + 40, 'read_uncommitted')).toMatchObject({ offset: 3 })
    expect(await store.findByTimestamp(log, NOW_MS + 40, 'read_committed')).toEqual(NONE)
    await store.deleteRecords(log, 2)
    expect(await store.findByTimestamp(log, NOW_MS + 5, 'read_uncommitted')).toMatchObject({ offset: 2 })
  })

  it('agrees with a plain search, whatever the order of the timestamps, before and after a restart', async () => {
    const batches = fc.array(fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 4 }), {
      minLength: 1,
      maxLength: 25,
    })
    await fc.assert(
      fc.asyncProperty(batches, fc.integer({ min: 0, max: 25 }), fc.boolean(), async (timestamps, deleted, close) => {
        const { store, log } = await logOf(timestamps, { close })
        const flat = timestamps.flat()
        const start = Math.min(deleted, flat.length)
        await store.deleteRecords(log, start)
        for (let target = 0; target <= 51; target += 3) {
          const expected = flat.findIndex((ms, offset) => offset >= start && ms >= target)
          const found = await store.findByTimestamp(log, NOW_MS + target, 'read_uncommitted')
          expect(found.offset, `target ${target}`).toBe(expected)
          if (expected >= 0) expect(found.timestampMs).toBe(NOW_MS + flat[expected]!)
        }
        const largest = Math.max(...flat.slice(start), -1)
        const expected = flat.findIndex((ms, offset) => offset >= start && ms === largest)
        expect((await store.findMaxTimestamp(log)).offset).toBe(expected)
      }),
      { numRuns: 60 },
    )
  })
})

describe('findMaxTimestamp', () => {
  it('the first record that carries it', async () => {
    const { store, log } = await logOf([[10, 50], [50], [20]])
    expect(await store.findMaxTimestamp(log)).toEqual({ timestampMs: NOW_MS + 50, offset: 1, leaderEpoch: 2 })
  })

  it('of an empty log there is none', async () => {
    const { store, log } = await logOf([])
    expect(await store.findMaxTimestamp(log)).toEqual(NONE)
  })
})
