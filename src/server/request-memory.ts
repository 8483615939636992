interface Waiter {
  readonly bytes: number
  readonly admit: (overdrawn: boolean) => void
}

/**
 * The memory that requests may hold, of all connections together: from the moment a frame has memory until its
 * reply is encoded. Never more than the limit, one chunk per connection, and one frame of the largest legal size: the
 * first that waits may overdraw the account when nobody else does, so that a request larger than the limit passes, and
 * small ones cannot starve it.
 */
export class RequestMemory {
  readonly limitBytes: number
  #usedBytes = 0
  #overdrawnBytes = 0
  #waiting: Waiter[] = []
  #admitting = false

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes
  }

  get usedBytes(): number {
    return this.#usedBytes + this.#overdrawnBytes
  }

  get exhausted(): boolean {
    return this.#usedBytes >= this.limitBytes
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0
  }

  /** For memory that is taken already. */
  charge(bytes: number): void {
    this.#usedBytes += bytes
  }

  /**
   * Calls `admit` once, at once or when there is room: with bytes they are taken then, with 0 it only waits until the
   * memory is no longer exhausted. `overdrawn` has to be given back to `release`. Returns a function that stops waiting.
   */
  request(bytes: number, admit: (overdrawn: boolean) => void): () => void {
    const waiter = { bytes, admit }
    this.#waiting.push(waiter)
    this.#admitWaiting()
    return () => {
      const at = this.#waiting.indexOf(waiter)
      if (at < 0) return
      this.#waiting.splice(at, 1)
      this.#admitWaiting()
    }
  }

  release(bytes: number, overdrawn: boolean): void {
    if (overdrawn) this.#overdrawnBytes -= bytes
    else this.#usedBytes -= bytes
    this.#admitWaiting()
  }

  /** What an admitted connection does may release memory again: one loop serves all. */
  #admitWaiting(): void {
    if (this.#admitting || this.#waiting.length === 0) return
    this.#admitting = true
    try {
      for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
        const fits = this.#usedBytes + Math.max(first.bytes, 1) <= this.limitBytes
        if (!fits && (first.bytes === 0 || this.#overdrawnBytes > 0)) return
        this.#waiting.shift()
        if (fits) this.#usedBytes += first.bytes
        else this.#overdrawnBytes = first.bytes
        first.admit(!fits)
      }
    } finally {
      this.#admitting = false
    }
  }
}
