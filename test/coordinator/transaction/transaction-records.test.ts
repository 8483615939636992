import { describe, expect, it } from 'vitest'
import {
  byTopic,
  type StoredTransaction,
  type TransactionRecord,
  transactionRecordCodec,
} from '../../../src/coordinator/transaction/transaction-records.ts'
import { STATE_IDS, type TransactionState } from '../../../src/coordinator/transaction/transaction-state.ts'
import { partition } from './transaction-driver.ts'

const whole: StoredTransaction = {
  ...{ producerId: 4_000_000_001, previousProducerId: 3, nextProducerId: 12, producerEpoch: 7, lastProducerEpoch: -1 },
  ...{ timeoutMs: 60_000, state: 'PrepareCommit', lastUpdateMs: 1_700_000_000_001, startMs: 1_700_000_000_000 },
  partitions: [partition(0), partition(3), partition(1, '__consumer_offsets')],
  clientTransactionVersion: 2,
}

function roundTrip(record: TransactionRecord): TransactionRecord | null {
  const { key, value } = transactionRecordCodec.encode(record)
  return transactionRecordCodec.decode(key, value)
}

interface FromKafka {
  readonly what: string
  readonly key: string
  readonly value: string
  readonly expected: Partial<StoredTransaction>
}

const KEY = '0000000d74786e2d777977707a622d3534'
const ID_OF_KEY = 'txn-wywpzb-54'
const TOPIC = 'topic-wywpzb-45'

/** Out of a log that Apache Kafka 4.3.1 has written. It gives the producer's own id as the one before. */
const FROM_KAFKA: readonly FromKafka[] = [
  {
    what: 'a fresh id',
    key: KEY,
    value: '0001000000000000002800000000ea600000000001a1ff675084ffffffffffffffff0100080000000000000028',
    expected: { state: 'Empty', producerId: 40, previousProducerId: 40, producerEpoch: 0, startMs: -1, partitions: [] },
  },
  {
    what: 'an open transaction of generation 1',
    key: KEY,
    value:
      '0001000000000000002800000000ea60010210746f7069632d777977707a622d343503000000000000000200000001a1ff675088' +
      '000001a1ff6750880100080000000000000028',
    expected: {
      ...{ state: 'Ongoing', producerEpoch: 0, clientTransactionVersion: 0, startMs: 1_795_286_323_336 },
      partitions: [partition(0, TOPIC), partition(2, TOPIC)],
    },
  },
  {
    what: 'an abort because it took too long',
    key: KEY,
    value:
      '0001000000000000002800010000ea60030210746f7069632d777977707a622d34350400000000000000020000000100000001a1' +
      'ff684cea000001a1ff675088020008000000000000002802020002',
    expected: {
      ...{ state: 'PrepareAbort', producerEpoch: 1, clientTransactionVersion: 2, nextProducerId: -1 },
      partitions: [partition(0, TOPIC), partition(2, TOPIC), partition(1, TOPIC)],
    },
  },
  {
    what: 'its completion',
    key: KEY,
    value: '0001000000000000002800010000ea600501000001a1ff684cf3000001a1ff675088020008000000000000002802020002',
    expected: { state: 'CompleteAbort', producerEpoch: 1, partitions: [], startMs: 1_795_286_323_336 },
  },
]

describe('records of __transaction_state', () => {
  it.each(Object.keys(STATE_IDS) as TransactionState[])('state %s comes back as it was', (state) => {
    const partitions = state === 'Empty' ? [] : whole.partitions
    const record = { transactionalId: 'id', value: { ...whole, state, partitions } }
    expect(roundTrip(record)).toEqual(record)
  })

  it("what Kafka's format cannot hold: the epoch before the last bump", () => {
    const record = { transactionalId: 'id', value: { ...whole, lastProducerEpoch: 6 } }
    expect(roundTrip(record)).toEqual({ transactionalId: 'id', value: whole })
  })

  it('without a value the id is forgotten', () => {
    const record = { transactionalId: 'id', value: null }
    expect(transactionRecordCodec.encode(record).value).toBeNull()
    expect(roundTrip(record)).toEqual(record)
  })

  it.each(FROM_KAFKA)("Kafka's own bytes: $what", ({ key, value, expected }) => {
    const bytes = { key: Buffer.from(key, 'hex'), value: Buffer.from(value, 'hex') }
    const record = transactionRecordCodec.decode(bytes.key, bytes.value)!
    expect(record.transactionalId).toBe(ID_OF_KEY)
    expect(record.value).toMatchObject(expected)
    expect(transactionRecordCodec.encode(record)).toEqual(bytes)
  })

  it('a record of another kind is not ours to read', () => {
    const key = Buffer.from('0001000269640000', 'hex')
    expect(transactionRecordCodec.decode(key, null)).toBeNull()
  })

  it('a state that nobody knows stops the load', () => {
    const { key, value } = transactionRecordCodec.encode({ transactionalId: 'id', value: whole })
    const at = 2 + 8 + 2 + 4
    expect(value![at]).toBe(STATE_IDS.PrepareCommit)
    value![at] = 9
    expect(() => transactionRecordCodec.decode(key, value)).toThrow('a state from 0 to 7, not 9')
  })

  it('partitions stand by topic, in the order of their first mention', () => {
    expect(byTopic([partition(1, 'b'), partition(0, 'a'), partition(0, 'b')])).toEqual([
      { topic: 'b', partitionIds: [1, 0] },
      { topic: 'a', partitionIds: [0] },
    ])
  })
})
