import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import {
  closeSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { endProcess, freePort, runChecked, sleep } from '../compat-tests/process.ts'
import { kafkaClasspath, repositoryRoot } from '../compat-tests/toolchains.ts'
import { Metadata } from '../protocol/messages/03-metadata.ts'
import { ApiVersions } from '../protocol/messages/18-api-versions.ts'
import { LoadConnection } from './load-connection.ts'

/** Who takes part: Apache Kafka, and ours twice, since its default promises more than Kafka's. */
export const CONTENDERS = ['kafka', 'odradek', 'odradek, disk'] as const
export type Contender = (typeof CONTENDERS)[number]

/** As kafka-server-start.sh and kafka-run-class.sh start it. */
const JVM = [
  ...['-Xmx1G', '-Xms1G', '-server', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20'],
  ...['-XX:InitiatingHeapOccupancyPercent=35', '-XX:+ExplicitGCInvokesConcurrent', '-Djava.awt.headless=true'],
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
]
const START_TIMEOUT_MS = 60_000
const POLL_MS = 5
const CLOCK_TICKS_PER_SECOND = 100

/** The settings of Kafka that differ from its defaults: one node, and no wait for members that come later. */
export const KAFKA_SETTINGS: Readonly<Record<string, string>> = {
  'process.roles': 'broker,controller',
  'node.id': '1',
  'controller.listener.names': 'CONTROLLER',
  'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
  'offsets.topic.replication.factor': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'share.coordinator.state.topic.replication.factor': '1',
  'share.coordinator.state.topic.min.isr': '1',
  'group.initial.rebalance.delay.ms': '0',
}

/** One broker process on an empty folder, and what it costs; Linux only. */
export class BenchBroker {
  readonly port: number
  /** From exec to the first answers to ApiVersions and to a Metadata that names a broker, asked for every 5 ms. */
  readonly startMs: number
  readonly #child: ChildProcess
  readonly #folder: string

  private constructor(port: number, startMs: number, child: ChildProcess, folder: string) {
    this.port = port
    this.startMs = startMs
    this.#child = child
    this.#folder = folder
  }

  static async start(contender: Contender): Promise<BenchBroker> {
    const folder = mkdtempSync(path.join(tmpdir(), 'odradek-bench-'))
    const port = await freePort()
    const [command, ...args] = contender === 'kafka' ? await kafkaCommand(folder, port) : ourCommand(folder, port)
    if (contender === 'odradek') args.push('--durability', 'os')
    const log = openSync(path.join(folder, 'log'), 'w')
    await settle()
    const beganMs = performance.now()
    const child = spawn(command!, args, { stdio: ['ignore', log, log] })
    closeSync(log)
    while (!(await answers(port))) {
      if (child.exitCode !== null || performance.now() - beganMs > START_TIMEOUT_MS) {
        throw new Error(`${contender} does not answer\n${readFileSync(path.join(folder, 'log'), 'utf8')}`)
      }
      await sleep(POLL_MS)
    }
    return new BenchBroker(port, performance.now() - beganMs, child, folder)
  }

  /** User and system time so far. */
  get cpuSeconds(): number {
    const fields = readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
    return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND
  }

  /** Resident memory, now and at its peak so far. */
  get memoryMegabytes(): { readonly now: number; readonly peak: number } {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8')
    const megabytes = (field: string) => (Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)![1]) * 1024) / 1e6
    return { now: megabytes('VmRSS'), peak: megabytes('VmHWM') }
  }

  /** SIGTERM, and how long it takes to end. */
  async stop(): Promise<number> {
    const beganMs = performance.now()
    await endProcess(this.#child, 'SIGTERM', START_TIMEOUT_MS)
    return performance.now() - beganMs
  }

  async dispose(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await this.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** Waits until the disk has what was written so far: nobody pays for what another left in the page cache. */
export async function settle(): Promise<void> {
  await runChecked('sync', [], { timeoutMs: START_TIMEOUT_MS })
}

async function answers(port: number): Promise<boolean> {
  const connection = await LoadConnection.open(port).catch(() => null)
  if (connection === null) return false
  try {
    const versions = await connection.ask(ApiVersions, 0, {})
    const { brokers } = await connection.ask(Metadata, 1, { topics: [] })
    return versions.errorCode === 0 && brokers.length > 0
  } catch {
    return false
  } finally {
    connection.close()
  }
}

let packageFolder: string | undefined

/** The published form: launcher and bundle, without the sources beside them. */
export function installedPackage(): string {
  if (packageFolder === undefined) {
    execFileSync(process.execPath, ['scripts/build.ts'], { cwd: repositoryRoot, stdio: 'inherit' })
    const folder = mkdtempSync(path.join(tmpdir(), 'odradek-bench-package-'))
    for (const name of ['bin', 'dist', 'package.json']) {
      cpSync(path.join(repositoryRoot, name), path.join(folder, name), { recursive: true })
    }
    symlinkSync(path.join(repositoryRoot, 'node_modules'), path.join(folder, 'node_modules'))
    process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
    packageFolder = folder
  }
  return packageFolder
}

function ourCommand(folder: string, port: number): string[] {
  const launcher = path.join(installedPackage(), 'bin', 'odradek.cjs')
  return [process.execPath, launcher, '--port', String(port), '--data', path.join(folder, 'data')]
}

async function kafkaCommand(folder: string, port: number): Promise<string[]> {
  const classpath = await kafkaClasspath()
  const controller = await freePort()
  const properties = path.join(folder, 'server.properties')
  const settings = {
    ...KAFKA_SETTINGS,
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'log.dirs': path.join(folder, 'data'),
  }
  mkdirSync(settings['log.dirs'])
  writeFileSync(
    properties,
    Object.entries(settings)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  )
  const id = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('base64url')
  const format = ['kafka.tools.StorageTool', 'format', '-t', id, '-c', properties]
  await runChecked('java', ['-cp', classpath, ...format])
  return ['java', ...JVM, '-cp', classpath, 'kafka.Kafka', properties]
}
