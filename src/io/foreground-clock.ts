import type { Clock } from './clock.ts'
import { nodeClock } from './node-clock.ts'

/** The machine's clock for a program that ends when its work is done: unlike a broker's, its timers hold the process. */
export const foregroundClock: Clock = {
  nowMs: nodeClock.nowMs,
  monotonicMs: nodeClock.monotonicMs,
  schedule(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(delayMs, 2 ** 31 - 1))
    return { cancel: () => clearTimeout(timer) }
  },
}
