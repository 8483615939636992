import type { Clock, Timer } from './clock.ts'

interface Scheduled {
  readonly dueMs: number
  readonly order: number
  readonly callback: () => void
}

/** Time that stands still until a test moves it. Due callbacks run inside `advance`, in order of their due time. */
export class SimulatedClock implements Clock {
  #elapsedMs = 0
  #startMs: number
  #order = 0
  #scheduled: Scheduled[] = []

  constructor(startMs = 1_700_000_000_000) {
    this.#startMs = startMs
  }

  nowMs(): number {
    return this.#startMs + this.#elapsedMs
  }

  monotonicMs(): number {
    return this.#elapsedMs
  }

  schedule(delayMs: number, callback: () => void): Timer {
    const entry: Scheduled = { dueMs: this.#elapsedMs + Math.max(0, delayMs), order: this.#order++, callback }
    const at = this.#scheduled.findIndex((other) => other.dueMs > entry.dueMs)
    this.#scheduled.splice(at < 0 ? this.#scheduled.length : at, 0, entry)
    return {
      cancel: () => {
        const index = this.#scheduled.indexOf(entry)
        if (index >= 0) this.#scheduled.splice(index, 1)
      },
    }
  }

  /** Milliseconds until the next callback is due, or null when none waits. */
  nextDueMs(): number | null {
    const next = this.#scheduled[0]
    return next ? Math.max(0, next.dueMs - this.#elapsedMs) : null
  }

  /** Moves time forward and runs what falls due on the way, callbacks scheduled meanwhile included. */
  advance(ms: number): void {
    const untilMs = this.#elapsedMs + ms
    for (let next = this.#scheduled[0]; next && next.dueMs <= untilMs; next = this.#scheduled[0]) {
      this.#scheduled.shift()
      this.#elapsedMs = Math.max(this.#elapsedMs, next.dueMs)
      next.callback()
    }
    this.#elapsedMs = untilMs
  }

  /** Sets the wall clock, as an administrator or NTP would: timers and durations do not notice. */
  setWallClock(nowMs: number): void {
    this.#startMs = nowMs - this.#elapsedMs
  }
}
