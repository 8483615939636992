/**
 * What became of a transaction, as its producer was told. `unknown`: it asked for a commit and got no answer that says
 * yes or no. Whoever fails before that has never asked: `aborted`.
 */
export type Outcome = 'committed' | 'aborted' | 'unknown'

export interface WrittenRecord {
  readonly partition: number
  /** `producer/transaction/partition/number`, given once. */
  readonly value: string
}

export interface Transaction {
  readonly producer: string
  /** Counts the transactions of the producer. */
  readonly number: number
  readonly records: readonly WrittenRecord[]
  readonly outcome: Outcome
}

export interface ReadRecord {
  readonly partition: number
  readonly offset: number
  readonly value: string
  /** A reader that joins its group again begins where it once began; nothing is said about before and after. Below 0: which of the two is not known. */
  readonly session?: number
}

/** What one reader of committed records was given, in the order in which it was given it. */
export interface Reading {
  readonly reader: string
  readonly records: readonly ReadRecord[]
}

/** A whole run: who wrote what, what readers saw meanwhile, and what can be read at the end, each partition from its start. */
export interface History {
  readonly transactions: readonly Transaction[]
  readonly readings: readonly Reading[]
  readonly final: readonly ReadRecord[]
}
