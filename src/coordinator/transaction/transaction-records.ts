import { codecOf } from '../../../protocol/codec/codec.ts'
import { Reader } from '../../../protocol/codec/reader.ts'
import { Writer } from '../../../protocol/codec/writer.ts'
import { TransactionLogKey, TransactionLogValue } from '../../../protocol/messages/records/transaction.ts'
import type { RecordCodec } from '../shard-machine.ts'
import { STATE_IDS, type TransactionState } from './transaction-state.ts'

/** The one record of `__transaction_state`, in Kafka's format. A null value forgets the transactional id. */
export interface TransactionRecord {
  readonly transactionalId: string
  readonly value: StoredTransaction | null
}

/** Everything a restarted coordinator has to know of a transactional id. */
export interface StoredTransaction {
  readonly producerId: number
  /** Of which this one is the continuation, because its epochs were used up; -1 when there is none. */
  readonly previousProducerId: number
  /** Taken when the transaction completes, because the epochs of this one are used up; -1 when there is none. */
  readonly nextProducerId: number
  readonly producerEpoch: number
  /**
   * Epoch before the last bump that the producer itself asked for, by which a repeated request is recognised; -1 when
   * there was none. Kafka's format has no place for it: after a restart it is -1.
   */
  readonly lastProducerEpoch: number
  readonly timeoutMs: number
  readonly state: TransactionState
  /** Of the transaction that is open or ends. */
  readonly partitions: readonly TopicPartition[]
  readonly lastUpdateMs: number
  /** -1 before the first transaction. */
  readonly startMs: number
  /** transaction.version of the producer (KIP-890): from 2 on each transaction has an epoch of its own. */
  readonly clientTransactionVersion: number
}

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

const TRANSACTION = 0
const KEY_VERSION = 0
/** What brokers write from transaction.version 1 on. */
const VALUE_VERSION = 1

export const transactionRecordCodec: RecordCodec<TransactionRecord> = { encode, decode }

function encode({ transactionalId, value }: TransactionRecord): { key: Buffer; value: Buffer | null } {
  const key = new Writer()
  key.int16(TRANSACTION)
  codecOf(TransactionLogKey, KEY_VERSION).encode(key, { transactionalId })
  return { key: Buffer.from(key.bytes()), value: value === null ? null : encodeValue(value) }
}

function encodeValue(value: StoredTransaction): Buffer {
  const writer = new Writer()
  writer.int16(VALUE_VERSION)
  const { producerId, previousProducerId, nextProducerId, producerEpoch, clientTransactionVersion } = value
  codecOf(TransactionLogValue, VALUE_VERSION).encode(writer, {
    ...{ producerId, previousProducerId, nextProducerId, producerEpoch, clientTransactionVersion },
    transactionTimeoutMs: value.timeoutMs,
    transactionStatus: STATE_IDS[value.state],
    transactionPartitions: value.state === 'Empty' ? null : byTopic(value.partitions),
    transactionLastUpdateTimestampMs: value.lastUpdateMs,
    transactionStartTimestampMs: value.startMs,
  })
  return Buffer.from(writer.bytes())
}

function decode(key: Buffer, value: Buffer | null): TransactionRecord | null {
  const reader = new Reader(key)
  if (reader.int16() !== TRANSACTION) return null
  const { transactionalId } = codecOf(TransactionLogKey, KEY_VERSION).decode(reader)
  return { transactionalId, value: value === null ? null : decodeValue(value) }
}

function decodeValue(bytes: Buffer): StoredTransaction {
  const reader = new Reader(bytes)
  const version = reader.int16()
  const value = codecOf(TransactionLogValue, version).decode(reader)
  const state = stateOf(value.transactionStatus)
  const { producerId, previousProducerId, nextProducerId, producerEpoch, clientTransactionVersion } = value
  return {
    ...{ producerId, previousProducerId, nextProducerId, producerEpoch, clientTransactionVersion, state },
    lastProducerEpoch: -1,
    timeoutMs: value.transactionTimeoutMs,
    partitions: (value.transactionPartitions ?? []).flatMap(({ topic, partitionIds }) =>
      partitionIds.map((partition) => ({ topic, partition })),
    ),
    lastUpdateMs: value.transactionLastUpdateTimestampMs,
    startMs: value.transactionStartTimestampMs,
  }
}

function stateOf(id: number): TransactionState {
  for (const [state, known] of Object.entries(STATE_IDS)) if (known === id) return state as TransactionState
  throw new RangeError(`a transaction has a state from 0 to 7, not ${id}`)
}

export function byTopic(partitions: readonly TopicPartition[]): { topic: string; partitionIds: number[] }[] {
  const topics = new Map<string, number[]>()
  for (const { topic, partition } of partitions) {
    const ids = topics.get(topic)
    if (ids) ids.push(partition)
    else topics.set(topic, [partition])
  }
  return [...topics].map(([topic, partitionIds]) => ({ topic, partitionIds }))
}
