import { spawn } from 'node:child_process'
import { cleanEnvironment, repository, SOURCE, withTimeout } from '../../support/process.ts'

export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const TIMEOUT_MS = 60_000

export interface RunOptions {
  readonly input?: string | Buffer
  /** Sent once this has come on standard output. */
  readonly interruptAfter?: string
  readonly env?: Readonly<Record<string, string>>
}

/** `odradek …` as somebody types it, without a terminal. */
export function odradek(
  bootstrapServer: string | null,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Outcome> {
  const [command, ...first] = SOURCE
  const server = bootstrapServer === null ? {} : { ODRADEK_BOOTSTRAP_SERVER: bootstrapServer }
  const child = spawn(command, [...first, ...args], {
    cwd: repository,
    env: { ...cleanEnvironment(), ...server, ...options.env },
  })
  const outcome = { code: null as number | null, stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    outcome.stdout += text
    if (options.interruptAfter !== undefined && outcome.stdout.includes(options.interruptAfter)) child.kill('SIGINT')
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    outcome.stderr += text
  })
  // A program that was typed wrong reads nothing.
  child.stdin.on('error', () => {})
  child.stdin.end(options.input ?? '')
  const ended = new Promise<Outcome>((resolve) => {
    child.on('close', (code) => resolve({ ...outcome, code }))
  })
  return withTimeout(TIMEOUT_MS, `odradek ${args.join(' ')} has not ended`, ended).finally(() => child.kill('SIGKILL'))
}
