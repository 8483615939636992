import type { Clock, Timer } from '../../io/clock.ts'

interface Removal {
  readonly topicId: string
  readonly run: () => void
  timer: Timer
}

/**
 * What file.delete.delay.ms keeps on the disk although it belongs to no log any more. The delay is there for reads
 * that have such a file open; where the disk is needed, as much time as a read takes has to do.
 */
const URGENT_DELAY_MS = 1000

export class DelayedRemovals {
  readonly #clock: Clock
  readonly #isFull: () => boolean
  readonly #waiting = new Set<Removal>()
  #isUrgent: (topicId: string) => boolean = () => false

  /** `isFull`: everything is urgent. */
  constructor(clock: Clock, isFull: () => boolean) {
    this.#clock = clock
    this.#isFull = isFull
  }

  schedule(topicId: string, delayMs: number, run: () => void): Timer {
    const removal: Removal = { topicId, run, timer: { cancel: () => {} } }
    this.#waiting.add(removal)
    this.#arm(removal, this.isUrgent(topicId) ? Math.min(delayMs, URGENT_DELAY_MS) : delayMs)
    return {
      cancel: () => {
        this.#waiting.delete(removal)
        removal.timer.cancel()
      },
    }
  }

  /** From now on, and for what waits already: nothing of these topics waits any longer than it must. */
  hurry(isUrgent: (topicId: string) => boolean): void {
    for (const removal of this.#waiting) {
      // What became urgent before has its time already.
      if (!isUrgent(removal.topicId) || this.#isUrgent(removal.topicId)) continue
      removal.timer.cancel()
      this.#arm(removal, URGENT_DELAY_MS)
    }
    this.#isUrgent = isUrgent
  }

  isUrgent(topicId: string): boolean {
    return this.#isFull() || this.#isUrgent(topicId)
  }

  #arm(removal: Removal, delayMs: number): void {
    removal.timer = this.#clock.schedule(delayMs, () => {
      this.#waiting.delete(removal)
      removal.run()
    })
  }
}
