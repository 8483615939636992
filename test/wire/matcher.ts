import { inspect } from 'node:util'

/** Stands in an expectation where only a rule, not the value, can be stated. */
export class Matcher {
  readonly rule: string
  /** What is wrong with the value, one line each; nothing when it fits. */
  readonly problems: (actual: unknown, path: string) => string[]
  /** The same rule over other expectations, where the rule holds some for the elements of an array. */
  readonly overElements: ((change: (element: unknown) => unknown) => Matcher) | undefined

  constructor(
    rule: string,
    problems: (actual: unknown, path: string) => string[],
    overElements?: (change: (element: unknown) => unknown) => Matcher,
  ) {
    this.rule = rule
    this.problems = problems
    this.overElements = overElements
  }
}

/** A literal of the same shape, with matchers where the value differs from run to run. */
export type Expected<T> =
  | Matcher
  | (T extends Buffer
      ? Buffer
      : T extends readonly (infer E)[]
        ? readonly Expected<E>[]
        : T extends object
          ? { readonly [K in keyof T]?: Expected<T[K]> }
          : T)

export function satisfying(rule: string, holds: (actual: never) => boolean): Matcher {
  const test = holds as (actual: unknown) => boolean
  return new Matcher(rule, (actual, path) => (test(actual) ? [] : [`${path}: ${shown(actual)} is not ${rule}`]))
}

export const anything = satisfying('anything', () => true)

export const aUuid = satisfying(
  'a topic id',
  (actual: string) => /^[\w-]{22}$/.test(actual) && actual !== 'AAAAAAAAAAAAAAAAAAAAAA',
)

export function atLeast(least: number): Matcher {
  return satisfying(`at least ${least}`, (actual: number) => typeof actual === 'number' && actual >= least)
}

export function matching(pattern: RegExp): Matcher {
  return satisfying(`text like ${pattern}`, (actual: string) => typeof actual === 'string' && pattern.test(actual))
}

export const text = satisfying('some text', (actual: string) => typeof actual === 'string' && actual !== '')

/** Null, nothing, or whatever words there are. */
export const anyWords = satisfying('words or none', (actual: unknown) => actual === null || typeof actual === 'string')

export function perhaps<T>(expected: Expected<T>): Matcher {
  return new Matcher(`null or ${shown(expected)}`, (actual, path) =>
    actual === null ? [] : differences(actual, expected, path),
  )
}

export function oneOf(...values: readonly unknown[]): Matcher {
  return satisfying(`one of ${shown(values)}`, (actual: unknown) => values.includes(actual))
}

/** The array holds one element for each expectation, in any order, and perhaps others. */
export function including<T>(...elements: readonly Expected<T>[]): Matcher {
  const problems = (actual: unknown, path: string) => {
    if (!Array.isArray(actual)) return [`${path}: ${shown(actual)} is no array`]
    return elements.flatMap((element) =>
      actual.some((one) => differences(one, element, path).length === 0)
        ? []
        : [`${path}: no element like ${shown(element)} in ${shown(actual)}`],
    )
  }
  return new Matcher(`an array including ${shown(elements)}`, problems, (change) =>
    including(...(elements.map(change) as Expected<T>[])),
  )
}

/** No element of the array fits. */
export function without<T>(element: Expected<T>): Matcher {
  return new Matcher(`an array without ${shown(element)}`, (actual, path) => {
    if (!Array.isArray(actual)) return [`${path}: ${shown(actual)} is no array`]
    const found = actual.find((one) => differences(one, element, path).length === 0)
    return found === undefined ? [] : [`${path}: ${shown(found)} should not be there`]
  })
}

/** Exactly these elements, in any order. */
export function inAnyOrder<T>(...elements: readonly Expected<T>[]): Matcher {
  const problems = (actual: unknown, path: string) => {
    if (!Array.isArray(actual) || actual.length !== elements.length) {
      return [`${path}: ${shown(actual)} is no array of ${elements.length}`]
    }
    return including(...elements).problems(actual, path)
  }
  return new Matcher(`in any order ${shown(elements)}`, problems, (change) =>
    inAnyOrder(...(elements.map(change) as Expected<T>[])),
  )
}

/** Only the stated fields count. */
export function like<T extends object>(fields: { readonly [K in keyof T]?: Expected<T[K]> }): Matcher {
  return new Matcher(`an object like ${shown(fields)}`, (actual, path) => {
    if (typeof actual !== 'object' || actual === null) return [`${path}: ${shown(actual)} is no object`]
    return Object.entries(fields).flatMap(([name, expected]) =>
      differences((actual as Record<string, unknown>)[name], expected, `${path}.${name}`),
    )
  })
}

/** Every difference between a value and what was expected of it, with its path. An object must have exactly the stated fields. */
export function differences(actual: unknown, expected: unknown, path: string): string[] {
  if (expected instanceof Matcher) return expected.problems(actual, path)
  if (Buffer.isBuffer(expected)) return bufferDifferences(actual, expected, path)
  if (Array.isArray(expected)) return arrayDifferences(actual, expected, path)
  if (typeof expected === 'object' && expected !== null) return objectDifferences(actual, expected, path)
  return Object.is(actual, expected) ? [] : [`${path}: ${shown(actual)} instead of ${shown(expected)}`]
}

function bufferDifferences(actual: unknown, expected: Buffer, path: string): string[] {
  if (!Buffer.isBuffer(actual)) return [`${path}: ${shown(actual)} instead of ${expected.length} bytes`]
  if (actual.equals(expected)) return []
  const at = expected.findIndex((byte, index) => actual[index] !== byte)
  const where = at < 0 ? expected.length : at
  const excerpt = (bytes: Buffer) => bytes.subarray(where, where + 24).toString('hex')
  return [
    `${path}: ${actual.length} bytes instead of ${expected.length}, from byte ${where} on ${excerpt(actual)} instead of ${excerpt(expected)}`,
  ]
}

function arrayDifferences(actual: unknown, expected: readonly unknown[], path: string): string[] {
  if (!Array.isArray(actual)) return [`${path}: ${shown(actual)} instead of an array`]
  if (actual.length !== expected.length) {
    return [`${path}: ${actual.length} elements instead of ${expected.length}: ${shown(actual)}`]
  }
  return expected.flatMap((element, index) => differences(actual[index], element, `${path}[${index}]`))
}

function objectDifferences(actual: unknown, expected: object, path: string): string[] {
  if (typeof actual !== 'object' || actual === null || Buffer.isBuffer(actual)) {
    return [`${path}: ${shown(actual)} instead of ${shown(expected)}`]
  }
  const names = new Set([...Object.keys(actual), ...Object.keys(expected)])
  return [...names].flatMap((name) => {
    const here = `${path}.${name}`
    const value = (actual as Record<string, unknown>)[name]
    if (!(name in expected)) return [`${here}: ${shown(value)} was not stated`]
    return differences(value, (expected as Record<string, unknown>)[name], here)
  })
}

export function shown(value: unknown): string {
  if (value instanceof Matcher) return `<${value.rule}>`
  return inspect(value, { depth: 6, breakLength: Number.POSITIVE_INFINITY, maxArrayLength: 40, maxStringLength: 400 })
}
