import type { Options } from './option-table.ts'
import { UsageExit } from './tool-failure.ts'

/** Checks that many tools make, in Kafka's words: what the scripts around them look for. */

export function requireArguments<Name extends string>(options: Options<Name>, ...names: Name[]): void {
  for (const name of names) {
    if (!options.has(name)) throw new UsageExit(`Missing required argument "[${name}]"`)
  }
}

/** `used` together with one of `others`. */
export function forbidTogether<Name extends string>(options: Options<Name>, used: Name, others: readonly Name[]): void {
  if (!options.has(used)) return
  for (const other of others) {
    if (other !== used && options.has(other)) {
      throw new UsageExit(`Option "[${used}]" can't be used with option "[${other}]"`)
    }
  }
}

export function exactlyOneAction<Name extends string, Action extends Name>(
  options: Options<Name>,
  actions: readonly Action[],
  message: string,
): Action {
  const given = actions.filter((action) => options.has(action))
  if (given.length !== 1) throw new UsageExit(message)
  return given[0]!
}

/** `a=b` pairs as in --property. Throws UsageExit in Kafka's words. */
export function keyValues(values: readonly string[]): Map<string, string> {
  const pairs = new Map<string, string>()
  for (const text of values) {
    const at = text.indexOf('=')
    if (at <= 0) throw new UsageExit(`Invalid command line properties: ${text}`)
    pairs.set(text.slice(0, at), text.slice(at + 1))
  }
  return pairs
}
