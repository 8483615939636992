/** A fault that cannot be meant: which field, and what it may be. */
export class FaultError extends Error {
  readonly field: string

  constructor(field: string, message: string) {
    super(`${field}: ${message}`)
    this.name = 'FaultError'
    this.field = field
  }
}

/** What a name has to be like. */
export interface NamePattern {
  /** As it was given. */
  readonly text: string
  matches(name: string): boolean
}

const LONGEST_TEXT = 1000

/** Reads the fields of a fault that a person or another program wrote, and complains in words. */
export class FaultFields {
  readonly #given: Readonly<Record<string, unknown>>
  readonly #read = new Set<string>()

  /** `given` is an object of fields, from code or from JSON. */
  constructor(given: unknown) {
    if (typeof given !== 'object' || given === null || Array.isArray(given)) {
      throw new FaultError('fault', `an object with at least a kind is expected, not ${shown(given)}`)
    }
    this.#given = given as Readonly<Record<string, unknown>>
  }

  has(name: string): boolean {
    return this.#take(name) !== undefined
  }

  /** Undefined where it is not given; JSON's null counts as not given. */
  value(name: string): unknown {
    return this.#take(name)
  }

  oneOf<T extends string>(name: string, allowed: readonly T[]): T | undefined {
    const value = this.#take(name)
    if (value === undefined) return undefined
    const found = allowed.find((one) => one === value)
    if (found === undefined) throw new FaultError(name, `${shown(value)} is none of ${allowed.join(', ')}`)
    return found
  }

  /** Both bounds are allowed values. */
  integer(name: string, min: number, max: number): number | undefined {
    const value = this.#take(name)
    if (value === undefined) return undefined
    if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return value as number
    throw new FaultError(name, `${shown(value)} is not an integer from ${min} to ${max}`)
  }

  /** From 0, which is never, to 1, which is always. */
  probability(name: string): number | undefined {
    const value = this.#take(name)
    if (value === undefined) return undefined
    if (typeof value === 'number' && value >= 0 && value <= 1) return value
    throw new FaultError(name, `${shown(value)} is not a number from 0 to 1`)
  }

  boolean(name: string): boolean | undefined {
    const value = this.#take(name)
    if (value === undefined || typeof value === 'boolean') return value
    throw new FaultError(name, `${shown(value)} is neither true nor false`)
  }

  /** A text in which `*` stands for any characters, or a RegExp. */
  pattern(name: string): NamePattern | undefined {
    const value = this.#take(name)
    if (value === undefined) return undefined
    // `search` knows no lastIndex: a global expression would match every other time.
    if (value instanceof RegExp) return { text: String(value), matches: (text) => text.search(value) >= 0 }
    if (typeof value !== 'string' || value.length > LONGEST_TEXT) {
      throw new FaultError(name, `${shown(value)} is neither a text of up to ${LONGEST_TEXT} characters nor a RegExp`)
    }
    if (!value.includes('*')) return { text: value, matches: (text) => text === value }
    return { text: value, matches: (text) => matchesGlob(value, text) }
  }

  /** To be called last: refuses what nobody asked for. */
  end(what: string): void {
    const stranger = Object.keys(this.#given).find((name) => !this.#read.has(name))
    if (stranger === undefined) return
    throw new FaultError(stranger, `${what} has no such field; it may have ${[...this.#read].join(', ')}`)
  }

  #take(name: string): unknown {
    this.#read.add(name)
    return Object.hasOwn(this.#given, name) ? (this.#given[name] ?? undefined) : undefined
  }
}

/** One value or a list of them, which is not empty. */
export function asList(name: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) return [value]
  if (value.length === 0) throw new FaultError(name, 'an empty list names nothing; leave the field out to mean all')
  return value
}

/** How a message quotes a value that somebody else wrote. */
export function shown(value: unknown): string {
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
  return text.length > 100 ? `${text.slice(0, 100)}…` : text
}

/** Without backtracking over more than the last star: no pattern takes longer than pattern times text. */
function matchesGlob(glob: string, text: string): boolean {
  let at = 0
  let star = -1
  let resumeAt = 0
  let index = 0
  while (index < text.length) {
    if (glob[at] === '*') {
      star = at++
      resumeAt = index
    } else if (glob[at] === text[index]) {
      at++
      index++
    } else if (star >= 0) {
      at = star + 1
      index = ++resumeAt
    } else return false
  }
  while (glob[at] === '*') at++
  return at === glob.length
}
