import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import type { TopicConfig } from '../../src/config/topic-config.ts'
import type { Clock } from '../../src/io/clock.ts'
import { SimulatedClock } from '../../src/io/simulated-clock.ts'
import { SimulatedFileSystem } from '../../src/io/simulated-file-system.ts'
import { SimulatedRandom } from '../../src/io/simulated-random.ts'
import { simulatedWork } from '../../src/io/simulated-work.ts'
import { LocalLogStore } from '../../src/storage/local/local-log-store.ts'
import type { LogHandle } from '../../src/storage/storage.ts'
import { checkPartition } from './segment-checker.ts'
import {
  appendTo,
  type BatchOptions,
  batchOf,
  config,
  type Fixture,
  identity,
  NOW_MS,
  openFixture,
  readAll,
  readFrom,
  valuesOf,
} from './store-fixture.ts'

const HOUR_MS = 3_600_000
const DIRECTORY = '/data/topic-0'

/** One batch per segment: each append rolls. */
const ONE_BATCH_PER_SEGMENT = { 'segment.bytes': 100 }

async function openLog(fixture: Fixture, overrides: Partial<TopicConfig> = {}): Promise<LogHandle> {
  return fixture.store.open(identity(), config({ ...ONE_BATCH_PER_SEGMENT, ...overrides }), 0)
}

async function append(
  fixture: Fixture,
  log: LogHandle,
  values: readonly string[],
  options: BatchOptions & { timestamp?: number } = {},
) {
  const result = await appendTo(fixture.store, log, batchOf(values, options), { durability: 'disk' })
  expect(result.error).toBe(0)
  return result
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
}

function logFiles(fixture: Fixture, suffix = '.log'): string[] {
  return fixture.fileSystem.list(DIRECTORY).filter((name) => name.endsWith(suffix))
}

function bases(fixture: Fixture): number[] {
  return logFiles(fixture).map((name) => Number(name.slice(0, 20)))
}

describe('retention by size', () => {
  it('keeps at least retention.bytes, and less than one segment more', async () => {
    const fixture = await openFixture()
    const log = await openLog(fixture)
    for (let index = 0; index < 6; index++) await append(fixture, log, [`value-${index}`])
    const segmentBytes = fixture.store.sizeBytes(log) / 6
    fixture.store.configure(log, config({ ...ONE_BATCH_PER_SEGMENT, 'retention.bytes': 3 * segmentBytes + 1 }))
    await fixture.store.runRetention()
    expect(fixture.store.sizeBytes(log)).toBe(4 * segmentBytes)
    expect(log.offsets).toMatchObject({ logStartOffset: 2, logEndOffset: 6, highWatermark: 6 })
    expect(valuesOf(await readAll(fixture.store, log))).toEqual(['value-2', 'value-3', 'value-4', 'value-5'])
    expect(bases(fixture)).toEqual([2, 3, 4, 5])
  })

  it('removes nothing for -1', async () => {
    const fixture = await openFixture()
    const log = await openLog(fixture, { 'retention.bytes': -1 })
    for (let index = 0; index < 4; index++) await append(fixture, log, ['value'])
    await fixture.store.runRetention()
    expect(log.offsets.logStartOffset).toBe(0)
  })
})

describe('retention by time', () => {
  it('removes the oldest segments up to the first that is young enough, whatever comes behind it', async () => {
    const fixture = await openFixture()
    const log = await openLog(fixture, { 'retention.ms': HOUR_MS })
    const ages = [3 * HOUR_MS, 2 * HOUR_MS, HOUR_MS - 1, 5 * HOUR_MS, 0]
    for (const age of ages) await append(fixture, log, [`${age}`], { timestamp: NOW_MS - age })
    await fixture.store.runRetention()
    expect(log.offsets.logStartOffset).toBe(2)
    expect(bases(fixture)).toEqual([2, 3, 4])
  })

  it('a segment exactly as old as retention.ms stays, and goes a millisecond later', async () => {
    const fixture = await openFixture()
    const log = await openLog(fixture, { 'retention.ms': HOUR_MS })
    await append(fixture, log, ['old'], { timestamp: NOW_MS - HOUR_MS })
    await append(fixture, log, ['new'])
    await fixture.store.runRetention()
    expect(log.offsets.logStartOffset).toBe(0)
    fixture.clock.advance(1)
    await fixture.store.runRetention()
    expect(log.offsets.logStartOffset).toBe(1)
  })

  it('a timestamp in the future holds its segment and all behind it', async () => {
    const fixture = await openFixture()
    const log = await openLog(fixture, { 'retention.ms': 1 })
    await append(fixture, log, ['a', 'b'], { timestamp: NOW_MS + HOUR_MS / 2 })
    await append(fixture, log, ['c'], { timestamp: NOW_MS - HOUR_MS })
    await append(fixture, log, ['d'])
    fixture.clock.advance(1000)
    await fixture.store.runRetention()
    expect(log.offsets.logStartOffset).toBe(0)
  })

  it('records without timestamps are as old as the file', async () => {
    const fixture = await openFixture()
    const log = await openLog(fixture, { 'retention.ms': HOUR_MS })
    await append(fixture, log, ['a'], { timestamp: -1 })
    await append(fixture, log, ['b'], { timestamp: -1 })
    fixture.clock.advance(HOUR_MS)
    await fixture.store.runRetention()
    expect(log.offsets.logStartOffset).toBe(0)
    fixture.clock.advance(1)
    await fixture.store.runRetention()
    expect(log.offsets).toMatchObject({ logStartOffset: 2, logEndOffset: 2 })
  })

  it('a topic with nothing but old records becomes empty, and the log end stays where it is', async () => {
    const fixture = await openFixture()
    const log = await openLog(fixture, { 'retention.ms': HOUR_MS })
    await append(fixture, log, ['a', 'b'], { timestamp: NOW_MS - 2 * HOUR_MS })
    await append(fixture, log, ['c'], { timestamp: NOW_MS - 2 * HOUR_MS })
    await fixture.store.runRetention()
    expect(log.offsets).toEqual({ logStartOffset: 3, highWatermark: 3, lastStableOffset: 3, logEndOffset: 3 })
    expect(bases(fixture)).toEqual([3])
    expect((await readFrom(fixture.store, log, 2)).error).toBe(ErrorCode.OFFSET_OUT_OF_RANGE)
    expect((await readFrom(fixture.store, log, 3)).error).toBe(ErrorCode.NONE)
    await fixture.store.runRetention()
    expect((await append(fixture, log, ['d'])).baseOffset).toBe(3)
    await checkPartition(fixture.fileSystem, DIRECTORY)
  })

  it('a damaged time index is made anew before it decides', async () => {
    const fixture = await openFixture()
    const first = await openLog(fixture)
    await append(fixture, first, ['a'], { timestamp: NOW_MS })
    await append(fixture, first, ['b'])
    await fixture.store.close()
    const file = fixture.fileSystem.open(`${DIRECTORY}/00000000000000000000.timeindex`, 'write')
    file.writeSync([Buffer.alloc(5)], 12)
    file.close()
    const again = await openFixture({ fileSystem: fixture.fileSystem.kill(), clock: fixture.clock })
    const log = await openLog(again, { 'retention.ms': HOUR_MS })
    fixture.clock.advance(HOUR_MS)
    await again.store.runRetention()
    expect(log.offsets.logStartOffset).toBe(0)
    expect(again.fileSystem.stat(`${DIRECTORY}/00000000000000000000.timeindex`)?.sizeBytes).toBe(12)
  })
})

describe('what retention may touch', () => {
  async function afterDeleteRecords(policy: TopicConfig['cleanup.policy']): Promise<number[]> {
    const fixture = await openFixture()
    const old = { 'retention.ms': 1, 'retention.bytes': 0, 'cleanup.policy': policy }
    const log = await openLog(fixture, old)
    for (let index = 0; index < 4; index++) await append(fixture, log, ['value'], { timestamp: NOW_MS - 10 })
    await fixture.store.deleteRecords(log, 2)
    await fixture.store.runRetention()
    return bases(fixture)
  }

  it('compaction alone: only what lies below the log start', async () => {
    expect(await afterDeleteRecords(['compact'])).toEqual([2, 3])
  })

  it('compaction and deletion: both', async () => {
    expect(await afterDeleteRecords(['compact', 'delete'])).toEqual([4])
  })

  it('no policy: nothing', async () => {
    expect(await afterDeleteRecords([])).toEqual([0, 1, 2, 3])
  })

  it('a segment goes only when all of it is below the log start', async () => {
    const fixture = await openFixture()
    const log = await openLog(fixture)
    await append(fixture, log, ['a', 'b', 'c'])
    await append(fixture, log, ['d'])
    await fixture.store.deleteRecords(log, 2)
    await fixture.store.runRetention()
    expect(bases(fixture)).toEqual([0, 3])
    expect(log.offsets.logStartOffset).toBe(2)
  })

  it('what is not written yet stays', async () => {
    const fixture = await openFixture({ endOfTurn: () => {} })
    const log = await openLog(fixture, { 'retention.ms': 1 })
    void appendTo(fixture.store, log, batchOf(['a'], { timestamp: NOW_MS - HOUR_MS }))
    expect(log.offsets).toMatchObject({ highWatermark: 0, logEndOffset: 1 })
    await fixture.store.runRetention()
    expect(log.offsets.logStartOffset).toBe(0)
  })

  it('a changed setting takes effect on the running log', async () => {
    const fixture = await openFixture()
    const log = await openLog(fixture, { 'retention.ms': -1 })
    await append(fixture, log, ['a'], { timestamp: 1 })
    await append(fixture, log, ['b'])
    await fixture.store.runRetention()
    expect(log.offsets.logStartOffset).toBe(0)
    fixture.store.configure(log, config({ ...ONE_BATCH_PER_SEGMENT, 'retention.ms': HOUR_MS }))
    await fixture.store.runRetention()
    expect(log.offsets.logStartOffset).toBe(1)
  })
})

describe('the files of removed segments', () => {
  it('are renamed at once and removed after file.delete.delay.ms', async () => {
    const fixture = await openFixture()
    const log = await openLog(fixture, { 'retention.ms': HOUR_MS, 'file.delete.delay.ms': 5000 })
    await append(fixture, log, ['a'], { timestamp: 1 })
    await append(fixture, log, ['b'])
    await fixture.store.runRetention()
    const names = ['log', 'index', 'timeindex'].map((suffix) => `00000000000000000000.${suffix}.deleted`)
    expect(logFiles(fixture, '.deleted').sort()).toEqual(names.sort())
    fixture.clock.advance(4999)
    await settled()
    expect(logFiles(fixture, '.deleted')).toHaveLength(3)
    fixture.clock.advance(1)
    await settled()
    expect(logFiles(fixture, '.deleted')).toEqual([])
  })

  it('go at once when the broker stops', async () => {
    const fixture = await openFixture()
    const log = await openLog(fixture, { 'retention.ms': HOUR_MS })
    await append(fixture, log, ['a'], { timestamp: 1 })
    await append(fixture, log, ['b'])
    await fixture.store.runRetention()
    await fixture.store.close()
    expect(logFiles(fixture, '.deleted')).toEqual([])
    expect(bases(fixture)).toEqual([1])
  })

  it('go at the next start when the broker was killed', async () => {
    const fixture = await openFixture()
    const log = await openLog(fixture, { 'retention.ms': HOUR_MS })
    await append(fixture, log, ['a'], { timestamp: 1 })
    await append(fixture, log, ['b'])
    await fixture.store.runRetention()
    const again = await openFixture({ fileSystem: fixture.fileSystem.kill(), clock: fixture.clock })
    await openLog(again)
    expect(logFiles(again, '.deleted')).toEqual([])
    expect(bases(again)).toEqual([1])
  })

  it('leave with the snapshots of their producers, but for the newest', async () => {
    const fixture = await openFixture()
    const log = await openLog(fixture, { 'retention.ms': HOUR_MS })
    const producer = { producerId: 7, producerEpoch: 0, timestamp: 1 }
    for (let index = 0; index < 4; index++) await append(fixture, log, ['v'], { ...producer, baseSequence: index })
    await fixture.store.runRetention()
    expect(logFiles(fixture, '.snapshot')).toEqual(['00000000000000000004.snapshot'])
  })

  it('a read under way is answered with its records or with OFFSET_OUT_OF_RANGE', async () => {
    for (let hops = 0; hops < 12; hops++) {
      const fixture = await openFixture({ tailCacheBytes: 0 })
      const log = await openLog(fixture, { 'retention.ms': HOUR_MS })
      await append(fixture, log, ['a'], { timestamp: 1 })
      await append(fixture, log, ['b'])
      const read = readFrom(fixture.store, log, 0)
      for (let hop = 0; hop < hops; hop++) await Promise.resolve()
      await fixture.store.runRetention()
      const result = await read
      expect([ErrorCode.NONE, ErrorCode.OFFSET_OUT_OF_RANGE]).toContain(result.error)
      expect(result.sizeBytes > 0).toBe(result.error === ErrorCode.NONE)
    }
  })
})

describe('retention and restarts', () => {
  const producer = { producerId: 7, producerEpoch: 0 }

  async function emptied(): Promise<Fixture> {
    const fixture = await openFixture()
    const log = await openLog(fixture, { 'retention.ms': HOUR_MS })
    for (let index = 0; index < 3; index++)
      await append(fixture, log, ['v'], { ...producer, baseSequence: index, timestamp: 1 })
    await fixture.store.runRetention()
    expect(log.offsets).toMatchObject({ logStartOffset: 3, logEndOffset: 3 })
    return fixture
  }

  async function checkEmptied(again: Fixture): Promise<void> {
    const log = await openLog(again)
    expect(log.offsets).toMatchObject({ logStartOffset: 3, logEndOffset: 3 })
    expect(again.store.producers(log)).toMatchObject([{ producerId: 7, lastSequence: 2 }])
    expect((await append(again, log, ['next'], { ...producer, baseSequence: 3 })).baseOffset).toBe(3)
  }

  it('an emptied log goes on at its end after a clean stop, with its producers', async () => {
    const fixture = await emptied()
    await fixture.store.close()
    await checkEmptied(await openFixture({ fileSystem: fixture.fileSystem.kill(), clock: fixture.clock }))
  })

  it('an emptied log goes on at its end after a power cut, with its producers', async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const fixture = await emptied()
      await checkEmptied(await openFixture({ fileSystem: fixture.fileSystem.crash(seed), clock: fixture.clock }))
    }
  })

  it('an emptied log goes on at its end also when the checkpoints are lost', async () => {
    const fixture = await emptied()
    await fixture.store.close()
    const left = fixture.fileSystem.kill()
    left.unlink('/data/log-start-offset-checkpoint')
    await checkEmptied(await openFixture({ fileSystem: left, clock: fixture.clock }))
  })

  it('a power cut at any moment leaves a log without holes that starts no earlier than it was answered', async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const clock = new SimulatedClock(NOW_MS)
      let hopsLeft = seed
      const latency = () => new Promise<void>((resolve) => setImmediate(resolve))
      const fileSystem = new SimulatedFileSystem({ nowMs: () => clock.nowMs(), latency })
      const fixture = await openFixture({ fileSystem, clock })
      const log = await openLog(fixture, { 'retention.ms': HOUR_MS })
      for (let index = 0; index < 6; index++) {
        const timestamp = index < 4 || seed % 3 === 0 ? 1 : NOW_MS
        await append(fixture, log, [`value-${index}`], { ...producer, baseSequence: index, timestamp })
      }
      void fixture.store.runRetention().catch(() => {})
      while (hopsLeft-- > 0 && seed % 40 !== 0) await new Promise<void>((resolve) => setImmediate(resolve))
      const again = await openFixture({ fileSystem: fixture.fileSystem.crash(seed), clock })
      const reopened = await openLog(again)
      const { logStartOffset, logEndOffset } = reopened.offsets
      expect(logEndOffset, `seed ${seed}`).toBe(6)
      const values = valuesOf(await readAll(again.store, reopened))
      expect(values, `seed ${seed}`).toEqual([0, 1, 2, 3, 4, 5].slice(logStartOffset).map((index) => `value-${index}`))
      expect(again.store.producers(reopened), `seed ${seed}`).toMatchObject([{ lastSequence: 5 }])
      // Of the files below the log start any may be left; they go now.
      await again.store.runRetention()
      await checkPartition(again.fileSystem, DIRECTORY)
    }
  })
})

describe('retention of many logs', () => {
  it('runs after the initial delay and then at every interval', async () => {
    const fixture = await openFixture({ initialTaskDelayMs: 1000, retentionCheckIntervalMs: 5000 })
    const log = await openLog(fixture, { 'retention.ms': HOUR_MS })
    await append(fixture, log, ['a'], { timestamp: 1 })
    await append(fixture, log, ['b'], { timestamp: NOW_MS - HOUR_MS + 3000 })
    await append(fixture, log, ['c'])
    fixture.clock.advance(999)
    await settled()
    expect(log.offsets.logStartOffset).toBe(0)
    fixture.clock.advance(1)
    await settled()
    expect(log.offsets.logStartOffset).toBe(1)
    fixture.clock.advance(4999)
    await settled()
    expect(log.offsets.logStartOffset).toBe(1)
    fixture.clock.advance(1)
    await settled()
    expect(log.offsets.logStartOffset).toBe(2)
    await fixture.store.close()
  })

  it('a log whose disk fails does not keep the others', async () => {
    const fixture = await openFixture()
    const logs = await Promise.all(
      [0, 1].map((partition) => {
        return fixture.store.open(
          identity('topic', partition),
          config({ ...ONE_BATCH_PER_SEGMENT, 'retention.ms': 1 }),
          0,
        )
      }),
    )
    for (const log of logs) for (let index = 0; index < 2; index++) await append(fixture, log, ['a'], { timestamp: 1 })
    fixture.fileSystem.faults.push({ operation: 'rename', code: 'EIO', path: 'topic-0/00000000000000000000.log' })
    await fixture.store.runRetention()
    expect(logs.map(({ offsets }) => offsets.logStartOffset)).toEqual([2, 2])
    expect(fixture.fileSystem.list('/data/topic-1').filter((name) => name.endsWith('.log'))).toHaveLength(1)
    expect(fixture.reports.join('\n')).toContain('topic-0: files of old segments stay')
  })

  it('opens no file of idle partitions', async () => {
    const fixture = await openFixture()
    for (let partition = 0; partition < 200; partition++) {
      const log = await fixture.store.open(identity('topic', partition), config({ 'retention.ms': HOUR_MS }), 0)
      if (partition % 2 === 0) await appendTo(fixture.store, log, batchOf(['a']))
    }
    const before = fixture.fileSystem.operations.open
    await fixture.store.runRetention()
    expect(fixture.fileSystem.operations.open).toBe(before)
  })

  it('lets other work run between its slices', async () => {
    const simulated = new SimulatedClock(NOW_MS)
    let elapsedMs = 0
    // A clock that ticks whenever it is looked at: every log takes a millisecond.
    const clock: Clock = {
      nowMs: () => simulated.nowMs(),
      monotonicMs: () => ++elapsedMs,
      schedule: (delayMs, callback) => simulated.schedule(delayMs, callback),
    }
    let turns = 0
    const endOfTurn = (callback: () => void) => {
      turns++
      setImmediate(callback)
    }
    const store = await LocalLogStore.open({
      directory: '/data',
      fileSystem: new SimulatedFileSystem(),
      clock,
      random: new SimulatedRandom(1),
      work: simulatedWork(),
      nodeId: 1,
      clusterId: 'cluster',
      endOfTurn,
    })
    for (let partition = 0; partition < 100; partition++) {
      await store.open(identity('topic', partition), config(), 0)
    }
    turns = 0
    await store.runRetention()
    expect(turns).toBeGreaterThanOrEqual(40)
  })
})
