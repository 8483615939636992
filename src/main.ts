import { readFileSync } from 'node:fs'
import { Command, InvalidArgumentError, Option } from 'commander'
import pino from 'pino'
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

interface Options {
  readonly port?: string
  readonly data?: string
  readonly durability?: string
  readonly set: readonly (readonly [string, string])[]
  readonly config?: string
}

function setting(text: string, before: readonly (readonly [string, string])[]): (readonly [string, string])[] {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError(`'${text}' is not of the form name=value.`)
  return [...before, [text.slice(0, at).trim(), text.slice(at + 1)]]
}

function parse(argv: readonly string[]): Options {
  return new Command('odradek')
    .description('A Kafka broker in one process. Clients connect unchanged.')
    .option('-p, --port <port>', 'port of the client listener; 0 picks a free one (default: 9092)')
    .option('-d, --data <dir>', 'where logs live (default: ./data)')
    .addOption(new Option('--durability <os|disk>', 'where acks=all ends (default: disk)').choices(['os', 'disk']))
    .addOption(
      new Option('-s, --set <name=value>', "any of Kafka's broker settings; may be repeated")
        .argParser(setting)
        .default([], 'none'),
    )
    .option('-c, --config <file>', 'a Kafka server.properties')
    .parse(argv, { from: 'user' })
    .opts<Options>()
}

/** Command line options are settings too, stronger than any other source. */
function commandLineSettings(options: Options): Map<string, string> {
  const settings = new Map(options.set)
  if (options.port !== undefined) settings.set('listeners', `PLAINTEXT://:${options.port}`)
  if (options.data !== undefined) settings.set('log.dirs', options.data)
  if (options.durability !== undefined) settings.set('odradek.durability', options.durability)
  return settings
}

async function main(): Promise<void> {
  const options = parse(process.argv.slice(2))
  const logger = pino(
    { level: process.env['ODRADEK_LOG_LEVEL'] ?? 'info', base: null },
    pino.destination({ dest: 2, sync: true }),
  )
  const { config, notHonoured, unknown, clusterId } = loadBrokerConfig({
    commandLine: commandLineSettings(options),
    environment: process.env,
    file: options.config === undefined ? null : readFileSync(options.config, 'utf8'),
    defaults: new Map([['log.dirs', './data']]),
  })
  if (notHonoured.length > 0) logger.warn(`settings without an effect here: ${notHonoured.join(', ')}`)
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
  const stop = (signal: string) => {
    logger.info(`${signal}: stopping`)
    odradek.close().then(
      () => process.exit(0),
      (error) => fail(error),
    )
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  const places = odradek.listeners.map(({ advertisedHost, advertisedPort }) => `${advertisedHost}:${advertisedPort}`)
  process.stdout.write(`Odradek is ready on ${places.join(', ')}, data in ${config.dataDirectory}\n`)
}

/** One line for what a person can put right, a stack for what is our fault. */
function fail(error: unknown): never {
  const known = error instanceof ConfigError || error instanceof StorageError || isSystemError(error)
  console.error(known ? `odradek: ${explain(error)}` : error)
  process.exit(1)
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === 'string'
}

function explain(error: Error): string {
  const { code, port } = error as NodeJS.ErrnoException & { port?: number }
  if (code === 'EADDRINUSE') {
    return `port ${port} is in use by another program; stop it, or choose another port with --port`
  }
  if (code === 'EACCES' && port !== undefined) return `this user may not listen on port ${port}; choose one above 1023`
  return error.message
}

main().catch(fail)
