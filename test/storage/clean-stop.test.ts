import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { SimulatedFileSystem } from '../../src/io/simulated-file-system.ts'
import type { LogHandle } from '../../src/storage/storage.ts'
import { appendTo, batchOf, config, type Fixture, identity, openFixture, readAll } from './store-fixture.ts'

const SEEDS = 40
const BATCHES = 12
/** An index entry for nearly every batch, so that there is something to lose. */
const indexed = config({ 'index.interval.bytes': 0, 'segment.bytes': 700 })

/** As a client does: an answer that says the log is not ready now is asked again. */
async function append(fixture: Fixture, log: LogHandle, sequence: number) {
  const batch = () => batchOf([`v${sequence}`], { producerId: 7, producerEpoch: 0, baseSequence: sequence })
  for (let attempt = 0; attempt < 50; attempt++) {
    const result = await appendTo(fixture.store, log, batch(), { durability: 'disk' })
    if (result.error !== ErrorCode.KAFKA_STORAGE_ERROR) return result
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
  throw new Error('the log never took the batch')
}

async function written(fileSystem = new SimulatedFileSystem()): Promise<Fixture> {
  const fixture = await openFixture({ fileSystem })
  const log = await fixture.store.open(identity(), indexed, 0)
  for (let sequence = 0; sequence < BATCHES; sequence++) await append(fixture, log, sequence)
  return fixture
}

async function values(fixture: Fixture, log: LogHandle): Promise<string[]> {
  return (await readAll(fixture.store, log, 200)).map(({ value }) => String(value))
}

const ALL = Array.from({ length: BATCHES }, (_, at) => `v${at}`)

describe('a power cut right after a stop in good order', () => {
  it('loses no record, no producer and no epoch', async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const before = await written()
      await before.store.close()
      const fixture = await openFixture({ fileSystem: before.fileSystem.crash(seed) })
      const log = await fixture.store.open(identity(), indexed, 1)
      expect(await values(fixture, log), `seed ${seed}`).toEqual(ALL)
      expect(fixture.store.epochAt(log, BATCHES - 1), `seed ${seed}`).toBe(0)
      expect(await append(fixture, log, BATCHES - 1), `seed ${seed}`).toMatchObject({ baseOffset: BATCHES - 1 })
      expect(await append(fixture, log, BATCHES), `seed ${seed}`).toMatchObject({ error: 0, baseOffset: BATCHES })
      expect(await values(fixture, log), `seed ${seed}`).toEqual([...ALL, `v${BATCHES}`])
    }
  })

  it('loses nothing either when nothing was written between it and the next one', async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const before = await written()
      await before.store.close()
      const idle = await openFixture({ fileSystem: before.fileSystem.crash(seed) })
      await idle.store.open(identity(), indexed, 1)
      if (seed % 2 === 0) await idle.store.close()
      const fixture = await openFixture({ fileSystem: idle.fileSystem.crash(seed) })
      const log = await fixture.store.open(identity(), indexed, 2)
      expect(await values(fixture, log), `seed ${seed}`).toEqual(ALL)
      expect(await append(fixture, log, BATCHES - 1), `seed ${seed}`).toMatchObject({ baseOffset: BATCHES - 1 })
      expect(await append(fixture, log, BATCHES), `seed ${seed}`).toMatchObject({ error: 0, baseOffset: BATCHES })
    }
  })
})

it('stopping needed six syncs for each partition that had changed', async () => {
  const fixture = await written()
  const before = { ...fixture.fileSystem.operations }
  const others = 20
  for (let partition = 1; partition <= others; partition++) {
    const log = await fixture.store.open(identity('topic', partition), indexed, 0)
    await append(fixture, log, 0)
  }
  const opened = { ...fixture.fileSystem.operations }
  await fixture.store.close()
  const closed = fixture.fileSystem.operations
  expect(opened.sync).toBeGreaterThan(before.sync)
  // The time index, the producers and the leader epochs of each, and the files of the directory.
  expect(closed.sync - opened.sync).toBeLessThan(others * 3 + 15)
  expect(closed.syncDirectory - opened.syncDirectory).toBeLessThan(others + 15)
})
