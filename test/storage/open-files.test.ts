import { describe, expect, it } from 'vitest'
import { SimulatedFileSystem } from '../../src/io/simulated-file-system.ts'
import { defaultOpenFileLimit, OpenFiles } from '../../src/storage/local/open-files.ts'
import { batchOf, config, identity, openFixture, readAll } from './store-fixture.ts'

function filesOf(limit: number): { disk: SimulatedFileSystem; files: OpenFiles } {
  const disk = new SimulatedFileSystem()
  disk.makeDirectory('/a')
  disk.makeDirectory('/ab')
  return { disk, files: new OpenFiles(disk, limit) }
}

/** Opens a file and lets go of it. */
function touch(files: OpenFiles, path: string): void {
  files.release(files.acquire(path, 'create'))
}

describe('the open files', () => {
  it('close the one used longest ago', () => {
    const { disk, files } = filesOf(2)
    for (const name of ['1', '2', '1', '3']) touch(files, `/a/${name}`)
    const opened = disk.operations.open
    touch(files, '/a/1')
    expect(disk.operations.open).toBe(opened)
    touch(files, '/a/2')
    expect(disk.operations.open).toBe(opened + 1)
    expect(disk.openFiles).toBe(2)
  })

  it('never close what somebody uses, and go back below the limit as soon as nobody does', () => {
    const { disk, files } = filesOf(2)
    const used = ['1', '2', '3', '4'].map((name) => files.acquire(`/a/${name}`, 'create'))
    expect(disk.openFiles).toBe(4)
    for (const { file } of used) file.writeSync([Buffer.from('x')], 0)
    for (const open of used) files.release(open)
    expect(disk.openFiles).toBe(2)
    expect(files.count).toBe(2)
  })

  it('are closed by directory, and not those of a longer name', () => {
    const { disk, files } = filesOf(10)
    for (const path of ['/a/1', '/a/2', '/ab/1']) touch(files, path)
    const used = files.acquire('/a/2')
    files.forgetDirectory('/a')
    expect(disk.openFiles).toBe(2)
    files.release(used)
    expect(disk.openFiles).toBe(1)
    expect(files.count).toBe(1)
  })

  it('are at most half of what the process may have', () => {
    const limited = (descriptors: number | null) =>
      defaultOpenFileLimit(Object.assign(new SimulatedFileSystem(), { descriptorLimit: () => descriptors }))
    expect(limited(1024)).toBe(512)
    expect(limited(1_000_000)).toBe(4096)
    expect(limited(null)).toBe(1000)
    expect(defaultOpenFileLimit(new SimulatedFileSystem())).toBe(1000)
  })
})

it('a file was closed under a sync that was under way when other partitions needed theirs', async () => {
  let syncing = 0
  let mostSyncing = 0
  const fileSystem = new SimulatedFileSystem({
    latency: async (operation) => {
      if (operation !== 'sync') return
      mostSyncing = Math.max(mostSyncing, ++syncing)
      for (let turn = 0; turn < 3; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
      syncing--
    },
  })
  const limit = 3
  const { store } = await openFixture({ fileSystem, openFileLimit: limit })
  const logs = await Promise.all(
    Array.from({ length: 60 }, (_, partition) => store.open(identity('topic', partition), config(), 0)),
  )
  const origin = 'client' as const
  const rounds = ['a', 'b', 'c']
  for (const value of rounds) {
    const appends = logs.map((log) => ({ log, records: batchOf([value]), origin, leaderEpoch: 0, produceVersion: 11 }))
    for (const { error } of await store.append(appends, 'disk')) expect(error).toBe(0)
  }
  expect(mostSyncing).toBeGreaterThan(limit)
  expect(fileSystem.openFiles).toBeLessThanOrEqual(limit)
  for (const log of logs) expect((await readAll(store, log)).map(({ value }) => String(value))).toEqual(rounds)
  await store.close()
  expect(fileSystem.openFiles).toBe(0)
})
