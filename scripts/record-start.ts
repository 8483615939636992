import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TerminalLine, terminalPicture } from './terminal-picture.ts'

/**
 * node scripts/record-start.ts [FILE]
 *
 * The first minute with a broker, as a picture: starts one, produces and consumes as the README says, and draws what was
 * printed to FILE, docs/first-start.svg unless given.
 */
const root = path.resolve(import.meta.dirname, '..')
const program = path.join(root, 'bin', 'odradek.cjs')
const PATIENCE_MS = 30_000
/** What people type; 9092 may be taken here, and is what they see. */
const PORT = 9092
const COMMANDS = ['echo hello | npx odradek produce greetings', 'npx odradek consume greetings']

interface Surroundings {
  readonly folder: string
  readonly port: number
}

function environment({ port }: Surroundings): Record<string, string | undefined> {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(?:KAFKA_|CLUSTER_ID$|ODRADEK_|NODE_OPTIONS$)/.test(name),
  )
  return { ...Object.fromEntries(kept), ODRADEK_BOOTSTRAP_SERVER: `localhost:${port}`, ODRADEK_LOG_LEVEL: 'warn' }
}

/** Resolves with all that a command has printed, once it has ended or printed the line that tells it is ready. */
function output(child: ChildProcess, isEnough: (text: string) => boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const timer = setTimeout(() => reject(new Error(`no end after ${PATIENCE_MS} ms: ${text}`)), PATIENCE_MS)
    const end = (finish: () => void) => {
      clearTimeout(timer)
      finish()
    }
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
        if (isEnough(text)) end(() => resolve(text))
      })
    }
    child.on('error', (error) => end(() => reject(error)))
    child.on('close', (code) =>
      end(() => (code === 0 ? resolve(text) : reject(new Error(`ended with ${code}: ${text}`)))),
    )
  })
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject(address)))
    })
  })
}

function linesOf(command: string, printed: string, { port }: Surroundings): TerminalLine[] {
  const shown = printed.trimEnd().replaceAll(`:${port}`, `:${PORT}`)
  return [{ kind: 'command', text: command }, ...shown.split('\n').map((text) => ({ kind: 'output', text }) as const)]
}

async function record(surroundings: Surroundings): Promise<TerminalLine[]> {
  const options = { cwd: surroundings.folder, env: environment(surroundings) }
  const listener = ['--set', `listeners=PLAINTEXT://localhost:${surroundings.port}`]
  const broker = spawn(process.execPath, [program, ...listener], options)
  const ended = new Promise((resolve) => broker.once('close', resolve))
  try {
    const lines = linesOf('npx odradek', await output(broker, (text) => text.includes('ready on')), surroundings)
    for (const command of COMMANDS) {
      const line = command.replace('npx odradek', `'${process.execPath}' '${program}'`)
      const child = spawn('sh', ['-c', line], { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
      lines.push({ kind: 'gap', text: '' }, ...linesOf(command, await output(child, () => false), surroundings))
    }
    return lines
  } finally {
    broker.kill('SIGTERM')
    await ended
  }
}

const file = path.resolve(process.argv[2] ?? path.join(root, 'docs', 'first-start.svg'))
const folder = mkdtempSync(path.join(tmpdir(), 'odradek-first-start-'))
try {
  const lines = await record({ folder, port: await freePort() })
  writeFileSync(file, terminalPicture(lines))
} finally {
  rmSync(folder, { recursive: true })
}
