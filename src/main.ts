import packageJson from '../package.json' with { type: 'json' }
import { describeFailure } from './cli/failure.ts'
import { readArguments } from './cli/option-reader.ts'
import { START_OPTIONS, start } from './cli/start.ts'
import { UsageError } from './cli/usage-error.ts'

const USAGE = `Usage: odradek [options]
       odradek verify DIR
       odradek backup DIR DEST

A Kafka broker in one process. Clients connect unchanged.

  -p, --port PORT           port of the client listener; 0 picks a free one (default: 9092)
  -d, --data DIR            where logs live (default: ./data)
      --durability os|disk  where acks=all ends (default: disk)
      --brokers N           play a cluster of N brokers, on N ports in a row (default: 1)
  -s, --set NAME=VALUE      any of Kafka's broker settings; may be repeated
  -c, --config FILE         a Kafka server.properties
  -t, --topic SPEC          create a topic at the start, NAME[:PARTITIONS[:REPLICATION[:POLICY]]]; may be repeated
      --http [HOST:]PORT    serve HTTP, which makes faults happen; on this machine only without a host
  -V, --version             print the version
  -h, --help                print this

  verify DIR                check every file of a data directory; changes nothing
  backup DIR DEST           copy a data directory, of a running broker too, to a new one
`

const OPTIONS = {
  ...START_OPTIONS,
  version: { type: 'boolean', short: 'V' },
  help: { type: 'boolean', short: 'h' },
} as const

/** Loaded only when asked for: a broker's start does not pay for them. */
const COMMANDS: Readonly<Record<string, () => Promise<(args: readonly string[]) => Promise<number>>>> = {
  verify: async () => (await import('./cli/verify.ts')).verify,
  backup: async () => (await import('./cli/backup.ts')).backup,
}

async function main(args: readonly string[]): Promise<void> {
  const load = Object.hasOwn(COMMANDS, args[0] ?? '') ? COMMANDS[args[0]!] : undefined
  if (load !== undefined && !args.some((arg) => arg === '--help' || arg === '-h')) {
    const command = await load()
    process.exitCode = await command(args.slice(1))
    return
  }
  const { options, positionals } = readArguments(load === undefined ? args : args.slice(1), OPTIONS)
  const print = options.find(({ name }) => name === 'help' || name === 'version')?.name
  if (print !== undefined) {
    process.stdout.write(print === 'help' ? USAGE : `${packageJson.version}\n`)
    return
  }
  if (positionals.length > 0) throw new UsageError(`unexpected argument '${positionals[0]}'`)
  await start(
    options.flatMap(({ name, ...option }) => (name === 'help' || name === 'version' ? [] : [{ name, ...option }])),
    fail,
  )
}

function fail(error: unknown): never {
  process.stderr.write(`${describeFailure(error)}\n`)
  process.exit(1)
}

main(process.argv.slice(2)).catch(fail)
