import { type BatchHeader, isTransactional } from '../../protocol/records/batch.ts'

/** An aborted transaction, as the transaction index of a segment names it. */
export interface AbortedTransactionRange {
  readonly producerId: number
  readonly firstOffset: number
  /** Of the abort marker. */
  readonly lastOffset: number
  readonly lastStableOffset: number
}

interface OngoingAbort {
  readonly range: AbortedTransactionRange
  /** Whether a batch of it was met on this walk. */
  seen: boolean
}

/**
 * Knows, on a walk over a log from wherever it begins, which transaction each batch belongs to: data of aborted ones may go,
 * and a marker when no batch of its transaction is left before it.
 */
export class TransactionWalk {
  readonly #aborted: readonly AbortedTransactionRange[]
  #next = 0
  readonly #ongoingAborts = new Map<number, OngoingAbort>()
  readonly #ongoingCommits = new Set<number>()
  #kept: AbortedTransactionRange[] = []

  /** All aborted transactions with a record in what is walked over, also those whose marker lies behind it. */
  constructor(aborted: readonly AbortedTransactionRange[]) {
    this.#aborted = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset)
  }

  /** Whether a batch of data belongs to an aborted transaction. Every one on the way has to be shown, also empty ones. */
  isAborted(header: BatchHeader): boolean {
    this.#reach(header)
    if (!isTransactional(header.attributes)) return false
    const abort = this.#ongoingAborts.get(header.producerId)
    if (abort) abort.seen = true
    else this.#ongoingCommits.add(header.producerId)
    return abort !== undefined
  }

  /** Whether a marker ends a transaction of which nothing was met. Every marker on the way has to be shown. */
  endsNothing(header: BatchHeader, commit: boolean): boolean {
    this.#reach(header)
    if (commit) return !this.#ongoingCommits.delete(header.producerId)
    const abort = this.#ongoingAborts.get(header.producerId)
    this.#ongoingAborts.delete(header.producerId)
    if (!abort?.seen) return true
    this.#kept.push(abort.range)
    return false
  }

  /** The aborted transactions whose markers were met since the last call and of which batches are left. */
  takeKept(): AbortedTransactionRange[] {
    const kept = this.#kept
    this.#kept = []
    return kept
  }

  #reach(header: BatchHeader): void {
    const offset = header.baseOffset + header.lastOffsetDelta
    for (let next = this.#aborted[this.#next]; next && next.firstOffset <= offset; next = this.#aborted[this.#next]) {
      // One that ended before the walk began is none of this batch's producer any more.
      if (next.lastOffset >= header.baseOffset) this.#ongoingAborts.set(next.producerId, { range: next, seen: false })
      this.#next++
    }
  }
}
