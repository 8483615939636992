/** States of a transactional id, by Kafka's names and the numbers of its records. */
export const STATE_IDS = {
  Empty: 0,
  Ongoing: 1,
  PrepareCommit: 2,
  PrepareAbort: 3,
  CompleteCommit: 4,
  CompleteAbort: 5,
  Dead: 6,
  PrepareEpochFence: 7,
} as const

export type TransactionState = keyof typeof STATE_IDS

export function isTransactionState(name: string): name is TransactionState {
  return Object.hasOwn(STATE_IDS, name)
}

/** The outcome is decided and written, and the partitions are being told. */
export function isPrepared(state: TransactionState): boolean {
  return state === 'PrepareCommit' || state === 'PrepareAbort'
}

/** The last epoch a producer gets; the one above is for shutting it out when even that is used up. */
export const LAST_PRODUCER_EPOCH = 0x7ffe

export function isEpochExhausted(epoch: number): boolean {
  return epoch >= LAST_PRODUCER_EPOCH
}

/** transaction.version of a producer: what of KIP-890 it does. */
export const TransactionVersion = {
  /** It adds each partition by a request, and keeps its epoch from one transaction to the next. */
  EXPLICIT: 0,
  /** Partitions are added by the first write, and every transaction ends with a new epoch. */
  IMPLICIT: 2,
} as const
