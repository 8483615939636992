import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually, freePort } from '../process.ts'
import { JavaProcess } from './java-process.ts'
import { connectClasspath } from './toolchain.ts'

const START_PATIENCE_MS = 90_000

export type Properties = Readonly<Record<string, string>>

/** A Connect worker, or another program of Connect, that is configured with a file. */
export class ConnectProgram {
  readonly #main: string
  readonly #folder: string
  readonly #logLevel: string
  #properties: Properties
  #process: JavaProcess | undefined

  constructor(main: string, folder: string, properties: Properties, logLevel: string) {
    this.#main = main
    this.#folder = folder
    this.#properties = properties
    this.#logLevel = logLevel
    mkdirSync(folder, { recursive: true })
  }

  async start(): Promise<void> {
    const file = join(this.#folder, 'program.properties')
    const lines = Object.entries(this.#properties).map(([name, value]) => `${name}=${value}`)
    writeFileSync(file, `${lines.join('\n')}\n`)
    this.#process = new JavaProcess(
      {
        classpath: await connectClasspath(),
        main: this.#main,
        args: [file],
        logFile: join(this.#folder, 'program.log'),
        logLevel: this.#logLevel,
      },
      () => undefined,
    )
  }

  async kill(): Promise<void> {
    await this.#process?.kill()
  }

  async stop(): Promise<void> {
    await this.#process?.stop()
  }

  failOnDeath(): void {
    if (this.#process?.isRunning === false) throw new Error(`${this.#main} ended by itself\n${this.#process.logTail()}`)
  }

  logTail(): string {
    return this.#process?.logTail() ?? ''
  }
}

/** One worker in distributed mode, spoken to over its REST interface. */
export class ConnectWorker {
  readonly program: ConnectProgram
  readonly #url: string

  private constructor(program: ConnectProgram, url: string) {
    this.program = program
    this.#url = url
  }

  static async create(folder: string, bootstrap: string, logLevel: string): Promise<ConnectWorker> {
    const url = `http://127.0.0.1:${await freePort()}`
    const properties = workerProperties(bootstrap, url)
    const main = 'org.apache.kafka.connect.cli.ConnectDistributed'
    return new ConnectWorker(new ConnectProgram(main, folder, properties, logLevel), url)
  }

  async start(): Promise<void> {
    await this.program.start()
    await eventually('the worker answers', START_PATIENCE_MS, async () => {
      this.program.failOnDeath()
      return this.call('GET', '/connectors').catch(() => undefined)
    })
  }

  /** Rejects with the worker's message. */
  async call(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${this.#url}${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(60_000),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return text === '' ? {} : JSON.parse(text)
  }

  /** While it is busy with a rebalance it refuses (409) what it takes a moment later. */
  async callWhenSettled(method: string, path: string, body?: unknown): Promise<unknown> {
    return eventually(`${method} ${path}`, START_PATIENCE_MS, async () => {
      this.program.failOnDeath()
      return this.call(method, path, body).catch((error: Error) => {
        if (/: (404|409|500) /.test(error.message)) return undefined
        throw error
      })
    })
  }

  /** `RUNNING`, `STOPPED` …, or the trace of what failed. */
  async state(connector: string): Promise<string> {
    const status = (await this.call('GET', `/connectors/${connector}/status`)) as ConnectorStatus
    const parts = [status.connector, ...status.tasks]
    return parts.find(({ trace }) => trace !== undefined)?.trace ?? parts.map(({ state }) => state).join()
  }

  async waitForState(connector: string, wanted: string): Promise<void> {
    let last = ''
    await eventually(`${connector} ${wanted}`, START_PATIENCE_MS, async () => {
      this.program.failOnDeath()
      last = await this.state(connector).catch((error: Error) => error.message)
      if (last.includes('Exception')) throw new Error(`${connector}: ${last}`)
      return last === wanted ? true : undefined
    })
  }
}

interface ConnectorStatus {
  readonly connector: { readonly state: string; readonly trace?: string }
  readonly tasks: readonly { readonly state: string; readonly trace?: string }[]
}

function workerProperties(bootstrap: string, url: string): Properties {
  return {
    'bootstrap.servers': bootstrap,
    'group.id': 'connect-workers',
    'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'config.storage.topic': 'connect-configs',
    'offset.storage.topic': 'connect-offsets',
    'status.storage.topic': 'connect-status',
    'config.storage.replication.factor': '1',
    'offset.storage.replication.factor': '1',
    'status.storage.replication.factor': '1',
    'offset.storage.partitions': '3',
    'status.storage.partitions': '2',
    'exactly.once.source.support': 'enabled',
    'offset.flush.interval.ms': '500',
    // A worker that was killed is missed soon, and what it ran comes back at once.
    'session.timeout.ms': '6000',
    'heartbeat.interval.ms': '500',
    'scheduled.rebalance.max.delay.ms': '0',
    'plugin.discovery': 'service_load',
    listeners: url.toUpperCase(),
  }
}
