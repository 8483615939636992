import type { ErrorCode } from '../../../protocol/errors.ts'
import type { ProducerIdentity } from '../coordinator-log.ts'
import type { TopicPartition } from './transaction-records.ts'
import type { TransactionState } from './transaction-state.ts'

/** What a transaction coordinator is asked, and how it answers: values, never exceptions. */
export interface TransactionCalls {
  initProducerId: { call: InitProducerIdCall; result: ProducerIdResult }
  addPartitions: { call: AddPartitionsCall; result: ErrorResult }
  verifyPartitions: { call: PartitionsCall; result: VerifyPartitionsResult }
  endTransaction: { call: EndTransactionCall; result: ProducerIdResult }
  completeTransaction: { call: CompleteTransactionCall; result: ErrorResult }
  describeTransaction: { call: TransactionalIdCall; result: DescribedTransaction }
  listTransactions: { call: ListTransactionsCall; result: ListTransactionsResult }
}

export interface TransactionalIdCall {
  readonly transactionalId: string
}

export interface InitProducerIdCall extends TransactionalIdCall {
  readonly timeoutMs: number
  /** What the producer believes to be (KIP-360); null for one that has just started. */
  readonly expected: ProducerIdentity | null
  /** A fresh id, for where one is needed; null as long as it is not known whether it is. */
  readonly freshProducerId: number | null
}

/** Every request of a transaction says who sends it. */
export interface ProducerCall extends TransactionalIdCall, ProducerIdentity {}

export interface PartitionsCall extends ProducerCall {
  readonly partitions: readonly TopicPartition[]
}

export interface AddPartitionsCall extends PartitionsCall {
  readonly transactionVersion: number
}

export interface EndTransactionCall extends ProducerCall {
  readonly commit: boolean
  /** From 2 on the end of a transaction bumps the epoch (KIP-890). */
  readonly transactionVersion: number
  readonly freshProducerId: number | null
}

/** The markers of this transaction are in its partitions. */
export interface CompleteTransactionCall extends ProducerCall {}

export interface ListTransactionsCall {
  /** Empty lists let all pass. */
  readonly states: readonly TransactionState[]
  readonly producerIds: readonly number[]
  /** Only those open for at least so long; -1 for all. */
  readonly minDurationMs: number
  readonly matches: (transactionalId: string) => boolean
}

export interface ErrorResult {
  readonly error: ErrorCode
}

/** -1 and -1 beside an error. */
export interface ProducerIdResult extends ErrorResult, ProducerIdentity {
  /** Nothing was decided: asked again with a fresh producer id it will be. */
  readonly needsProducerId?: true
}

export interface VerifyPartitionsResult extends ErrorResult {
  /** In the order of the call: whether the partition belongs to the open transaction. */
  readonly added: readonly boolean[]
}

export interface DescribedTransaction extends ErrorResult, ProducerIdentity, TransactionalIdCall {
  readonly state: TransactionState
  readonly timeoutMs: number
  readonly startMs: number
  readonly partitions: readonly TopicPartition[]
}

export interface ListedTransaction extends TransactionalIdCall {
  readonly producerId: number
  readonly state: TransactionState
}

export interface ListTransactionsResult extends ErrorResult {
  readonly transactions: readonly ListedTransaction[]
}

export type TransactionRequest = {
  [K in keyof TransactionCalls]: { readonly type: K; readonly call: TransactionCalls[K]['call'] }
}[keyof TransactionCalls]
export type TransactionResponse = TransactionCalls[keyof TransactionCalls]['result']

/** The outcome of a transaction is decided and durable: its partitions are to get their markers. */
export interface EndingTransaction extends ProducerCall {
  readonly commit: boolean
  readonly partitions: readonly TopicPartition[]
  readonly transactionVersion: number
}

export type TransactionTimer = { readonly type: 'abortTimedOut' } | { readonly type: 'expireIds' }
