import { beforeEach, describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { initProducerId } from '../../src/apis/22-init-producer-id.ts'
import { addPartitionsToTxn } from '../../src/apis/24-add-partitions-to-txn.ts'
import { addOffsetsToTxn } from '../../src/apis/25-add-offsets-to-txn.ts'
import { endTxn } from '../../src/apis/26-end-txn.ts'
import { txnOffsetCommit } from '../../src/apis/28-txn-offset-commit.ts'
import { describeTransactions } from '../../src/apis/65-describe-transactions.ts'
import { listTransactions } from '../../src/apis/66-list-transactions.ts'
import type { Broker } from '../../src/broker/broker.ts'
import { type ApiFixture, apiFixture, versionsOf } from '../coordinator/api-fixture.ts'
import { settled } from '../coordinator/fake-coordinator-log.ts'

const { NONE, PRODUCER_FENCED, INVALID_PRODUCER_EPOCH, TRANSACTION_ABORTABLE, INVALID_TXN_STATE } = ErrorCode
const { COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR, CONCURRENT_TRANSACTIONS } = ErrorCode

/** Whatever the coordinator says, in every shape it answers in. */
class SayingCoordinator {
  error: ErrorCode = NONE
  /** Errors of the next answers, before it comes to `error`. */
  readonly first: ErrorCode[] = []
  asked = 0

  shardOf = () => 0
  initProducerId = () => this.#identity()
  endTransaction = () => this.#identity()
  addPartitions = () => Promise.resolve({ error: this.#next() })
  describeTransaction = (transactionalId: string) =>
    Promise.resolve({
      ...{ error: this.#next(), transactionalId, producerId: 7, producerEpoch: 1, state: 'Ongoing', timeoutMs: 5 },
      ...{ startMs: 3, partitions: [{ topic: 't', partition: 2 }] },
    })
  listTransactions = () => {
    const error = this.#next()
    const listed = { transactionalId: 'id', producerId: 7, state: 'Ongoing' }
    return Promise.resolve({ error, transactions: error === NONE ? [listed] : [] })
  }
  verifyPartitions = ({ partitions }: { partitions: readonly unknown[] }) => {
    const error = this.#next()
    return Promise.resolve({ error, added: partitions.map(() => error === NONE) })
  }

  #next(): ErrorCode {
    this.asked++
    return this.first.shift() ?? this.error
  }

  #identity() {
    const error = this.#next()
    const identity = error === NONE ? { producerId: 7, producerEpoch: 1 } : { producerId: -1, producerEpoch: -1 }
    return Promise.resolve({ error, ...identity })
  }
}

let fixture: ApiFixture
let coordinator: SayingCoordinator

beforeEach(async () => {
  fixture = await apiFixture()
  coordinator = new SayingCoordinator()
  const membership = { selfId: 1, coordinatorFor: () => 1 }
  const config = { 'add.partitions.to.txn.retry.backoff.ms': 20, 'add.partitions.to.txn.retry.backoff.max.ms': 100 }
  fixture.parts = {
    transactions: coordinator,
    peers: { transactions: () => coordinator },
    membership,
    config,
    clock: fixture.clock,
  } as unknown as Partial<Broker>
})

const producer = { transactionalId: 'id', producerId: 7, producerEpoch: 0 }

/** The error of a request of that version, where the coordinator has said `error`. */
const requests = {
  InitProducerId: async (version: number) => {
    const request = { transactionalId: 'id', transactionTimeoutMs: 1000 }
    return (await fixture.send(initProducerId, version, request)).errorCode
  },
  AddPartitionsToTxn: async (version: number) => {
    const topics = [{ name: 't', partitions: [0] }]
    const request = {
      ...{ v3AndBelowTransactionalId: 'id', v3AndBelowProducerId: 7, v3AndBelowProducerEpoch: 0 },
      v3AndBelowTopics: topics,
    }
    const answer = await fixture.send(
      addPartitionsToTxn,
      version,
      version < 4 ? request : { transactions: [{ ...producer, topics }] },
    )
    const results = version < 4 ? answer.resultsByTopicV3AndBelow : answer.resultsByTransaction[0]!.topicResults
    return results[0]!.resultsByPartition[0]!.partitionErrorCode
  },
  AddOffsetsToTxn: async (version: number) =>
    (await fixture.send(addOffsetsToTxn, version, { ...producer, groupId: 'g' })).errorCode,
  EndTxn: async (version: number) => (await fixture.send(endTxn, version, { ...producer, committed: true })).errorCode,
  TxnOffsetCommit: async (version: number) => {
    const partitions = [{ partitionIndex: 0, committedOffset: 5, committedMetadata: '' }]
    const request = { ...producer, groupId: 'g', topics: [{ name: 't', partitions }] }
    return (await fixture.send(txnOffsetCommit, version, request)).topics[0]!.partitions[0]!.errorCode
  },
}

const table = (
  api: keyof typeof requests,
  versions: readonly number[],
  error: ErrorCode,
  answer: (version: number) => ErrorCode,
) => versions.map((version) => ({ api, version, error, answer: answer(version) }))

describe('trap 77: a producer that was overtaken, in words that its version knows', () => {
  it.each([
    ...table('InitProducerId', versionsOf(initProducerId), PRODUCER_FENCED, (version) =>
      version < 4 ? INVALID_PRODUCER_EPOCH : PRODUCER_FENCED,
    ),
    ...(['AddPartitionsToTxn', 'AddOffsetsToTxn', 'EndTxn'] as const).flatMap((api) => {
      const entry = { AddPartitionsToTxn: addPartitionsToTxn, AddOffsetsToTxn: addOffsetsToTxn, EndTxn: endTxn }[api]
      return table(api, versionsOf(entry), PRODUCER_FENCED, (version) =>
        version < 2 ? INVALID_PRODUCER_EPOCH : PRODUCER_FENCED,
      )
    }),
    ...table('TxnOffsetCommit', versionsOf(txnOffsetCommit), PRODUCER_FENCED, () => INVALID_PRODUCER_EPOCH),
  ])('$api v$version: $error is told as $answer', async ({ api, version, error, answer }) => {
    coordinator.error = error
    expect(await requests[api](version)).toBe(answer)
  })
})

describe('a coordinator that has to be asked again', () => {
  const apis = ['InitProducerId', 'AddPartitionsToTxn', 'AddOffsetsToTxn', 'EndTxn'] as const
  const errors = [
    ...[COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR, CONCURRENT_TRANSACTIONS],
    ...[ErrorCode.INVALID_PRODUCER_ID_MAPPING, INVALID_TXN_STATE],
  ]
  it.each(apis.flatMap((api) => errors.map((error) => ({ api, error }))))(
    '$api: $error is told as it is',
    async ({ api, error }) => {
      coordinator.error = error
      for (const version of [0, 4]) expect(await requests[api](version)).toBe(error)
    },
  )

  it.each([
    ...table('TxnOffsetCommit', [2, 4, 5], COORDINATOR_LOAD_IN_PROGRESS, () => COORDINATOR_LOAD_IN_PROGRESS),
    ...table('TxnOffsetCommit', [0, 1], COORDINATOR_LOAD_IN_PROGRESS, () => COORDINATOR_NOT_AVAILABLE),
    ...table('TxnOffsetCommit', [0, 3], NOT_COORDINATOR, () => COORDINATOR_NOT_AVAILABLE),
    ...table('TxnOffsetCommit', [0, 3], COORDINATOR_NOT_AVAILABLE, () => COORDINATOR_NOT_AVAILABLE),
    ...table('TxnOffsetCommit', [2, 3, 4], CONCURRENT_TRANSACTIONS, () => COORDINATOR_LOAD_IN_PROGRESS),
    ...table('TxnOffsetCommit', [0, 1], CONCURRENT_TRANSACTIONS, () => COORDINATOR_NOT_AVAILABLE),
    ...table('TxnOffsetCommit', [0, 3], INVALID_TXN_STATE, () => INVALID_TXN_STATE),
    ...table('TxnOffsetCommit', [4, 5], INVALID_TXN_STATE, () => TRANSACTION_ABORTABLE),
    ...table(
      'TxnOffsetCommit',
      [0, 5],
      ErrorCode.INVALID_PRODUCER_ID_MAPPING,
      (_) => ErrorCode.INVALID_PRODUCER_ID_MAPPING,
    ),
  ])('$api v$version: $error is told as $answer', async ({ api, version, error, answer }) => {
    coordinator.error = error
    expect(await requests[api](version)).toBe(answer)
  })

  it('trap 78: TxnOffsetCommit v5 waits a moment for the markers of the transaction before', async () => {
    coordinator.first.push(CONCURRENT_TRANSACTIONS, CONCURRENT_TRANSACTIONS)
    const answer = requests.TxnOffsetCommit(5)
    for (let attempt = 0; attempt < 2; attempt++) await passed(20)
    expect(await answer).toBe(NONE)
    expect(coordinator.asked).toBe(3)
  })

  it('trap 78: and for no more than a moment', async () => {
    coordinator.error = CONCURRENT_TRANSACTIONS
    const answer = requests.TxnOffsetCommit(5)
    for (let attempt = 0; attempt < 5; attempt++) await passed(20)
    expect(await answer).toBe(COORDINATOR_LOAD_IN_PROGRESS)
    expect(coordinator.asked).toBe(6)
  })
})

async function passed(ms: number): Promise<void> {
  await settled()
  fixture.clock.advance(ms)
}

describe('whole answers', () => {
  it.each(versionsOf(endTxn))('EndTxn v%i has the next identity from 5 on', async (version) => {
    const { producerId, producerEpoch } = await fixture.send(endTxn, version, { ...producer, committed: false })
    expect({ producerId, producerEpoch }).toEqual(
      version < 5 ? { producerId: -1, producerEpoch: -1 } : { producerId: 7, producerEpoch: 1 },
    )
  })

  it('DescribeTransactions tells each id for itself, and nothing of one in error', async () => {
    coordinator.first.push(NONE, NOT_COORDINATOR)
    const { transactionStates } = await fixture.send(describeTransactions, 0, { transactionalIds: ['a', 'b'] })
    expect(transactionStates).toEqual([
      {
        ...{ errorCode: NONE, transactionalId: 'a', transactionState: 'Ongoing', transactionTimeoutMs: 5 },
        ...{ transactionStartTimeMs: 3, producerId: 7, producerEpoch: 1, topics: [{ topic: 't', partitions: [2] }] },
      },
      {
        ...{ errorCode: NOT_COORDINATOR, transactionalId: 'b', transactionState: '', transactionTimeoutMs: 0 },
        ...{ transactionStartTimeMs: 0, producerId: 0, producerEpoch: 0, topics: [] },
      },
    ])
  })

  it.each(versionsOf(listTransactions))('ListTransactions v%i tells of a shard that is loaded', async (version) => {
    const request = { stateFilters: ['Ongoing', 'Unknown'], producerIdFilters: [] }
    const listed = [{ transactionalId: 'id', producerId: 7, transactionState: 'Ongoing' }]
    const answer = { throttleTimeMs: 0, errorCode: NONE, unknownStateFilters: ['Unknown'], transactionStates: listed }
    expect(await fixture.send(listTransactions, version, request)).toEqual(answer)
    coordinator.error = COORDINATOR_LOAD_IN_PROGRESS
    const loading = { ...answer, errorCode: COORDINATOR_LOAD_IN_PROGRESS, transactionStates: [] }
    expect(await fixture.send(listTransactions, version, request)).toEqual(loading)
  })

  it('a handler that failed answers in the shape of each request', () => {
    const error = ErrorCode.UNKNOWN_SERVER_ERROR
    const nobody = { throttleTimeMs: 0, errorCode: error, producerId: -1, producerEpoch: -1 }
    const initial = { transactionalId: 'id', transactionTimeoutMs: 1 }
    expect(fixture.fail(initProducerId, 5, initial, error)).toMatchObject(nobody)
    expect(fixture.fail(endTxn, 5, { ...producer, committed: true }, error)).toEqual(nobody)
    const offsets = { ...producer, groupId: 'g' }
    expect(fixture.fail(addOffsetsToTxn, 4, offsets, error)).toEqual({ throttleTimeMs: 0, errorCode: error })
    const topics = [{ name: 't', partitions: [0, 1] }]
    const added = fixture.fail(addPartitionsToTxn, 5, { transactions: [{ ...producer, topics }] }, error)
    expect(added.resultsByTransaction[0]!.topicResults[0]!.resultsByPartition).toEqual([
      { partitionIndex: 0, partitionErrorCode: error },
      { partitionIndex: 1, partitionErrorCode: error },
    ])
    expect(fixture.fail(describeTransactions, 0, { transactionalIds: ['a'] }, error)).toMatchObject({
      transactionStates: [{ errorCode: error, transactionalId: 'a' }],
    })
  })
})
