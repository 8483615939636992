import type { Clock, Timer } from './clock.ts'

/** The machine's clock and timers. */
export const nodeClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  schedule(delayMs: number, callback: () => void): Timer {
    // Node turns a delay above 2^31-1 into 1 ms: a flush interval of 30 days would otherwise run a thousand times a second.
    const timer = setTimeout(callback, Math.min(delayMs, LONGEST_DELAY_MS))
    timer.unref()
    return { cancel: () => clearTimeout(timer) }
  },
}

const LONGEST_DELAY_MS = 2 ** 31 - 1
