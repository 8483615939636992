import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

export const repository = path.resolve(import.meta.dirname, '../..')

/** A command and its first arguments. */
export type Program = readonly [command: string, ...args: string[]]

/** What `npm start` runs. */
export const SOURCE: Program = [process.execPath, path.join(repository, 'bin', 'odradek.cjs')]
/** What `npm run build` makes. */
export const BUNDLE: Program = [process.execPath, path.join(repository, 'dist', 'odradek.cjs')]

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** From the signal or the start, whichever came last. */
  readonly tookMs: number
  readonly stdout: string
  readonly stderr: string
}

export interface StartOptions {
  readonly program?: Program
  /** A new folder, removed at the end, unless given. */
  readonly data?: string
  /** 0 unless given: the ready line tells which it became. Null leaves the port to other settings. */
  readonly port?: number | null
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Another user than the one who runs the tests; only root may. */
  readonly uid?: number
}

const READY = /^Odradek is ready on ([^\n]*:(\d+)), data in ([^\n]+)\n/
/** Two cores and several test files at once: a start that takes this long hangs. */
const START_TIMEOUT_MS = 60_000

const started = new Set<BrokerProcess>()
const folders: string[] = []

/** A real broker process, from its command line to its exit code. Ended by `endAll`, which every test file calls after each test. */
export class BrokerProcess {
  readonly data: string
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  stdout = ''
  stderr = ''
  #sinceMs = performance.now()
  #end: Ended | null = null

  private constructor(options: StartOptions) {
    const [command, ...first] = options.program ?? SOURCE
    this.data = options.data ?? path.join(temporaryFolder(), 'data')
    const port = options.port === null ? [] : ['--port', String(options.port ?? 0)]
    this.child = spawn(command, [...first, ...port, '--data', this.data, ...(options.args ?? [])], {
      cwd: options.cwd ?? repository,
      env: { ...cleanEnvironment(), ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own: what it started can be ended with it.
      detached: true,
      ...(options.uid === undefined ? {} : { uid: options.uid }),
    })
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
    })
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    this.ended = new Promise((resolve, reject) => {
      this.child.on('error', reject)
      this.child.on('close', (code, signal) => {
        const tookMs = performance.now() - this.#sinceMs
        this.#end = { code, signal, tookMs, stdout: this.stdout, stderr: this.stderr }
        resolve(this.#end)
      })
    })
    started.add(this)
  }

  /** Starts a broker and does not wait. */
  static launch(options: StartOptions = {}): BrokerProcess {
    return new BrokerProcess(options)
  }

  /** Starts a broker and waits for its ready line. */
  static async start(options: StartOptions = {}): Promise<BrokerProcess> {
    const broker = new BrokerProcess(options)
    const line = new Promise<void>((resolve) => {
      broker.child.stdout?.on('data', () => {
        if (READY.test(broker.stdout)) resolve()
      })
    })
    await withTimeout(START_TIMEOUT_MS, 'no ready line', Promise.race([line, broker.ended]))
    if (!READY.test(broker.stdout)) throw new Error(`the broker ended instead of being ready:\n${broker.stderr}`)
    return broker
  }

  /** Runs a command line that is expected to end by itself. */
  static run(options: StartOptions): Promise<Ended> {
    const broker = new BrokerProcess(options)
    return withTimeout(START_TIMEOUT_MS, 'still running', broker.ended)
  }

  /** From the ready line. */
  get port(): number {
    return Number(READY.exec(this.stdout)![2])
  }

  get bootstrap(): string {
    return `127.0.0.1:${this.port}`
  }

  killGroup(): void {
    const { pid } = this.child
    if (this.#end !== null || pid === undefined) return
    try {
      process.kill(-pid, 'SIGKILL')
    } catch (error) {
      // It ended in this very moment.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }

  /** Sends a signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<Ended> {
    this.#sinceMs = performance.now()
    this.child.kill(signal)
    return withTimeout(START_TIMEOUT_MS, `still running after ${signal}`, this.ended)
  }

  /** Resident memory now and at its peak since the last `resetPeak`, in bytes; Linux only. */
  memory(): { readonly nowBytes: number; readonly peakBytes: number } {
    const status = readFileSync(`/proc/${this.child.pid}/status`, 'utf8')
    const kilobytes = (field: string) => Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)![1])
    return { nowBytes: kilobytes('VmRSS') * 1024, peakBytes: kilobytes('VmHWM') * 1024 }
  }
}

/** Kills what a test left running, with all that it started, and removes the folders it made. */
export async function endAll(): Promise<void> {
  const running = [...started]
  started.clear()
  for (const broker of running) broker.killGroup()
  await Promise.all(running.map((broker) => withTimeout(START_TIMEOUT_MS, 'still running after SIGKILL', broker.ended)))
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
}

process.on('exit', () => {
  for (const broker of started) broker.killGroup()
})

export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'odradek-test-'))
  folders.push(folder)
  return folder
}

/** The surroundings without what would configure a broker or its runtime. */
export function cleanEnvironment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(?:KAFKA_|CLUSTER_ID$|ODRADEK_|NODE_OPTIONS$|VITEST|npm_)/.test(name),
  )
  return Object.fromEntries(kept.map(([name, value]) => [name, value ?? '']))
}

/** Files below a folder by their relative paths, sorted. */
export function filesIn(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .sort()
}

export function hasCleanShutdownMark(data: string): boolean {
  return existsSync(path.join(data, '.kafka_cleanshutdown'))
}

/** Fails with what was waited for when it takes longer. */
export async function withTimeout<T>(timeoutMs: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} after ${timeoutMs} ms`)), timeoutMs)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
