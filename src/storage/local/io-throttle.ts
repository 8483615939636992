import type { Clock, Timer } from '../../io/clock.ts'

/** The longest that a timer waits; a rate of 0 means forever, until there is another. */
const LONGEST_WAIT_MS = 2 ** 31 - 1

/** Spreads bytes over time: whoever has moved more than the rate allows waits until it no longer has. */
export class IoThrottle {
  readonly #clock: Clock
  #bytesPerSecond: number
  readonly #waiting = new Map<Timer, () => void>()
  #stopped = false
  /** When everything spent so far is paid for. */
  #paidAtMs = Number.NEGATIVE_INFINITY

  constructor(clock: Clock, bytesPerSecond: number) {
    this.#clock = clock
    this.#bytesPerSecond = bytesPerSecond
  }

  /** What was spent before is forgiven: who waits for it goes on. */
  set bytesPerSecond(bytesPerSecond: number) {
    if (bytesPerSecond === this.#bytesPerSecond) return
    this.#bytesPerSecond = bytesPerSecond
    this.#paidAtMs = Number.NEGATIVE_INFINITY
    this.#wakeAll()
  }

  async spend(bytes: number): Promise<void> {
    if (bytes === 0) return
    const nowMs = this.#clock.monotonicMs()
    this.#paidAtMs = Math.max(this.#paidAtMs, nowMs) + (bytes * 1000) / this.#bytesPerSecond
    const waitMs = this.#paidAtMs - nowMs
    if (waitMs < 1 || this.#stopped) return
    await new Promise<void>((resolve) => {
      const timer = this.#clock.schedule(Math.min(waitMs, LONGEST_WAIT_MS), () => {
        this.#waiting.delete(timer)
        resolve()
      })
      this.#waiting.set(timer, resolve)
    })
  }

  /** Nobody waits any more. */
  stop(): void {
    this.#stopped = true
    this.#wakeAll()
  }

  #wakeAll(): void {
    for (const [timer, resolve] of this.#waiting) {
      timer.cancel()
      resolve()
    }
    this.#waiting.clear()
  }
}
