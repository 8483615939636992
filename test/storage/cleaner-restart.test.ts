import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { checkRestart, crashInRound, LATEST, prepareLog } from './cleaner-crash.ts'
import { committedPairs, DIRECTORY, filesOf, hopping, latestOf, put, readPairs, turns } from './cleaner-fixture.ts'
import { openFixture, readFrom } from './store-fixture.ts'

describe('compaction and restarts', () => {
  it('a compacted log is read the same after a clean stop and after a kill', async () => {
    for (const how of ['close', 'kill'] as const) {
      const fixture = await openFixture()
      await prepareLog(fixture)
      await fixture.store.runCompaction()
      await fixture.store.runCompaction()
      if (how === 'close') await fixture.store.close()
      await checkRestart(await openFixture({ fileSystem: fixture.fileSystem.kill(), clock: fixture.clock }), how)
    }
  })

  it('also when every checkpoint and index is lost', async () => {
    const fixture = await openFixture()
    await prepareLog(fixture)
    await fixture.store.runCompaction()
    const left = fixture.fileSystem.kill()
    for (const name of left.list('/data')) if (name.endsWith('checkpoint')) left.unlink(`/data/${name}`)
    for (const name of left.list(DIRECTORY)) if (/index$|snapshot$/.test(name)) left.unlink(`${DIRECTORY}/${name}`)
    await checkRestart(await openFixture({ fileSystem: left, clock: fixture.clock }), 'lost', false)
  })

  it('a power cut or a kill at any step of a round loses nothing', async () => {
    for (let seed = 1; seed <= 15; seed++) await crashInRound(seed)
  })

  it('a rename that fails at any step leaves a log that a restart reads as before', async () => {
    for (let step = 0; step < 24; step++) {
      const fixture = await openFixture()
      const log = await prepareLog(fixture)
      let renames = 0
      const rename = fixture.fileSystem.rename.bind(fixture.fileSystem)
      fixture.fileSystem.rename = (from, to) => {
        if (from.startsWith(DIRECTORY) && renames++ === step)
          throw Object.assign(new Error('EIO: rename'), { code: 'EIO' })
        rename(from, to)
      }
      await fixture.store.runCompaction()
      if (renames <= step) break
      const result = await readFrom(fixture.store, log, 0)
      expect([ErrorCode.NONE, ErrorCode.KAFKA_STORAGE_ERROR]).toContain(result.error)
      expect(fixture.reports.join('\n')).toContain('EIO')
      await checkRestart(
        await openFixture({ fileSystem: fixture.fileSystem.kill(), clock: fixture.clock }),
        `step ${step}`,
      )
    }
  })

  it('a full disk ends the round; the log goes on, and is cleaned when there is room', async () => {
    const fixture = await openFixture()
    const log = await prepareLog(fixture)
    fixture.fileSystem.faults.push({ operation: 'write', code: 'ENOSPC', path: '.cleaned', times: 3 })
    await fixture.store.runCompaction()
    expect(fixture.reports.join('\n')).toContain('warn: topic-0 is not compacted now: ENOSPC')
    expect(filesOf(fixture, '.cleaned')).toEqual([])
    await put(fixture, log, ['k1=10'])
    const before = (await readPairs(fixture, log)).length
    fixture.fileSystem.faults.length = 0
    await fixture.store.runCompaction()
    expect((await readPairs(fixture, log)).length).toBeLessThan(before)
    expect(latestOf(await committedPairs(fixture, log))).toEqual(LATEST)
  })

  it('a stop in the middle of a round gives it up', async () => {
    for (let hops = 0; hops < 60; hops += 3) {
      const options = hopping()
      const fixture = await openFixture(options)
      await prepareLog(fixture)
      const round = fixture.store.runCompaction()
      await turns(hops)
      await fixture.store.close()
      await round
      expect(filesOf(fixture, '.cleaned')).toEqual([])
      expect(filesOf(fixture, '.swap')).toEqual([])
      await checkRestart(
        await openFixture({ fileSystem: fixture.fileSystem.kill(), clock: options.clock }),
        `hops ${hops}`,
      )
    }
  })

  it('a topic may be deleted in the middle of a round', async () => {
    for (let hops = 0; hops < 60; hops += 3) {
      const fixture = await openFixture(hopping())
      const log = await prepareLog(fixture)
      const round = fixture.store.runCompaction()
      await turns(hops)
      await fixture.store.drop(log)
      await round
      expect(fixture.fileSystem.exists(DIRECTORY)).toBe(false)
      expect(fixture.reports.filter((report) => /error|warn/.test(report))).toEqual([])
    }
  })
})
