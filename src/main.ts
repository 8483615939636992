import packageJson from '../package.json' with { type: 'json' }
import { columns } from './cli/command-help.ts'
import { COMMAND_LIST } from './cli/command-list.ts'
import { describeFailure } from './cli/failure.ts'
import { readArguments } from './cli/option-reader.ts'
import { START_OPTIONS, start } from './cli/start.ts'
import { startHelp } from './cli/start-help.ts'
import { UsageError } from './cli/usage-error.ts'

/** The broker. Every other command is in src/tools.ts. */

const OPTIONS = {
  ...START_OPTIONS,
  version: { type: 'boolean', short: 'V' },
  help: { type: 'boolean', short: 'h' },
} as const

function usage(): string {
  const commands = columns(Object.entries(COMMAND_LIST).map(([name, about]) => [`  ${name}`, about]))
  return `Usage: odradek [start] [options]
       odradek COMMAND [options]

A Kafka broker in one process. Clients connect unchanged.

Options of start:
${startHelp()}
Commands:
${commands}
odradek COMMAND --help tells more. Kafka's own tools are there by their names: odradek kafka-topics --list …
`
}

async function main(args: readonly string[]): Promise<void> {
  const [word] = args
  const { options, positionals } = readArguments(word === 'start' || word === 'help' ? args.slice(1) : args, OPTIONS)
  const print = word === 'help' ? word : options.find(({ name }) => name === 'help' || name === 'version')?.name
  if (print !== undefined) {
    process.stdout.write(print === 'help' ? usage() : `${packageJson.version}\n`)
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
