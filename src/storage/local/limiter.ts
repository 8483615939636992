/** Lets so many in at a time, the others in the order of their coming. */
export class Limiter {
  readonly #limit: number
  #inside = 0
  readonly #waiting: (() => void)[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#inside >= this.#limit) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#inside++
    try {
      return await task()
    } finally {
      // The place goes to the next one without ever being free.
      const next = this.#waiting.shift()
      if (next) next()
      else this.#inside--
    }
  }
}
