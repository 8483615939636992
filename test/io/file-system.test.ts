import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { FileSystem } from '../../src/io/file-system.ts'
import { nodeFileSystem } from '../../src/io/node-file-system.ts'
import { SimulatedFileSystem } from '../../src/io/simulated-file-system.ts'

const temporary = mkdtempSync(join(tmpdir(), 'odradek-io-'))
afterAll(() => rmSync(temporary, { recursive: true }))

const systems: [string, FileSystem, string][] = [
  ['real', nodeFileSystem, temporary],
  ['simulated', new SimulatedFileSystem(), '/work'],
]

describe.each(systems)('the %s file system', (name, system, root) => {
  const at = (path: string) => `${root}/${name}/${path}`
  system.makeDirectory(at('deep/er'))

  it('reads and writes at positions, many chunks in one call', async () => {
    const file = system.open(at('file'), 'create')
    const chunks = Array.from({ length: 2500 }, (_, index) => Buffer.from([index & 0xff, index >> 8]))
    file.writeSync(chunks, 10)
    await file.write(chunks, 10 + 5000)
    await file.sync()
    file.syncNow()
    expect(file.sizeBytes()).toBe(10_010)
    const all = Buffer.alloc(20_000)
    expect(file.readSync(all, 0)).toBe(10_010)
    expect(all.subarray(10, 5010)).toEqual(Buffer.concat(chunks))
    expect(await file.read(all, 5010)).toBe(5000)
    expect(all.subarray(0, 5000)).toEqual(Buffer.concat(chunks))
    file.truncate(12)
    expect(await file.read(all, 0)).toBe(12)
    expect(file.readSync(all, 12)).toBe(0)
    file.close()
    file.close()
    expect(system.stat(at('file'))).toMatchObject({ sizeBytes: 12, directory: false })
  })

  it('modes of opening', () => {
    expect(() => system.open(at('missing'), 'read')).toThrow(expect.objectContaining({ code: 'ENOENT' }))
    expect(() => system.open(at('missing'), 'write')).toThrow(expect.objectContaining({ code: 'ENOENT' }))
    system.open(at('once'), 'exclusive').close()
    expect(() => system.open(at('once'), 'exclusive')).toThrow(expect.objectContaining({ code: 'EEXIST' }))
  })

  it('names', async () => {
    await system.replaceFile(at('deep/b'), Buffer.from('one'))
    await system.replaceFile(at('deep/b'), Buffer.from('two'))
    expect(system.readFile(at('deep/b'))!.toString()).toBe('two')
    expect(system.readFile(at('deep/none'))).toBeNull()
    expect(system.list(at('deep'))).toEqual(['b', 'er'])
    expect(system.list(at('nowhere'))).toEqual([])
    expect(system.stat(at('deep'))).toMatchObject({ directory: true })
    expect(system.stat(at('nowhere'))).toBeNull()
    system.rename(at('deep/b'), at('deep/a'))
    await system.syncDirectory(at('deep'))
    expect(system.list(at('deep'))).toEqual(['a', 'er'])
    system.unlink(at('deep/a'))
    system.unlink(at('deep/a'))
    system.rename(at('deep'), at('moved'))
    expect([system.exists(at('deep')), system.exists(at('moved/er'))]).toEqual([false, true])
    await system.removeDirectory(at('moved'))
    await system.removeDirectory(at('moved'))
    expect(system.exists(at('moved'))).toBe(false)
  })
})
