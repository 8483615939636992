import { isControl, isTransactional } from './batch.ts'

/** A transaction that was aborted, as Fetch tells of it to readers of committed data. */
export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
}

interface SeenBatch {
  readonly baseOffset: number
  readonly lastOffsetDelta: number
  readonly producerId: number
  readonly attributes: number
}

/** Whose records a reader of committed data passes over, from batch to batch of one answer. */
export class AbortedProducers {
  readonly #waiting: AbortedTransaction[]
  readonly #open = new Set<number>()

  constructor(transactions: readonly AbortedTransaction[]) {
    this.#waiting = [...transactions].sort((a, b) => a.firstOffset - b.firstOffset)
  }

  /** Asked of every batch, in order. Markers are hidden too: they are nobody's records. */
  hides(batch: SeenBatch): boolean {
    const last = batch.baseOffset + batch.lastOffsetDelta
    while (this.#waiting[0] !== undefined && this.#waiting[0].firstOffset <= last) {
      this.#open.add(this.#waiting.shift()!.producerId)
    }
    if (isControl(batch.attributes)) {
      this.#open.delete(batch.producerId)
      return true
    }
    return isTransactional(batch.attributes) && this.#open.has(batch.producerId)
  }
}
