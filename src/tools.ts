import { type Command, type CommandGroup, Given, HELP_OPTION } from './cli/command.ts'
import { commandHelp, groupHelp, isGroup } from './cli/command-help.ts'
import { COMMANDS } from './cli/commands.ts'
import { describeFailure } from './cli/failure.ts'
import { KAFKA_TOOLS } from './cli/kafka/tools.ts'
import { readArguments } from './cli/option-reader.ts'
import { expectReaderToGo, isReaderGone, processCommandIo } from './cli/process-command-io.ts'
import { UsageError } from './cli/usage-error.ts'

/** Every command but the broker itself, whose start would pay for them: see bin/odradek.cjs. */

const FAILED = 1
const MISUSED = 2

async function main(args: readonly string[]): Promise<number> {
  const [name = '', ...rest] = args
  const tool = Object.hasOwn(KAFKA_TOOLS, name) ? KAFKA_TOOLS[name] : undefined
  if (tool !== undefined) {
    expectReaderToGo(() => process.exit(0))
    return (await tool())(rest)
  }
  // A member of a group leaves it first.
  expectReaderToGo(() => {})
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name as keyof typeof COMMANDS] : undefined
  if (load === undefined) throw new UsageError(`there is no command '${name}'`)
  return run(await load(), [name], rest)
}

async function run(command: Command | CommandGroup, path: readonly string[], args: readonly string[]): Promise<number> {
  if (isGroup(command)) {
    const [name = '--help', ...rest] = args
    const found = command.commands.find((one) => one.name === name)
    if (found !== undefined) return run(found, [...path, name], rest)
    if (name !== '--help' && name !== '-h')
      throw new UsageError(`there is no command '${[...path, name].join(' ')}'`, path)
    process.stdout.write(groupHelp(command))
    return 0
  }
  try {
    const given = new Given(readArguments(args, { ...command.options, ...HELP_OPTION }))
    if (!given.has('help')) return await command.run(given, processCommandIo())
  } catch (error) {
    throw error instanceof UsageError ? new UsageError(error.message, path) : error
  }
  process.stdout.write(commandHelp(path.join(' '), command))
  return 0
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code
  },
  (error: unknown) => {
    if (isReaderGone(error)) return
    process.stderr.write(`${describeFailure(error)}\n`)
    process.exitCode = error instanceof UsageError ? MISUSED : FAILED
  },
)
