import type { Logger } from 'pino'
import type { Clock } from '../io/clock.ts'

const LINES_PER_WINDOW = 20
const WINDOW_MS = 10_000

interface Window {
  beganMs: number
  lines: number
  suppressed: number
}

/** Warnings that a peer can provoke at will: so many of a kind, then a count of those left out. */
export class LimitedLog {
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #windows = new Map<string, Window>()

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger
    this.#clock = clock
  }

  /** `kind` is one of a fixed few, never text of the peer. */
  warn(kind: string, fields: object, message: string): void {
    const nowMs = this.#clock.monotonicMs()
    let window = this.#windows.get(kind)
    if (window === undefined) this.#windows.set(kind, (window = { beganMs: nowMs, lines: 0, suppressed: 0 }))
    if (nowMs - window.beganMs >= WINDOW_MS) {
      if (window.suppressed > 0) this.#logger.warn({ suppressed: window.suppressed }, `more of the same: ${kind}`)
      window.beganMs = nowMs
      window.lines = 0
      window.suppressed = 0
    }
    if (window.lines < LINES_PER_WINDOW) {
      window.lines++
      this.#logger.warn(fields, message)
    } else window.suppressed++
  }
}
