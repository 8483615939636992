import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ClusterControl } from './cluster-control.ts'
import { endProcess, endWithUs, eventually, exited, freePort, freePorts, runChecked } from './process.ts'
import { kafkaClasspath, repositoryRoot } from './toolchains.ts'

export type Target = 'odradek' | 'kafka'

export type BrokerSettings = Readonly<Record<string, string>>

interface Launch {
  command: string
  args: string[]
  /** What the log says once requests are served. */
  readyText: string
}

/** Removed when the suite ends in whatever way. */
const folders = new Set<string>()
process.on('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

const LOG_TAIL_LINES = 12
const LOG_LINE_CHARACTERS = 240

/**
 * One broker of either kind on a free loopback port, with a folder of its own, that can be killed and come back. Ours may
 * play several brokers at once, and can then be told over HTTP what happens to them.
 */
export class Broker {
  readonly target: Target
  /** Brokers that clients see. */
  readonly #count: number
  /** As the broker advertises itself: ours by its default, Kafka as it is told to. */
  readonly host: string
  readonly #folder: string
  #settings: BrokerSettings
  #port = 0
  #controllerPort = 0
  #httpPort = 0
  #process: ChildProcess | undefined

  constructor(target: Target, settings: BrokerSettings = {}, count = 1) {
    this.target = target
    this.#count = count
    this.host = target === 'kafka' ? '127.0.0.1' : 'localhost'
    this.#settings = settings
    this.#folder = mkdtempSync(join(tmpdir(), `odradek-compat-${target}-`))
    folders.add(this.#folder)
  }

  get port(): number {
    return this.#port
  }

  get bootstrap(): string {
    return Array.from({ length: this.#count }, (_, index) => `${this.host}:${this.#port + index}`).join(',')
  }

  /** What can be done to a cluster of ours, once it has been started; null for a single broker. */
  get control(): ClusterControl | null {
    return this.#count === 1 ? null : new ClusterControl(`http://127.0.0.1:${this.#httpPort}`)
  }

  /** The folder that holds one subfolder per partition. */
  get dataFolder(): string {
    return join(this.#folder, 'data')
  }

  get isRunning(): boolean {
    return this.#process !== undefined && this.#process.exitCode === null && this.#process.signalCode === null
  }

  /** Takes effect with the next start. */
  set settings(settings: BrokerSettings) {
    this.#settings = settings
  }

  get #logFile(): string {
    return join(this.#folder, 'broker.log')
  }

  /** Starts it, the first time as well as after stop() or kill(); resolves once it serves requests. */
  async start(): Promise<void> {
    if (this.#port === 0) {
      this.#port = await freePorts(this.#count)
      this.#controllerPort = await freePort()
      this.#httpPort = await freePort()
    }
    const launch = this.target === 'kafka' ? await this.#kafka() : this.#odradek()
    const alreadyLogged = this.#log().length
    const log = openSync(this.#logFile, 'a')
    const child = spawn(launch.command, launch.args, { cwd: repositoryRoot, stdio: ['ignore', log, log] })
    closeSync(log)
    endWithUs(child)
    this.#process = child
    await eventually(
      `${this.target} on port ${this.#port} ready\n${this.logTail()}`,
      60_000,
      async () => {
        if (child.exitCode !== null || child.signalCode !== null) {
          throw new Error(
            `${this.target} ended while starting (${child.exitCode ?? child.signalCode})\n${this.logTail()}`,
          )
        }
        return this.#log().slice(alreadyLogged).includes(launch.readyText) ? true : undefined
      },
      20,
    )
  }

  /** SIGTERM and wait; an orderly end. */
  async stop(): Promise<void> {
    if (this.#process === undefined) return
    await endProcess(this.#process, 'SIGTERM', 20_000)
    this.#process = undefined
  }

  /** SIGKILL: no flush, no goodbye. */
  async kill(): Promise<void> {
    if (this.#process === undefined) return
    const done = exited(this.#process)
    this.#process.kill('SIGKILL')
    await done
    this.#process = undefined
  }

  /** Ends it and removes its folder. */
  async dispose(): Promise<void> {
    await this.stop()
    rmSync(this.#folder, { recursive: true, force: true })
    folders.delete(this.#folder)
  }

  /** How much it has logged so far, in characters. */
  get logLength(): number {
    return this.#log().length
  }

  /** The end of its log, as far as it was written after `from`. */
  logTail(from = 0): string {
    const lines = this.#log().slice(from).trimEnd().split('\n').slice(-LOG_TAIL_LINES)
    return lines.map((line) => line.slice(0, LOG_LINE_CHARACTERS)).join('\n')
  }

  #log(): string {
    return existsSync(this.#logFile) ? readFileSync(this.#logFile, 'utf8') : ''
  }

  #odradek(): Launch {
    const overrides = Object.entries(this.#settings).flatMap(([name, value]) => ['--set', `${name}=${value}`])
    const place = ['--port', String(this.#port), '--data', this.dataFolder]
    // A cluster is where disks fail too: there acknowledged means synced.
    const cluster = ['--brokers', String(this.#count), '--http', String(this.#httpPort)]
    const kind = this.#count === 1 ? ['--durability', 'os'] : cluster
    return {
      command: process.execPath,
      args: [join(repositoryRoot, 'bin', 'odradek.cjs'), ...place, ...kind, ...overrides],
      readyText: 'ready',
    }
  }

  async #kafka(): Promise<Launch> {
    const classpath = await kafkaClasspath()
    const properties = join(this.#folder, 'server.properties')
    const isNew = !existsSync(properties)
    const lines = Object.entries({ ...this.#kafkaSettings(), ...this.#settings }).map(
      ([name, value]) => `${name}=${value}`,
    )
    writeFileSync(properties, `${lines.join('\n')}\n`)
    if (isNew) await formatKafka(classpath, properties)
    const flags = ['-Xms256m', '-Xmx1g', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20', '-XX:TieredStopAtLevel=1']
    const logging = [
      '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
      '-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info',
    ]
    return {
      command: 'java',
      args: [...flags, ...logging, '-cp', classpath, 'kafka.Kafka', properties],
      readyText: 'Kafka Server started',
    }
  }

  #kafkaSettings(): BrokerSettings {
    const listener = `PLAINTEXT://${this.host}:${this.#port}`
    return {
      'process.roles': 'broker,controller',
      'node.id': '1',
      'controller.quorum.voters': `1@${this.host}:${this.#controllerPort}`,
      listeners: `${listener},CONTROLLER://${this.host}:${this.#controllerPort}`,
      'advertised.listeners': listener,
      'controller.listener.names': 'CONTROLLER',
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
      'log.dirs': this.dataFolder,
      'offsets.topic.replication.factor': '1',
      'transaction.state.log.replication.factor': '1',
      'transaction.state.log.min.isr': '1',
      'share.coordinator.state.topic.replication.factor': '1',
      'share.coordinator.state.topic.min.isr': '1',
      // Our default: one process, mostly used where several members are no crowd that comes at once.
      'group.initial.rebalance.delay.ms': '0',
    }
  }
}

async function formatKafka(classpath: string, properties: string): Promise<void> {
  const id = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('base64url')
  const tool = ['kafka.tools.StorageTool', 'format', `--cluster-id=${id}`, '-c', properties]
  await runChecked('java', ['-Xmx128m', '-XX:TieredStopAtLevel=1', '-cp', classpath, ...tool], { timeoutMs: 60_000 })
}
