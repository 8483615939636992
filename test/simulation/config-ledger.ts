import { Violation } from './violation.ts'

interface Setting {
  readonly value: string
  /** Values that were answered before this one was sent: it takes their place. */
  readonly replaces: ReadonlySet<string>
}

/** A setting of each topic that is set to ever new values: after an answer, nothing older may be read. */
export class ConfigLedger {
  /** What may be read, by topic. */
  readonly #possible = new Map<string, Setting[]>()
  readonly #stored = new Map<string, Set<string>>()

  sends(topic: string, value: string): void {
    const possible = this.#possible.get(topic) ?? []
    possible.push({ value, replaces: new Set(this.#stored.get(topic)) })
    this.#possible.set(topic, possible)
  }

  stored(topic: string, value: string): void {
    const possible = this.#possible.get(topic)!
    const { replaces } = possible.find((setting) => setting.value === value)!
    this.#possible.set(
      topic,
      possible.filter((setting) => !replaces.has(setting.value)),
    )
    this.#stored.set(topic, new Set(this.#stored.get(topic)).add(value))
  }

  /** What may be read now. */
  possible(topic: string): readonly string[] {
    return (this.#possible.get(topic) ?? []).map((setting) => setting.value)
  }

  /** `before`: what was possible when the question was asked. */
  read(topic: string, value: string, before: readonly string[]): void {
    const now = this.possible(topic)
    if (now.includes(value) || before.includes(value)) return
    throw new Violation(`the setting of ${topic} is ${value}, not one of ${now}`)
  }
}
