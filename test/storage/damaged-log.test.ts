import { describe, expect, it } from 'vitest'
import type { SimulatedFileSystem } from '../../src/io/simulated-file-system.ts'
import { appendTo, batchOf, config, identity, openFixture, readAll, valuesOf } from './store-fixture.ts'

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
