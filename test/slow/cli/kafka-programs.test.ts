import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { endProcess, endWithUs, eventually, freePort, onText, runToEnd } from '../../../compat-tests/process.ts'
import { cleanEnvironment, repository } from '../../support/process.ts'

const PROGRAM = path.join(repository, 'bin', 'odradek.cjs')
const TIMEOUT_MS = 60_000

let directory: string
beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'odradek-kafka-programs-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

const running: Started[] = []
afterEach(async () => {
  for (const { child } of running.splice(0)) await endProcess(child, 'SIGTERM', 10_000)
})

function tool(name: string, args: readonly string[], input = '') {
  const options = { input, timeoutMs: TIMEOUT_MS, env: cleanEnvironment() }
  return runToEnd(process.execPath, [PROGRAM, name, ...args], options)
}

interface Started {
  readonly child: ChildProcess
  readonly text: { stdout: string; stderr: string }
}

function start(name: string, args: readonly string[]): Started {
  const child = spawn(process.execPath, [PROGRAM, name, ...args], { env: cleanEnvironment(), cwd: directory })
  endWithUs(child)
  const text = { stdout: '', stderr: '' }
  onText(child.stdout, (more) => {
    text.stdout += more
  })
  onText(child.stderr, (more) => {
    text.stderr += more
  })
  const started = { child, text }
  running.push(started)
  return started
}

function file(name: string, text: string): string {
  const full = path.join(directory, name)
  writeFileSync(full, text)
  return full
}

describe('a broker by the scripts of Kafka', () => {
  it('is formatted, started with overrides, used, and stopped', async () => {
    const port = await freePort()
    const properties = file('server.properties', `node.id=4\nlog.dirs=${directory}/data\nlisteners=PLAINTEXT://:1\n`)
    const id = (await tool('kafka-storage.sh', ['random-uuid'])).stdout.trim()
    expect(id).toMatch(/^[\w-]{22}$/)
    const formatting = ['format', '-t', id, '-c', properties]
    expect((await tool('kafka-storage.sh', formatting)).stdout).toContain(
      `Formatting metadata directory ${directory}/data`,
    )
    expect((await tool('kafka-storage', [...formatting, '--ignore-formatted'])).code).toBe(0)
    const scram = await tool('kafka-storage', [...formatting, '-g', '--add-scram', 'SCRAM-SHA-256=[name=a,password=b]'])
    expect(scram).toMatchObject({ code: 1, stdout: '' })
    expect(scram.stderr).toContain('has no SCRAM users')

    const override = `listeners=PLAINTEXT://127.0.0.1:${port}`
    const { child, text } = start('kafka-server-start.sh', [properties, '--override', override])
    await eventually(`ready\n${text.stderr}`, TIMEOUT_MS, async () =>
      text.stdout.includes('ready') ? true : undefined,
    )
    const at = ['--bootstrap-server', `127.0.0.1:${port}`]
    expect((await tool('kafka-cluster.sh', ['cluster-id', ...at])).stdout).toBe(`Cluster ID: ${id}\n`)
    expect((await tool('kafka-topics.sh', [...at, '--create', '--topic', 'orders'])).stdout).toBe(
      'Created topic orders.\n',
    )
    const sent = await tool('kafka-console-producer.sh', [...at, '--topic', 'orders'], 'eins\nzwei')
    expect(sent).toMatchObject({ code: 0, stdout: '', stderr: '' })
    const read = await tool('kafka-console-consumer.sh', [
      ...at,
      '--topic',
      'orders',
      '--from-beginning',
      '--max-messages',
      '2',
    ])
    expect(read).toMatchObject({ code: 0, stdout: 'eins\nzwei\n', stderr: 'Processed a total of 2 messages\n' })
    expect((await tool('kafka-broker-api-versions.sh', at)).stdout).toMatch(
      /^127\.0\.0\.1:\d+ \(id: 4 rack: null isFenced: false\) -> \(\n\tProduce/,
    )

    expect((await tool('kafka-server-stop.sh', ['--config', properties])).code).toBe(0)
    await eventually('the broker has ended', TIMEOUT_MS, async () => child.exitCode ?? undefined)
    expect(child.exitCode).toBe(0)
    const again = await tool('kafka-server-stop.sh', ['--config', properties])
    expect(again).toMatchObject({ code: 1, stdout: expect.stringMatching(/^No kafka server to stop/) })
  }, 120_000)
})

describe('tools that run until they are told to stop', () => {
  it('a console consumer in a group shows up as a member, commits what it printed, and leaves at SIGTERM', async () => {
    const port = await freePort()
    const broker = start('--port', [String(port), '--data', path.join(directory, 'group-data')])
    await eventually('ready', TIMEOUT_MS, async () => (broker.text.stdout.includes('ready') ? true : undefined))
    const at = ['--bootstrap-server', `127.0.0.1:${port}`]
    await tool('kafka-console-producer', [...at, '--topic', 'orders'], 'one\ntwo\n')
    const consumer = start('kafka-console-consumer', [
      ...at,
      '--topic',
      'orders',
      '--group',
      'readers',
      '--from-beginning',
    ])
    await eventually('both are printed', TIMEOUT_MS, async () =>
      consumer.text.stdout === 'one\ntwo\n' ? true : undefined,
    )
    const members = await tool('kafka-consumer-groups', [...at, '--describe', '--group', 'readers', '--members'])
    expect(members.stdout).toMatch(/\nreaders +console-consumer-[\w-]+ +\/127\.0\.0\.1 +console-consumer +1 +\n/)
    const refused = await tool('kafka-consumer-groups', [
      ...at,
      '--reset-offsets',
      '--group',
      'readers',
      '--topic',
      'orders',
      '--to-earliest',
      '--execute',
    ])
    expect(refused.stdout).toContain(
      "Assignments can only be reset if the group 'readers' is inactive, but the current state is Stable.",
    )
    await endProcess(consumer.child, 'SIGTERM', 10_000)
    expect(consumer.child.exitCode).toBe(0)
    expect(consumer.text.stderr).toContain('Processed a total of 2 messages')
    const lag = await tool('kafka-consumer-groups', [...at, '--describe', '--group', 'readers'])
    expect(lag.stdout).toMatch(/\nreaders +orders +0 +2 +2 +0 +- +- +-\n/)
    expect(lag.stderr).toContain("Consumer group 'readers' has no active members.")
  }, 120_000)

  it('what stands in for ZooKeeper stays alive and says imok', async () => {
    const port = await freePort()
    const { child, text } = start('zookeeper-server-start.sh', [
      file('zookeeper.properties', `clientPort=${port}\nclientPortAddress=127.0.0.1\n`),
    ])
    await eventually('it listens', TIMEOUT_MS, async () =>
      text.stderr.includes('needs no ZooKeeper') ? true : undefined,
    )
    const reply = await new Promise<string>((resolve, reject) => {
      let received = ''
      const socket = connect(port, '127.0.0.1', () => socket.write('ruok\n'))
      socket.on('data', (chunk) => {
        received += chunk
      })
      socket.on('end', () => socket.end())
      socket.on('close', () => resolve(received))
      socket.on('error', reject)
    })
    expect(reply).toBe('imok')
    expect(child.exitCode).toBeNull()
    await endProcess(child, 'SIGTERM', 10_000)
    expect(child.exitCode).toBe(0)
  }, 60_000)
})
