import { expect, it } from 'vitest'
import { SimulatedFileSystem } from '../../src/io/simulated-file-system.ts'
import { appendTo, batchOf, config, identity, openFixture } from './store-fixture.ts'

/** A log of ten records on a disk whose syncs wait until told. */
async function tenRecords() {
  const held: (() => void)[] = []
  let holds = false
  const latency = async (operation: string) => {
    if (holds && operation === 'sync') await new Promise<void>((resolve) => held.push(resolve))
  }
  const fileSystem = new SimulatedFileSystem({ latency })
  const { store } = await openFixture({ fileSystem })
  const log = await store.open(identity(), config(), 0)
  for (let index = 0; index < 10; index++) await appendTo(store, log, batchOf([`v${index}`]), { durability: 'disk' })
  const hold = () => {
    holds = true
  }
  const release = () => {
    holds = false
    for (const resolve of held.splice(0)) resolve()
  }
  return { fileSystem, store, log, hold, release }
}

async function startAfter(fileSystem: SimulatedFileSystem): Promise<number> {
  const { store } = await openFixture({ fileSystem })
  const log = await store.open(identity(), config(), 1)
  return log.offsets.logStartOffset
}

it('a DeleteRecords sent again while the first waits for the disk waits for it too', async () => {
  const { fileSystem, store, log, hold, release } = await tenRecords()
  hold()
  void store.deleteRecords(log, 4)
  let answered = false
  const again = store.deleteRecords(log, 4).then(() => {
    answered = true
  })
  await new Promise<void>((resolve) => void setImmediate(resolve))
  expect(answered).toBe(false)
  release()
  await again
  expect(await startAfter(fileSystem.crash(1))).toBe(4)
})

it('a DeleteRecords sent again after the first could not be written is written', async () => {
  const { fileSystem, store, log } = await tenRecords()
  fileSystem.faults.push({ operation: 'write', code: 'EIO', path: 'log-start-offset' })
  await expect(store.deleteRecords(log, 4)).rejects.toThrow('EIO')
  await store.deleteRecords(log, 4)
  expect(await startAfter(fileSystem.crash(1))).toBe(4)
})

it('a topic deleted while checkpoints are written does not fail them', async () => {
  const { fileSystem, store, log, hold, release } = await tenRecords()
  const other = await store.open(identity('other', 0, 'b3RoZXItdG9waWMtaWQtMQ'), config(), 0)
  await appendTo(store, other, batchOf(['v']), { durability: 'disk' })
  hold()
  const deleted = store.deleteRecords(log, 4)
  await new Promise<void>((resolve) => void setImmediate(resolve))
  const dropped = store.drop(other)
  await new Promise<void>((resolve) => void setImmediate(resolve))
  release()
  await dropped
  await expect(deleted).resolves.toMatchObject({ logStartOffset: 4 })
  expect(await startAfter(fileSystem.crash(1))).toBe(4)
})

it('leader epochs that could not be written are written by the next checkpoint', async () => {
  const { fileSystem, store, log } = await tenRecords()
  fileSystem.faults.push({ operation: 'open', code: 'EIO', path: 'leader-epoch-checkpoint' })
  await expect(store.deleteRecords(log, 4)).rejects.toThrow('EIO')
  await store.deleteRecords(log, 4)
  expect(String(fileSystem.crash(1).readFile('/data/topic-0/leader-epoch-checkpoint'))).toBe('0\n1\n0 4\n')
})
