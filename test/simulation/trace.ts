import { createHash, type Hash } from 'node:crypto'

const KEPT_LINES = 60

/** What happened, as a hash that tells two runs apart and as the last lines for whoever has to understand a failure. */
export class Trace {
  readonly #now: () => number
  readonly #onLine: ((line: string) => void) | null
  #hash: Hash = createHash('sha1')
  #lines: string[] = []
  /** Notes taken so far. */
  length = 0

  constructor(now: () => number, onLine: ((line: string) => void) | null) {
    this.#now = now
    this.#onLine = onLine
  }

  note(who: string, what: string): void {
    this.length++
    const line = `${this.#now().toFixed(0).padStart(8)} ms  ${who.padEnd(14)} ${what}`
    this.#hash.update(line)
    this.#onLine?.(line)
    this.#lines.push(line)
    if (this.#lines.length > 2 * KEPT_LINES) this.#lines = this.#lines.slice(-KEPT_LINES)
  }

  bytes(bytes: Buffer): void {
    this.#hash.update(bytes)
  }

  tail(): readonly string[] {
    return this.#lines.slice(-KEPT_LINES)
  }

  digest(): string {
    return this.#hash.copy().digest('hex')
  }
}
