import { type ChildProcess, fork } from 'node:child_process'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { endWithUs, exited, freePort } from '../compat-tests/process.ts'
import { installedPackage, settle } from './broker.ts'
import type { ProbeAnswer } from './scale-probe.ts'

const PROBE = path.join(import.meta.dirname, 'scale-probe.ts')
const START_TIMEOUT_MS = 120_000

/** One broker process with a probe in it; Linux only. */
export class ProbedBroker {
  readonly port: number
  /** From exec to the line that says that it is ready. */
  readonly startMs: number
  readonly #child: ChildProcess

  private constructor(port: number, startMs: number, child: ChildProcess) {
    this.port = port
    this.startMs = startMs
    this.#child = child
  }

  /** With its defaults, on a folder that may hold what an earlier one left. */
  static async start(folder: string): Promise<ProbedBroker> {
    const port = await freePort()
    const program = path.join(installedPackage(), 'dist', 'odradek.cjs')
    await settle()
    const beganMs = performance.now()
    const child = fork(program, ['--port', String(port), '--data', folder], {
      execArgv: ['--expose-gc', '--import', PROBE],
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      env: { ...process.env, ODRADEK_LOG_LEVEL: 'error' },
    })
    endWithUs(child)
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('the broker does not get ready')), START_TIMEOUT_MS)
      child.stdout?.once('data', () => {
        clearTimeout(timer)
        resolve()
      })
      child.once('exit', (code) => reject(new Error(`the broker ended with ${code} before it was ready`)))
    })
    return new ProbedBroker(port, performance.now() - beganMs, child)
  }

  /** As of now; the delay of the event loop is the worst since the last call. */
  probe(): Promise<ProbeAnswer> {
    return new Promise((resolve) => {
      this.#child.once('message', (answer) => resolve(answer as ProbeAnswer))
      this.#child.send('probe')
    })
  }

  get openDescriptors(): number {
    return readdirSync(`/proc/${this.#child.pid}/fd`).length
  }

  /** How long it takes to end. */
  async stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<number> {
    const beganMs = performance.now()
    this.#child.kill(signal)
    await exited(this.#child)
    return performance.now() - beganMs
  }
}
