import pino, { type Logger } from 'pino'
import { type BrokerConfig, loadBrokerConfig } from '../config/broker-config.ts'
import { HTTP_LISTENER_RANGE, parseHttpListener } from '../config/http-listener.ts'
import { nodeClock } from '../io/node-clock.ts'
import { nodeFileSystem } from '../io/node-file-system.ts'
import { nodeProcessTable } from '../io/node-process-table.ts'
import { nodeRandom } from '../io/node-random.ts'
import { NodeTransport } from '../io/node-transport.ts'
import { nodeWork } from '../io/node-work.ts'
import { endOfTurn } from '../io/turn.ts'
import { Odradek } from '../server/odradek.ts'
import { isSystemError, reasonOf } from './failure.ts'
import type { GivenOption } from './option-reader.ts'
import { UsageError } from './usage-error.ts'

export const START_OPTIONS = {
  port: { type: 'string', short: 'p' },
  data: { type: 'string', short: 'd' },
  durability: { type: 'string' },
  brokers: { type: 'string' },
  set: { type: 'string', short: 's' },
  config: { type: 'string', short: 'c' },
  http: { type: 'string' },
} as const

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

type StartOption = keyof typeof START_OPTIONS

interface StartSettings {
  /** Options are settings too, stronger than any other source. */
  readonly settings: ReadonlyMap<string, string>
  readonly configFile: string | null
}

export function readStartSettings(options: readonly GivenOption<StartOption>[]): StartSettings {
  const settings = new Map<string, string>()
  // Stronger than the same thing said with --set, in whatever order.
  const named = new Map<string, string>()
  let configFile: string | null = null
  for (const { name, rawName, value } of options) {
    if (name === 'port') named.set('listeners', `PLAINTEXT://:${portOf(rawName, value)}`)
    else if (name === 'data') named.set('log.dirs', value)
    else if (name === 'durability') named.set('odradek.durability', value)
    else if (name === 'brokers') named.set('odradek.virtual.brokers', value)
    else if (name === 'http') named.set('odradek.http.listener', httpListenerOf(rawName, value))
    else if (name === 'config') configFile = value
    else settings.set(...settingOf(rawName, value))
  }
  return { settings: new Map([...settings, ...named]), configFile }
}

function portOf(option: string, value: string): number {
  const port = /^\d{1,5}$/.test(value) ? Number(value) : Number.NaN
  if (!(port <= 65535)) throw new UsageError(`${option} ${value}: a port is a number from 0 to 65535`)
  return port
}

function httpListenerOf(option: string, value: string): string {
  if (parseHttpListener(value) === null) throw new UsageError(`${option} ${value}: give ${HTTP_LISTENER_RANGE}`)
  return value
}

function settingOf(option: string, text: string): [name: string, value: string] {
  const at = text.indexOf('=')
  const name = text.slice(0, Math.max(0, at)).trim()
  if (name === '') throw new UsageError(`${option} ${text}: a setting has the form NAME=VALUE`)
  return [name, text.slice(at + 1)]
}

function readConfigFile(file: string): string {
  try {
    const content = nodeFileSystem.readFile(file)
    if (content === null) throw new UsageError(`--config ${file}: there is no such file or folder`)
    return content.toString('utf8')
  } catch (error) {
    if (!isSystemError(error)) throw error
    throw new UsageError(`--config ${file}: ${reasonOf(error)}`)
  }
}

function logLevel(): string {
  const level = process.env['ODRADEK_LOG_LEVEL'] || 'info'
  if (LOG_LEVELS.includes(level)) return level
  throw new UsageError(`ODRADEK_LOG_LEVEL ${level}: the levels are ${LOG_LEVELS.join(', ')}`)
}

/** What the command needs of the broker it runs. */
interface Running {
  /** `host:port` of every listener. */
  readonly addresses: readonly string[]
  close(): Promise<void>
}

async function run(config: BrokerConfig, clusterId: string | null, logger: Logger): Promise<Running> {
  const common = { logger, processes: nodeProcessTable }
  if (config['odradek.http.listener'] !== null) {
    // Loaded only when it is asked for: a start without it does not pay for it.
    const { TestBroker } = await import('../testing/test-broker.ts')
    const broker = await TestBroker.host({ ...common, config, clusterId, disk: nodeFileSystem })
    return { addresses: broker.brokers.map(({ address }) => address), close: () => broker.close() }
  }
  const odradek = await Odradek.start(
    {
      ...common,
      fileSystem: nodeFileSystem,
      clock: nodeClock,
      random: nodeRandom,
      transport: new NodeTransport(),
      work: nodeWork(),
      endOfTurn,
    },
    { config, clusterId },
  )
  const addresses = odradek.listeners.map(({ address }) => address)
  return { addresses, close: () => odradek.close() }
}

/** Runs a broker until it is told to stop. Resolves when it is ready. */
export async function start(
  options: readonly GivenOption<StartOption>[],
  fail: (error: unknown) => never,
): Promise<void> {
  const { settings, configFile } = readStartSettings(options)
  const logger = pino({ level: logLevel(), base: null }, pino.destination({ dest: 2, sync: true }))
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

  const running = await run(config, clusterId, logger)
  const stop = (reason: string) => {
    logger.info(`${reason}: stopping`)
    running.close().then(() => process.exit(0), fail)
  }
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, stop)
  if (process.env['ODRADEK_LAUNCHED']) process.on('disconnect', () => stop('the launcher is gone'))
  process.stdout.write(`Odradek is ready on ${running.addresses.join(', ')}, data in ${config.dataDirectory}\n`)
}
