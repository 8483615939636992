import type { Logger } from 'pino'
import { ErrorCode } from '../../../protocol/errors.ts'
import type { Clock, Timer } from '../../io/clock.ts'
import type { Membership } from '../../metadata/membership.ts'
import type { CoordinatorLog } from '../coordinator-log.ts'
import { CoordinatorRuntime } from '../runtime.ts'
import { shardOf } from '../shard-of.ts'
import type { MarkerWriter } from './marker-writer.ts'
import type {
  AddPartitionsCall,
  DescribedTransaction,
  EndingTransaction,
  EndTransactionCall,
  ErrorResult,
  InitProducerIdCall,
  ListTransactionsCall,
  ListTransactionsResult,
  PartitionsCall,
  ProducerIdResult,
  TransactionalIdCall,
  TransactionCalls,
  TransactionRequest,
  TransactionResponse,
  TransactionTimer,
  VerifyPartitionsResult,
} from './transaction-calls.ts'
import { TransactionMachine } from './transaction-machine.ts'
import { type TopicPartition, type TransactionRecord, transactionRecordCodec } from './transaction-records.ts'
import type { TransactionConfig } from './transaction-scope.ts'

const FIRST_RETRY_MS = 20
const LONGEST_RETRY_MS = 1_000

export interface TransactionCoordinatorOptions {
  readonly config: TransactionConfig
  readonly log: CoordinatorLog
  readonly membership: Membership
  readonly markers: Pick<MarkerWriter, 'write'>
  readonly producerIds: { next(): Promise<number> }
  readonly clock: Clock
  readonly logger: Logger
}

/** A transaction whose markers are being written. */
interface Ending {
  readonly transaction: EndingTransaction
  retry: Timer | null
  /** Every marker is there; what is told now of the same producer and epoch is its next transaction. */
  isWritten: boolean
}

/**
 * Transactions as handlers see them: each call goes to the shard of its transactional id and is answered when it is
 * decided and durable. What is decided is carried out: markers are written until every partition has its own.
 */
export class TransactionCoordinator {
  readonly #options: TransactionCoordinatorOptions
  readonly #runtime: CoordinatorRuntime<
    TransactionRequest,
    TransactionResponse,
    TransactionTimer,
    TransactionRecord,
    EndingTransaction
  >
  readonly #endings = new Map<string, Ending>()
  readonly #writing = new Set<Promise<void>>()
  #closed = false

  constructor(options: TransactionCoordinatorOptions) {
    const { config, log, membership, clock, logger } = options
    this.#options = options
    this.#runtime = new CoordinatorRuntime({
      kind: 'transaction',
      createMachine: () => new TransactionMachine(config),
      codec: transactionRecordCodec,
      log,
      ownership: {
        isOwner: (shard) => membership.coordinatorFor('transaction', shard) === membership.selfId,
        fence: (shard) => membership.fenceFor('transaction', shard),
      },
      clock,
      logger,
      onNotes: (endings) => {
        for (const ending of endings) this.#begin(ending)
      },
    })
  }

  /** Loads all transactions; before the port opens. Rejects when a log cannot be read. */
  start(): Promise<void> {
    return this.#runtime.start()
  }

  /** Resolves when nothing is being written any more. What is not carried out yet will be after the next start. */
  async close(): Promise<void> {
    this.#closed = true
    for (const { retry } of this.#endings.values()) retry?.cancel()
    await this.#runtime.close()
    await Promise.allSettled(this.#writing)
  }

  /** Leadership may have moved. */
  followOwnership(): void {
    this.#runtime.followOwnership()
  }

  /** Begins with what is in the logs now. */
  reload(): Promise<void> {
    return this.#runtime.reload()
  }

  shardOf(transactionalId: string): number {
    return shardOf(transactionalId, this.#runtime.shardCount)
  }

  initProducerId(call: Omit<InitProducerIdCall, 'freshProducerId'>): Promise<ProducerIdResult> {
    return this.#withProducerId((freshProducerId) => this.#call('initProducerId', { ...call, freshProducerId }))
  }

  addPartitions(call: AddPartitionsCall): Promise<ErrorResult> {
    return this.#call('addPartitions', call)
  }

  verifyPartitions(call: PartitionsCall): Promise<VerifyPartitionsResult> {
    return this.#call('verifyPartitions', call)
  }

  endTransaction(call: Omit<EndTransactionCall, 'freshProducerId'>): Promise<ProducerIdResult> {
    return this.#withProducerId((freshProducerId) => this.#call('endTransaction', { ...call, freshProducerId }))
  }

  describeTransaction(transactionalId: string): Promise<DescribedTransaction> {
    return this.#call('describeTransaction', { transactionalId })
  }

  /** Of all shards of this broker; COORDINATOR_LOAD_IN_PROGRESS while one of them is not known yet. */
  async listTransactions(call: ListTransactionsCall): Promise<ListTransactionsResult> {
    const shards = Array.from({ length: this.#runtime.shardCount }, (_, shard) => shard)
    const answers = await Promise.all(shards.map((shard) => this.#ask(shard, 'listTransactions', call)))
    const owned = answers.filter(({ error }) => error !== ErrorCode.NOT_COORDINATOR)
    const error = owned.find((answer) => answer.error !== ErrorCode.NONE)?.error ?? ErrorCode.NONE
    return { error, transactions: error === ErrorCode.NONE ? owned.flatMap(({ transactions }) => transactions) : [] }
  }

  /** Most requests need none, and ids are not to be wasted. */
  async #withProducerId(ask: (freshProducerId: number | null) => Promise<ProducerIdResult>): Promise<ProducerIdResult> {
    const result = await ask(null)
    return result.needsProducerId ? ask(await this.#options.producerIds.next()) : result
  }

  #call<K extends keyof TransactionCalls>(type: K, call: TransactionCalls[K]['call'] & TransactionalIdCall) {
    return this.#ask(this.shardOf(call.transactionalId), type, call)
  }

  /** The machine answers each type of request with the result of that type. */
  #ask<K extends keyof TransactionCalls>(
    shard: number,
    type: K,
    call: TransactionCalls[K]['call'],
  ): Promise<TransactionCalls[K]['result']> {
    return this.#runtime.call(shard, { type, call } as TransactionRequest) as Promise<TransactionCalls[K]['result']>
  }

  /** Told again after a reload of the shard: once is enough. */
  #begin(transaction: EndingTransaction): void {
    const { transactionalId, producerId, producerEpoch } = transaction
    const under = this.#endings.get(transactionalId)
    const isSame = under?.transaction.producerId === producerId && under.transaction.producerEpoch === producerEpoch
    if (isSame && !under.isWritten) return
    under?.retry?.cancel()
    const ending = { transaction, retry: null, isWritten: false }
    this.#endings.set(transactionalId, ending)
    this.#write(ending, transaction.partitions, FIRST_RETRY_MS)
  }

  #write(ending: Ending, partitions: readonly TopicPartition[], retryMs: number): void {
    const writing = this.#writeMarkers(ending, partitions, retryMs).finally(() => this.#writing.delete(writing))
    this.#writing.add(writing)
  }

  async #writeMarkers(ending: Ending, partitions: readonly TopicPartition[], retryMs: number): Promise<void> {
    const { transactionalId, producerId, producerEpoch, commit } = ending.transaction
    const { membership, markers } = this.#options
    const coordinatorEpoch = membership.fenceFor('transaction', this.shardOf(transactionalId))
    // Another broker's by now, which carries it out itself.
    if (this.#closed || coordinatorEpoch < 0) return this.#forget(ending)
    const end = { producerId, producerEpoch, commit, coordinatorEpoch }
    let left: readonly TopicPartition[]
    try {
      left = this.#unfinished(partitions, await markers.write(partitions, end))
    } catch (error) {
      this.#options.logger.error({ err: error, transactionalId }, 'the markers of a transaction could not be written')
      left = partitions
    }
    if (this.#endings.get(transactionalId) !== ending) return
    if (left.length > 0) {
      this.#again(ending, retryMs, (nextMs) => this.#write(ending, left, nextMs))
      return
    }
    ending.isWritten = true
    const { error } = await this.#call('completeTransaction', { transactionalId, producerId, producerEpoch })
    if (error === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS || error === ErrorCode.COORDINATOR_NOT_AVAILABLE) {
      this.#again(ending, retryMs, (nextMs) => this.#write(ending, [], nextMs))
    } else this.#forget(ending)
  }

  #again(ending: Ending, delayMs: number, retry: (nextMs: number) => void): void {
    if (this.#closed || this.#endings.get(ending.transaction.transactionalId) !== ending) return
    ending.retry = this.#options.clock.schedule(delayMs, () => {
      ending.retry = null
      retry(Math.min(delayMs * 2, LONGEST_RETRY_MS))
    })
  }

  #forget(ending: Ending): void {
    const { transactionalId } = ending.transaction
    if (this.#endings.get(transactionalId) === ending) this.#endings.delete(transactionalId)
  }

  /** Those that have to be tried again. A topic that is gone needs no marker, nor a partition with a later one. */
  #unfinished(partitions: readonly TopicPartition[], errors: readonly ErrorCode[]): TopicPartition[] {
    return partitions.filter((_one, at) => {
      switch (errors[at]) {
        case ErrorCode.NONE:
        case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
        case ErrorCode.INVALID_PRODUCER_EPOCH:
        case ErrorCode.TRANSACTION_COORDINATOR_FENCED:
          return false
        default:
          return true
      }
    })
  }
}
