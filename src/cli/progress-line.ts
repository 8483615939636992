import type { Clock } from '../io/clock.ts'

const INTERVAL_MS = 2000

/** Says now and then how far a long command has come; a short one says nothing. */
export class ProgressLine {
  readonly #clock: Clock
  readonly #write: (text: string) => void
  #nextMs: number

  constructor(clock: Clock, write: (text: string) => void) {
    this.#clock = clock
    this.#write = write
    this.#nextMs = clock.monotonicMs() + INTERVAL_MS
  }

  show(text: () => string): void {
    const nowMs = this.#clock.monotonicMs()
    if (nowMs < this.#nextMs) return
    this.#nextMs = nowMs + INTERVAL_MS
    this.#write(`${text()}\n`)
  }
}
