/** Types of settings by Kafka's names, with the codes DescribeConfigs sends. */
export const ConfigType = {
  BOOLEAN: 1,
  STRING: 2,
  INT: 3,
  SHORT: 4,
  LONG: 5,
  DOUBLE: 6,
  LIST: 7,
  CLASS: 8,
  PASSWORD: 9,
} as const
export type ConfigTypeName = keyof typeof ConfigType

/** `cluster`: for one broker or for all at run time; `broker`: for one broker only; `no`: only before the start. */
export type DynamicMode = 'no' | 'broker' | 'cluster'

/** A broker setting that stands in for a topic setting; its number is multiplied by `factor` unless negative. */
export interface ConfigSynonym {
  readonly name: string
  readonly factor: number
}

/** What a setting's text means: the value, or why it means nothing, in Kafka's words. */
export type ParsedConfig<T> =
  | { readonly value: T; readonly problem: null }
  /** `sentence` stands in where Kafka's does not begin with "Invalid value". */
  | { readonly problem: string; readonly sentence?: (name: string) => string }

/** One row of a table of settings. Values travel as text; `parse` gives the typed value. */
export interface ConfigDefinition<T = unknown> {
  readonly type: ConfigTypeName
  /** As DescribeConfigs shows it; null where there is none. */
  readonly defaultText: string | null
  /** What is allowed, for people; empty when anything of the type is. */
  readonly range: string
  readonly dynamic: DynamicMode
  /** `accept`: kept and shown, without an effect here. */
  readonly use: 'honour' | 'accept'
  /** In order of precedence. */
  readonly synonyms: readonly ConfigSynonym[]
  readonly doc: string
  readonly parse: (text: string) => ParsedConfig<T>
}

export type ConfigTable = Readonly<Record<string, ConfigDefinition>>
type ValueOf<D> = D extends ConfigDefinition<infer T> ? T : never
/** The typed values of a table, by name. */
export type ConfigValues<Table> = { readonly [Name in keyof Table]: ValueOf<Table[Name]> }

/** Everything of a row that has a usual value. */
export interface RowOptions {
  readonly dynamic?: DynamicMode
  readonly use?: 'honour' | 'accept'
  /** Broker settings of the same meaning, in order; a pair gives the factor to this setting's unit. */
  readonly synonyms?: readonly (string | readonly [name: string, factor: number])[]
  /** Instead of the range of the builder. */
  readonly range?: string
}

export interface NumberOptions extends RowOptions {
  readonly min?: number
  readonly max?: number
  /** One more value that is allowed outside the bounds. */
  readonly or?: number
}

/** 2^63 - 1, which no number holds. */
export const LONG_MAX = '9223372036854775807'
export const INT_MAX = 2147483647

function row<T>(
  type: ConfigTypeName,
  defaultText: string | null,
  doc: string,
  options: RowOptions,
  range: string,
  parse: (text: string) => ParsedConfig<T>,
): ConfigDefinition<T> {
  const synonyms = (options.synonyms ?? []).map((synonym) =>
    typeof synonym === 'string' ? { name: synonym, factor: 1 } : { name: synonym[0], factor: synonym[1] },
  )
  return {
    type,
    defaultText,
    range: options.range ?? range,
    dynamic: options.dynamic ?? 'no',
    use: options.use ?? 'honour',
    synonyms,
    doc,
    parse,
  }
}

export function boolean(defaultValue: boolean, doc: string, options: RowOptions = {}): ConfigDefinition<boolean> {
  return row('BOOLEAN', String(defaultValue), doc, options, 'true, false', (text) => {
    const word = text.trim().toLowerCase()
    if (word === 'true') return { value: true, problem: null }
    if (word === 'false') return { value: false, problem: null }
    return { problem: 'Expected value to be either true or false' }
  })
}

type NumberDefault = number | string | null
type NumberDefinition<D extends NumberDefault> = ConfigDefinition<D extends null ? number | null : number>

export function int<D extends NumberDefault>(defaultValue: D, doc: string, options: NumberOptions = {}) {
  return integer('INT', 31n, defaultValue, doc, options)
}

export function short<D extends NumberDefault>(defaultValue: D, doc: string, options: NumberOptions = {}) {
  return integer('SHORT', 15n, defaultValue, doc, options)
}

/** Values beyond ±(2^53 - 1) become the nearest of these; the text keeps the exact one. */
export function long<D extends NumberDefault>(defaultValue: D, doc: string, options: NumberOptions = {}) {
  return integer('LONG', 63n, defaultValue, doc, options)
}

export function double<D extends NumberDefault>(defaultValue: D, doc: string, options: NumberOptions = {}) {
  const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fFdD]?$/
  return numberRow('DOUBLE', defaultValue, doc, options, (text) => {
    if (/^[+-]?(?:NaN|Infinity)$/.test(text)) return Number(text)
    return decimal.test(text) ? Number(text.replace(/[fFdD]$/, '')) : null
  })
}

function integer<D extends NumberDefault>(
  type: 'INT' | 'SHORT' | 'LONG',
  bits: bigint,
  defaultValue: D,
  doc: string,
  options: NumberOptions,
): NumberDefinition<D> {
  const limit = 1n << bits
  return numberRow(type, defaultValue, doc, options, (text) => {
    // 20 digits are more than any LONG has: a long text is refused before BigInt works on it.
    if (!/^[+-]?0*\d{1,20}$/.test(text)) return null
    const exact = BigInt(text.replace('+', ''))
    if (exact >= limit || exact < -limit) return null
    return Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Number(exact)))
  })
}

function numberRow<D extends NumberDefault>(
  type: ConfigTypeName,
  defaultValue: D,
  doc: string,
  options: NumberOptions,
  read: (text: string) => number | null,
): NumberDefinition<D> {
  const { min, max, or } = options
  return row<number>(
    type,
    defaultValue === null ? null : String(defaultValue),
    doc,
    options,
    boundsOf(options),
    (text) => {
      const value = read(text.trim())
      if (value === null) return { problem: `Not a number of type ${type}` }
      if (value === or) return { value, problem: null }
      if (or !== undefined && (value < min! || value > max!)) {
        return { problem: `Value must be between ${min} and ${max} or equal to ${or}` }
      }
      if (min !== undefined && !(value >= min)) return { problem: `Value must be at least ${min}` }
      if (max !== undefined && !(value <= max)) return { problem: `Value must be no more than ${max}` }
      return { value, problem: null }
    },
  ) as NumberDefinition<D>
}

function boundsOf({ min, max, or }: NumberOptions): string {
  if (min === undefined) return ''
  const bounds = max === undefined ? `[${min},...]` : `[${min},...,${max}]`
  return or === undefined ? bounds : `${bounds} or ${or}`
}

export interface WordOptions<V extends string> extends RowOptions {
  readonly oneOf?: readonly V[]
  readonly ignoreCase?: boolean
  /** Another rule: the problem, or null. */
  readonly check?: (text: string) => string | null
}

export function string<const D extends string | null, V extends string = string>(
  defaultValue: D,
  doc: string,
  options: WordOptions<V> = {},
): ConfigDefinition<D extends null ? V | null : V> {
  const { oneOf, ignoreCase, check } = options
  const range = oneOf === undefined ? '' : `[${oneOf.join(', ')}]`
  return row<string>('STRING', defaultValue, doc, options, range, (text) => {
    const value = text.trim()
    const known = oneOf?.find((word) => word === value || (ignoreCase && word.toLowerCase() === value.toLowerCase()))
    if (oneOf !== undefined && known === undefined) {
      return { problem: `String must be one of${ignoreCase ? ' (case insensitive)' : ''}: ${oneOf.join(', ')}` }
    }
    const problem = check?.(value) ?? null
    return problem === null ? { value: known ?? value, problem } : { problem }
  }) as ConfigDefinition<D extends null ? V | null : V>
}

export interface ListOptions<V extends string> extends RowOptions {
  readonly oneOf?: readonly V[]
  readonly check?: (items: readonly string[]) => string | null
}

/** Items separated by commas; null stands for no value at all, which is not the same as no items. */
export function list<const D extends readonly string[] | null, V extends string = string>(
  defaultValue: D,
  doc: string,
  options: ListOptions<V> = {},
): ConfigDefinition<D extends null ? readonly V[] | null : readonly V[]> {
  const { oneOf, check } = options
  const range = oneOf === undefined ? '' : `[${oneOf.join(', ')}]`
  const defaultText = defaultValue === null ? null : defaultValue.join(',')
  return row<readonly string[]>('LIST', defaultText, doc, options, range, (text) => {
    const value = [...new Set(splitList(text))]
    if (oneOf !== undefined) {
      const problem = 'values must not be empty.'
      if (value.includes('')) return { problem, sentence: (name) => `Configuration '${name}' ${problem}` }
      const stranger = value.find((item) => !(oneOf as readonly string[]).includes(item))
      const allowed = `String must be one of: ${oneOf.join(', ')}`
      if (stranger !== undefined) return { problem: allowed, sentence: (name) => invalidValue(name, stranger, allowed) }
    }
    const problem = check?.(value) ?? null
    if (problem === null) return { value, problem }
    return { problem, sentence: (name) => invalidValue(name, `[${value.join(', ')}]`, `${name} ${problem}`) }
  }) as ConfigDefinition<D extends null ? readonly V[] | null : readonly V[]>
}

export function splitList(text: string): string[] {
  const trimmed = text.trim()
  return trimmed === '' ? [] : trimmed.split(/\s*,\s*/)
}

/** The name of a Java class, kept but never loaded. */
export function className<D extends string | null>(defaultValue: D, doc: string, options: RowOptions = {}) {
  return row<string>('CLASS', defaultValue, doc, options, '', (text) => ({
    value: text.trim(),
    problem: null,
  })) as ConfigDefinition<D extends null ? string | null : string>
}

/** Never shown: DescribeConfigs and logs give null in its place. */
export function password(doc: string, options: RowOptions = {}): ConfigDefinition<string | null> {
  return row<string>('PASSWORD', null, doc, options, '', (text) => ({ value: text, problem: null }))
}

/** Kafka's sentence for a value that does not fit, or null. */
export function configProblem(name: string, definition: ConfigDefinition, text: string): string | null {
  const parsed = definition.parse(text)
  if (parsed.problem === null) return null
  return parsed.sentence?.(name) ?? invalidValue(name, isSensitive(definition) ? '[hidden]' : text, parsed.problem)
}

function invalidValue(name: string, shown: string, problem: string): string {
  return `Invalid value ${shown} for configuration ${name}: ${problem}`
}

export function isSensitive(definition: ConfigDefinition): boolean {
  return definition.type === 'PASSWORD'
}

/** The default of a row, parsed; null where there is none. */
export function defaultOf<T>(definition: ConfigDefinition<T>): T {
  if (definition.defaultText === null) return null as T
  const parsed = definition.parse(definition.defaultText)
  if (parsed.problem !== null) throw new Error(`default ${definition.defaultText}: ${parsed.problem}`)
  return parsed.value
}

/** The text as Kafka shows a value it has parsed: without blanks around it, numbers in their plain form. */
export function canonicalText(definition: ConfigDefinition, text: string): string {
  switch (definition.type) {
    case 'BOOLEAN':
      return text.trim().toLowerCase()
    case 'INT':
    case 'SHORT':
    case 'LONG':
      return BigInt(text.trim().replace('+', '')).toString()
    case 'LIST':
      return splitList(text).join(',')
    case 'PASSWORD':
      return text
    default:
      return text.trim()
  }
}
