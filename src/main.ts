import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import pino from 'pino'
import packageJson from '../package.json' with { type: 'json' }
import { loadBrokerConfig } from './config/broker-config.ts'
import { ConfigError } from './config/config-error.ts'
import { nodeClock } from './io/node-clock.ts'
import { nodeFileSystem } from './io/node-file-system.ts'
import { nodeProcessTable } from './io/node-process-table.ts'
import { nodeRandom } from './io/node-random.ts'
import { NodeTransport } from './io/node-transport.ts'
import { nodeWork } from './io/node-work.ts'
import { endOfTurn } from './io/turn.ts'
import { Odradek } from './server/odradek.ts'
import { StorageError } from './storage/local/storage-error.ts'

const USAGE = `Usage: odradek [options]

A Kafka broker in one process. Clients connect unchanged.

  -p, --port PORT           port of the client listener; 0 picks a free one (default: 9092)
  -d, --data DIR            where logs live (default: ./data)
      --durability os|disk  where acks=all ends (default: disk)
  -s, --set NAME=VALUE      any of Kafka's broker settings; may be repeated
  -c, --config FILE         a Kafka server.properties
  -V, --version             print the version
  -h, --help                print this
`

const OPTIONS = {
  port: { type: 'string', short: 'p' },
  data: { type: 'string', short: 'd' },
  durability: { type: 'string' },
  set: { type: 'string', short: 's' },
  config: { type: 'string', short: 'c' },
  version: { type: 'boolean', short: 'V' },
  help: { type: 'boolean', short: 'h' },
} as const

/** What a person typed wrong. */
class UsageError extends Error {}

interface CommandLine {
  /** Options are settings too, stronger than any other source. */
  readonly settings: ReadonlyMap<string, string>
  readonly configFile: string | null
  readonly print: 'help' | 'version' | null
}

function readCommandLine(args: readonly string[]): CommandLine {
  const settings = new Map<string, string>()
  // Stronger than the same thing said with --set, in whatever order.
  const named = new Map<string, string>()
  let configFile: string | null = null
  let print: CommandLine['print'] = null
  for (const token of parseArgs({ args: [...args], options: OPTIONS, strict: false, tokens: true }).tokens) {
    if (token.kind === 'option-terminator') continue
    if (token.kind === 'positional') throw new UsageError(`unexpected argument '${token.value}'`)
    const { name, rawName } = token
    if (name === 'help' || name === 'version') {
      print ??= name
      continue
    }
    if (!Object.hasOwn(OPTIONS, name)) throw new UsageError(`unknown option '${rawName}'`)
    const value = token.value ?? ''
    // `--data --port 9093` misses a folder; one that begins so can still be said as --data=--port.
    if (value === '' || (!token.inlineValue && value.startsWith('--'))) throw new UsageError(`${rawName} needs a value`)
    if (name === 'port') named.set('listeners', `PLAINTEXT://:${portOf(rawName, value)}`)
    else if (name === 'data') named.set('log.dirs', value)
    else if (name === 'durability') named.set('odradek.durability', value)
    else if (name === 'config') configFile = value
    else settings.set(...settingOf(rawName, value))
  }
  return { settings: new Map([...settings, ...named]), configFile, print }
}

function portOf(option: string, value: string): number {
  const port = /^\d{1,5}$/.test(value) ? Number(value) : Number.NaN
  if (!(port <= 65535)) throw new UsageError(`${option} ${value}: a port is a number from 0 to 65535`)
  return port
}

function settingOf(option: string, text: string): [name: string, value: string] {
  const at = text.indexOf('=')
  const name = text.slice(0, Math.max(0, at)).trim()
  if (name === '') throw new UsageError(`${option} ${text}: a setting has the form NAME=VALUE`)
  return [name, text.slice(at + 1)]
}

function readConfigFile(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (!isSystemError(error)) throw error
    throw new UsageError(`--config ${file}: ${reasonOf(error)}`)
  }
}

async function main(): Promise<void> {
  const { settings, configFile, print } = readCommandLine(process.argv.slice(2))
  if (print !== null) {
    process.stdout.write(print === 'help' ? USAGE : `${packageJson.version}\n`)
    return
  }
  const logger = pino(
    { level: process.env['ODRADEK_LOG_LEVEL'] ?? 'info', base: null },
    pino.destination({ dest: 2, sync: true }),
  )
  const { config, notHonoured, unknown, clusterId } = loadBrokerConfig({
    commandLine: settings,
    environment: process.env,
    file: configFile === null ? null : readConfigFile(configFile),
    defaults: new Map([['log.dirs', './data']]),
  })
  if (notHonoured.length > 0) logger.warn(`settings without an effect here: ${notHonoured.join(', ')}`)
  if ((config['log.dirs'] ?? []).length > 1) {
    logger.warn(`log.dirs: everything goes to ${config.dataDirectory}, the first of them; the others stay unused`)
  }
  if (unknown.length > 0) logger.warn(`settings that nobody knows: ${unknown.join(', ')}`)

  const odradek = await Odradek.start(
    {
      fileSystem: nodeFileSystem,
      clock: nodeClock,
      random: nodeRandom,
      transport: new NodeTransport(),
      work: nodeWork(),
      endOfTurn,
      processes: nodeProcessTable,
      logger,
    },
    { config, clusterId },
  )
  const stop = (reason: string) => {
    logger.info(`${reason}: stopping`)
    odradek.close().then(
      () => process.exit(0),
      (error) => fail(error),
    )
  }
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, stop)
  if (process.env['ODRADEK_LAUNCHED']) process.on('disconnect', () => stop('the launcher is gone'))
  const places = odradek.listeners.map(({ advertisedHost, advertisedPort }) => `${advertisedHost}:${advertisedPort}`)
  process.stdout.write(`Odradek is ready on ${places.join(', ')}, data in ${config.dataDirectory}\n`)
}

/** One line for what a person can put right, a stack for what is our fault. */
function fail(error: unknown): never {
  process.stderr.write(`${isForPerson(error) ? `odradek: ${explain(error)}` : stackOf(error)}\n`)
  process.exit(1)
}

function isForPerson(error: unknown): error is Error {
  return (
    error instanceof UsageError || error instanceof ConfigError || error instanceof StorageError || isSystemError(error)
  )
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

interface SystemError extends NodeJS.ErrnoException {
  readonly code: string
  readonly address?: string
  readonly port?: number
  readonly hostname?: string
}

function isSystemError(error: unknown): error is SystemError {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === 'string'
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not read or write it',
  EPERM: 'this user may not read or write it',
  EROFS: 'the file system is read-only',
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'a file stands where a folder is needed',
  EEXIST: 'a file stands where a folder is needed',
  EISDIR: 'it is a folder, not a file',
  ENOSPC: 'the disk is full',
}

function reasonOf(error: SystemError): string {
  return REASONS[error.code] ?? error.message
}

function explain(error: Error): string {
  if (error instanceof UsageError) return `${error.message} (odradek --help tells more)`
  if (!isSystemError(error)) return error.message
  const { code, port, path, hostname } = error
  if (code === 'EADDRINUSE') {
    return `port ${port} is in use by another program; stop it, or choose another port with --port`
  }
  if (code === 'EACCES' && port !== undefined) return `this user may not listen on port ${port}; choose one above 1023`
  if (code === 'EADDRNOTAVAIL') return `listeners: no network interface here has the address ${error.address}`
  if (code === 'ENOTFOUND') return `listeners: nobody knows the host ${hostname}`
  if (path !== undefined) return `cannot use ${path}: ${reasonOf(error)}`
  return error.message
}

main().catch(fail)
