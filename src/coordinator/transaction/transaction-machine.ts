import { ErrorCode } from '../../../protocol/errors.ts'
import { Effects } from '../effects.ts'
import type { Outcome, ShardEvent, ShardMachine } from '../shard-machine.ts'
import { afterCompletion, endTransaction } from './end-transaction.ts'
import { initProducerId } from './init-producer-id.ts'
import type {
  AddPartitionsCall,
  CompleteTransactionCall,
  DescribedTransaction,
  EndingTransaction,
  ErrorResult,
  InitProducerIdCall,
  ListTransactionsCall,
  ListTransactionsResult,
  PartitionsCall,
  ProducerCall,
  ProducerIdResult,
  TransactionRequest,
  TransactionResponse,
  TransactionTimer,
  VerifyPartitionsResult,
} from './transaction-calls.ts'
import type { StoredTransaction, TopicPartition, TransactionRecord } from './transaction-records.ts'
import {
  abortForeign,
  MAX_TRANSACTIONAL_IDS_PER_SHARD,
  NO_PRODUCER,
  noteEnding,
  refusedProducer,
  type Scope,
  type TransactionConfig,
  type TransactionEffects,
  transit,
} from './transaction-scope.ts'
import { isPrepared } from './transaction-state.ts'

const DONE: ErrorResult = { error: ErrorCode.NONE }

/**
 * One shard of the transaction coordinator. Its state is the last record of each transactional id and nothing else.
 * The record of a prepared transaction is the commit point: what it says will be done, however often the broker dies.
 * Its notes are the transactions that are to get their markers; whoever hears one calls back when that is done.
 */
export class TransactionMachine
  implements
    ShardMachine<TransactionRequest, TransactionResponse, TransactionTimer, TransactionRecord, EndingTransaction>
{
  readonly #config: TransactionConfig
  readonly #transactions = new Map<string, StoredTransaction>()
  /** Only while there is something to look after: a broker without transactions is left to sleep. */
  readonly #scheduled = new Set<TransactionTimer['type']>()

  constructor(config: TransactionConfig) {
    this.#config = config
  }

  handle(
    event: ShardEvent<TransactionRequest, TransactionTimer>,
    nowMs: number,
  ): Outcome<TransactionResponse, TransactionTimer, TransactionRecord, EndingTransaction> {
    const effects: TransactionEffects = new Effects()
    const scope: Scope = { config: this.#config, effects, nowMs }
    if (event.kind === 'request') effects.reply(event.token, this.#answer(scope, event.request))
    else if (event.kind === 'loaded') this.#loaded(scope)
    else {
      this.#scheduled.delete(event.timer.type)
      if (event.timer.type === 'abortTimedOut') this.#abortTimedOut(scope)
      else this.#expireIds(scope)
    }
    for (const { value } of effects.records) if (value !== null) this.#lookAfter(scope, value)
    return effects
  }

  replay({ transactionalId, value }: TransactionRecord): void {
    if (value === null) this.#transactions.delete(transactionalId)
    else this.#transactions.set(transactionalId, value)
  }

  refuse({ type, call }: TransactionRequest, error: ErrorCode): TransactionResponse {
    switch (type) {
      case 'initProducerId':
      case 'endTransaction':
        return refusedProducer(error)
      case 'verifyPartitions':
        return { error, added: call.partitions.map(() => false) }
      case 'describeTransaction':
        return undescribed(call.transactionalId, error)
      case 'listTransactions':
        return { error, transactions: [] }
      default:
        return { error }
    }
  }

  #answer(scope: Scope, { type, call }: TransactionRequest): TransactionResponse {
    switch (type) {
      case 'initProducerId':
        return this.#initProducerId(scope, call)
      case 'addPartitions':
        return this.#addPartitions(scope, call)
      case 'verifyPartitions':
        return this.#verifyPartitions(call)
      case 'endTransaction':
        return endTransaction(scope, call, this.#transactions.get(call.transactionalId))
      case 'completeTransaction':
        return this.#complete(scope, call)
      case 'describeTransaction':
        return this.#describe(call.transactionalId)
      case 'listTransactions':
        return this.#list(scope, call)
    }
  }

  #initProducerId(scope: Scope, call: InitProducerIdCall): ProducerIdResult {
    const known = this.#transactions.get(call.transactionalId)
    const isFull = known === undefined && this.#transactions.size >= MAX_TRANSACTIONAL_IDS_PER_SHARD
    return isFull ? refusedProducer(ErrorCode.POLICY_VIOLATION) : initProducerId(scope, call, known)
  }

  #addPartitions(scope: Scope, call: AddPartitionsCall): ErrorResult {
    const { transactionalId, partitions, transactionVersion } = call
    const known = this.#transactions.get(transactionalId)
    const error = checkProducer(known, call)
    if (known === undefined || error !== ErrorCode.NONE) return { error }
    const isOpen = known.state === 'Ongoing'
    const present = isOpen ? known.partitions : []
    const all = new Map([...present, ...partitions].map((one) => [nameOf(one), one]))
    if (isOpen && all.size === present.length) return DONE
    transit(scope, transactionalId, known, {
      state: 'Ongoing',
      partitions: [...all.values()],
      clientTransactionVersion: transactionVersion,
      ...(!isOpen && { startMs: scope.nowMs }),
    })
    return DONE
  }

  #verifyPartitions(call: PartitionsCall): VerifyPartitionsResult {
    const known = this.#transactions.get(call.transactionalId)
    const error = checkProducer(known, call)
    const present = known?.state === 'Ongoing' && error === ErrorCode.NONE ? known.partitions : []
    const names = new Set(present.map(nameOf))
    return { error, added: call.partitions.map((one) => names.has(nameOf(one))) }
  }

  /** A late word about a transaction that was completed already says nothing new. */
  #complete(scope: Scope, { transactionalId, producerId, producerEpoch }: CompleteTransactionCall): ErrorResult {
    const known = this.#transactions.get(transactionalId)
    if (known === undefined || !isPrepared(known.state)) return DONE
    if (known.producerId !== producerId || known.producerEpoch !== producerEpoch) return DONE
    transit(scope, transactionalId, afterCompletion(known), {})
    return DONE
  }

  #describe(transactionalId: string): DescribedTransaction {
    const known = this.#transactions.get(transactionalId)
    if (known === undefined) return undescribed(transactionalId, ErrorCode.TRANSACTIONAL_ID_NOT_FOUND)
    const { producerId, producerEpoch, state, timeoutMs, startMs, partitions } = known
    return { error: ErrorCode.NONE, transactionalId, producerId, producerEpoch, state, timeoutMs, startMs, partitions }
  }

  #list({ nowMs }: Scope, call: ListTransactionsCall): ListTransactionsResult {
    const { states, producerIds, minDurationMs, matches } = call
    const transactions = [...this.#transactions].flatMap(([transactionalId, { producerId, state, startMs }]) => {
      if (states.length > 0 && !states.includes(state)) return []
      if (producerIds.length > 0 && !producerIds.includes(producerId)) return []
      if (minDurationMs >= 0 && (startMs < 0 || nowMs - startMs < minDurationMs)) return []
      return matches(transactionalId) ? [{ transactionalId, producerId, state }] : []
    })
    return { error: ErrorCode.NONE, transactions }
  }

  /** What was decided before is carried out now. */
  #loaded(scope: Scope): void {
    for (const [transactionalId, known] of this.#transactions) {
      if (isPrepared(known.state)) noteEnding(scope, transactionalId, known)
      this.#lookAfter(scope, known)
    }
  }

  #abortTimedOut(scope: Scope): void {
    for (const [transactionalId, known] of this.#transactions) {
      if (known.state !== 'Ongoing') continue
      if (scope.nowMs - known.startMs > known.timeoutMs) abortForeign(scope, transactionalId, known)
      else this.#lookAfter(scope, known)
    }
  }

  #expireIds(scope: Scope): void {
    const expirationMs = this.#config['transactional.id.expiration.ms']
    for (const [transactionalId, known] of this.#transactions) {
      const { state, lastUpdateMs } = known
      const inUse = state === 'Ongoing' || isPrepared(state) || scope.nowMs - lastUpdateMs < expirationMs
      if (inUse) this.#lookAfter(scope, known)
      else scope.effects.write({ transactionalId, value: null })
    }
  }

  #lookAfter(scope: Scope, { state }: StoredTransaction): void {
    const { config } = scope
    this.#schedule(scope, 'expireIds', config['transaction.remove.expired.transaction.cleanup.interval.ms'])
    if (state !== 'Ongoing') return
    this.#schedule(scope, 'abortTimedOut', config['transaction.abort.timed.out.transaction.cleanup.interval.ms'])
  }

  #schedule({ effects }: Scope, type: TransactionTimer['type'], delayMs: number): void {
    if (this.#scheduled.has(type)) return
    this.#scheduled.add(type)
    effects.schedule(type, delayMs, { type })
  }
}

/** Whether this producer may add to its transaction, or go on with it. */
function checkProducer(known: StoredTransaction | undefined, { producerId, producerEpoch }: ProducerCall): ErrorCode {
  if (known === undefined || known.producerId !== producerId) return ErrorCode.INVALID_PRODUCER_ID_MAPPING
  if (known.producerEpoch !== producerEpoch) return ErrorCode.PRODUCER_FENCED
  return isPrepared(known.state) ? ErrorCode.CONCURRENT_TRANSACTIONS : ErrorCode.NONE
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}:${partition}`
}

function undescribed(transactionalId: string, error: ErrorCode): DescribedTransaction {
  return { error, transactionalId, ...NO_PRODUCER, state: 'Dead', timeoutMs: 0, startMs: -1, partitions: [] }
}
