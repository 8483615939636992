import { expect, it } from 'vitest'
import { SharedSync } from '../../src/storage/local/shared-sync.ts'
import { appendTo, batchOf, config, identity, openFixture } from './store-fixture.ts'

/** A sync that ends when told. */
function heldSync() {
  const begun: { resolve: () => void; reject: (error: Error) => void }[] = []
  const shared = new SharedSync(() => new Promise((resolve, reject) => begun.push({ resolve, reject })))
  const turn = () => new Promise<void>((resolve) => void setImmediate(resolve))
  return { begun, shared, turn }
}

it('who asks while a sync is under way waits for the next one, and all of them for the same', async () => {
  const { begun, shared, turn } = heldSync()
  const done: string[] = []
  for (const name of ['a', 'b']) void shared.run().then(() => done.push(name))
  await turn()
  expect(begun).toHaveLength(1)
  for (const name of ['c', 'd', 'e']) void shared.run().then(() => done.push(name))
  begun[0]!.resolve()
  await turn()
  expect(done).toEqual(['a', 'b'])
  expect(begun).toHaveLength(2)
  begun[1]!.resolve()
  await turn()
  expect(done).toEqual(['a', 'b', 'c', 'd', 'e'])
})

it('a failure is told to those who share it, and to nobody else', async () => {
  const { begun, shared, turn } = heldSync()
  const first = expect(shared.run()).rejects.toThrow('EIO')
  await turn()
  const second = shared.run()
  begun[0]!.reject(new Error('EIO'))
  await first
  await turn()
  begun[1]!.resolve()
  await expect(second).resolves.toBeUndefined()
})

it('the first record of each of many partitions synced the data directory once for each', async () => {
  const { store, fileSystem } = await openFixture()
  const logs = []
  for (let partition = 0; partition < 30; partition++) {
    logs.push(await store.open(identity('topic', partition), config(), 0))
  }
  const before = fileSystem.operations.syncDirectory
  const written = logs.map((log) => appendTo(store, log, batchOf(['v']), { durability: 'disk' }))
  for (const { error } of await Promise.all(written)) expect(error).toBe(0)
  // Its own directory each, and a few times the one that all lie in.
  expect(fileSystem.operations.syncDirectory - before).toBeLessThan(30 + 15)
})
