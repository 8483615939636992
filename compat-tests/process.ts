import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { StringDecoder } from 'node:string_decoder'

export interface Finished {
  code: number | null
  stdout: string
  stderr: string
}

export interface RunOptions {
  cwd?: string
  env?: Record<string, string>
  input?: string | Buffer
  timeoutMs?: number
  /** Called with every line of standard error while the process runs, e.g. to show the progress of an installation. */
  onLine?: (line: string) => void
}

/** Runs a program to its end. Rejects only when it cannot be started or outlives timeoutMs; the exit code is a result. */
export function runToEnd(command: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    let stdout = ''
    let stderr = ''
    const timeoutMs = options.timeoutMs ?? 60_000
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`${command} ${args.join(' ')}: still running after ${timeoutMs} ms\n${stdout}\n${stderr}`))
    }, timeoutMs)
    onText(child.stdout, (text) => {
      stdout += text
    })
    onText(child.stderr, (text) => {
      stderr += text
      for (const line of text.split('\n')) {
        if (line !== '') options.onLine?.(line)
      }
    })
    child.on('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    child.on('close', (code) => {
      clearTimeout(timer)
      resolve({ code, stdout, stderr })
    })
    // A program may end without reading its input; that shows in its exit code, not here.
    child.stdin.on('error', () => child.stdin.destroy())
    child.stdin.end(options.input ?? '')
  })
}

/** As runToEnd, but any exit code other than 0 is an error that carries the output. */
export async function runChecked(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Finished> {
  const finished = await runToEnd(command, args, options)
  if (finished.code === 0) return finished
  throw new Error(`${command} ${args.join(' ')}: exit code ${finished.code}\n${finished.stdout}\n${finished.stderr}`)
}

export function onText(stream: NodeJS.ReadableStream | null, handle: (text: string) => void): void {
  const decoder = new StringDecoder('utf8')
  stream?.on('data', (chunk: Buffer) => handle(decoder.write(chunk)))
}

/** True when the program can be started; tried with the argument that prints its version. */
export async function isInstalled(command: string, versionArgument: string): Promise<boolean> {
  return runToEnd(command, [versionArgument], { timeoutMs: 20_000 }).then(
    (finished) => finished.code === 0,
    () => false,
  )
}

const children = new Set<ChildProcess>()

/** Sees to it that a process does not outlive the suite, however that ends. */
export function endWithUs(child: ChildProcess): void {
  children.add(child)
  child.once('exit', () => children.delete(child))
}

process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1))

export function exited(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => child.once('exit', () => resolve()))
}

/** Ends a process with the signal, and with SIGKILL when it is still there after graceMs. */
export async function endProcess(child: ChildProcess, signal: NodeJS.Signals, graceMs: number): Promise<void> {
  const done = exited(child)
  child.kill(signal)
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
  await done
  clearTimeout(timer)
}

const takenPorts = new Set<number>()

/**
 * A loopback port nobody listens on. Taken from below the range the kernel uses for outgoing connections: a broker
 * that is killed and started again must find its port still free.
 */
export function freePort(): Promise<number> {
  return freePorts(1)
}

/** The first of so many of them in a row. */
export async function freePorts(count: number): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const first = 15_000 + Math.floor(Math.random() * 16_000)
    const ports = Array.from({ length: count }, (_, index) => first + index)
    if (ports.some((port) => takenPorts.has(port))) continue
    const free = await Promise.all(ports.map(isFree))
    if (free.includes(false)) continue
    for (const port of ports) takenPorts.add(port)
    return first
  }
  throw new Error('no free loopback port found between 15000 and 31000')
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Polls until probe gives something other than undefined; what says what was waited for. */
export async function eventually<T>(
  what: string,
  timeoutMs: number,
  probe: () => Promise<T | undefined>,
  intervalMs = 100,
): Promise<T> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const found = await probe()
    if (found !== undefined) return found
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain: ${what}`)
    await sleep(intervalMs)
  }
}
