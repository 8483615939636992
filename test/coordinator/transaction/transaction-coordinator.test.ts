import pino from 'pino'
import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../../protocol/errors.ts'
import type { ProducerIdentity, TransactionEnd } from '../../../src/coordinator/coordinator-log.ts'
import { TransactionCoordinator } from '../../../src/coordinator/transaction/transaction-coordinator.ts'
import type { TopicPartition } from '../../../src/coordinator/transaction/transaction-records.ts'
import { SimulatedClock } from '../../../src/io/simulated-clock.ts'
import { FakeCoordinatorLog, isPending, settled } from '../fake-coordinator-log.ts'
import { ID, partition, TEST_CONFIG, TIMEOUT_MS } from './transaction-driver.ts'

const { NONE, COORDINATOR_NOT_AVAILABLE, CONCURRENT_TRANSACTIONS } = ErrorCode
const SHARDS = 4
const FENCE = 3

interface Marking {
  readonly partitions: readonly TopicPartition[]
  readonly end: TransactionEnd
  /** Ends it: with these errors, or by throwing. */
  readonly answer: (outcome: readonly ErrorCode[] | Error) => Promise<void>
}

/** Markers are written when the test says so. */
class FakeMarkers {
  readonly under: Marking[] = []
  written = 0

  write(partitions: readonly TopicPartition[], end: TransactionEnd): Promise<ErrorCode[]> {
    this.written++
    return new Promise((resolve, reject) => {
      const answer = (outcome: readonly ErrorCode[] | Error) => {
        if (outcome instanceof Error) reject(outcome)
        else resolve([...outcome])
        return settled()
      }
      this.under.push({ partitions, end, answer })
    })
  }

  /** The oldest one under way. */
  next(): Marking {
    const marking = this.under.shift()
    if (marking === undefined) throw new Error('no markers are being written')
    return marking
  }

  async succeed(): Promise<void> {
    const { partitions, answer } = this.next()
    await answer(partitions.map(() => NONE))
  }
}

async function start(log = Object.assign(new FakeCoordinatorLog(SHARDS), { isFast: true })) {
  const clock = new SimulatedClock()
  const markers = new FakeMarkers()
  const owner = { id: 1 }
  let lastProducerId = 99
  const transactions = new TransactionCoordinator({
    config: TEST_CONFIG,
    log,
    markers,
    membership: {
      ...{ selfId: 1, brokers: () => [], controllerId: 1, liveIds: [1] },
      coordinatorFor: () => owner.id,
      fenceFor: () => (owner.id === 1 ? FENCE : -1),
    },
    producerIds: { next: () => Promise.resolve(++lastProducerId) },
    clock,
    logger: pino({ level: 'silent' }),
  })
  await transactions.start()
  const fixture = { transactions, log, clock, markers, owner }
  return { ...fixture, idsTaken: () => lastProducerId - 99, ...callsOf(transactions) }
}

function callsOf(transactions: TransactionCoordinator) {
  const init = () => transactions.initProducerId({ transactionalId: ID, timeoutMs: TIMEOUT_MS, expected: null })
  const add = (producer: ProducerIdentity, transactionVersion = 2, ...indexes: number[]) => {
    const partitions = (indexes.length === 0 ? [0, 1] : indexes).map((index) => partition(index))
    return transactions.addPartitions({ transactionalId: ID, ...identity(producer), partitions, transactionVersion })
  }
  const end = (producer: ProducerIdentity, commit = true, transactionVersion = 2) =>
    transactions.endTransaction({ transactionalId: ID, ...identity(producer), commit, transactionVersion })
  const state = async () => (await transactions.describeTransaction(ID)).state
  const open = async () => {
    const producer = await init()
    await add(producer)
    return producer
  }
  return { init, add, end, state, open }
}

function identity({ producerId, producerEpoch }: ProducerIdentity): ProducerIdentity {
  return { producerId, producerEpoch }
}

describe('a transaction that ends', () => {
  it.each([true, false])(
    'is answered first, then its markers are written, then it is complete (commit: %s)',
    async (commit) => {
      const { open, end, state, markers } = await start()
      const producer = await open()
      expect((await end(producer, commit)).error).toBe(NONE)
      expect(await state()).toBe(commit ? 'PrepareCommit' : 'PrepareAbort')
      const { partitions, end: ending, answer } = markers.next()
      expect(partitions).toEqual([partition(0), partition(1)])
      expect(ending).toEqual({ producerId: 100, producerEpoch: 1, commit, coordinatorEpoch: FENCE })
      await answer([NONE, NONE])
      expect(await state()).toBe(commit ? 'CompleteCommit' : 'CompleteAbort')
      expect(markers.written).toBe(1)
    },
  )

  it('is not decided as long as its record is not durable', async () => {
    const { open, end, markers, log } = await start()
    const producer = await open()
    log.isFast = false
    const ending = end(producer)
    expect(await isPending(ending)).toBe(true)
    expect(markers.written).toBe(0)
    await log.end()
    expect((await ending).error).toBe(NONE)
    expect(markers.written).toBe(1)
  })

  it('is not decided when its record could not be written, and the client may ask again', async () => {
    const { open, end, state, markers, log, clock } = await start()
    const producer = await open()
    log.isFast = false
    const ending = end(producer)
    await log.end(ErrorCode.KAFKA_STORAGE_ERROR)
    expect((await ending).error).toBe(ErrorCode.NOT_COORDINATOR)
    expect(markers.written).toBe(0)
    log.isFast = true
    expect((await end(producer)).error).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
    clock.advance(1000)
    await settled()
    expect(await state()).toBe('Ongoing')
    expect((await end(producer)).error).toBe(NONE)
    expect(markers.written).toBe(1)
  })

  it('takes a producer id only where one is needed', async () => {
    const { init, open, end, markers, idsTaken } = await start()
    const producer = await open()
    await end(producer)
    await markers.succeed()
    await init()
    expect(idsTaken()).toBe(1)
  })
})

describe('markers that cannot be written', () => {
  it('trap 78: are tried again soon, then less often, and only where they are missing', async () => {
    const { open, end, state, markers, clock } = await start()
    await end(await open())
    await markers.next().answer([NONE, COORDINATOR_NOT_AVAILABLE])
    for (const delayMs of [20, 40, 80, 160, 320, 640, 1000, 1000]) {
      clock.advance(delayMs - 1)
      expect(markers.under).toEqual([])
      clock.advance(1)
      const { partitions, answer } = markers.next()
      expect(partitions).toEqual([partition(1)])
      await answer([ErrorCode.KAFKA_STORAGE_ERROR])
    }
    expect(await state()).toBe('PrepareCommit')
    clock.advance(1000)
    await markers.succeed()
    expect(await state()).toBe('CompleteCommit')
  })

  it('are all tried again when writing them failed altogether', async () => {
    const { open, end, state, markers, clock } = await start()
    await end(await open())
    await markers.next().answer(new Error('a bug'))
    clock.advance(20)
    expect(markers.under).toMatchObject([{ partitions: { length: 2 } }])
    await markers.succeed()
    expect(await state()).toBe('CompleteCommit')
  })

  it.each([
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ErrorCode.INVALID_PRODUCER_EPOCH,
    ErrorCode.TRANSACTION_COORDINATOR_FENCED,
  ])('are not needed where the answer is %i', async (error) => {
    const { open, end, state, markers } = await start()
    await end(await open())
    await markers.next().answer([error, NONE])
    expect(await state()).toBe('CompleteCommit')
  })
})

describe('a coordinator that comes and goes', () => {
  it('closing waits for the markers under way, and tries no more', async () => {
    const { transactions, open, end, markers, clock } = await start()
    await end(await open())
    const closing = transactions.close()
    expect(await isPending(closing)).toBe(true)
    await markers.next().answer([COORDINATOR_NOT_AVAILABLE, COORDINATOR_NOT_AVAILABLE])
    await closing
    clock.advance(10_000)
    expect(markers.under).toEqual([])
  })

  it('closing does not wait for the next attempt', async () => {
    const { transactions, open, end, markers, clock } = await start()
    await end(await open())
    await markers.next().answer([COORDINATOR_NOT_AVAILABLE, NONE])
    await transactions.close()
    clock.advance(10_000)
    expect(markers.under).toEqual([])
  })

  it('trap 82: what one has decided the next one carries out', async () => {
    const first = await start()
    await first.end(await first.open())
    const end = first.markers.next()
    void first.transactions.close()
    const second = await start(first.log)
    expect(second.markers.under).toMatchObject([{ partitions: end.partitions, end: end.end }])
    await second.markers.succeed()
    expect(await second.state()).toBe('CompleteCommit')
    const third = await start(first.log)
    expect(third.markers.written).toBe(0)
  })

  it('a shard that is loaded again while its markers are written has them written once', async () => {
    const { transactions, open, end, state, markers } = await start()
    await end(await open())
    await transactions.reload()
    expect(await state()).toBe('PrepareCommit')
    expect(markers.written).toBe(1)
    await markers.succeed()
    expect(await state()).toBe('CompleteCommit')
    expect(markers.written).toBe(1)
  })

  it('a completion that could not be written is written later', async () => {
    const { open, end, state, markers, log, clock } = await start()
    await end(await open())
    log.isFast = false
    await markers.succeed()
    await log.end(ErrorCode.NOT_ENOUGH_REPLICAS)
    log.isFast = true
    clock.advance(100)
    await settled()
    expect(await state()).toBe('PrepareCommit')
    while (markers.under.length > 0) await markers.succeed()
    clock.advance(1000)
    await settled()
    while (markers.under.length > 0) await markers.succeed()
    expect(await state()).toBe('CompleteCommit')
  })

  it('a shard that has moved is left to its new owner, and carried out when it comes back', async () => {
    const { transactions, open, end, state, markers, clock, owner } = await start()
    await end(await open())
    await markers.next().answer([COORDINATOR_NOT_AVAILABLE, NONE])
    owner.id = 2
    transactions.followOwnership()
    clock.advance(5000)
    await settled()
    expect(markers.under).toEqual([])
    expect((await transactions.describeTransaction(ID)).error).toBe(ErrorCode.NOT_COORDINATOR)
    owner.id = 1
    transactions.followOwnership()
    clock.advance(1)
    await settled()
    expect(await state()).toBe('PrepareCommit')
    expect(markers.under).toMatchObject([{ partitions: { length: 2 } }])
    await markers.succeed()
    expect(await state()).toBe('CompleteCommit')
  })
})

describe('transactions that follow one another', () => {
  it.each([0, 2])('generation of transaction.version %i: each gets its markers', async (transactionVersion) => {
    const { init, add, end, state, markers } = await start()
    let producer: ProducerIdentity = await init()
    for (let round = 0; round < 3; round++) {
      await add(producer, transactionVersion, round)
      const answer = await end(producer, round !== 1, transactionVersion)
      expect(answer.error).toBe(NONE)
      if (transactionVersion === 2) producer = answer
      expect((await add(producer, transactionVersion)).error).toBe(CONCURRENT_TRANSACTIONS)
      expect(markers.under).toMatchObject([{ partitions: [partition(round)], end: { commit: round !== 1 } }])
      await markers.succeed()
      expect(await state()).toBe(round === 1 ? 'CompleteAbort' : 'CompleteCommit')
    }
  })

  it('a next transaction that is sent before the answers are there gets its markers too', async () => {
    const { init, add, end, state, markers, log } = await start()
    const producer = await init()
    await add(producer, 0, 0)
    await end(producer, true, 0)
    log.isFast = false
    await markers.succeed()
    const answers = Promise.all([add(producer, 0, 1), end(producer, false, 0)])
    // The completion, and all that was sent after it, in one write.
    for (const append of log.appending.splice(0)) append.end(NONE)
    expect((await answers).map(({ error }) => error)).toEqual([NONE, NONE])
    log.isFast = true
    expect(markers.under).toMatchObject([{ partitions: [partition(1)], end: { commit: false } }])
    await markers.succeed()
    expect(await state()).toBe('CompleteAbort')
  })

  it('trap 80: one that takes too long is aborted by the clock alone', async () => {
    const { open, state, markers, clock } = await start()
    await open()
    clock.advance(TIMEOUT_MS + 10_000)
    await settled()
    expect(markers.under).toMatchObject([{ end: { commit: false, producerEpoch: 1 } }])
    await markers.succeed()
    expect(await state()).toBe('CompleteAbort')
  })
})

describe('the list of all transactions', () => {
  const everything = { states: [], producerIds: [], minDurationMs: -1, matches: () => true }

  it('is that of all shards', async () => {
    const { transactions } = await start()
    const ids = Array.from({ length: 12 }, (_, at) => `id-${at}`)
    const initial = { timeoutMs: TIMEOUT_MS, expected: null }
    for (const transactionalId of ids) await transactions.initProducerId({ transactionalId, ...initial })
    expect(new Set(ids.map((id) => transactions.shardOf(id))).size).toBe(SHARDS)
    const { error, transactions: listed } = await transactions.listTransactions(everything)
    expect(error).toBe(NONE)
    expect(listed.map(({ transactionalId }) => transactionalId).sort()).toEqual(ids.sort())
  })

  it('is refused while a shard is being loaded, and empty where none is owned', async () => {
    const { transactions, init, log, owner } = await start()
    await init()
    log.loading = new Promise(() => {})
    void transactions.reload()
    const loading = { error: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, transactions: [] }
    expect(await transactions.listTransactions(everything)).toEqual(loading)
    owner.id = 2
    transactions.followOwnership()
    expect(await transactions.listTransactions(everything)).toEqual({ error: NONE, transactions: [] })
  })
})
