import { beforeEach, describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import { produce } from '../../src/apis/00-produce.ts'
import type { Broker } from '../../src/broker/broker.ts'
import type { TransactionMember } from '../../src/broker/transaction-partitions.ts'
import { defaultTopicConfig } from '../../src/config/topic-config.ts'
import type { Append } from '../../src/storage/storage.ts'
import { type ApiFixture, apiFixture, TOPIC_ID } from '../coordinator/api-fixture.ts'
import { settled } from '../coordinator/fake-coordinator-log.ts'

const { NONE, CONCURRENT_TRANSACTIONS, TRANSACTION_ABORTABLE, NOT_ENOUGH_REPLICAS, INVALID_TXN_STATE } = ErrorCode
const RETRY_MS = 20

type Asked = Pick<TransactionMember, 'producerId' | 'producerEpoch'> & { partitions: readonly { partition: number }[] }
type Answer = { error: ErrorCode; added: boolean[] }

/** Producer ids whose transaction the log of a partition shows, and what was appended, in order. */
class FakeStore {
  readonly open = new Set<string>()
  /** Markers that a partition has got. */
  readonly ended = new Map<number, number>()
  readonly appended: string[] = []

  producer({ partition }: { partition: number }, producerId: number) {
    const isOpen = this.open.has(`${partition}:${producerId}`)
    const endedTransactions = this.ended.get(partition)
    if (isOpen) return { producerEpoch: 0, currentTransactionFirstOffset: 0, endedTransactions: endedTransactions ?? 0 }
    if (endedTransactions === undefined) return undefined
    return { producerEpoch: 0, currentTransactionFirstOffset: -1, endedTransactions }
  }

  append(appends: readonly Append[]) {
    return Promise.resolve(
      appends.map(({ log, records }) => {
        this.appended.push(`${log.partition}:${records.readBigInt64BE(43)}`)
        return { error: NONE, message: null, recordErrors: [], baseOffset: 0, logAppendTimeMs: -1, logStartOffset: 0 }
      }),
    )
  }
}

/** Answers when the test says so; asks are kept. */
class SlowCoordinator {
  readonly asks: (Asked & { how: 'add' | 'verify'; answer: (answer: Answer) => void })[] = []

  shardOf = () => 0
  addPartitions = (asked: Asked) => this.#ask('add', asked)
  verifyPartitions = (asked: Asked) => this.#ask('verify', asked)

  #ask(how: 'add' | 'verify', asked: Asked): Promise<Answer> {
    return new Promise((answer) => this.asks.push({ ...asked, how, answer }))
  }

  async answerAll(error: ErrorCode, isAdded = true): Promise<void> {
    await settled()
    for (const { partitions, answer } of this.asks.splice(0)) answer({ error, added: partitions.map(() => isAdded) })
    await settled()
  }
}

let fixture: ApiFixture
let store: FakeStore
let coordinator: SlowCoordinator
let verifies: boolean

beforeEach(async () => {
  fixture = await apiFixture()
  store = new FakeStore()
  coordinator = new SlowCoordinator()
  verifies = true
  fixture.parts = {
    store,
    transactions: coordinator,
    peers: { transactions: () => coordinator },
    membership: { coordinatorFor: () => 1 },
    clock: fixture.clock,
    config: { 'add.partitions.to.txn.retry.backoff.ms': RETRY_MS, 'add.partitions.to.txn.retry.backoff.max.ms': 100 },
    effectiveConfig: { of: () => ({ 'transaction.partition.verification.enable': verifies }) },
    partitions: { locate: (_: unknown, partition: number) => ({ error: NONE, log: { topicId: TOPIC_ID, partition } }) },
    diskBudget: { refusal: () => null },
    topicConfigs: { of: () => defaultTopicConfig() },
  } as unknown as Partial<Broker>
})

function batch(producerId: number, transactional = true): Buffer {
  const records = [{ timestamp: 1, key: null, value: Buffer.from('v') }]
  return buildBatch({ producerId, producerEpoch: 0, baseSequence: 0, transactional, records })
}

/** Partition by partition: the producer whose batch it gets. */
function send(version: number, producers: readonly number[], transactional = true) {
  const partitionData = producers.map((id, index) => ({ index, records: batch(id, transactional) }))
  const topic = version < 13 ? { name: 't' } : { topicId: TOPIC_ID }
  const topicData = [{ ...topic, partitionData }]
  const request = { transactionalId: 'id', acks: -1, timeoutMs: 1000, topicData }
  return fixture.send(produce, version, request).then(({ responses }) => responses[0]!.partitionResponses)
}

const errorsOf = (answers: readonly { errorCode: number }[]) => answers.map(({ errorCode }) => errorCode)

describe('whether a write belongs to a transaction', () => {
  it.each([
    { version: 3, how: 'verify' },
    { version: 11, how: 'verify' },
    { version: 12, how: 'add' },
    { version: 13, how: 'add' },
  ])('v$version asks the coordinator to $how', async ({ version, how }) => {
    const answer = send(version, [7, 7])
    expect(coordinator.asks).toMatchObject([{ how, producerId: 7, partitions: [{ partition: 0 }, { partition: 1 }] }])
    expect(store.appended).toEqual([])
    await coordinator.answerAll(NONE)
    expect(errorsOf(await answer)).toEqual([NONE, NONE])
    expect(store.appended).toEqual(['0:7', '1:7'])
  })

  it('several producers of one request are asked for one by one, each with its own partitions', async () => {
    const answer = send(11, [7, 8, 7])
    expect(coordinator.asks).toMatchObject([
      { producerId: 7, partitions: [{ partition: 0 }, { partition: 2 }] },
      { producerId: 8, partitions: [{ partition: 1 }] },
    ])
    const [seven, eight] = coordinator.asks.splice(0)
    seven!.answer({ error: NONE, added: [true, false] })
    eight!.answer({ error: ErrorCode.INVALID_PRODUCER_ID_MAPPING, added: [false] })
    const errors = [NONE, ErrorCode.INVALID_PRODUCER_ID_MAPPING, TRANSACTION_ABORTABLE]
    expect(errorsOf(await answer)).toEqual(errors)
    expect(store.appended).toEqual(['0:7'])
  })

  it.each([11, 13])('v%i does not ask where the log shows the transaction', async (version) => {
    store.open.add('0:7').add('1:7')
    expect(errorsOf(await send(version, [7, 7]))).toEqual([NONE, NONE])
    expect([coordinator.asks.length, fixture.connection.held]).toEqual([0, 0])
  })

  it('nor of batches outside of transactions', async () => {
    expect(errorsOf(await send(13, [7], false))).toEqual([NONE])
    expect(coordinator.asks).toEqual([])
  })

  it('transaction.partition.verification.enable=false: v11 does not ask, v12 has to', async () => {
    verifies = false
    expect(errorsOf(await send(11, [7]))).toEqual([NONE])
    const answer = send(12, [7])
    expect(coordinator.asks).toHaveLength(1)
    await coordinator.answerAll(NONE)
    expect(errorsOf(await answer)).toEqual([NONE])
  })
})

describe('a transaction that is ended while its last write is on its way', () => {
  it.each([false, true])(
    'the write does not come behind the marker (of a producer seen before: %s)',
    async (isKnown) => {
      if (isKnown) store.ended.set(0, 1).set(1, 1)
      const sent = send(11, [7, 7])
      // The marker is in partition 0 before the answer has reached the one who asked.
      store.ended.set(0, 2)
      await coordinator.answerAll(NONE)
      expect(errorsOf(await sent)).toEqual([NOT_ENOUGH_REPLICAS, NONE])
      expect(store.appended).toEqual(['1:7'])
    },
  )

  it('another write of the same transaction has opened it meanwhile: no marker', async () => {
    const sent = send(11, [7])
    store.open.add('0:7')
    await coordinator.answerAll(NONE)
    expect(errorsOf(await sent)).toEqual([NONE])
  })

  it('v12: the log itself refuses an epoch from before the marker', async () => {
    const sent = send(12, [7])
    store.ended.set(0, 2)
    await coordinator.answerAll(NONE)
    expect(errorsOf(await sent)).toEqual([NONE])
  })
})

describe('what the coordinator says, in words of Produce', () => {
  it.each([
    { version: 10, error: INVALID_TXN_STATE, answer: INVALID_TXN_STATE },
    { version: 11, error: INVALID_TXN_STATE, answer: TRANSACTION_ABORTABLE },
    ...[11, 13].flatMap((version) => [
      { version, error: ErrorCode.PRODUCER_FENCED, answer: ErrorCode.INVALID_PRODUCER_EPOCH },
      { version, error: ErrorCode.INVALID_PRODUCER_ID_MAPPING, answer: ErrorCode.INVALID_PRODUCER_ID_MAPPING },
      { version, error: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, answer: NOT_ENOUGH_REPLICAS },
      { version, error: ErrorCode.COORDINATOR_NOT_AVAILABLE, answer: NOT_ENOUGH_REPLICAS },
      { version, error: ErrorCode.NOT_COORDINATOR, answer: NOT_ENOUGH_REPLICAS },
    ]),
    { version: 11, error: CONCURRENT_TRANSACTIONS, answer: NOT_ENOUGH_REPLICAS },
  ])('v$version: $error is told as $answer', async ({ version, error, answer }) => {
    const sent = send(version, [7])
    await coordinator.answerAll(error, false)
    expect(errorsOf(await sent)).toEqual([answer])
    expect((await sent)[0]!.errorMessage).toMatch(/./)
    expect(store.appended).toEqual([])
    expect(fixture.connection.held).toBe(0)
  })

  it.each([9, 10, 11])('v%i: a partition that was not added', async (version) => {
    const sent = send(version, [7])
    await coordinator.answerAll(NONE, false)
    expect(errorsOf(await sent)).toEqual([version < 11 ? INVALID_TXN_STATE : TRANSACTION_ABORTABLE])
    expect((await sent)[0]!.errorMessage).toBe('Partition was not added to the transaction')
  })

  it('trap 78: v12 is patient with the markers of the transaction before', async () => {
    const sent = send(12, [7])
    for (let attempt = 0; attempt < 3; attempt++) {
      await coordinator.answerAll(CONCURRENT_TRANSACTIONS)
      fixture.clock.advance(RETRY_MS)
    }
    await coordinator.answerAll(NONE)
    expect(errorsOf(await sent)).toEqual([NONE])
  })

  it('trap 78: v12 is told 51 when that takes longer', async () => {
    const sent = send(12, [7])
    for (let attempt = 0; attempt < 6; attempt++) {
      await coordinator.answerAll(CONCURRENT_TRANSACTIONS)
      fixture.clock.advance(RETRY_MS)
    }
    expect(errorsOf(await sent)).toEqual([CONCURRENT_TRANSACTIONS])
  })
})

describe('trap 37: the order of batches', () => {
  it('later requests of the connection wait until the batches have their offsets', async () => {
    const sent = send(12, [7])
    expect(fixture.connection.held).toBe(1)
    await coordinator.answerAll(NONE)
    expect([fixture.connection.held, store.appended]).toEqual([0, ['0:7']])
    await sent
  })

  it('they go on after a failure too', async () => {
    Object.assign(fixture.parts.peers!, {
      transactions: () => ({ ...coordinator, addPartitions: () => Promise.reject(new Error('a bug')) }),
    })
    await expect(send(12, [7])).rejects.toThrow('a bug')
    expect(fixture.connection.held).toBe(0)
  })

  it('a coordinator that nobody leads is asked again by the client', async () => {
    Object.assign(fixture.parts.peers!, { transactions: () => undefined })
    expect(errorsOf(await send(12, [7]))).toEqual([NOT_ENOUGH_REPLICAS])
  })
})
