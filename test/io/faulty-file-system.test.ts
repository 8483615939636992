import { describe, expect, it } from 'vitest'
import { type DiskFault, DiskFaults } from '../../src/io/disk-faults.ts'
import { FaultyFileSystem } from '../../src/io/faulty-file-system.ts'
import type { FileSystem } from '../../src/io/file-system.ts'
import { SimulatedClock } from '../../src/io/simulated-clock.ts'
import { SimulatedFileSystem } from '../../src/io/simulated-file-system.ts'

const content = Buffer.from('0123456789')

function makeDisk(...rules: DiskFault[]) {
  const clock = new SimulatedClock()
  const blocked: number[] = []
  const faults = new DiskFaults({ clock, random: 1, block: (ms) => blocked.push(ms) })
  const under: FileSystem = new SimulatedFileSystem()
  const disk = new FaultyFileSystem(under, faults)
  disk.makeDirectory('/data/orders-0')
  const file = disk.open('/data/orders-0/0.log', 'create')
  const ids = rules.map((rule) => faults.add(rule).id)
  const stored = () => under.readFile('/data/orders-0/0.log')!.toString()
  return { clock, faults, under, disk, file, ids, blocked, stored }
}

const failure = (code: string) => expect.objectContaining({ code })

describe('a faulty disk', () => {
  it('without rules is the disk itself', async () => {
    const { disk, file, under } = makeDisk()
    await file.write([content], 0)
    file.writeSync([content], 10)
    await file.sync()
    file.syncNow()
    expect(file.sizeBytes()).toBe(20)
    const read = Buffer.alloc(4)
    expect([await file.read(read, 2), read.toString()]).toEqual([4, '2345'])
    expect([file.readSync(read, 16), read.toString()]).toEqual([4, '6789'])
    file.truncate(5)
    file.close()
    await disk.replaceFile('/data/a', content)
    disk.rename('/data/a', '/data/b')
    expect([disk.readFile('/data/b')?.toString(), disk.exists('/data/a')]).toEqual(['0123456789', false])
    expect(disk.stat('/data/b')).toEqual(under.stat('/data/b'))
    disk.setModifiedMs('/data/b', 7)
    expect(under.stat('/data/b')?.modifiedMs).toBe(7)
    disk.unlink('/data/b')
    await disk.removeFile('/data/orders-0/0.log')
    await disk.syncDirectory('/data')
    await disk.removeDirectory('/data/orders-0')
    expect(disk.list('/data')).toEqual([])
    expect([disk.space('/data'), await disk.measureSpace('/data')]).toEqual([
      under.space('/data'),
      under.space('/data'),
    ])
  })

  it('fails as Node does: code, system call, path', async () => {
    const { file, faults, ids } = makeDisk({ kind: 'error', operation: 'sync', times: 1 })
    await file.write([content], 0)
    await expect(file.sync()).rejects.toMatchObject({
      message: "EIO: i/o error, fdatasync '/data/orders-0/0.log'",
      code: 'EIO',
      syscall: 'fdatasync',
      path: '/data/orders-0/0.log',
      errno: expect.any(Number),
    })
    await file.sync()
    expect(faults.fired(ids[0]!)).toBe(1)
  })

  it.each([
    ['open', 'EMFILE'],
    ['rename', 'EACCES'],
    ['list', 'EIO'],
    ['make-directory', 'EROFS'],
    ['remove', 'EROFS'],
    ['truncate', 'EIO'],
    ['read', 'EIO'],
  ] as const)('%s fails with %s, and nothing is done', async (operation, errorCode) => {
    const { disk, file, under } = makeDisk({ kind: 'error', operation, errorCode })
    const calls = {
      open: () => disk.open('/data/new', 'create'),
      rename: () => disk.rename('/data/orders-0/0.log', '/data/x'),
      list: () => disk.list('/data'),
      'make-directory': () => disk.makeDirectory('/data/deep'),
      remove: () => disk.unlink('/data/orders-0/0.log'),
      truncate: () => file.truncate(0),
      read: () => file.readSync(Buffer.alloc(1), 0),
    }
    expect(calls[operation]).toThrow(failure(errorCode))
    if (operation === 'remove') {
      await expect(disk.removeFile('/data/orders-0/0.log')).rejects.toThrow(failure(errorCode))
      await expect(disk.removeDirectory('/data')).rejects.toThrow(failure(errorCode))
    }
    if (operation === 'read') {
      await expect(file.read(Buffer.alloc(1), 0)).rejects.toThrow(failure(errorCode))
      expect(() => disk.readFile('/data/orders-0/0.log')).toThrow(failure(errorCode))
    }
    expect([under.list('/data'), under.exists('/data/orders-0/0.log')]).toEqual([['orders-0'], true])
  })

  it('is full for writes, in every form, and for nothing else', async () => {
    const { disk, file, under, stored } = makeDisk({ kind: 'full' })
    expect(() => file.writeSync([content], 0)).toThrow(failure('ENOSPC'))
    await expect(file.write([content], 0)).rejects.toThrow(failure('ENOSPC'))
    await expect(disk.replaceFile('/data/a', content)).rejects.toThrow(failure('ENOSPC'))
    await file.sync()
    disk.open('/data/b', 'create').close()
    expect([stored(), under.list('/data')]).toEqual(['', ['b', 'orders-0']])
  })

  it('a file is replaced by a write, a sync and a rename', async () => {
    for (const operation of ['write', 'sync', 'rename'] as const) {
      const { disk, under } = makeDisk({ kind: 'error', operation, path: '*/checkpoint' })
      await expect(disk.replaceFile('/data/checkpoint', content)).rejects.toThrow(failure('EIO'))
      await disk.replaceFile('/data/other', content)
      expect(under.list('/data')).toEqual(['orders-0', 'other'])
    }
  })

  it('tears a write: its first part is there, and the same seed cuts at the same place', async () => {
    const cuts = await Promise.all(
      [7, 7, 8, 9, 10].map(async (seed) => {
        const { file, stored } = makeDisk({ kind: 'torn', seed, times: 2 })
        expect(() => file.writeSync([content.subarray(0, 5), content.subarray(5)], 0)).toThrow(failure('EIO'))
        const first = stored()
        await expect(file.write([content], first.length)).rejects.toThrow(failure('EIO'))
        expect(content.toString().startsWith(first)).toBe(true)
        expect(content.toString().startsWith(stored().slice(first.length))).toBe(true)
        expect(first.length).toBeLessThan(10)
        return [first.length, stored().length]
      }),
    )
    expect(cuts[1]).toEqual(cuts[0])
    expect(new Set(cuts.map(String)).size).toBeGreaterThan(1)
  })

  it('tears the file beside the one that is replaced', async () => {
    const { disk, under } = makeDisk({ kind: 'torn', errorCode: 'ENOSPC' })
    under.open('/data/a', 'create').writeSync([Buffer.from('old')], 0)
    await expect(disk.replaceFile('/data/a', content)).rejects.toThrow(failure('ENOSPC'))
    expect(under.readFile('/data/a')?.toString()).toBe('old')
    expect(under.readFile('/data/a.tmp')!.length).toBeLessThan(10)
  })

  it('is slow: what is awaited waits on the clock, what is not stops the thread', async () => {
    const { clock, file, blocked, stored } = makeDisk({ kind: 'slow', delayMs: 20 }, { kind: 'slow', delayMs: 5 })
    let written = false
    const write = file.write([content], 0).then(() => {
      written = true
    })
    clock.advance(24)
    await new Promise((resolve) => setImmediate(resolve))
    expect([written, stored()]).toEqual([false, ''])
    clock.advance(1)
    await write
    expect(stored()).toBe('0123456789')
    file.writeSync([content], 10)
    expect(blocked).toEqual([25])
  })

  it('looks at paths, in any spelling', () => {
    const { disk, faults, ids } = makeDisk({ kind: 'error', operation: ['open', 'remove'], path: '*/orders-0/*.log' })
    expect(() => disk.open('\\data\\orders-0\\0.log', 'read')).toThrow(failure('EIO'))
    disk.open('/data/orders-0/0.index', 'create').close()
    expect(() => disk.unlink('/data/orders-0/0.log')).toThrow(failure('EIO'))
    expect(faults.get(ids[0]!)).toMatchObject({
      kind: 'error',
      description: 'open or remove of */orders-0/*.log: fails with EIO',
      matched: 2,
      fired: 2,
    })
  })

  it.each<[object, string]>([
    [{}, 'kind: it is missing; the kinds are error, full, slow, torn'],
    [{ kind: 'fire' }, 'kind: fire is none of error, full, slow, torn'],
    [{ kind: 'error', errorCode: 'EPERM' }, 'errorCode: EPERM is none of EACCES, EIO, EMFILE, ENOSPC, EROFS'],
    [{ kind: 'error', operation: 'append' }, 'operation: append is none of open, read, write, sync, truncate, rename'],
    [{ kind: 'torn', operation: 'read' }, 'operation: read is none of write'],
    [{ kind: 'slow' }, 'delayMs: a slow disk needs the milliseconds'],
    [{ kind: 'full', errorCode: 'EIO' }, 'errorCode: a disk fault of kind full has no such field'],
    [{ kind: 'error', seed: 1 }, 'seed: without a probability nothing is left to chance'],
  ])('%j is refused: %s', (fault, message) => {
    const { faults } = makeDisk()
    expect(() => faults.addUnchecked(fault)).toThrow(message)
    expect(faults.active).toBe(false)
  })
})
