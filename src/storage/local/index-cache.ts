import type { LogSegment } from './log-segment.ts'

/**
 * Which indexes of full segments stay in memory: those last used, up to a number of bytes. Their files have the same
 * bytes, so that forgetting costs one read later. Active segments are not in here: they need theirs all the time.
 */
export class IndexCache {
  readonly #budgetBytes: number
  /** In order of last use. */
  readonly #sizes = new Map<LogSegment, number>()
  #totalBytes = 0

  constructor(budgetBytes: number) {
    this.#budgetBytes = budgetBytes
  }

  use(segment: LogSegment): void {
    this.remove(segment)
    const sizeBytes = (segment.offsetIndex?.sizeBytes ?? 0) + (segment.timeIndex?.sizeBytes ?? 0)
    this.#sizes.set(segment, sizeBytes)
    this.#totalBytes += sizeBytes
    for (const [oldest] of this.#sizes) {
      if (this.#totalBytes <= this.#budgetBytes || oldest === segment) return
      this.remove(oldest)
      oldest.forgetIndexes()
    }
  }

  remove(segment: LogSegment): void {
    this.#totalBytes -= this.#sizes.get(segment) ?? 0
    this.#sizes.delete(segment)
  }
}
