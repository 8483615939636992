import type { Clock, Timer } from './clock.ts'
import type { EndOfTurn } from './turn.ts'

interface Scheduled {
  readonly dueMs: number
  readonly order: number
  readonly callback: () => void
}

/** A long way is gone in at most so many steps: what repeats itself every second does not make a week take an hour. */
const MOST_STEPS = 500
/** Turns of the event loop that what a timer set in motion gets before the next one is due. */
const TURNS_PER_STEP = 3

/** The machine's time, which a test may move forward: timers that fall due on the way fire in their order. */
export class AdjustableClock implements Clock {
  readonly #base: Clock
  readonly #endOfTurn: EndOfTurn
  #aheadMs = 0
  #order = 0
  /** By due time. */
  readonly #scheduled: Scheduled[] = []
  #alarm: Timer | null = null
  #alarmDueMs = Number.POSITIVE_INFINITY

  /** @internal */
  constructor(base: Clock, endOfTurn: EndOfTurn) {
    this.#base = base
    this.#endOfTurn = endOfTurn
  }

  /** Whole milliseconds that this clock is ahead of the machine's. */
  get aheadMs(): number {
    return this.#aheadMs
  }

  /** Wall clock: milliseconds since the epoch. */
  nowMs(): number {
    return this.#base.nowMs() + this.#aheadMs
  }

  /** Milliseconds since some moment; never goes back. */
  monotonicMs(): number {
    return this.#base.monotonicMs() + this.#aheadMs
  }

  /** Calls back once so much of this time has passed. */
  schedule(delayMs: number, callback: () => void): Timer {
    const entry = { dueMs: this.monotonicMs() + Math.max(0, delayMs), order: this.#order++, callback }
    this.#scheduled.splice(this.#placeOf(entry), 0, entry)
    this.#setAlarm()
    return { cancel: () => this.#cancel(entry) }
  }

  /** Moves time forward. Resolves when everything that fell due has had some turns to do its work. */
  async advance(ms: number): Promise<void> {
    if (!(ms >= 0)) throw new RangeError(`time moves forward only: ${ms} ms`)
    // Of the lead, not of the time: what the machine's own clock does meanwhile comes on top.
    const goalMs = this.#aheadMs + Math.ceil(ms)
    const stepMs = ms / MOST_STEPS
    for (;;) {
      const leftMs = goalMs - this.#aheadMs
      const nowMs = this.monotonicMs()
      const next = this.#scheduled[0]
      if (next === undefined || leftMs <= 0 || next.dueMs > nowMs + leftMs) break
      this.#aheadMs += Math.min(leftMs, Math.ceil(Math.max(next.dueMs - nowMs, stepMs)))
      this.#fire()
      await this.#settle()
    }
    this.#aheadMs = Math.max(this.#aheadMs, goalMs)
    this.#fire()
    await this.#settle()
  }

  #placeOf({ dueMs }: Scheduled): number {
    let low = 0
    let high = this.#scheduled.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#scheduled[middle]!.dueMs <= dueMs) low = middle + 1
      else high = middle
    }
    return low
  }

  #cancel(entry: Scheduled): void {
    const at = this.#scheduled.indexOf(entry)
    if (at < 0) return
    this.#scheduled.splice(at, 1)
    if (at === 0) this.#setAlarm()
  }

  /** Callbacks that were due when this began; what they schedule waits for the next time. */
  #fire(): void {
    const nowMs = this.monotonicMs()
    const lastOrder = this.#order
    for (;;) {
      const at = this.#scheduled.findIndex(({ order }) => order < lastOrder)
      const entry = this.#scheduled[at]
      if (entry === undefined || entry.dueMs > nowMs) break
      this.#scheduled.splice(at, 1)
      entry.callback()
    }
    this.#setAlarm()
  }

  #setAlarm(): void {
    const next = this.#scheduled[0]
    if (next !== undefined && next.dueMs === this.#alarmDueMs && this.#alarm !== null) return
    this.#alarm?.cancel()
    this.#alarm = null
    this.#alarmDueMs = next?.dueMs ?? Number.POSITIVE_INFINITY
    if (next === undefined) return
    this.#alarm = this.#base.schedule(Math.max(0, next.dueMs - this.monotonicMs()), () => {
      this.#alarm = null
      this.#fire()
    })
  }

  async #settle(): Promise<void> {
    for (let turn = 0; turn < TURNS_PER_STEP; turn++) await new Promise<void>((resolve) => this.#endOfTurn(resolve))
  }
}
