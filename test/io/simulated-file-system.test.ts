import { describe, expect, it } from 'vitest'
import { SimulatedFileSystem } from '../../src/io/simulated-file-system.ts'

function write(disk: SimulatedFileSystem, path: string, text: string, position = 0): void {
  const file = disk.open(path, 'create')
  file.writeSync([Buffer.from(text)], position)
  file.close()
}

const SEEDS = Array.from({ length: 200 }, (_, seed) => seed)

describe('a power cut on the simulated disk', () => {
  it('keeps what was synced, name and bytes, under every seed', async () => {
    for (const seed of SEEDS) {
      const disk = new SimulatedFileSystem()
      disk.makeDirectory('/data')
      write(disk, '/data/a', 'kept')
      const file = disk.open('/data/a', 'write')
      await file.sync()
      await disk.syncDirectory('/data')
      await disk.syncDirectory('/')
      file.writeSync([Buffer.from('more')], 4)
      const left = disk.crash(seed).readFile('/data/a')!.toString('latin1')
      expect(left.startsWith('kept'), `seed ${seed}`).toBe(true)
    }
  })

  it('may lose, keep, tear or reorder what was not synced', async () => {
    const outcomes = new Set<string>()
    for (const seed of SEEDS) {
      const disk = new SimulatedFileSystem()
      write(disk, '/a', '')
      await disk.syncDirectory('/')
      write(disk, '/a', 'one', 0)
      write(disk, '/a', 'two', 3)
      outcomes.add(disk.crash(seed).readFile('/a')!.toString('latin1'))
    }
    expect(outcomes).toContain('')
    expect(outcomes).toContain('onetwo')
    expect(outcomes).toContain('one')
    expect(outcomes, 'the second without the first').toContain('\0\0\0two')
    expect(outcomes, 'torn').toContain('onet')
  })

  it('may lose a name although the bytes were synced', async () => {
    const outcomes = new Set<boolean>()
    for (const seed of SEEDS) {
      const disk = new SimulatedFileSystem()
      write(disk, '/a', 'x')
      await disk.open('/a', 'write').sync()
      outcomes.add(disk.crash(seed).exists('/a'))
    }
    expect(outcomes).toEqual(new Set([true, false]))
  })

  it('replaceFile gives the old content or the new, never a mixture', async () => {
    const outcomes = new Set<string>()
    for (const seed of SEEDS) {
      const disk = new SimulatedFileSystem({ latency: () => new Promise((resolve) => setImmediate(resolve)) })
      await disk.replaceFile('/a', Buffer.from('old'))
      void disk.replaceFile('/a', Buffer.from('newer'))
      for (let turn = seed % 5; turn > 0; turn--) await new Promise((resolve) => setImmediate(resolve))
      outcomes.add(disk.crash(seed).readFile('/a')!.toString())
    }
    expect(outcomes).toEqual(new Set(['old', 'newer']))
  })

  it('a killed process leaves everything it wrote, and writes nothing any more', async () => {
    const disk = new SimulatedFileSystem()
    write(disk, '/a', 'written')
    const file = disk.open('/a', 'write')
    const pending = file.write([Buffer.from('late')], 0)
    const left = disk.kill()
    expect(() => disk.readFile('/a')).toThrow(/EIO/)
    await Promise.race([pending, new Promise((resolve) => setImmediate(resolve))])
    expect(left.readFile('/a')!.toString()).toBe('written')
  })
})

describe('faults and limits', () => {
  it('a full disk takes what fits', () => {
    const disk = new SimulatedFileSystem({ capacityBytes: 10 })
    const file = disk.open('/a', 'create')
    expect(() => file.writeSync([Buffer.alloc(15, 1)], 0)).toThrow(expect.objectContaining({ code: 'ENOSPC' }))
    expect(file.sizeBytes()).toBe(10)
    file.truncate(2)
    expect(disk.space()).toEqual({ totalBytes: 10, freeBytes: 8, usedBytes: 2 })
    file.writeSync([Buffer.alloc(8, 2)], 2)
    disk.unlink('/a')
    expect(disk.space()!.freeBytes).toBe(10)
  })

  it('an armed fault strikes the operation and path it names, as often as it says', async () => {
    const disk = new SimulatedFileSystem()
    const file = disk.open('/a.log', 'create')
    disk.faults.push({ operation: 'sync', code: 'EIO', path: '.log', times: 2 })
    await expect(file.sync()).rejects.toMatchObject({ code: 'EIO' })
    await expect(file.sync()).rejects.toMatchObject({ code: 'EIO' })
    await file.sync()
  })
})
