import type { Clock, Timer } from '../../src/io/clock.ts'

interface Event {
  readonly dueMs: number
  readonly order: number
  readonly callback: () => void
  cancelled: boolean
}

const START_MS = 1_700_000_000_000

/** The time of a simulated world: nothing happens but its events, one per step, in an order that repeats. */
export class WorldClock implements Clock {
  #elapsedMs = 0
  #order = 0
  /** A heap, earliest first. */
  readonly #events: Event[] = []
  #cancelled = 0

  nowMs(): number {
    return START_MS + Math.floor(this.#elapsedMs)
  }

  monotonicMs(): number {
    return this.#elapsedMs
  }

  get pending(): number {
    return this.#events.length - this.#cancelled
  }

  schedule(delayMs: number, callback: () => void): Timer {
    const event: Event = {
      dueMs: this.#elapsedMs + Math.max(0, delayMs),
      order: this.#order++,
      callback,
      cancelled: false,
    }
    this.#push(event)
    return {
      cancel: () => {
        if (event.cancelled) return
        event.cancelled = true
        this.#cancelled++
      },
    }
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.schedule(delayMs, resolve))
  }

  /** Goes to the next event and runs it; false when nothing is left to happen. */
  step(): boolean {
    for (;;) {
      const event = this.#pop()
      if (event === undefined) return false
      if (event.cancelled) {
        this.#cancelled--
        continue
      }
      // From now on cancelling it changes nothing.
      event.cancelled = true
      this.#elapsedMs = Math.max(this.#elapsedMs, event.dueMs)
      event.callback()
      return true
    }
  }

  #push(event: Event): void {
    const events = this.#events
    let at = events.length
    events.push(event)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(event, events[parent]!)) break
      events[at] = events[parent]!
      at = parent
    }
    events[at] = event
  }

  #pop(): Event | undefined {
    const events = this.#events
    const first = events[0]
    const last = events.pop()
    if (last === undefined || first === undefined || events.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= events.length) break
      if (child + 1 < events.length && isBefore(events[child + 1]!, events[child]!)) child++
      if (!isBefore(events[child]!, last)) break
      events[at] = events[child]!
      at = child
    }
    events[at] = last
    return first
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order)
}

/** The world's time as one process sees it: its timers end with it, and can be counted. */
export class LifeClock implements Clock {
  readonly #world: Clock
  readonly #timers = new Map<Timer, () => void>()
  #dead = false

  constructor(world: Clock) {
    this.#world = world
  }

  /** What waits to be called back. */
  get waiting(): readonly (() => void)[] {
    return [...this.#timers.values()]
  }

  nowMs(): number {
    return this.#world.nowMs()
  }

  monotonicMs(): number {
    return this.#world.monotonicMs()
  }

  schedule(delayMs: number, callback: () => void): Timer {
    if (this.#dead) return { cancel: () => {} }
    const inner = this.#world.schedule(delayMs, () => {
      this.#timers.delete(timer)
      callback()
    })
    const timer: Timer = {
      cancel: () => {
        this.#timers.delete(timer)
        inner.cancel()
      },
    }
    this.#timers.set(timer, callback)
    return timer
  }

  kill(): void {
    this.#dead = true
    for (const timer of [...this.#timers.keys()]) timer.cancel()
  }
}
