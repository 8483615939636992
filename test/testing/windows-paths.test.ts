import path from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { loadBrokerConfig } from '../../src/config/broker-config.ts'
import { startBroker } from '../../src/index.ts'
import { SimulatedFileSystem } from '../../src/io/simulated-file-system.ts'
import { DataSnapshot } from '../../src/testing/data-snapshot.ts'
import { PlainClient } from '../support/plain-client.ts'

// Everything that asks node:path gets the rules of Windows; the disk in memory takes `/` only, as names in a snapshot.
vi.mock('node:path', async (original) => {
  const { win32 } = (await original()) as typeof path
  return { ...win32, default: win32 }
})

/** Not allowed in a name there, nor is a dot or a blank at its end. */
const NOT_ON_WINDOWS = /[<>:"\\|?*\p{Cc}]|[. ]$/u

describe('under the path rules of Windows', () => {
  it('the rules are those of Windows', () => {
    expect(path.join('a', 'b')).toBe('a\\b')
  })

  it('a broker keeps records over a restart, and its files have names that Windows knows', async () => {
    const written = vi.spyOn(DataSnapshot, 'take')
    const names = new Set<string>()
    const list = vi.spyOn(SimulatedFileSystem.prototype, 'list')
    await using broker = await startBroker({ topics: ['kept'], config: { 'log.segment.bytes': 1024 * 1024 } })
    const produce = async (value: string) => {
      const client = await PlainClient.connect(Number(broker.bootstrapServers.split(':')[1]))
      await client.produce('kept', [value])
      await client.commit('group', 'kept', 1)
      await client.close()
    }
    await produce('before')
    await broker.restore(await broker.snapshot())
    await produce('after')
    const texts: (string | null)[] = []
    for await (const { text } of broker.topic('kept').messages()) texts.push(text)
    expect(texts).toEqual(['before', 'after'])
    for (const { value } of list.mock.results) for (const name of value as string[]) names.add(name)
    expect(written).toHaveBeenCalled()
    expect(names).toContain('kept-0')
    expect([...names].filter((name) => NOT_ON_WINDOWS.test(name))).toEqual([])
  })

  it.each(['C:\\odradek\\data', 'C:/odradek/data', '\\\\server\\share\\data'])(
    '%s is a data directory',
    (directory) => {
      const { config } = loadBrokerConfig({ commandLine: new Map([['log.dirs', directory]]) })
      expect(config.dataDirectory).toBe(directory)
    },
  )
})
