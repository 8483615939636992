import { expect } from 'vitest'
import type { LogHandle } from '../../src/storage/storage.ts'
import {
  COMPACTED,
  checkFiles,
  committedPairs,
  endTransaction,
  filesOf,
  hopping,
  latestOf,
  openCompacted,
  put,
  turns,
} from './cleaner-fixture.ts'
import { config, type Fixture, openFixture } from './store-fixture.ts'

const producer = { producerId: 7, producerEpoch: 3 }

/** Values, tombstones, idempotent sequences, an aborted transaction. */
export async function prepareLog(fixture: Fixture): Promise<LogHandle> {
  const log = await openCompacted(fixture, { 'delete.retention.ms': 0 })
  for (let index = 0; index < 12; index++) {
    await put(fixture, log, [`k${index % 3}=${index}`], { ...producer, baseSequence: index })
  }
  await put(fixture, log, ['k9=aborted'], { producerId: 8, producerEpoch: 0, baseSequence: 0, transactional: true })
  await endTransaction(fixture, log, 8, false)
  await put(fixture, log, ['k0'])
  for (let index = 0; index < 12; index++) await put(fixture, log, [`filler${index % 4}=${index}`])
  // Three segments become one.
  fixture.store.configure(log, config({ ...COMPACTED, 'segment.bytes': 1200, 'delete.retention.ms': 0 }))
  return log
}

/** What stays of it, by key. */
export const LATEST = { filler0: '8', filler1: '9', filler2: '10', filler3: '11', k1: '10', k2: '11' }

/** Starts on what is left: nothing is lost, nothing is left over, and it can be cleaned again. */
export async function checkRestart(again: Fixture, what: string, hasIndexes = true): Promise<void> {
  const log = await openCompacted(again, { 'delete.retention.ms': 0 })
  expect(log.offsets, what).toMatchObject({ logStartOffset: 0, logEndOffset: 27, lastStableOffset: 27 })
  expect(latestOf(await committedPairs(again, log)), what).toEqual(LATEST)
  const producers = again.store.producers(log).map(({ producerId, lastSequence }) => [producerId, lastSequence])
  expect(producers.sort(), what).toEqual([
    [7, 11],
    [8, 0],
  ])
  expect(filesOf(again, '.swap'), what).toEqual([])
  expect(filesOf(again, '.cleaned'), what).toEqual([])
  expect(filesOf(again, '.deleted'), what).toEqual([])
  if (hasIndexes) await checkFiles(again)
  for (let index = 0; index < 12; index++) await put(again, log, [`filler${index % 4}=${index}`])
  await again.store.runCompaction()
  expect(latestOf(await committedPairs(again, log)), what).toEqual(LATEST)
  expect(
    again.reports.filter((report) => report.startsWith('error')),
    what,
  ).toEqual([])
  await checkFiles(again)
}

/** Turns of the event loop that a round takes at most when each operation of the disk takes one. */
const TURNS_OF_A_ROUND = 95

/** A power cut, or a kill, somewhere in a round. */
export async function crashInRound(seed: number): Promise<void> {
  const options = hopping()
  const fixture = await openFixture(options)
  await prepareLog(fixture)
  void fixture.store.runCompaction().catch(() => {})
  await turns(seed % TURNS_OF_A_ROUND)
  const left = seed % 5 === 0 ? fixture.fileSystem.kill() : fixture.fileSystem.crash(seed)
  await checkRestart(await openFixture({ fileSystem: left, clock: options.clock }), `seed ${seed}`)
}
