import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { buildEndTransactionMarker } from '../../protocol/records/batch-builder.ts'
import type { SimulatedFileSystem } from '../../src/io/simulated-file-system.ts'
import type { LocalLogStore } from '../../src/storage/local/local-log-store.ts'
import {
  appendTo,
  batchOf,
  config,
  identity,
  NOW_MS,
  openFixture,
  readAll,
  readFrom,
  recordsOf,
  valuesOf,
} from './store-fixture.ts'

const OTHER_ID = 'YW5vdGhlci10b3BpYy1pZA'

async function reopened(disk: SimulatedFileSystem, topicId?: string) {
  const fixture = await openFixture({ fileSystem: disk })
  const log = await fixture.store.open(identity('topic', 0, topicId), config(), 1)
  return { ...fixture, log }
}

describe('what the checkpoints say of a topic that is gone', () => {
  it('a topic created anew keeps its records after a crash, although those of the old one had been deleted', async () => {
    const { store, fileSystem } = await openFixture()
    const old = await store.open(identity(), config(), 0)
    for (let index = 0; index < 9; index++) await appendTo(store, old, batchOf([`old-${index}`]))
    await store.deleteRecords(old, 9)
    await store.drop(old)
    const anew = await store.open(identity('topic', 0, OTHER_ID), config(), 0)
    await appendTo(store, anew, batchOf(['new']), { durability: 'disk' })
    const after = await reopened(fileSystem.crash(1), OTHER_ID)
    expect(after.log.offsets).toMatchObject({ logStartOffset: 0, logEndOffset: 1 })
    expect(valuesOf(await readAll(after.store, after.log))).toEqual(['new'])
  })

  it('is forgotten at a start, when the crash came before', async () => {
    const { store, fileSystem } = await openFixture()
    const old = await store.open(identity(), config(), 0)
    for (let index = 0; index < 9; index++) await appendTo(store, old, batchOf([`old-${index}`]))
    await store.deleteRecords(old, 9)
    // The metadata knows the topic no more, the directory is still there.
    const between = await openFixture({ fileSystem: fileSystem.crash(1) })
    await between.store.settleUnknown()
    expect(between.reports.join()).toMatch(
      /\/data\/topic-0 belongs to no topic in the metadata: it is kept as topic-0\.\w+-stray/,
    )
    const anew = await between.store.open(identity('topic', 0, OTHER_ID), config(), 0)
    expect(anew.offsets).toMatchObject({ logStartOffset: 0, logEndOffset: 0 })
    await between.store.close()
    const names = between.fileSystem.list('/data')
    expect(names.filter((name) => name.endsWith('-stray'))).toHaveLength(1)
    const again = await openFixture({ fileSystem: between.fileSystem })
    await again.store.settleUnknown()
    expect(again.reports).toEqual([])
  })
})

const NAME = '/data/topic-0/00000000000000000000'

/** A log of four segments with two batches each, as a kill leaves it. */
async function killed(): Promise<SimulatedFileSystem> {
  const { store, fileSystem } = await openFixture()
  const log = await store.open(identity(), SMALL, 0)
  for (let index = 0; index < 8; index++)
    await appendTo(store, log, batchOf([`value-${index}`], { timestamp: NOW_MS + index }), { durability: 'disk' })
  await checkpoint(store)
  return fileSystem.crash(1)
}

/** Of all logs, once full segments are finished: DeleteRecords of any of them asks for it. */
async function checkpoint(store: LocalLogStore): Promise<void> {
  const other = await store.open(identity('other', 0, OTHER_ID), config(), 0)
  await appendTo(store, other, batchOf(['deleted', 'kept']), { durability: 'disk' })
  for (let turn = 0; turn < 50; turn++) await new Promise<void>((resolve) => void setImmediate(resolve))
  await store.deleteRecords(other, 1)
}

const SMALL = config({ 'segment.bytes': 160, 'index.interval.bytes': 1 })

function change(disk: SimulatedFileSystem, path: string, edit: (content: Buffer) => Buffer): void {
  const content = edit(disk.readFile(path)!)
  const file = disk.open(path, 'create')
  file.truncate(0)
  file.writeSync([content], 0)
  file.close()
}

function flipped(at: number, bit: number): (content: Buffer) => Buffer {
  return (content) => {
    content[at]! ^= 1 << bit
    return content
  }
}

describe('readers of a damaged segment', () => {
  it.each([
    ['length', 8, 2],
    ['base offset', 7, 1],
  ])(
    'a flipped bit in a %s is an error, neither an endless wait nor a record under the offset of another',
    async (_name, at, bit) => {
      const disk = await killed()
      change(disk, `${NAME}.log`, flipped(at, bit))
      const { store, reports } = await openFixture({ fileSystem: disk })
      const log = await store.open(identity(), SMALL, 0)
      const result = await readFrom(store, log, 0)
      expect(result.error).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
      expect(reports.join()).toContain('00000000000000000000.log holds')
      const behind = await readFrom(store, log, 2)
      expect(valuesOf(recordsOf(behind.chunks))[0]).toBe('value-2')
    },
  )

  it('an index that lost its end is made anew', async () => {
    const disk = await killed()
    change(disk, `${NAME}.timeindex`, () => Buffer.alloc(0))
    const { store, reports } = await openFixture({ fileSystem: disk })
    const log = await store.open(identity(), SMALL, 0)
    expect(await store.findByTimestamp(log, NOW_MS + 1, 'read_uncommitted')).toMatchObject({ offset: 1 })
    expect(reports.join()).toContain('the time index ends before the offset index')
  })
})

describe('a log that is shorter than it was', () => {
  it('goes on behind what is lost, and keeps what it then takes through the next kill', async () => {
    const disk = await killed()
    disk.unlink('/data/topic-0/00000000000000000006.log')
    const { store, reports, fileSystem } = await openFixture({ fileSystem: disk })
    const log = await store.open(identity(), SMALL, 0)
    expect(reports.join()).toContain('offsets 6 to 7 are lost')
    expect((await appendTo(store, log, batchOf(['new']), { durability: 'disk' })).baseOffset).toBe(8)
    const after = await openFixture({ fileSystem: fileSystem.crash(2) })
    const again = await after.store.open(identity(), SMALL, 0)
    expect(again.offsets.logEndOffset).toBe(9)
    expect(valuesOf(recordsOf((await readFrom(after.store, again, 8)).chunks))).toEqual(['new'])
  })
})

describe('a transaction index that is lost', () => {
  it('is made anew after a kill: aborted records are not given to readers of committed ones', async () => {
    const { store, fileSystem } = await openFixture()
    const log = await store.open(identity(), SMALL, 0)
    const producer = { producerId: 5, producerEpoch: 0 }
    const own = { durability: 'disk', origin: 'coordinator' } as const
    await appendTo(store, log, batchOf(['no'], { ...producer, baseSequence: 0, transactional: true }), own)
    const end = { ...producer, commit: false, coordinatorEpoch: 0, timestamp: NOW_MS }
    await appendTo(store, log, buildEndTransactionMarker(end), own)
    for (let index = 0; index < 4; index++) await appendTo(store, log, batchOf(['yes']), { durability: 'disk' })
    await checkpoint(store)
    const disk = fileSystem.crash(1)
    disk.unlink(`${NAME}.txnindex`)
    const after = await openFixture({ fileSystem: disk })
    const again = await after.store.open(identity(), SMALL, 0)
    expect(after.reports.join()).toContain('.txnindex is missing or damaged')
    const result = await readFrom(after.store, again, 0, { isolation: 'read_committed' })
    expect(result.abortedTransactions).toEqual([{ producerId: 5, firstOffset: 0 }])
  })
})
