import type { Clock, Timer } from '../../io/clock.ts'

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
    const nowMs = this.#clock.monotonicMs()
    this.#paidAtMs = Math.max(this.#paidAtMs, nowMs) + (bytes * 1000) / this.#bytesPerSecond
    const waitMs = this.#paidAtMs - nowMs
    if (waitMs < 1 || this.#stopped) return
    await new Promise<void>((resolve) => {
      const timer = this.#clock.schedule(waitMs, () => {
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
