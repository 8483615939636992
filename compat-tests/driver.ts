import { type ChildProcess, spawn } from 'node:child_process'
import { ClientError, type CompatClient, type DriverGreeting, type OperationName, type Operations } from './client.ts'
import { endProcess, endWithUs, exited, onText } from './process.ts'

export interface DriverCommand {
  command: string
  args: readonly string[]
  env?: Record<string, string>
}

interface Answer {
  id: number
  answer?: unknown
  error?: { message: string; code: number | null }
}

interface Waiting {
  resolve: (answer: unknown) => void
  reject: (error: Error) => void
}

const STDERR_KEPT = 4_000

/** A client in a process of its own, spoken to over its standard input and output. */
export class Driver implements CompatClient {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  #greeting: DriverGreeting | undefined
  #greeted: ((greeting: DriverGreeting) => void) | undefined
  #nextId = 1
  #unread: string[] = []
  #stderr = ''
  #gone = false

  private constructor(launch: DriverCommand) {
    this.#child = spawn(launch.command, launch.args, {
      env: { ...process.env, ...launch.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    endWithUs(this.#child)
    onText(this.#child.stdout, (text) => this.#onOutput(text))
    onText(this.#child.stderr, (text) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_KEPT)
    })
    this.#child.stdin?.on('error', () => this.#fail('its standard input closed'))
    this.#child.on('error', (error) => this.#fail(error.message))
    this.#child.on('close', (code, signal) => this.#fail(`it ended (${signal ?? code})`))
  }

  /** Starts the driver against the broker and waits for its greeting. */
  static async start(launch: DriverCommand, bootstrap: string): Promise<Driver> {
    const driver = new Driver({ ...launch, args: [...launch.args, bootstrap] })
    await driver.#waitForGreeting()
    return driver
  }

  get greeting(): DriverGreeting {
    if (this.#greeting === undefined) throw new Error('the driver has not greeted yet')
    return this.#greeting
  }

  call<Name extends OperationName>(
    operation: Name,
    request: Operations[Name]['request'],
    timeoutMs = 60_000,
  ): Promise<Operations[Name]['answer']> {
    if (this.#gone) return Promise.reject(new Error(`the driver is gone: ${this.#stderr}`))
    const id = this.#nextId++
    this.#child.stdin?.write(`${JSON.stringify({ id, operation, request })}\n`)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id)
        reject(new Error(`${operation}: the client gave no answer within ${timeoutMs} ms\n${this.#stderr}`))
      }, timeoutMs)
      this.#waiting.set(id, {
        resolve: (answer) => {
          clearTimeout(timer)
          resolve(answer as Operations[Name]['answer'])
        },
        reject: (error) => {
          clearTimeout(timer)
          reject(error)
        },
      })
    })
  }

  async kill(): Promise<void> {
    this.#gone = true
    const done = exited(this.#child)
    this.#child.kill('SIGKILL')
    await done
  }

  /** Closing its input asks a driver to close its client and end. */
  async close(): Promise<void> {
    this.#gone = true
    this.#child.stdin?.end()
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 5_000)
    await exited(this.#child)
    clearTimeout(timer)
  }

  #waitForGreeting(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`the driver did not start\n${this.#stderr}`))
        void endProcess(this.#child, 'SIGKILL', 1_000)
      }, 60_000)
      this.#waiting.set(0, {
        resolve: () => undefined,
        reject: (error) => {
          clearTimeout(timer)
          reject(error)
        },
      })
      this.#greeted = (greeting) => {
        clearTimeout(timer)
        this.#waiting.delete(0)
        this.#greeting = greeting
        resolve()
      }
    })
  }

  #onOutput(text: string): void {
    const lines = text.split('\n')
    const first = lines[0] ?? ''
    // A large answer comes in many pieces: joined once, when its line is whole.
    this.#unread.push(first)
    if (lines.length === 1) return
    this.#onLine(this.#unread.join(''))
    for (const line of lines.slice(1, -1)) this.#onLine(line)
    this.#unread = [lines.at(-1) ?? '']
  }

  #onLine(line: string): void {
    if (line.trim() === '') return
    const parsed = JSON.parse(line) as Answer | DriverGreeting
    if ('client' in parsed) {
      this.#greeted?.(parsed)
      return
    }
    const waiting = this.#waiting.get(parsed.id)
    this.#waiting.delete(parsed.id)
    if (parsed.error === undefined) waiting?.resolve(parsed.answer)
    else waiting?.reject(new ClientError(parsed.error.message, parsed.error.code))
  }

  #fail(reason: string): void {
    this.#gone = true
    for (const waiting of this.#waiting.values())
      waiting.reject(new Error(`the driver failed: ${reason}\n${this.#stderr}`))
    this.#waiting.clear()
  }
}
