import type { Odradek } from '../server/odradek.ts'
import type { LogStore } from '../storage/storage.ts'

/** One life of a test broker, from a start to the restore of a snapshot or the end. */
export interface Life {
  readonly odradek: Odradek
  readonly advances: Advances
}

/** Wakes those who wait for more records. */
export class Advances {
  readonly #waiting = new Set<(more: boolean) => void>()
  #closed = false

  constructor(store: LogStore) {
    store.onAdvance(() => this.#wake(true))
  }

  /** True when a log has more than before; false when there will be nothing more, or nobody wants it. */
  next(signal?: AbortSignal): Promise<boolean> {
    if (this.#closed || signal?.aborted) return Promise.resolve(false)
    return new Promise((resolve) => {
      const abort = () => settle(false)
      const settle = (more: boolean) => {
        this.#waiting.delete(settle)
        signal?.removeEventListener('abort', abort)
        resolve(more)
      }
      this.#waiting.add(settle)
      signal?.addEventListener('abort', abort)
    })
  }

  close(): void {
    this.#closed = true
    this.#wake(false)
  }

  #wake(more: boolean): void {
    for (const settle of [...this.#waiting]) settle(more)
  }
}
