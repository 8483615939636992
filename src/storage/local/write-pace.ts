import type { Clock } from '../../io/clock.ts'

/** Up to here one blocking write costs less than handing it to the thread pool (some 50 µs of CPU). */
const SMALL_WRITE_BYTES = 64 * 1024
/** Blocking writes of one turn over all logs: about a millisecond of copying. */
const TURN_BYTES = 1024 * 1024
const SLOW_WRITE_MS = 2
const AVOID_MS = 1000

/**
 * Decides for each write whether it may block the event loop: small ones may, until one was slow. A flush of the page
 * cache can stall a write for 20 to 50 ms, and then others will follow.
 */
export class WritePace {
  readonly #clock: Clock
  #avoidUntilMs = Number.NEGATIVE_INFINITY
  #turnBytes = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  beginTurn(): void {
    this.#turnBytes = 0
  }

  mayBlock(bytes: number): boolean {
    if (bytes > SMALL_WRITE_BYTES || this.#turnBytes + bytes > TURN_BYTES) return false
    return this.#clock.monotonicMs() >= this.#avoidUntilMs
  }

  /** Runs a blocking write and takes note of how long it took. */
  measure(bytes: number, write: () => void): void {
    const startMs = this.#clock.monotonicMs()
    this.#turnBytes += bytes
    write()
    const endMs = this.#clock.monotonicMs()
    if (endMs - startMs > SLOW_WRITE_MS) this.#avoidUntilMs = endMs + AVOID_MS
  }
}
