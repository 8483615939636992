import type { CommandIo } from './command-io.ts'
import type { GivenArguments } from './option-reader.ts'
import { UsageError } from './usage-error.ts'

/** What an option's value or an argument is, for the completion of shells. */
export type Completable = 'topic' | 'group' | 'file' | 'folder' | readonly string[]

export interface CommandOption {
  readonly type: 'string' | 'boolean'
  readonly short?: string
  /** The value in help texts: `N`, `HOST:PORT`. */
  readonly value?: string
  readonly about: string
  readonly completes?: Completable
  /** May be given several times. */
  readonly repeats?: boolean
}

export type CommandOptions = Readonly<Record<string, CommandOption>>

/** A command as one reads it in the help, the documents and the completion of a shell, and what it does. */
export interface Command {
  /** Below its group: `create` of `odradek topics create`. */
  readonly name: string
  /** In one line, without a full stop. */
  readonly about: string
  /** `NAME...`, `[GROUP]`; none where it is left out. */
  readonly arguments?: string
  readonly argumentCompletes?: Completable
  /** What else is worth knowing, in whole sentences. */
  readonly details?: string
  readonly options: CommandOptions
  /** What --json prints, as a type. */
  readonly json?: string
  /** Resolves to the exit code. */
  run(given: Given, io: CommandIo): Promise<number>
}

export interface CommandGroup {
  readonly name: string
  readonly about: string
  readonly commands: readonly Command[]
}

export const HELP_OPTION: CommandOptions = {
  help: { type: 'boolean', short: 'h', about: 'print this' },
}

/** What somebody typed after the name of a command. */
export class Given {
  readonly positionals: readonly string[]
  readonly #options: GivenArguments<string>['options']

  constructor({ positionals, options }: GivenArguments<string>) {
    this.positionals = positionals
    this.#options = options
  }

  has(name: string): boolean {
    return this.#options.some((option) => option.name === name)
  }

  /** The last one counts. */
  value(name: string): string | undefined {
    return this.#options.findLast((option) => option.name === name)?.value
  }

  /** In the order in which they were typed. */
  values(name: string): string[] {
    return this.#options.filter((option) => option.name === name).map(({ value }) => value)
  }

  /** Throws UsageError for what is no whole number or outside of the bounds. */
  integer(name: string, minimum: number, maximum = Number.MAX_SAFE_INTEGER): number | undefined {
    const text = this.value(name)
    if (text === undefined) return undefined
    const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN
    if (value >= minimum && value <= maximum) return value
    const upTo = maximum === Number.MAX_SAFE_INTEGER ? '' : ` to ${maximum}`
    throw new UsageError(`--${name} ${text}: give a whole number from ${minimum}${upTo}`)
  }

  /** One of some words. Throws UsageError for any other. */
  word<Word extends string>(name: string, words: readonly Word[]): Word | undefined {
    const text = this.value(name)
    if (text === undefined) return undefined
    const found = words.find((word) => word === text)
    if (found !== undefined) return found
    throw new UsageError(`--${name} ${text}: give one of ${words.join(', ')}`)
  }

  /** `NAME=VALUE`, several times. Throws UsageError for what has another form. */
  pairs(name: string): [name: string, value: string][] {
    return this.values(name).map((text) => {
      const at = text.indexOf('=')
      if (at > 0) return [text.slice(0, at).trim(), text.slice(at + 1)]
      throw new UsageError(`--${name} ${text}: it has the form NAME=VALUE`)
    })
  }

  /** The only argument. Throws UsageError where there is none, or another. */
  single(what: string): string {
    const [one, more] = this.positionals
    if (one === undefined) throw new UsageError(`${what} is missing`)
    if (more !== undefined) throw new UsageError(`unexpected argument '${more}'`)
    return one
  }

  /** At least one argument. */
  several(what: string): readonly string[] {
    if (this.positionals.length === 0) throw new UsageError(`${what} is missing`)
    return this.positionals
  }

  none(): void {
    if (this.positionals.length > 0) throw new UsageError(`unexpected argument '${this.positionals[0]}'`)
  }
}
