import { cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runChecked } from '../../../compat-tests/process.ts'
import { CompressionCodec } from '../../../protocol/records/compression.ts'
import { PlainClient } from '../../support/plain-client.ts'
import { BrokerProcess, BUNDLE, endAll, type Program, repository, temporaryFolder } from '../../support/process.ts'
import { commandLineTests } from './command-line.ts'

/** Seconds, but for a machine that does other things as well. */
const BUILD_TIMEOUT_MS = 120_000

// The only test file that builds: what others find in dist must not change under them.
beforeAll(async () => {
  await runChecked(process.execPath, ['scripts/build.ts'], { cwd: repository, timeoutMs: BUILD_TIMEOUT_MS })
}, BUILD_TIMEOUT_MS)

commandLineTests('from the bundle', BUNDLE)

describe('the package as it is installed', () => {
  let program: Program

  beforeAll(() => {
    const place = path.join(temporaryFolder(), 'node_modules', 'odradek')
    mkdirSync(place, { recursive: true })
    const { files } = JSON.parse(readFileSync(path.join(repository, 'package.json'), 'utf8')) as { files: string[] }
    for (const name of [...files, 'package.json']) {
      cpSync(path.join(repository, name), path.join(place, name), { recursive: true })
    }
    symlinkSync(path.join(repository, 'node_modules'), path.join(place, 'node_modules'))
    program = [process.execPath, path.join(place, 'bin', 'odradek.cjs')]
  })
  afterAll(endAll)

  it('starts without the sources', async () => {
    const broker = await BrokerProcess.start({ program })
    const ended = await broker.end('SIGTERM')
    expect(ended).toMatchObject({ code: 0, signal: null })
    expect(ended.stdout).toBe(`Odradek is ready on localhost:${broker.port}, data in ${broker.data}\n`)
  })

  it('brings the tools, as a program of their own', async () => {
    const broker = await BrokerProcess.start({ program })
    const [command, ...first] = program
    const server = ['--bootstrap-server', `localhost:${broker.port}`]
    await runChecked(command, [...first, 'topics', 'create', 'orders', ...server])
    await runChecked(command, [...first, 'produce', 'orders', '-z', 'snappy', ...server], { input: 'one\n' })
    expect((await runChecked(command, [...first, 'consume', 'orders', ...server])).stdout).toBe('one\n')
    expect((await runChecked(command, [...first, 'kafka-topics', '--list', ...server])).stdout).toContain('orders')
    expect((await runChecked(command, [...first, 'verify', broker.data])).stdout).toContain('0 errors')
  })

  it.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)('finds its %s codec', async (name) => {
    const broker = await BrokerProcess.start({ program })
    const client = await PlainClient.connect(broker.port)
    await client.createTopic('recompressed', 1, { 'compression.type': name })
    await client.produce('recompressed', ['a'.repeat(5000), 'b'], { codec: CompressionCodec.SNAPPY })
    await client.produce('recompressed', ['c'])
    expect(await client.readAll('recompressed')).toEqual(['a'.repeat(5000), 'b', 'c'])
    const stored = await client.fetch('recompressed', 0)
    expect(stored.readInt16BE(21) & 7).toBe(CompressionCodec[name.toUpperCase() as Uppercase<typeof name>])
    await client.close()
  })
})
