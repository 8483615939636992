import pino, { type Logger } from 'pino'
import { type BrokerConfig, type ConfigSources, type LoadedConfig, loadBrokerConfig } from '../config/broker-config.ts'
import { wantsDebug } from '../config/environment.ts'
import {
  type FirstTopic,
  firstTopicsOf,
  parseTopicSpecs,
  TOPICS_FILE_SETTING,
  TOPICS_SETTING,
} from '../config/first-topics.ts'
import { HTTP_LISTENER_RANGE, parseHttpListener } from '../config/http-listener.ts'
import { nodeClock } from '../io/node-clock.ts'
import { nodeFileSystem } from '../io/node-file-system.ts'
import { nodeProcessTable } from '../io/node-process-table.ts'
import { nodeRandom } from '../io/node-random.ts'
import { NodeTransport } from '../io/node-transport.ts'
import { nodeWork } from '../io/node-work.ts'
import { endOfTurn } from '../io/turn.ts'
import { Odradek } from '../server/odradek.ts'
import type { BoundListener } from '../server/server.ts'
import { isSystemError, reasonOf } from './failure.ts'
import { withLostVariables } from './first-environment.ts'
import type { GivenOption } from './option-reader.ts'
import { ReadyFile, readyText, wantsPhrases } from './readiness.ts'
import { UsageError } from './usage-error.ts'

export const START_OPTIONS = {
  port: { type: 'string', short: 'p' },
  data: { type: 'string', short: 'd' },
  durability: { type: 'string' },
  brokers: { type: 'string' },
  set: { type: 'string', short: 's' },
  config: { type: 'string', short: 'c' },
  http: { type: 'string' },
  topic: { type: 'string', short: 't' },
} as const

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

/** As a shell reports a process that SIGTERM has ended. */
const STOPPED_EARLY = 143

type Environment = Readonly<Record<string, string | undefined>>
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
  const topics: string[] = []
  let configFile: string | null = null
  for (const { name, rawName, value } of options) {
    if (name === 'port') named.set('listeners', `PLAINTEXT://:${portOf(rawName, value)}`)
    else if (name === 'data') named.set('log.dirs', value)
    else if (name === 'durability') named.set('odradek.durability', value)
    else if (name === 'brokers') named.set('odradek.virtual.brokers', value)
    else if (name === 'http') named.set('odradek.http.listener', httpListenerOf(rawName, value))
    else if (name === 'topic') topics.push(topicOf(rawName, value))
    else if (name === 'config') configFile = value
    else settings.set(...settingOf(rawName, value))
  }
  if (topics.length > 0) named.set(TOPICS_SETTING, topics.join(','))
  return { settings: new Map([...settings, ...named]), configFile }
}

function portOf(option: string, value: string): number {
  const port = /^\d{1,5}$/.test(value) ? Number(value) : Number.NaN
  if (!(port <= 65535)) throw new UsageError(`${option} ${value}: a port is a number from 0 to 65535`)
  return port
}

function topicOf(option: string, spec: string): string {
  // Refused here, where the message can name the option.
  parseTopicSpecs(spec, `${option} ${spec}: `)
  return spec
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

/** Null where there is no such file; what cannot be read is refused in the name of what pointed to it. */
function readText(source: string, file: string): string | null {
  try {
    return nodeFileSystem.readFile(file)?.toString('utf8') ?? null
  } catch (error) {
    if (!isSystemError(error)) throw error
    throw new UsageError(`${source} ${file}: ${reasonOf(error)}`)
  }
}

function readConfigFile(file: string): string {
  const content = readText('--config', file)
  if (content === null) throw new UsageError(`--config ${file}: there is no such file or folder`)
  return content
}

/** A secret that cannot be read is passed over with a warning, as Bitnami's images do. */
function readSecret(file: string): string | null {
  try {
    return nodeFileSystem.readFile(file)?.toString('utf8') ?? null
  } catch (error) {
    if (!isSystemError(error)) throw error
    return null
  }
}

function logLevel(environment: Environment): string {
  const level = environment['ODRADEK_LOG_LEVEL'] || (wantsDebug(environment) ? 'debug' : 'info')
  if (LOG_LEVELS.includes(level)) return level
  throw new UsageError(`ODRADEK_LOG_LEVEL ${level}: the levels are ${LOG_LEVELS.join(', ')}`)
}

/** What the command needs of the broker it runs. */
interface Running {
  readonly listeners: readonly BoundListener[]
  close(): Promise<void>
}

interface RunOptions {
  readonly config: BrokerConfig
  readonly clusterId: string | null
  readonly firstTopics: readonly FirstTopic[]
}

async function run({ config, clusterId, firstTopics }: RunOptions, logger: Logger): Promise<Running> {
  const common = { logger, processes: nodeProcessTable }
  if (config['odradek.http.listener'] !== null) {
    // Loaded only when it is asked for: a start without it does not pay for it.
    const { TestBroker } = await import('../testing/test-broker.ts')
    const broker = await TestBroker.host({ ...common, config, clusterId, disk: nodeFileSystem }, firstTopics)
    return { listeners: broker.listeners, close: () => broker.close() }
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
    { config, clusterId, firstTopics },
  )
  return { listeners: odradek.listeners, close: () => odradek.close() }
}

/** Says what of the configuration will not happen. */
function load(sources: ConfigSources, logger: Logger): LoadedConfig {
  const loaded = loadBrokerConfig(sources)
  const { config, notHonoured, notBuilt, unknown, notes } = loaded
  for (const note of notes) logger.warn(note)
  if (notBuilt.length > 0) {
    logger.warn(`security is not built yet, so everybody may connect and do everything: ${notBuilt.join(', ')}`)
  }
  if (notHonoured.length > 0) logger.warn(`settings without an effect here: ${notHonoured.join(', ')}`)
  if ((config['log.dirs'] ?? []).length > 1) {
    logger.warn(`log.dirs: everything goes to ${config.dataDirectory}, the first of them; the others stay unused`)
  }
  if (unknown.length > 0) logger.warn(`settings that nobody knows: ${unknown.join(', ')}`)
  return loaded
}

/** Runs a broker until it is told to stop. Resolves when it is ready. */
export async function start(
  options: readonly GivenOption<StartOption>[],
  fail: (error: unknown) => never,
): Promise<void> {
  const { settings, configFile } = readStartSettings(options)
  const environment = withLostVariables(process.env, process.env['ODRADEK_FIRST_ENVIRONMENT'])
  const phrases = wantsPhrases(environment['ODRADEK_READY_PHRASES'])
  const logger = pino({ level: logLevel(environment), base: null }, pino.destination({ dest: 2, sync: true }))
  const { config, clusterId } = load(
    {
      commandLine: settings,
      environment,
      readSecret,
      file: configFile === null ? null : readConfigFile(configFile),
      defaults: new Map([['log.dirs', environment['ODRADEK_DATA'] || './data']]),
    },
    logger,
  )
  const firstTopics = firstTopicsOf(config, (file) => readText(TOPICS_FILE_SETTING, file))
  const readyPath = environment['ODRADEK_READY_FILE']
  const readyFile = readyPath ? new ReadyFile(readyPath, (line) => logger.warn(line)) : null

  let running: Running | null = null
  const stop = (reason: string) => {
    logger.info(`${reason}: stopping`)
    // Nothing is promised to anybody yet. Process 1 of a container has to say so itself: it survives every signal
    // that it does not handle.
    if (running === null) process.exit(STOPPED_EARLY)
    readyFile?.remove()
    running.close().then(() => process.exit(0), fail)
  }
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, stop)
  if (process.env['ODRADEK_LAUNCHED']) process.on('disconnect', () => stop('the launcher is gone'))
  running = await run({ config, clusterId, firstTopics }, logger)
  const { listeners } = running
  readyFile?.write(listeners[0]!, process.pid)
  const addresses = listeners.map(({ address }) => address)
  const ready = { addresses, dataDirectory: config.dataDirectory, nodeId: config['node.id'] }
  process.stdout.write(readyText(ready, phrases))
}
