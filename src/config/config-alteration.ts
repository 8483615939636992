import { ErrorCode } from '../../protocol/errors.ts'
import { type ConfigDefinition, splitList } from './config-definition.ts'
import type { ConfigTexts } from './topic-config.ts'

/** Kinds of incremental changes, with the numbers IncrementalAlterConfigs sends. */
export const AlterOperation = { SET: 0, DELETE: 1, APPEND: 2, SUBTRACT: 3 } as const

export interface ConfigOperation {
  readonly name: string
  readonly operation: number
  readonly value: string | null
}

export interface Refusal {
  readonly error: ErrorCode
  readonly message: string
}

/** What a kind of resource allows; see config-rules.ts. */
export interface ConfigRules {
  readonly definitionOf: (name: string) => ConfigDefinition | undefined
  /** What APPEND and SUBTRACT start from where the resource itself has no value. */
  readonly inherited: (name: string) => string | null
  /** Kafka's sentence for APPEND or SUBTRACT on what is no list. */
  readonly notAList: (operation: 'APPEND' | 'SUBTRACT', name: string) => string
  /** Judges the settings as they would be; `set` holds the names that the request sets. */
  readonly refuse: (next: ConfigTexts, set: ReadonlySet<string>) => Refusal | null
}

/** The changes as name to new value, null for none; or why nothing is changed: all or nothing per resource. */
export type Alteration =
  | { readonly error: typeof ErrorCode.NONE; readonly changes: ReadonlyMap<string, string | null> }
  | Refusal

/** The longest string Kafka's protocol carries, so the longest a record or a response can. */
const MAX_VALUE_BYTES = 32767

/** Applies incremental operations to a resource's own values. */
export function alterConfig(
  current: ConfigTexts,
  operations: readonly ConfigOperation[],
  rules: ConfigRules,
): Alteration {
  const refused = refuseShape(operations, ({ operation }) => operation !== AlterOperation.DELETE)
  if (refused !== null) return refused
  const next = new Map(current)
  const set = new Set<string>()
  for (const { name, operation, value } of operations) {
    if (operation === AlterOperation.DELETE) {
      next.delete(name)
      continue
    }
    if (
      operation !== AlterOperation.SET &&
      operation !== AlterOperation.APPEND &&
      operation !== AlterOperation.SUBTRACT
    ) {
      return { error: ErrorCode.INVALID_REQUEST, message: `Unknown operations type ${operation}` }
    }
    const text = operation === AlterOperation.SET ? value! : listAfter(next, name, operation, value!, rules)
    if (typeof text !== 'string') return text
    next.set(name, text)
    set.add(name)
  }
  return changesBetween(current, next, rules.refuse(next, set))
}

/** Replaces all of a resource's own values: what is not listed goes back to its default. */
export function replaceConfig(
  current: ConfigTexts,
  entries: readonly { readonly name: string; readonly value: string | null }[],
  rules: ConfigRules,
): Alteration {
  const refused = refuseShape(entries, () => true)
  if (refused !== null) return refused
  const next = new Map(entries.map(({ name, value }) => [name, value!]))
  return changesBetween(current, next, rules.refuse(next, new Set(next.keys())))
}

function refuseShape<E extends { readonly name: string; readonly value: string | null }>(
  entries: readonly E[],
  needsValue: (entry: E) => boolean,
): Refusal | null {
  if (new Set(entries.map(({ name }) => name)).size < entries.length) {
    return { error: ErrorCode.INVALID_REQUEST, message: 'Error due to duplicate config keys' }
  }
  const nulls = entries.filter((entry) => needsValue(entry) && entry.value === null).map(({ name }) => name)
  if (nulls.length === 0) return null
  return { error: ErrorCode.INVALID_REQUEST, message: `Null value not supported for : ${nulls.join(',')}` }
}

function listAfter(
  texts: ConfigTexts,
  name: string,
  operation: number,
  value: string,
  rules: ConfigRules,
): string | Refusal {
  if (rules.definitionOf(name)?.type !== 'LIST') {
    const word = operation === AlterOperation.APPEND ? 'APPEND' : 'SUBTRACT'
    return { error: ErrorCode.INVALID_CONFIG, message: rules.notAList(word, name) }
  }
  const items = splitList(texts.get(name) ?? rules.inherited(name) ?? '')
  const asked = splitList(value)
  if (operation === AlterOperation.SUBTRACT) return items.filter((item) => !asked.includes(item)).join(',')
  return [...new Set([...items, ...asked])].join(',')
}

function changesBetween(current: ConfigTexts, next: ConfigTexts, refused: Refusal | null): Alteration {
  if (refused !== null) return refused
  const changes = new Map<string, string | null>()
  for (const [name, text] of next) {
    if (Buffer.byteLength(text) > MAX_VALUE_BYTES || Buffer.byteLength(name) > MAX_VALUE_BYTES) {
      const message = `Value of ${name.slice(0, 100)} is longer than ${MAX_VALUE_BYTES} bytes`
      return { error: ErrorCode.INVALID_CONFIG, message }
    }
    if (current.get(name) !== text) changes.set(name, text)
  }
  for (const name of current.keys()) if (!next.has(name)) changes.set(name, null)
  return { error: ErrorCode.NONE, changes }
}
