import { describe, expect, it } from 'vitest'
import type { TopicConfig } from '../../src/config/topic-config.ts'
import {
  COMPACTED,
  checkFiles,
  DIRECTORY,
  endTransaction,
  filesOf,
  fill,
  latestOf,
  openCompacted,
  opened,
  put,
  readPairs,
  turns,
} from './cleaner-fixture.ts'
import { config, identity, NOW_MS, openFixture } from './store-fixture.ts'

const HOUR_MS = 3_600_000

describe('a round of compaction', () => {
  it('leaves the last record of each key, at its offset, and the log where it began', async () => {
    const { fixture, log } = await opened()
    await fill(fixture, log)
    const before = await readPairs(fixture, log)
    await fixture.store.runCompaction()
    const after = await readPairs(fixture, log)
    expect(latestOf(after)).toEqual(latestOf(before))
    expect(after.length).toBeLessThan(before.length / 2)
    for (const { offset, pair } of after) expect(before[offset]).toEqual({ offset, pair })
    expect(log.offsets).toMatchObject({ logStartOffset: 0, logEndOffset: 80, highWatermark: 80 })
    await checkFiles(fixture)
    expect(filesOf(fixture, '.swap')).toEqual([])
    expect(filesOf(fixture, '.cleaned')).toEqual([])
  })

  it('ends at the active segment, and says so in cleaner-offset-checkpoint', async () => {
    const { fixture, log } = await opened()
    await fill(fixture, log)
    const activeBase = Number(filesOf(fixture, '.log').at(-1)!.slice(0, 20))
    await fixture.store.runCompaction()
    const checkpoint = fixture.fileSystem.readFile('/data/cleaner-offset-checkpoint')?.toString()
    expect(checkpoint).toBe(`0\n1\ntopic 0 ${activeBase}\n`)
    expect(filesOf(fixture, '.log').at(-1)).toBe(`${String(activeBase).padStart(20, '0')}.log`)
    const seen = await readPairs(fixture, log)
    expect(seen.filter(({ offset }) => offset >= activeBase)).toHaveLength(80 - activeBase)
  })

  it('makes one segment of several that fit into segment.bytes together', async () => {
    const { fixture, log } = await opened()
    await fill(fixture, log)
    const names = filesOf(fixture, '.log')
    expect(names.length).toBeGreaterThan(8)
    const sizes = names.map((name) => fixture.fileSystem.stat(`${DIRECTORY}/${name}`)!.sizeBytes)
    fixture.store.configure(log, config({ ...COMPACTED, 'segment.bytes': 1000 }))
    await fixture.store.runCompaction()
    // By what they were before; the active one stays.
    let groups = 1
    let groupBytes = 0
    for (const sizeBytes of sizes.slice(0, -1)) {
      if (groupBytes + sizeBytes > 1000) groups++
      groupBytes = groupBytes + sizeBytes > 1000 ? sizeBytes : groupBytes + sizeBytes
    }
    expect(filesOf(fixture, '.log')).toHaveLength(groups + 1)
    expect(groups).toBeLessThan(names.length / 2 + 1)
    await checkFiles(fixture)
  })

  it('keeps the modification time of the last source', async () => {
    const { fixture, log } = await opened({ 'segment.bytes': 150 })
    await put(fixture, log, ['a=1'])
    await put(fixture, log, ['a=2'])
    fixture.clock.advance(HOUR_MS)
    await put(fixture, log, ['b=1'])
    fixture.store.configure(log, config({ ...COMPACTED, 'segment.bytes': 1000 }))
    await fixture.store.runCompaction()
    expect(filesOf(fixture, '.log')).toHaveLength(2)
    expect(fixture.fileSystem.stat(`${DIRECTORY}/00000000000000000000.log`)?.modifiedMs).toBe(NOW_MS)
  })

  it('retires the files it replaced for file.delete.delay.ms', async () => {
    const { fixture, log } = await opened({ 'file.delete.delay.ms': 1000 })
    await fill(fixture, log)
    await fixture.store.runCompaction()
    expect(filesOf(fixture, '.log.deleted').length).toBeGreaterThan(3)
    fixture.clock.advance(1000)
    await turns(20)
    expect(filesOf(fixture, '.deleted')).toEqual([])
    expect(latestOf(await readPairs(fixture, log))).toHaveProperty('k0')
  })

  it('does not touch segments in which nothing changes', async () => {
    const { fixture, log } = await opened({ 'segment.bytes': 100 })
    for (let index = 0; index < 5; index++) await put(fixture, log, [`key-number-${index}=value`])
    await fixture.store.runCompaction()
    expect(filesOf(fixture, '.deleted')).toEqual([])
    expect(filesOf(fixture, '.log')).toHaveLength(5)
  })

  it('goes through compressed batches too', async () => {
    const { fixture, log } = await opened()
    for (let index = 0; index < 50; index++) {
      await put(fixture, log, [`k${index % 5}=${index}`, `other${index % 3}=${index}`], { codec: index % 5 })
    }
    const before = latestOf(await readPairs(fixture, log))
    await fixture.store.runCompaction()
    expect(latestOf(await readPairs(fixture, log))).toEqual(before)
    await checkFiles(fixture)
  })

  it('finds timestamps where records are, and not where they were', async () => {
    const { fixture, log } = await opened()
    for (let index = 0; index < 30; index++) {
      await put(fixture, log, [`k${index % 3}=${index}`], { timestamp: NOW_MS + index * 10 })
    }
    await fixture.store.runCompaction()
    const seen = await readPairs(fixture, log)
    for (let index = 0; index < 30; index++) {
      const { offset } = await fixture.store.findByTimestamp(log, NOW_MS + index * 10, 'read_uncommitted')
      expect(offset).toBe(seen.find((record) => record.offset >= index)!.offset)
    }
    expect(await fixture.store.findMaxTimestamp(log)).toMatchObject({ offset: 29, timestampMs: NOW_MS + 290 })
  })
})

describe('which logs are cleaned', () => {
  async function isCleaned(overrides: Partial<TopicConfig>, advanceMs = 0): Promise<boolean> {
    const { fixture, log } = await opened(overrides)
    await fill(fixture, log)
    fixture.clock.advance(advanceMs)
    await fixture.store.runCompaction()
    return (await readPairs(fixture, log)).length < 80
  }

  it('only those whose policy says so', async () => {
    expect(await isCleaned({ 'cleanup.policy': ['delete'] })).toBe(false)
    expect(await isCleaned({ 'cleanup.policy': ['compact'] })).toBe(true)
    expect(await isCleaned({ 'cleanup.policy': ['compact', 'delete'] })).toBe(true)
  })

  it('those with more dirty bytes than min.cleanable.dirty.ratio allows', async () => {
    const { fixture, log } = await opened()
    await fill(fixture, log, 200)
    await fixture.store.runCompaction()
    const cleanBytes = fixture.store.sizeBytes(log)
    fixture.store.configure(log, config({ ...COMPACTED, 'min.cleanable.dirty.ratio': 0.5 }))
    let index = 200
    while (fixture.store.sizeBytes(log) < cleanBytes * 1.7) await fill(fixture, log, 1, index++)
    const before = (await readPairs(fixture, log)).length
    await fixture.store.runCompaction()
    expect((await readPairs(fixture, log)).length).toBe(before)
    while (fixture.store.sizeBytes(log) < cleanBytes * 4) await fill(fixture, log, 1, index++)
    await fixture.store.runCompaction()
    expect((await readPairs(fixture, log)).length).toBeLessThan(before)
  })

  it('none younger than min.compaction.lag.ms', async () => {
    expect(await isCleaned({ 'min.compaction.lag.ms': HOUR_MS }, HOUR_MS - 1)).toBe(false)
    expect(await isCleaned({ 'min.compaction.lag.ms': HOUR_MS }, HOUR_MS)).toBe(true)
  })

  it('any older than max.compaction.lag.ms', async () => {
    const lazy = { 'min.cleanable.dirty.ratio': 1, 'max.compaction.lag.ms': HOUR_MS }
    expect(await isCleaned(lazy, HOUR_MS)).toBe(false)
    expect(await isCleaned(lazy, HOUR_MS + 1)).toBe(true)
  })

  it('up to the first transaction that is open, and beyond once it has ended', async () => {
    const { fixture, log } = await opened()
    await fill(fixture, log, 10)
    await put(fixture, log, ['k0=open'], { producerId: 9, producerEpoch: 0, baseSequence: 0, transactional: true })
    await fill(fixture, log, 30, 10)
    await fixture.store.runCompaction()
    const during = await readPairs(fixture, log)
    expect(during.filter(({ offset }) => offset >= 20)).toHaveLength(61)
    expect(during.filter(({ offset }) => offset < 20).length).toBeLessThan(20)
    await endTransaction(fixture, log, 9, false)
    await fill(fixture, log, 10, 40)
    await fixture.store.runCompaction()
    const after = await readPairs(fixture, log, { isolation: 'read_committed' })
    expect(after.length).toBeLessThan(40)
    expect(after.map(({ pair }) => pair)).not.toContain('k0=open')
  })

  it('a changed policy takes effect on the running log', async () => {
    const { fixture, log } = await opened({ 'cleanup.policy': ['delete'] })
    await fill(fixture, log)
    await fixture.store.runCompaction()
    fixture.store.configure(log, config(COMPACTED))
    await fixture.store.runCompaction()
    expect((await readPairs(fixture, log)).length).toBeLessThan(80)
  })

  it('every log.cleaner.backoff.ms, and not with log.cleaner.enable=false', async () => {
    for (const enabled of [true, false]) {
      const { fixture, log } = await opened({}, { cleaner: { backoffMs: 1000, enabled } })
      await fill(fixture, log)
      fixture.clock.advance(999)
      await turns(50)
      expect((await readPairs(fixture, log)).length).toBe(80)
      fixture.clock.advance(1)
      await turns(200)
      expect((await readPairs(fixture, log)).length < 80).toBe(enabled)
      await fill(fixture, log, 40, 40)
      const before = (await readPairs(fixture, log)).length
      fixture.clock.advance(1000)
      await turns(200)
      expect((await readPairs(fixture, log)).length < before).toBe(enabled)
      await fixture.store.close()
    }
  })

  it('several at the same time with log.cleaner.threads', async () => {
    const fixture = await openFixture({ cleaner: { threads: 3 } })
    const logs = await Promise.all(
      [0, 1, 2, 3, 4].map((partition) => fixture.store.open(identity('topic', partition), config(COMPACTED), 0)),
    )
    for (const log of logs) await fill(fixture, log)
    await fixture.store.runCompaction()
    for (const log of logs) expect((await readPairs(fixture, log)).length).toBeLessThan(80)
  })
})

describe('tombstones', () => {
  it('go delete.retention.ms after the round that met them, with what they deleted', async () => {
    const { fixture, log } = await opened({ 'delete.retention.ms': 1000 })
    await fill(fixture, log, 20)
    await put(fixture, log, ['k0', 'k1'])
    await fill(fixture, log, 1, 22)
    for (let index = 0; index < 10; index++) await put(fixture, log, [`filler-${index}=${index}`])
    await fixture.store.runCompaction()
    const pairs = async () => (await readPairs(fixture, log)).map(({ pair }) => pair)
    expect(await pairs()).toEqual(expect.arrayContaining(['k0', 'k1']))
    fixture.clock.advance(999)
    for (let index = 0; index < 10; index++) await put(fixture, log, [`filler-${index}=${index}`])
    await fixture.store.runCompaction()
    expect(await pairs()).toEqual(expect.arrayContaining(['k0', 'k1']))
    fixture.clock.advance(1)
    for (let index = 0; index < 10; index++) await put(fixture, log, [`filler-${index}=${index}`])
    await fixture.store.runCompaction()
    for (const pair of await pairs()) expect(pair).not.toMatch(/^k[01](=|$)/)
    await checkFiles(fixture)
  })
})

describe('compact and delete', () => {
  it('both are done, and old compacted segments go', async () => {
    const { fixture, log } = await opened({ 'cleanup.policy': ['compact', 'delete'], 'retention.ms': HOUR_MS })
    await fill(fixture, log)
    await fixture.store.runCompaction()
    const kept = await readPairs(fixture, log)
    fixture.clock.advance(HOUR_MS + 1)
    await put(fixture, log, ['new=1'], { timestamp: NOW_MS + HOUR_MS })
    await fixture.store.runRetention()
    const left = await readPairs(fixture, log)
    expect(left.length).toBeLessThan(kept.length)
    expect(left.at(-1)!.pair).toBe('new=1')
    expect(log.offsets.logStartOffset).toBeGreaterThan(0)
    await checkFiles(fixture)
  })

  it('segments that retention takes away during a round end it, and the next one goes on', async () => {
    const { fixture, log } = await opened({ 'cleanup.policy': ['compact', 'delete'], 'retention.ms': HOUR_MS })
    await fill(fixture, log)
    fixture.clock.advance(HOUR_MS + 1)
    for (let index = 0; index < 12; index++) {
      await put(fixture, log, [`new${index % 2}=${index}`], { timestamp: NOW_MS + HOUR_MS })
    }
    const expected = { new0: '10', new1: '11' }
    for (let start = 0; start < 8; start++) {
      const round = fixture.store.runCompaction()
      await turns(start)
      await fixture.store.runRetention()
      await round
      await fill(fixture, log, 3)
      expect(latestOf(await readPairs(fixture, log))).toMatchObject(expected)
    }
    await fixture.store.runCompaction()
    await checkFiles(fixture, log.offsets.logStartOffset)
    expect(fixture.reports.filter((report) => /error|warn/.test(report))).toEqual([])
  })
})

describe('what cannot be cleaned', () => {
  it('a damaged batch ends the compaction of its partition, and of no other', async () => {
    const fixture = await openFixture({ tailCacheBytes: 0 })
    const logs = await Promise.all(
      [0, 1].map((partition) => fixture.store.open(identity('topic', partition), config(COMPACTED), 0)),
    )
    for (const log of logs) await fill(fixture, log)
    const file = fixture.fileSystem.open(`${DIRECTORY}/00000000000000000000.log`, 'write')
    file.writeSync([Buffer.from([0xff])], 70)
    file.close()
    await fixture.store.runCompaction()
    expect(fixture.reports.join('\n')).toContain(
      'error: topic-0 is no longer compacted: the CRC of the batch at offset 0',
    )
    expect((await readPairs(fixture, logs[1]!)).length).toBeLessThan(80)
    expect(filesOf(fixture, '.log').length).toBeGreaterThan(8)
    const reports = fixture.reports.length
    await fill(fixture, logs[0]!)
    await fixture.store.runCompaction()
    expect(fixture.reports.slice(reports).filter((report) => report.includes('topic-0'))).toEqual([])
  })

  it('keys that do not fit into log.cleaner.dedupe.buffer.size take several rounds', async () => {
    const fixture = await openFixture({ cleaner: { dedupeBufferBytes: 1 } })
    const log = await openCompacted(fixture, { 'segment.bytes': 20_000 })
    for (let index = 0; index < 2500; index++) await put(fixture, log, [`key${index}=1`, `key${index - 1}=2`])
    await fixture.store.runCompaction()
    const rounds = fixture.reports.filter((report) => report.includes('is compacted up to'))
    expect(rounds.length).toBeGreaterThan(1)
    const seen = await readPairs(fixture, log, { maxBytes: 100_000 })
    expect(Object.keys(latestOf(seen))).toHaveLength(2501)
    expect(seen.length).toBeLessThan(3500)
    await checkFiles(fixture)
  })
})

describe('the work of compaction', () => {
  it('keeps to log.cleaner.io.max.bytes.per.second', async () => {
    const fixture = await openFixture({ cleaner: { bytesPerSecond: 10_000 } })
    const log = await openCompacted(fixture, { 'segment.bytes': 4000 })
    await fill(fixture, log, 400)
    const size = fixture.store.sizeBytes(log)
    let done = false
    const round = fixture.store.runCompaction().then(() => {
      done = true
    })
    let elapsedMs = 0
    for (; !done && elapsedMs < 60_000; elapsedMs += 10) {
      await turns(10)
      fixture.clock.advance(10)
    }
    await round
    // It reads everything but the active segment twice, and writes what is left.
    expect(elapsedMs).toBeGreaterThan((size * 1.7 * 1000) / 10_000)
    expect(elapsedMs).toBeLessThan((size * 3 * 1000) / 10_000)
  })

  it('does not hold a stop up while it waits for its turn', async () => {
    const fixture = await openFixture({ cleaner: { bytesPerSecond: 1 } })
    await fill(fixture, await openCompacted(fixture))
    const round = fixture.store.runCompaction()
    await turns(20)
    await fixture.store.close()
    await round
    expect(filesOf(fixture, '.cleaned')).toEqual([])
  })
})
