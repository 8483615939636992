import { OptionError, type Options, type OptionTable, optionForm, readOptions } from './option-table.ts'
import { ToolFailure, UsageExit } from './tool-failure.ts'
import type { ToolIo } from './tool-io.ts'

/** One thing that a tool with subcommands does. */
export interface Subcommand {
  readonly about: string
  readonly options: OptionTable
  run(options: Options<string>, io: ToolIo): Promise<number>
}

export interface SubcommandTool {
  readonly name: string
  readonly about: string
  /** Options of every subcommand; some tools want them before its name, and here both places will do. */
  readonly common: OptionTable
  readonly subcommands: Readonly<Record<string, Subcommand>>
}

const HELP = { help: { kind: 'none', short: 'h', about: 'Print this.' } } as const satisfies OptionTable

/** Reads `TOOL [options] SUBCOMMAND [options]`. Usage texts for errors go to standard error with exit code 1. */
export async function runSubcommand(tool: SubcommandTool, args: readonly string[], io: ToolIo): Promise<number> {
  const at = nameAt(tool, args)
  const name = at < 0 ? undefined : args[at]
  const subcommand = name !== undefined && Object.hasOwn(tool.subcommands, name) ? tool.subcommands[name] : undefined
  if (subcommand === undefined) return withoutSubcommand(tool, name, args, io)
  const table: OptionTable = { ...tool.common, ...subcommand.options, ...HELP }
  const usage = subcommandUsage(tool.name, name!, subcommand.about, table)
  try {
    const options = readOptions([...args.slice(0, at), ...args.slice(at + 1)], table)
    if (options.has('help')) {
      io.out(`${usage}\n`)
      return 0
    }
    const stray = options.positionals[0]
    if (stray !== undefined) throw new UsageExit(`unrecognized arguments: '${stray}'`)
    for (const [option, { required }] of Object.entries(table)) {
      if (required && !options.has(option)) throw new UsageExit(`argument ${argumentName(option, table)} is required`)
    }
    return await subcommand.run(options, io)
  } catch (error) {
    if (error instanceof UsageExit || error instanceof OptionError) {
      io.err(`${usage}\n${tool.name}: error: ${error.message}\n`)
      return 1
    }
    if (!(error instanceof ToolFailure)) throw error
    io.err(`${error.message}\n`)
    return 1
  }
}

/** The first argument that is neither an option nor the value of one. */
function nameAt(tool: SubcommandTool, args: readonly string[]): number {
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!
    if (!arg.startsWith('-')) return at
    const written = arg.replace(/^--?/, '')
    const option = Object.entries(tool.common).find(([name, { short }]) => name === written || short === written)
    if (option !== undefined && option[1].kind === 'value') at++
  }
  return -1
}

function withoutSubcommand(
  tool: SubcommandTool,
  name: string | undefined,
  args: readonly string[],
  io: ToolIo,
): number {
  const names = Object.keys(tool.subcommands)
  const usage = `usage: ${tool.name} [-h] {${names.join(',')}} ...`
  if (args.some((arg) => arg === '-h' || arg === '--help')) {
    const width = Math.max(...names.map(({ length }) => length)) + 2
    const rows = Object.entries(tool.subcommands).map(([one, { about }]) => `  ${one.padEnd(width)}${about}`)
    io.out(`${[usage, '', tool.about, '', ...rows].join('\n')}\n`)
    return 0
  }
  const error = name === undefined ? 'too few arguments' : `invalid choice: '${name}' (choose from ${names.join(', ')})`
  io.err(`${usage}\n${tool.name}: error: ${error}\n`)
  return 1
}

function argumentName(option: string, table: OptionTable): string {
  const { short } = table[option]!
  return short === undefined ? `--${option}` : `--${option}/-${short}`
}

function subcommandUsage(tool: string, name: string, about: string, table: OptionTable): string {
  const forms = Object.entries(table).map(([option, definition]) => {
    return [optionForm(option, definition), definition.about] as const
  })
  const width = Math.max(...forms.map(([form]) => form.length)) + 2
  return [
    `usage: ${tool} ${name} [options]`,
    '',
    about,
    '',
    ...forms.map(([form, text]) => `  ${form.padEnd(width)}${text}`),
  ].join('\n')
}
