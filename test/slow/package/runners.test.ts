import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { runChecked, runToEnd } from '../../../compat-tests/process.ts'
import { cleanEnvironment, repository, temporaryFolder } from '../../support/process.ts'
import { packPackage } from './installed-package.ts'

const samples = path.join(import.meta.dirname, 'samples')
let unpacked: string

beforeAll(async () => {
  unpacked = temporaryFolder()
  await runChecked('tar', ['-xzf', await packPackage(), '-C', unpacked])
})

/** A copy of a sample project with the package as it is published, and the runner of the development dependencies. */
function projectOf(name: string): string {
  const folder = temporaryFolder()
  cpSync(path.join(samples, name), folder, { recursive: true })
  const modules = path.join(folder, 'node_modules')
  mkdirSync(modules)
  cpSync(path.join(unpacked, 'package'), path.join(modules, 'odradek'), { recursive: true })
  for (const one of [name, 'crc-32', 'snappy']) {
    symlinkSync(path.join(repository, 'node_modules', one), path.join(modules, one))
  }
  return folder
}

async function run(name: string, folder: string, args: readonly string[] = []) {
  const { bin } = JSON.parse(readFileSync(path.join(folder, 'node_modules', name, 'package.json'), 'utf8')) as {
    bin: string | Record<string, string>
  }
  const program = path.join(folder, 'node_modules', name, typeof bin === 'string' ? bin : bin[name]!)
  const env = { ...cleanEnvironment(), NO_COLOR: '1' }
  const { code, stdout, stderr } = await runToEnd(process.execPath, [program, ...args], { cwd: folder, env })
  return { code, output: stdout + stderr }
}

function accepts(address: string): Promise<boolean> {
  const [host, port] = address.split(':')
  return new Promise((resolve) => {
    const socket = net.connect(Number(port), host)
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}

describe.each([
  ['vitest', ['run'], /Tests +2 passed/],
  ['jest', [], /Tests: +2 passed/],
] as const)('%s', (name, args, allPassed) => {
  it('runs files at the same time on one broker, which is gone afterwards, and ends by itself', async () => {
    const folder = projectOf(name)
    if (name === 'jest') {
      // One text for both: Jest takes CommonJS only.
      const text = readFileSync(path.join(samples, 'vitest', 'meeting.mjs'), 'utf8').replace(
        'export function',
        'function',
      )
      writeFileSync(path.join(folder, 'meeting.cjs'), `${text}module.exports = { everySample }\n`)
    }
    const { code, output } = await run(name, folder, args)
    expect(code, output).toBe(0)
    expect(output).toMatch(allPassed)
    expect(output).not.toContain('did not exit')
    const told = new Set([...output.matchAll(/brokers: ([\d.:,]+)/g)].map((match) => match[1]!))
    expect(told.size, output).toBe(1)
    for (const address of [...told][0]!.split(',')) expect(await accepts(address)).toBe(false)
  })

  it('says what to do when nothing starts a broker', async () => {
    const folder = projectOf(name)
    const [config, text] =
      name === 'jest'
        ? ['jest.config.cjs', "module.exports = { testMatch: ['<rootDir>/one.spec.cjs'] }"]
        : ['vitest.config.mjs', "export default { test: { include: ['one.spec.mjs'] } }"]
    writeFileSync(path.join(folder, config), text)
    writeFileSync(path.join(folder, 'meeting.cjs'), 'exports.everySample = () => {}')
    const { code, output } = await run(name, folder, args)
    expect(code).toBe(1)
    expect(output).toContain(`there is no broker in this run: add 'odradek/${name}/setup' to globalSetup`)
  })
})
