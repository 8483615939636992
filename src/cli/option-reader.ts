import { parseArgs } from 'node:util'
import { UsageError } from './usage-error.ts'

/** Options of a command by their long names. */
export type OptionTable = Readonly<Record<string, { readonly type: 'string' | 'boolean'; readonly short?: string }>>

/** One option as it was typed. */
export interface GivenOption<Name extends string> {
  readonly name: Name
  /** `-p` or `--port`, for messages. */
  readonly rawName: string
  /** '' for an option without a value. */
  readonly value: string
}

export interface GivenArguments<Name extends string> {
  /** In the order in which they were typed. */
  readonly options: readonly GivenOption<Name>[]
  readonly positionals: readonly string[]
}

/** Throws UsageError for what is not in the table and for values that are missing. */
export function readArguments<Table extends OptionTable>(
  args: readonly string[],
  table: Table,
): GivenArguments<keyof Table & string> {
  const options: GivenOption<keyof Table & string>[] = []
  const positionals: string[] = []
  for (const token of parseArgs({ args: [...args], options: table, strict: false, tokens: true }).tokens) {
    if (token.kind === 'option-terminator') continue
    if (token.kind === 'positional') {
      positionals.push(token.value)
      continue
    }
    const { name, rawName } = token
    const definition = Object.hasOwn(table, name) ? table[name] : undefined
    if (definition === undefined) throw new UsageError(`unknown option '${rawName}'`)
    const value = token.value ?? ''
    if (definition.type === 'string') {
      // `--data --port 9093` misses a folder; one that begins so can still be said as --data=--port.
      const missing = value === '' || (!token.inlineValue && value.startsWith('--'))
      if (missing) throw new UsageError(`${rawName} needs a value`)
    }
    options.push({ name, rawName, value })
  }
  return { options, positionals }
}
