import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { isControl, readBatchHeader } from '../../protocol/records/batch.ts'
import {
  checkFiles,
  committedPairs,
  endTransaction,
  fill,
  headersFrom,
  hopping,
  latestOf,
  openCompacted,
  opened,
  put,
  readPairs,
  turns,
  withTransactions,
} from './cleaner-fixture.ts'
import { NOW_MS, openFixture, readFrom, recordsOf } from './store-fixture.ts'

describe('readers of a compacted log', () => {
  it('trap 57: an offset that was removed is answered with the next one that is there', async () => {
    const { fixture, log } = await opened()
    await fill(fixture, log)
    await fixture.store.runCompaction()
    const seen = await readPairs(fixture, log)
    for (let offset = 0; offset < 80; offset++) {
      const result = await readFrom(fixture.store, log, offset)
      expect(result.error).toBe(ErrorCode.NONE)
      const first = recordsOf(result.chunks).find((record) => record.offset >= offset)
      expect(first!.offset).toBe(seen.find((record) => record.offset >= offset)!.offset)
      result.release()
    }
  })

  it('trap 57: between the high watermark and the log end there is nothing yet, and no error', async () => {
    const { fixture, log } = await opened()
    await fill(fixture, log)
    await fixture.store.runCompaction()
    const written = log.offsets.logEndOffset
    const append = put(fixture, log, ['k1=last', 'k2=last'])
    expect(log.offsets).toMatchObject({ highWatermark: written, logEndOffset: written + 2 })
    for (const isolation of ['read_uncommitted', 'read_committed'] as const) {
      for (const offset of [written, written + 1, written + 2]) {
        const result = await readFrom(fixture.store, log, offset, { isolation })
        expect(result).toMatchObject({ error: ErrorCode.NONE, sizeBytes: 0 })
      }
      expect((await readFrom(fixture.store, log, written + 3, { isolation })).error).toBe(ErrorCode.OFFSET_OUT_OF_RANGE)
    }
    await append
    expect((await readPairs(fixture, log, { from: written })).map(({ pair }) => pair)).toEqual(['k1=last', 'k2=last'])
  })

  it('trap 49: a response never holds batches without records alone while a record follows', async () => {
    const { fixture, log } = await opened({ 'segment.bytes': 200 })
    // Each producer leaves the header of its last batch, and each segment its last.
    for (let producerId = 0; producerId < 30; producerId++) {
      await put(fixture, log, ['same=value'], { producerId, producerEpoch: 0, baseSequence: 0 })
    }
    await put(fixture, log, ['end=1'])
    await fixture.store.runCompaction()
    const headers = await headersFrom(fixture, log)
    expect(fixture.store.producers(log)).toHaveLength(30)
    expect(headers.filter(({ recordCount }) => recordCount === 0)).toEqual([])
    for (let offset = 0; offset <= 30; offset++) {
      for (const maxBytes of [1, 61, 130, 10_000]) {
        const result = await readFrom(fixture.store, log, offset, { maxBytes })
        expect(recordsOf(result.chunks).some((record) => record.offset >= offset)).toBe(true)
        result.release()
      }
    }
    expect((await readPairs(fixture, log, { maxBytes: 61 })).map(({ pair }) => pair)).toContain('end=1')
  })

  it('trap 49: committed readers before an open transaction are sent a record, be it an aborted one', async () => {
    const { fixture, log } = await opened({ 'segment.bytes': 100 })
    await put(fixture, log, ['a=1'])
    await put(fixture, log, ['b=aborted'], { producerId: 8, producerEpoch: 0, baseSequence: 0, transactional: true })
    await put(fixture, log, ['open=1'], { producerId: 9, producerEpoch: 0, baseSequence: 0, transactional: true })
    await endTransaction(fixture, log, 8, false)
    await fixture.store.runCompaction()
    const result = await readFrom(fixture.store, log, 1, { isolation: 'read_committed' })
    expect(result).toMatchObject({ lastStableOffset: 2, abortedTransactions: [{ producerId: 8, firstOffset: 1 }] })
    expect(recordsOf(result.chunks).map(({ offset }) => offset)).toEqual([1])
    result.release()
    await checkFiles(fixture)
    await endTransaction(fixture, log, 9, true)
    await put(fixture, log, ['end=1'])
    await fixture.store.runCompaction()
    expect((await readPairs(fixture, log)).map(({ pair }) => pair)).not.toContain('b=aborted')
    await checkFiles(fixture)
  })

  it('a batch without records is returned where nothing else follows', async () => {
    const { fixture, log } = await opened({ 'segment.bytes': 100, 'delete.retention.ms': 0 })
    await put(fixture, log, ['a=1'])
    await put(fixture, log, ['b'])
    await put(fixture, log, ['open=1'], { producerId: 9, producerEpoch: 0, baseSequence: 0, transactional: true })
    await fixture.store.runCompaction()
    // Once more with a tombstone whose time has come: only then a header may be the last thing.
    await fixture.store.close()
    const again = await openFixture({ fileSystem: fixture.fileSystem.kill(), clock: fixture.clock })
    again.fileSystem.unlink('/data/cleaner-offset-checkpoint')
    const third = await openFixture({ fileSystem: again.fileSystem.kill(), clock: fixture.clock })
    const reopened = await openCompacted(third, { 'segment.bytes': 100, 'delete.retention.ms': 0 })
    await third.store.runCompaction()
    const result = await readFrom(third.store, reopened, 1, { isolation: 'read_committed' })
    const [chunk] = result.chunks
    expect(readBatchHeader(chunk!, 0)).toMatchObject({ baseOffset: 1, lastOffsetDelta: 0, recordCount: 0 })
  })

  it('trap 50: markers are returned as long as they are there', async () => {
    const { fixture, log } = await withTransactions()
    await fixture.store.runCompaction()
    const headers = await headersFrom(fixture, log)
    expect(headers.filter(({ attributes }) => isControl(attributes)).length).toBeGreaterThan(3)
  })

  it('trap 51: the list of aborted transactions fits what is left, in memory and on the disk', async () => {
    const { fixture, log } = await withTransactions()
    const committed = latestOf(await committedPairs(fixture, log))
    for (let round = 0; round < 4; round++) {
      await fixture.store.runCompaction()
      expect(latestOf(await committedPairs(fixture, log))).toEqual(committed)
      fixture.clock.advance(2 * 86_400_000)
      for (let index = 0; index < 10; index++) await put(fixture, log, [`filler=${index}`])
      committed['filler'] = '9'
    }
    await checkFiles(fixture)
    const again = await openFixture({ fileSystem: fixture.fileSystem.kill(), clock: fixture.clock })
    expect(latestOf(await committedPairs(again, await openCompacted(again)))).toEqual(committed)
  })

  it('reads under way while segments are replaced see one or the other', async () => {
    for (let hops = 0; hops < 25; hops++) {
      const { fixture, log } = await opened({}, { tailCacheBytes: 0, ...hopping() })
      await fill(fixture, log, 20)
      const expected = latestOf(await readPairs(fixture, log))
      const round = fixture.store.runCompaction()
      await turns(hops * 3)
      expect(latestOf(await readPairs(fixture, log))).toEqual(expected)
      await round
      expect(fixture.reports.filter((report) => /error|warn/.test(report))).toEqual([])
    }
  })

  it('searches by time while segments are replaced find what they look for', async () => {
    for (let hops = 0; hops < 15; hops++) {
      const { fixture, log } = await opened({}, { tailCacheBytes: 0, ...hopping() })
      for (let index = 0; index < 20; index++) {
        await put(fixture, log, [`k${index % 2}=${index}`], { timestamp: NOW_MS + index })
      }
      const round = fixture.store.runCompaction()
      await turns(hops * 4)
      const { offset } = await fixture.store.findByTimestamp(log, NOW_MS + 19, 'read_uncommitted')
      expect(offset).toBe(19)
      await round
    }
  })
})
