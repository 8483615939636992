/**
 * How an option takes its value: `none` takes none, `value` the next argument whatever it looks like, `optional` the next
 * one unless that is an option. The same rules as the library behind Kafka's own tools.
 */
type OptionKind = 'none' | 'value' | 'optional'

export interface ToolOption {
  readonly kind: OptionKind
  /** What a person reads in the usage text. */
  readonly about: string
  /** The placeholder of the value in the usage text. */
  readonly value?: string
  /** The value has to be a whole number. */
  readonly integer?: boolean
  /** Only where a letter is common. */
  readonly short?: string
  /** Only for subcommands: it has to be given. */
  readonly required?: boolean
}

export type OptionTable = Readonly<Record<string, ToolOption>>

/** A tool as its usage text shows it; `odradek kafka-… --help` and docs/kafka-tools.md are made of this. */
export interface ToolDescription {
  readonly name: string
  readonly about: string
  readonly options: OptionTable
}

/** Arguments that cannot be read. */
export class OptionError extends Error {
  override readonly name = 'OptionError'
}

export class Options<Name extends string> {
  readonly #given: ReadonlyMap<string, readonly (string | null)[]>
  readonly #table: OptionTable
  readonly positionals: readonly string[]

  constructor(
    table: OptionTable,
    given: ReadonlyMap<string, readonly (string | null)[]>,
    positionals: readonly string[],
  ) {
    this.#table = table
    this.#given = given
    this.positionals = positionals
  }

  has(name: Name): boolean {
    return this.#given.has(name)
  }

  /** Null without the option, and without its value where that may be left out. Throws where it is given twice. */
  value(name: Name): string | null {
    const values = this.values(name)
    if (values.length > 1) {
      throw new OptionError(`Found multiple arguments for option ${name}, but you asked for only one`)
    }
    return values[0] ?? null
  }

  values(name: Name): string[] {
    return (this.#given.get(name) ?? []).filter((value) => value !== null)
  }

  /** As value(); the table says that it is a whole number. */
  integer(name: Name): number | null {
    const text = this.value(name)
    if (text === null) return null
    if (!this.#table[name]?.integer || !/^[+-]?\d{1,15}$/.test(text)) throw notParsed(name, text)
    return Number(text)
  }
}

function notParsed(name: string, text: string): OptionError {
  return new OptionError(`Cannot parse argument '${text}' of option ${name}`)
}

/** Throws OptionError in the words of Kafka's tools. */
export function readOptions<Table extends OptionTable>(
  args: readonly string[],
  table: Table,
): Options<keyof Table & string> {
  const given = new Map<string, (string | null)[]>()
  const positionals: string[] = []
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!
    if (arg === '--') {
      positionals.push(...args.slice(at + 1))
      break
    }
    if (!looksLikeOption(arg)) {
      positionals.push(arg)
      continue
    }
    const { name, inline } = splitOption(arg, table)
    const values = given.get(name) ?? []
    given.set(name, values)
    const { kind } = table[name]!
    if (kind === 'none') {
      if (inline !== null && inline !== '') throw new OptionError(`Option ${name} does not take an argument`)
      continue
    }
    if (inline !== null) {
      values.push(inline)
      continue
    }
    const next = args[at + 1]
    if (kind === 'optional' && (next === undefined || looksLikeOption(next))) {
      values.push(null)
      continue
    }
    if (next === undefined) throw new OptionError(`Option ${name} requires an argument`)
    values.push(next)
    at++
  }
  return new Options<keyof Table & string>(table, given, positionals)
}

/** A number below zero is a value. */
function looksLikeOption(arg: string): boolean {
  return /^-[^-\d]|^--./.test(arg)
}

function splitOption(arg: string, table: OptionTable): { name: string; inline: string | null } {
  const text = arg.replace(/^--?/, '')
  const equals = text.indexOf('=')
  const written = equals < 0 ? text : text.slice(0, equals)
  const inline = equals < 0 ? null : text.slice(equals + 1)
  if (Object.hasOwn(table, written)) return { name: written, inline }
  const short = Object.entries(table).find(([, option]) => option.short === written)
  if (short !== undefined) return { name: short[0], inline }
  throw new OptionError(`${written} is not a recognized option`)
}

const ABOUT_COLUMN = 42
const ABOUT_WIDTH = 70

/** The usage text: one entry for each option, in the order of the alphabet. */
export function usageText(options: OptionTable): string {
  const rows = Object.entries(options)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, option]) => usageRow(name, option))
  return [`${'Option'.padEnd(ABOUT_COLUMN)}Description`, `${'------'.padEnd(ABOUT_COLUMN)}-----------`]
    .concat(rows)
    .join('\n')
}

export function optionForm(name: string, { kind, value, short }: ToolOption): string {
  const placeholder =
    kind === 'value' ? ` <${value ?? 'String'}>` : kind === 'optional' ? ` [${value ?? 'String'}]` : ''
  return `${short === undefined ? '' : `-${short}, `}--${name}${placeholder}`
}

function usageRow(name: string, option: ToolOption): string {
  const form = optionForm(name, option)
  const lines = wrapped(option.about)
  const first = form.length < ABOUT_COLUMN ? form.padEnd(ABOUT_COLUMN) + lines.shift()! : form
  return [first, ...lines.map((line) => ' '.repeat(ABOUT_COLUMN) + line)].join('\n')
}

function wrapped(text: string): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > ABOUT_WIDTH) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line]
}
