import { RouteError } from '../console/route.ts'

interface IntegerRange {
  readonly min: number
  readonly max: number
  /** Where the field is left out; it must be there when this is. */
  readonly otherwise?: number
}

/** The fields of a JSON object that a request brought, each asked for by name; RouteError says which one does not fit. */
export class JsonFields {
  readonly #fields: Readonly<Record<string, unknown>>
  readonly #known = new Set<string>()

  constructor(body: unknown) {
    const value = body ?? {}
    if (typeof value !== 'object' || Array.isArray(value)) throw new RouteError(400, 'a JSON object is wanted')
    this.#fields = value as Record<string, unknown>
  }

  integer(name: string, { min, max, otherwise }: IntegerRange): number {
    const value = this.#take(name) ?? otherwise
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
    throw new RouteError(400, `${name} must be a whole number from ${min} to ${max}`)
  }

  oneOf<T extends string>(name: string, allowed: readonly T[]): T {
    const value = this.#take(name)
    const found = allowed.find((one) => one === value)
    if (found !== undefined) return found
    throw new RouteError(400, `${name} must be one of: ${allowed.join(', ')}`)
  }

  text(name: string): string {
    const value = this.#take(name)
    if (typeof value === 'string') return value
    throw new RouteError(400, `${name} must be a text`)
  }

  /** Undefined where it is left out. */
  optionalText(name: string): string | undefined {
    this.#known.add(name)
    return this.#fields[name] === undefined ? undefined : this.text(name)
  }

  list(name: string): readonly unknown[] {
    const value = this.#take(name)
    if (Array.isArray(value)) return value
    throw new RouteError(400, `${name} must be a list`)
  }

  /** Values by name, empty where it is left out. */
  texts(name: string): Readonly<Record<string, string | number | boolean>> {
    const value = this.#take(name) ?? {}
    const fits = (one: unknown) => ['string', 'number', 'boolean'].includes(typeof one)
    if (typeof value === 'object' && !Array.isArray(value) && Object.values(value).every(fits)) {
      return value as Record<string, string | number | boolean>
    }
    throw new RouteError(400, `${name} must be an object of texts, numbers and booleans`)
  }

  /** Throws for what nobody asked for: most likely it is misspelt. */
  end(): void {
    const unknown = Object.keys(this.#fields).filter((name) => !this.#known.has(name))
    if (unknown.length === 0) return
    throw new RouteError(400, `unknown: ${unknown.join(', ')}; there is: ${[...this.#known].join(', ')}`)
  }

  #take(name: string): unknown {
    this.#known.add(name)
    return this.#fields[name]
  }
}
