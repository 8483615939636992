/** Time as the broker sees it: given to constructors, so that a test can hold it still. */
export interface Clock {
  /** Wall-clock time in milliseconds since the epoch; may jump. */
  nowMs(): number
  /** Milliseconds since an arbitrary start; never goes back. For durations and timeouts. */
  monotonicMs(): number
  /** Calls back once after at least delayMs. The timer never keeps the process alive. */
  schedule(delayMs: number, callback: () => void): Timer
}

/** A call that is due later. */
export interface Timer {
  cancel(): void
}
