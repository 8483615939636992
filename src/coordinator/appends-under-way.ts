/**
 * Appends to shards that have not ended yet, whoever began them: the brokers of one store take shards over from each
 * other, and a new owner must not read past what the one before is still writing.
 */
export class AppendsUnderWay {
  readonly #byShard = new Map<number, Set<Promise<unknown>>>()

  track<T>(shard: number, append: Promise<T>): Promise<T> {
    const appends = this.#byShard.get(shard) ?? new Set()
    this.#byShard.set(shard, appends.add(append))
    const forget = () => {
      appends.delete(append)
      if (appends.size === 0 && this.#byShard.get(shard) === appends) this.#byShard.delete(shard)
    }
    append.then(forget, forget)
    return append
  }

  /** Resolves when those that are under way now have ended, well or not. */
  async settled(shard: number): Promise<void> {
    await Promise.allSettled(this.#byShard.get(shard) ?? [])
  }
}
