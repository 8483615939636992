import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { File, FileSystem } from '../../../src/io/file-system.ts'
import { nodeFileSystem } from '../../../src/io/node-file-system.ts'
import { nodeProcessTable } from '../../../src/io/node-process-table.ts'
import { backUpDataDirectory } from '../../../src/metadata/backup-data-directory.ts'
import { PlainClient } from '../../support/plain-client.ts'
import { BrokerProcess, endAll, filesIn, temporaryFolder } from '../../support/process.ts'
import { expectSound, odradek } from '../process/backup-command.ts'

const LOCK = '.lock'

describe('odradek backup', () => {
  afterEach(endAll)

  it('of a stopped broker is the directory itself, file by file', async () => {
    const data = await stoppedData()
    const copy = path.join(temporaryFolder(), 'deep', 'copy')
    const { code, stdout, stderr } = await odradek('backup', data, copy)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^\S+: 2 partitions, \d+\.\d MB\n$/)
    expect(filesIn(copy)).toEqual(filesIn(data))
    for (const file of filesIn(data)) {
      expect(readFileSync(path.join(copy, file)).equals(readFileSync(path.join(data, file))), file).toBe(true)
    }
    expect(await expectSound(copy)).toContain('(stopped in order)')
  })

  it('of a broker that was killed starts as that would have', async () => {
    const broker = await BrokerProcess.start()
    await write(broker)
    await broker.end('SIGKILL')
    const copy = path.join(temporaryFolder(), 'copy')
    const { code, stdout } = await odradek('backup', broker.data, copy)
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('reads what was written last') })
    expect(filesIn(copy)).toEqual(filesIn(broker.data).filter((file) => file !== LOCK))
    await expectSound(copy)
    const second = await BrokerProcess.start({ data: copy })
    const client = await PlainClient.connect(second.port)
    expect(await client.readAll('orders')).toEqual(['one', 'two'])
    expect(await client.committed('readers', 'orders')).toBe(1)
    await client.close()
  })

  it('refuses in one line that says what to do, and leaves everything as it was', async () => {
    const data = await stoppedData()
    const folder = temporaryFolder()
    const at = (name: string) => path.join(folder, name)
    writeFileSync(at('file'), '')
    mkdirSync(at('full'))
    writeFileSync(path.join(at('full'), 'mine'), 'keep')
    mkdirSync(at('nothing'))
    symlinkSync(data, at('link'))
    mkdirSync(at('newer'))
    writeFileSync(path.join(at('newer'), 'meta.properties'), 'version=2\nnode.id=1\ncluster.id=x\n')
    const before = filesIn(data)
    const cases: [args: string[], message: string][] = [
      [[], 'backup takes two folders'],
      [[data], 'backup takes two folders'],
      [[data, at('a'), at('b')], 'backup takes two folders'],
      [[at('nowhere'), at('copy')], `${at('nowhere')}: there is no such folder`],
      [[at('file'), at('copy')], `${at('file')}: there is no such folder`],
      [[at('nothing'), at('copy')], `${at('nothing')} cannot be backed up: meta.properties: the file is missing`],
      [[at('newer'), at('copy')], 'version 2 is not 1; this directory is left alone. Start it with the version that'],
      [[data, data], 'a backup belongs outside of it'],
      [[data, path.join(data, 'copy')], 'a backup belongs outside of it'],
      [[data, path.join(at('link'), 'copy')], 'a backup belongs outside of it'],
      [[data, at('full')], `${at('full')} is not empty: name a new or an empty folder`],
      [[data, at('file')], `${at('file')} is a file: name a new or an empty folder`],
      [[data, path.join(at('file'), 'copy')], `cannot use ${path.join(at('file'), 'copy')}: a file stands where`],
    ]
    for (const [args, message] of cases) {
      const { code, stdout, stderr } = await odradek('backup', ...args)
      // What was typed wrong is said to be: it comes with a hint at the help.
      expect({ code, stdout }, stderr).toEqual({ code: stderr.includes('--help') ? 2 : 1, stdout: '' })
      expect(stderr).toMatch(/^odradek: [^\n]+\n$/)
      expect(stderr).toContain(message)
    }
    expect(filesIn(data)).toEqual(before)
    expect(existsSync(at('copy'))).toBe(false)
    expect(readdirSync(at('full'))).toEqual(['mine'])
  })

  it('a disk that becomes full is named, and nothing is left on it', async () => {
    const data = await stoppedData()
    const copy = path.join(temporaryFolder(), 'copy')
    let writes = 0
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), {
      code: 'ENOSPC',
      syscall: 'write',
    })
    const failing = (file: File): File => {
      return Object.assign(Object.create(file) as File, {
        close: () => file.close(),
        sync: () => file.sync(),
        sizeBytes: () => file.sizeBytes(),
        truncate: (sizeBytes: number) => file.truncate(sizeBytes),
        write: async (chunks: readonly Buffer[], position: number) => {
          if (++writes > 3) throw full
          await file.write(chunks, position)
        },
      })
    }
    const refused = backUp(data, copy, {
      ...nodeFileSystem,
      open: (name, mode) => {
        const file = nodeFileSystem.open(name, mode)
        return mode === 'exclusive' ? failing(file) : file
      },
    })
    await expect(refused).rejects.toThrow(
      /copy: the disk was full after \d.* Make room there, or name a folder on another/,
    )
    expect(writes).toBe(4)
    expect(readdirSync(copy)).toEqual([])
    await backUp(data, copy, nodeFileSystem)
    await expectSound(copy)
  })

  it('a copy that does not fit is not begun', async () => {
    const data = await stoppedData()
    const copy = path.join(temporaryFolder(), 'copy')
    const space = () => ({ totalBytes: 1000, freeBytes: 10, usedBytes: 990 })
    const refused = backUp(data, copy, { ...nodeFileSystem, space })
    await expect(refused).rejects.toThrow(/copy: the copy needs \d+\.\d MB, and 0\.0 MB are free\. Make room there/)
    expect(readdirSync(copy)).toEqual([])
  })

  it('a broker that starts meanwhile is noticed', async () => {
    const data = await stoppedData()
    const copy = path.join(temporaryFolder(), 'copy')
    let started = false
    const refused = backUp(data, copy, {
      ...nodeFileSystem,
      async syncDirectory(directory) {
        await nodeFileSystem.syncDirectory(directory)
        if (started || !directory.endsWith('orders-0')) return
        started = true
        await BrokerProcess.start({ data })
      },
    })
    await expect(refused).rejects.toThrow(/a broker was started on \S+ meanwhile: the copy is not whole, begin again/)
    expect(readdirSync(copy)).toEqual([])
  })
})

async function backUp(directory: string, destination: string, fileSystem: FileSystem): Promise<void> {
  const pause = () => Promise.resolve()
  await backUpDataDirectory({ fileSystem, directory, destination, processes: nodeProcessTable, pause })
}

async function stoppedData(): Promise<string> {
  const broker = await BrokerProcess.start()
  await write(broker)
  expect(await broker.end('SIGTERM')).toMatchObject({ code: 0 })
  return broker.data
}

async function write(broker: BrokerProcess): Promise<void> {
  const client = await PlainClient.connect(broker.port)
  await client.createTopic('orders')
  await client.produce('orders', ['one', 'two'])
  await client.commit('readers', 'orders', 1)
  await client.close()
}
