/**
 * A sync that many need at once: whoever asks before it begins shares it, whoever asks while it is under way shares the
 * next, since what they did may have come too late for this one.
 */
export class SharedSync {
  readonly #sync: () => Promise<void>
  #last: Promise<void> = Promise.resolve()
  /** Asked for, but not begun. */
  #next: Promise<void> | null = null

  constructor(sync: () => Promise<void>) {
    this.#sync = sync
  }

  /** Resolves when a sync that began after this call is done. */
  run(): Promise<void> {
    if (this.#next) return this.#next
    const next = this.#last.then(() => {
      this.#next = null
      return this.#sync()
    })
    this.#next = next
    this.#last = next.catch(() => {
      // All who share it are told.
    })
    return next
  }
}
