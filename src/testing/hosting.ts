import pino, { type Logger } from 'pino'
import { type BrokerConfig, loadBrokerConfig } from '../config/broker-config.ts'
import type { Clock } from '../io/clock.ts'
import type { FileSystem } from '../io/file-system.ts'
import { nodeFileSystem } from '../io/node-file-system.ts'
import { nodeProcessTable } from '../io/node-process-table.ts'
import type { ProcessTable } from '../io/process-table.ts'
import { SimulatedFileSystem } from '../io/simulated-file-system.ts'
import type { StartOptions } from './start-options.ts'

const MEMORY_DIRECTORY = '/data'

/** What a test wants otherwise than a server: nothing is kept for later, and little is made in advance. */
const TEST_DEFAULTS: Readonly<Record<string, string>> = {
  'log.segment.delete.delay.ms': '0',
  'offsets.topic.num.partitions': '4',
}

/** What a broker that is played with is made of. */
export interface Hosting {
  readonly config: BrokerConfig
  readonly clusterId: string | null
  readonly logger: Logger
  readonly disk: FileSystem
  readonly processes: ProcessTable | null
}

/** In memory unless the options name a directory. Throws ConfigError for settings that do not fit. */
export function hostingOf(options: StartOptions, clock: Clock): Hosting {
  const onDisk = options.dataDirectory !== undefined
  return {
    config: configOf(options),
    clusterId: options.clusterId ?? null,
    logger: loggerOf(options.logger ?? 'silent'),
    disk: onDisk ? nodeFileSystem : new SimulatedFileSystem({ crashable: false, nowMs: () => clock.nowMs() }),
    processes: onDisk ? nodeProcessTable : null,
  }
}

function configOf(options: StartOptions): BrokerConfig {
  const { port = 0, host = '127.0.0.1', brokers = 1, dataDirectory, http, config = {} } = options
  const own = Object.entries(config).map(([name, value]): [string, string] => [name, String(value)])
  const texts = new Map([
    ...Object.entries(TEST_DEFAULTS),
    ['odradek.durability', dataDirectory === undefined ? 'os' : 'disk'],
    ['odradek.virtual.brokers', String(brokers)],
    ['listeners', `PLAINTEXT://${host}:${port}`],
    ['log.dirs', dataDirectory ?? MEMORY_DIRECTORY],
    ...(http === undefined ? [] : ([['odradek.http.listener', String(http)]] as const)),
    ...own,
  ])
  return loadBrokerConfig({ commandLine: texts }).config
}

function loggerOf(logger: NonNullable<StartOptions['logger']>): Logger {
  if (typeof logger !== 'string') return logger
  return pino({ level: logger, base: null }, pino.destination({ dest: 2, sync: true }))
}
