import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { endProcess, endWithUs, exited, onText } from '../process.ts'

const LOG_TAIL_LINES = 25
const LOG_LINE_CHARACTERS = 400

export interface JavaProgram {
  readonly classpath: string
  readonly main: string
  readonly args: readonly string[]
  /** Takes standard error. */
  readonly logFile: string
  readonly logLevel?: string
}

/** A Java program whose standard output is read line by line. */
export class JavaProcess {
  readonly #child: ChildProcess
  readonly #logFile: string
  #unread = ''

  constructor(program: JavaProgram, onLine: (line: string) => void) {
    const { classpath, main, args, logFile, logLevel = 'warn' } = program
    // Two cores for all of them: a second compiler would take more than it gives.
    const flags = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']
    const logging = [
      `-Dorg.slf4j.simpleLogger.defaultLogLevel=${logLevel}`,
      // While a broker is away it tells of every attempt to reach it.
      '-Dorg.slf4j.simpleLogger.log.org.apache.kafka.clients.NetworkClient=error',
      '-Dorg.slf4j.simpleLogger.showDateTime=true',
      '-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS',
    ]
    const log = openSync(logFile, 'a')
    this.#child = spawn('java', [...flags, ...logging, '-cp', classpath, main, ...args], {
      stdio: ['pipe', 'pipe', log],
    })
    closeSync(log)
    endWithUs(this.#child)
    this.#logFile = logFile
    this.#child.stdin?.on('error', () => this.#child.stdin?.destroy())
    onText(this.#child.stdout, (text) => {
      const lines = (this.#unread + text).split('\n')
      this.#unread = lines.pop() ?? ''
      for (const line of lines) onLine(line)
    })
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  get exitCode(): number | null {
    return this.#child.exitCode
  }

  write(text: string): void {
    this.#child.stdin?.write(text)
  }

  endInput(): void {
    this.#child.stdin?.end()
  }

  exited(): Promise<void> {
    return exited(this.#child)
  }

  async kill(): Promise<void> {
    const done = exited(this.#child)
    this.#child.kill('SIGKILL')
    await done
  }

  /** SIGSTOP: it keeps what it has, and knows nothing of the time that passes until it may go on. */
  pause(): void {
    this.#child.kill('SIGSTOP')
  }

  goOn(): void {
    this.#child.kill('SIGCONT')
  }

  stop(graceMs = 30_000): Promise<void> {
    if (!this.isRunning) return Promise.resolve()
    return endProcess(this.#child, 'SIGTERM', graceMs)
  }

  logTail(lines = LOG_TAIL_LINES): string {
    const text = readFileSync(this.#logFile, 'utf8').trimEnd().split('\n').slice(-lines)
    return text.map((line) => line.slice(0, LOG_LINE_CHARACTERS)).join('\n')
  }
}
