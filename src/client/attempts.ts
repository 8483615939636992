import type { Clock } from '../io/clock.ts'

const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 1000

/** Tries until a deadline, with pauses that grow. */
export class Attempts {
  readonly #clock: Clock
  readonly #deadlineMs: number
  #pauseMs = FIRST_PAUSE_MS

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock
    this.#deadlineMs = clock.monotonicMs() + timeoutMs
  }

  get leftMs(): number {
    return Math.max(0, this.#deadlineMs - this.#clock.monotonicMs())
  }

  /** Waits before the next try; false when there is no time for one. */
  async pause(): Promise<boolean> {
    if (this.leftMs <= this.#pauseMs) return false
    await sleep(this.#clock, this.#pauseMs)
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS)
    return true
  }
}

export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => clock.schedule(delayMs, resolve))
}
