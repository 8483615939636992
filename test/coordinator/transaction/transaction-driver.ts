import { deepStrictEqual } from 'node:assert'
import { ErrorCode } from '../../../protocol/errors.ts'
import type { ProducerIdentity } from '../../../src/coordinator/coordinator-log.ts'
import type { ShardEvent } from '../../../src/coordinator/shard-machine.ts'
import type {
  EndingTransaction,
  ListTransactionsCall,
  ProducerIdResult,
  TransactionCalls,
  TransactionRequest,
  TransactionTimer,
} from '../../../src/coordinator/transaction/transaction-calls.ts'
import { TransactionMachine } from '../../../src/coordinator/transaction/transaction-machine.ts'
import {
  type StoredTransaction,
  type TopicPartition,
  type TransactionRecord,
  transactionRecordCodec,
} from '../../../src/coordinator/transaction/transaction-records.ts'
import type { TransactionConfig } from '../../../src/coordinator/transaction/transaction-scope.ts'
import type { TransactionState } from '../../../src/coordinator/transaction/transaction-state.ts'

export const TEST_CONFIG: TransactionConfig = {
  'transaction.max.timeout.ms': 900_000,
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': 10_000,
  'transaction.remove.expired.transaction.cleanup.interval.ms': 3_600_000,
  'transactional.id.expiration.ms': 604_800_000,
}

export const ID = 'id'
export const TIMEOUT_MS = 60_000
export const FIRST_PRODUCER_ID = 1000

export const partition = (index: number, topic = 't'): TopicPartition => ({ topic, partition: index })

interface Scheduled {
  readonly event: TransactionTimer
  readonly dueMs: number
}

/** Whoever asks; which generation it is of decides how a transaction ends. */
export interface Asker extends ProducerIdentity {
  readonly transactionalId?: string
  readonly transactionVersion?: number
}

/** A shard on time that only the test moves. Every record passes through its bytes, and must come out as it went in. */
export class TransactionDriver {
  nowMs = 1_700_000_000_000
  readonly log: TransactionRecord[] = []
  /** Everything that was told, oldest first. */
  readonly notes: EndingTransaction[] = []
  readonly #config: TransactionConfig
  readonly #timers = new Map<string, Scheduled>()
  #machine: TransactionMachine
  #nextProducerId = FIRST_PRODUCER_ID

  constructor(config: Partial<TransactionConfig> = {}, log: readonly TransactionRecord[] = []) {
    this.#config = { ...TEST_CONFIG, ...config }
    this.#machine = new TransactionMachine(this.#config)
    this.log.push(...log)
    this.reload()
  }

  /** The broker restarts: memory is what the log says. */
  reload(): void {
    this.#machine = new TransactionMachine(this.#config)
    this.#timers.clear()
    for (const record of this.log) this.#machine.replay(record)
    this.#handle({ kind: 'loaded' })
  }

  ask<K extends keyof TransactionCalls>(type: K, call: TransactionCalls[K]['call']): TransactionCalls[K]['result'] {
    const replies = this.#handle({ kind: 'request', token: 1, request: { type, call } as TransactionRequest })
    deepStrictEqual(
      replies.map(({ token }) => token),
      [1],
    )
    return replies[0]!.response as TransactionCalls[K]['result']
  }

  init({
    expected = null,
    timeoutMs = TIMEOUT_MS,
    transactionalId = ID,
  }: {
    expected?: ProducerIdentity | null
    timeoutMs?: number
    transactionalId?: string
  } = {}): ProducerIdResult {
    return this.#withProducerId((freshProducerId) =>
      this.ask('initProducerId', { transactionalId, timeoutMs, expected, freshProducerId }),
    )
  }

  /** The identity; throws when it is refused. */
  begin(options: Parameters<TransactionDriver['init']>[0] = {}): ProducerIdentity {
    const { error, producerId, producerEpoch } = this.init(options)
    deepStrictEqual(error, ErrorCode.NONE)
    return { producerId, producerEpoch }
  }

  add(producer: Asker, ...indexes: number[]): ErrorCode {
    const { producerId, producerEpoch, transactionalId = ID, transactionVersion = 2 } = producer
    const partitions = (indexes.length === 0 ? [0] : indexes).map((index) => partition(index))
    return this.ask('addPartitions', { transactionalId, producerId, producerEpoch, partitions, transactionVersion })
      .error
  }

  end(producer: Asker, commit: boolean): ProducerIdResult {
    const { producerId, producerEpoch, transactionalId = ID, transactionVersion = 2 } = producer
    return this.#withProducerId((freshProducerId) =>
      this.ask('endTransaction', {
        ...{ transactionalId, producerId, producerEpoch, commit, transactionVersion, freshProducerId },
      }),
    )
  }

  /** The markers of what was told last are written. */
  complete(note: ProducerIdentity & { readonly transactionalId: string } = this.notes.at(-1)!): ErrorCode {
    const { transactionalId, producerId, producerEpoch } = note
    return this.ask('completeTransaction', { transactionalId, producerId, producerEpoch }).error
  }

  describe(transactionalId = ID) {
    return this.ask('describeTransaction', { transactionalId })
  }

  state(transactionalId = ID): TransactionState {
    return this.describe(transactionalId).state
  }

  list(call: Partial<ListTransactionsCall> = {}): string[] {
    const all = { states: [], producerIds: [], minDurationMs: -1, matches: () => true }
    const { transactions } = this.ask('listTransactions', { ...all, ...call })
    return transactions.map(({ transactionalId }) => transactionalId).sort()
  }

  /** What the log says last of an id, without what it does not hold. */
  stored(transactionalId = ID): StoredTransaction | null | undefined {
    return this.log.findLast((record) => record.transactionalId === transactionalId)?.value
  }

  advance(ms: number): void {
    const untilMs = this.nowMs + ms
    for (;;) {
      const due = [...this.#timers].filter(([, { dueMs }]) => dueMs <= untilMs)
      const [key, next] = due.sort(([, one], [, other]) => one.dueMs - other.dueMs)[0] ?? []
      if (key === undefined || next === undefined) break
      this.#timers.delete(key)
      this.nowMs = next.dueMs
      this.#handle({ kind: 'timer', timer: next.event })
    }
    this.nowMs = untilMs
  }

  #withProducerId(ask: (freshProducerId: number | null) => ProducerIdResult): ProducerIdResult {
    const before = this.log.length
    const result = ask(null)
    if (!result.needsProducerId) return result
    deepStrictEqual(this.log.length, before, 'nothing is decided without the id')
    const again = ask(this.#nextProducerId++)
    deepStrictEqual(again.needsProducerId, undefined)
    return again
  }

  #handle(event: ShardEvent<TransactionRequest, TransactionTimer>) {
    const { records, replies, timers, notes } = this.#machine.handle(event, this.nowMs)
    for (const record of records) {
      this.#machine.replay(record)
      const { key, value } = transactionRecordCodec.encode(record)
      const read = transactionRecordCodec.decode(key, value)!
      // The one thing that Kafka's format has no place for.
      const expected = record.value && { ...record.value, lastProducerEpoch: -1 }
      deepStrictEqual(read, { ...record, value: expected })
      this.log.push(read)
    }
    this.notes.push(...notes)
    for (const { key, event: timer, delayMs } of timers) {
      this.#timers.delete(key)
      if (timer !== null) this.#timers.set(key, { event: timer, dueMs: this.nowMs + delayMs })
    }
    return replies
  }
}

export interface Preset {
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly state?: TransactionState
  readonly previousProducerId?: number
}

/** A log in which the id has come so far already. */
export function logWith({ producerId = 7, producerEpoch = 0, state = 'Empty', previousProducerId = -1 }: Preset) {
  const value: StoredTransaction = {
    ...{ producerId, producerEpoch, previousProducerId, nextProducerId: -1, lastProducerEpoch: -1, state },
    ...{ timeoutMs: TIMEOUT_MS, partitions: [], lastUpdateMs: 1_700_000_000_000, startMs: -1 },
    clientTransactionVersion: 2,
  }
  return [{ transactionalId: ID, value }]
}
