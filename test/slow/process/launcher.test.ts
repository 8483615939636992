import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { runToEnd } from '../../../compat-tests/process.ts'
import {
  BrokerProcess,
  endAll,
  hasCleanShutdownMark,
  type Program,
  repository,
  temporaryFolder,
} from '../../support/process.ts'

/** A Node that is too old for Odradek itself, as many systems have one. */
function findOldNode(): string | null {
  for (const folder of (process.env['PATH'] ?? '').split(path.delimiter)) {
    const node = path.join(folder, 'node')
    if (!existsSync(node)) continue
    const major = Number(/^v(\d+)/.exec(execFileSync(node, ['--version'], { encoding: 'utf8' }))?.[1])
    if (major < 22) return node
  }
  return null
}

const oldNode = findOldNode()
const launcher = path.join(repository, 'bin', 'odradek.cjs')

/** The children of a process; Linux only. */
function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return text.trim().split(' ').filter(Boolean).map(Number)
}

describe.skipIf(oldNode === null)('the launcher under an old Node (needs a Node below 22 on the PATH)', () => {
  afterEach(endAll)
  const program: Program = [oldNode ?? '', launcher]

  it('starts the broker with the runtime that npm brought', async () => {
    const broker = await BrokerProcess.start({ program })
    const children = childrenOf(broker.child.pid!)
    expect(children).toHaveLength(1)
    const command = readFileSync(`/proc/${children[0]}/cmdline`, 'utf8').split('\0')
    expect(command[0]).toBe(path.join(repository, 'node_modules', 'node', 'bin', 'node'))
    expect((await broker.end('SIGTERM')).stdout.split('\n')).toHaveLength(2)
  })

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('forwards %s and ends as the broker does', async (signal) => {
    const broker = await BrokerProcess.start({ program })
    const [child] = childrenOf(broker.child.pid!)
    expect(await broker.end(signal)).toMatchObject({ code: 0, signal: null })
    expect(hasCleanShutdownMark(broker.data)).toBe(true)
    expect(existsSync(`/proc/${child}`)).toBe(false)
  })

  it('passes on the exit code and the one line of a refused setting', async () => {
    const ended = await BrokerProcess.run({ program, args: ['--set', 'num.partitions=0'] })
    expect(ended).toMatchObject({ code: 1, signal: null, stdout: '' })
    expect(ended.stderr).toMatch(/^odradek: [^\n]*num\.partitions[^\n]*\n$/)
  })

  it('a broker that is killed ends the launcher with a failure', async () => {
    const broker = await BrokerProcess.start({ program })
    process.kill(childrenOf(broker.child.pid!)[0]!, 'SIGKILL')
    const ended = await broker.ended
    expect({ code: ended.code, signal: ended.signal }).not.toEqual({ code: 0, signal: null })
  })

  it('a launcher that is killed takes the broker with it, in good order', async () => {
    const broker = await BrokerProcess.start({ program })
    // Resolves when nobody holds its output any more: the broker has ended too.
    const ended = await broker.end('SIGKILL')
    expect(ended.signal).toBe('SIGKILL')
    expect(hasCleanShutdownMark(broker.data)).toBe(true)
  })

  it('without that runtime it says which Node is needed and how to get one', async () => {
    const place = path.join(temporaryFolder(), 'odradek')
    mkdirSync(path.join(place, 'bin'), { recursive: true })
    cpSync(launcher, path.join(place, 'bin', 'odradek.cjs'))
    const ended = await runToEnd(oldNode ?? '', [path.join(place, 'bin', 'odradek.cjs')])
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr).toContain('22.18')
    expect(ended.stderr).toContain('npm install node@24')
    expect(ended.stderr).not.toMatch(/\n\s+at /)
  })
})
