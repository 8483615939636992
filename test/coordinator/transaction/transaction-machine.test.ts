import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../../protocol/errors.ts'
import { TransactionMachine } from '../../../src/coordinator/transaction/transaction-machine.ts'
import { MAX_TRANSACTIONAL_IDS_PER_SHARD } from '../../../src/coordinator/transaction/transaction-scope.ts'
import { ID, partition, TEST_CONFIG, TIMEOUT_MS, TransactionDriver } from './transaction-driver.ts'

const { NONE, CONCURRENT_TRANSACTIONS, INVALID_TXN_STATE, PRODUCER_FENCED, INVALID_PRODUCER_ID_MAPPING } = ErrorCode
const GENERATIONS = [1, 2]
const CLEANUP_MS = 10_000

describe('a shard with all the transactional ids that it takes', () => {
  it('refuses another one and goes on with those it knows', () => {
    const stored = {
      producerId: 7,
      previousProducerId: -1,
      nextProducerId: -1,
      producerEpoch: 0,
      lastProducerEpoch: -1,
    }
    const times = { timeoutMs: TIMEOUT_MS, lastUpdateMs: 0, startMs: -1 }
    const value = { ...stored, ...times, state: 'Empty', partitions: [], clientTransactionVersion: 0 } as const
    const machine = new TransactionMachine(TEST_CONFIG)
    for (let n = 0; n < MAX_TRANSACTIONAL_IDS_PER_SHARD; n++) machine.replay({ transactionalId: `id-${n}`, value })
    const ask = (transactionalId: string) => {
      const call = { transactionalId, timeoutMs: TIMEOUT_MS, expected: null, freshProducerId: 8 }
      const request = { type: 'initProducerId', call } as const
      return machine.handle({ kind: 'request', token: 1, request }, 0).replies[0]!.response
    }
    expect(ask('one-more')).toMatchObject({ error: ErrorCode.POLICY_VIOLATION, producerId: -1 })
    expect(ask('id-5')).toMatchObject({ error: NONE, producerId: 7, producerEpoch: 1 })
    machine.replay({ transactionalId: 'id-9', value: null })
    expect(ask('one-more')).toMatchObject({ error: NONE, producerId: 8, producerEpoch: 0 })
  })
})

describe('adding partitions', () => {
  it.each(GENERATIONS)('generation %i: the first one opens a transaction, which begins then', (transactionVersion) => {
    const driver = new TransactionDriver()
    const producer = { ...driver.begin(), transactionVersion }
    driver.advance(7)
    const beganMs = driver.nowMs
    expect(driver.add(producer, 0, 1)).toBe(NONE)
    driver.advance(7)
    expect(driver.add(producer, 2, 1)).toBe(NONE)
    const partitions = [partition(0), partition(1), partition(2)]
    expect(driver.describe()).toMatchObject({ state: 'Ongoing', startMs: beganMs, partitions })
    expect(driver.stored()).toMatchObject({ clientTransactionVersion: transactionVersion, lastUpdateMs: driver.nowMs })
    driver.reload()
    expect(driver.describe()).toMatchObject({ state: 'Ongoing', startMs: beganMs, partitions })
  })

  it.each([false, true])('those that are in already are not written again (restart: %s)', (reloads) => {
    const driver = new TransactionDriver()
    const producer = driver.begin()
    driver.add(producer, 0, 1)
    if (reloads) driver.reload()
    const { length } = driver.log
    expect(driver.add(producer, 1)).toBe(NONE)
    expect(driver.add(producer, 0, 1)).toBe(NONE)
    expect(driver.log).toHaveLength(length)
  })

  it('a partition named twice in one request is one partition', () => {
    const driver = new TransactionDriver()
    driver.add(driver.begin(), 3, 3)
    expect(driver.describe().partitions).toEqual([partition(3)])
  })

  it.each([true, false])('after a transaction (commit: %s) the next one has its own partitions and start', (commit) => {
    const driver = new TransactionDriver()
    const producer = { ...driver.begin(), transactionVersion: 1 }
    driver.add(producer, 0)
    driver.end(producer, commit)
    expect(driver.add(producer, 1)).toBe(CONCURRENT_TRANSACTIONS)
    driver.reload()
    expect(driver.add(producer, 1)).toBe(CONCURRENT_TRANSACTIONS)
    driver.complete()
    driver.advance(100)
    expect(driver.add(producer, 1)).toBe(NONE)
    expect(driver.describe()).toMatchObject({ state: 'Ongoing', startMs: driver.nowMs, partitions: [partition(1)] })
  })

  it('an unknown id and a foreign producer are 49, another epoch is 90, and nothing is written', () => {
    const driver = new TransactionDriver()
    const producer = driver.begin()
    const { length } = driver.log
    expect(driver.add({ ...producer, transactionalId: 'unknown' })).toBe(INVALID_PRODUCER_ID_MAPPING)
    expect(driver.add({ ...producer, producerId: 1 })).toBe(INVALID_PRODUCER_ID_MAPPING)
    for (const producerEpoch of [-1, 1]) expect(driver.add({ ...producer, producerEpoch })).toBe(PRODUCER_FENCED)
    expect(driver.log).toHaveLength(length)
  })

  it('verifying says which are in, and changes nothing', () => {
    const driver = new TransactionDriver()
    const producer = driver.begin()
    const verify = (change: object = {}) => {
      const call = { transactionalId: ID, ...producer, partitions: [partition(0), partition(5)], ...change }
      return driver.ask('verifyPartitions', call)
    }
    expect(verify()).toEqual({ error: NONE, added: [false, false] })
    driver.add(producer, 0)
    const { length } = driver.log
    expect(verify()).toEqual({ error: NONE, added: [true, false] })
    expect(verify({ producerEpoch: 4 })).toEqual({ error: PRODUCER_FENCED, added: [false, false] })
    driver.end({ ...producer, transactionVersion: 1 }, true)
    expect(verify()).toEqual({ error: CONCURRENT_TRANSACTIONS, added: [false, false] })
    driver.complete()
    expect(verify()).toEqual({ error: NONE, added: [false, false] })
    expect(driver.log).toHaveLength(length + 2)
  })
})

describe('completion', () => {
  it.each([true, false])('commit %s: the partitions are gone, the start stays', (commit) => {
    const driver = new TransactionDriver()
    const producer = driver.begin()
    driver.add(producer, 0)
    const { startMs } = driver.describe()
    driver.end(producer, commit)
    driver.advance(50)
    expect(driver.complete()).toBe(NONE)
    const state = commit ? 'CompleteCommit' : 'CompleteAbort'
    expect(driver.describe()).toMatchObject({ state, startMs, partitions: [], producerEpoch: 1 })
    driver.reload()
    expect(driver.describe()).toMatchObject({ state, startMs, partitions: [], producerEpoch: 1 })
  })

  it('told twice, late or of something else, it changes nothing', () => {
    const driver = new TransactionDriver()
    const producer = driver.begin()
    driver.add(producer, 0)
    const { producerId, producerEpoch } = driver.end(producer, true)
    const first = driver.notes.at(-1)!
    expect(driver.complete({ ...first, producerEpoch: 9 })).toBe(NONE)
    expect(driver.state()).toBe('PrepareCommit')
    driver.complete(first)
    driver.add({ producerId, producerEpoch }, 1)
    driver.end({ producerId, producerEpoch }, false)
    const { length } = driver.log
    expect(driver.complete(first)).toBe(NONE)
    expect(driver.complete({ ...first, transactionalId: 'unknown' })).toBe(NONE)
    expect(driver.log).toHaveLength(length)
    expect(driver.state()).toBe('PrepareAbort')
  })

  it('trap 82: what was decided is told again after each restart, until it is carried out', () => {
    const driver = new TransactionDriver()
    const producer = driver.begin()
    driver.begin({ transactionalId: 'other' })
    driver.add(producer, 0, 1)
    driver.end(producer, true)
    const [told] = driver.notes
    for (let restart = 1; restart <= 3; restart++) {
      driver.reload()
      expect(driver.notes).toHaveLength(1 + restart)
      expect(driver.notes.at(-1)).toEqual(told)
    }
    driver.complete()
    driver.reload()
    expect(driver.notes).toHaveLength(4)
  })
})

describe('trap 80: a transaction that takes too long', () => {
  /** Of a timeout of its own, and aborted. */
  function tooLong(transactionVersion: number) {
    const driver = new TransactionDriver()
    const producer = { ...driver.begin(), transactionVersion }
    driver.add(producer, 0)
    driver.advance(TIMEOUT_MS)
    expect(driver.state()).toBe('Ongoing')
    driver.advance(CLEANUP_MS)
    expect(driver.state()).toBe('PrepareAbort')
    return { driver, producer }
  }

  it.each(GENERATIONS)('generation %i: is aborted with the next epoch', (transactionVersion) => {
    const { driver, producer } = tooLong(transactionVersion)
    const { producerId, producerEpoch } = producer
    expect(driver.notes).toMatchObject([{ commit: false, producerId, producerEpoch: producerEpoch + 1 }])
    expect(driver.add(producer, 1)).toBe(PRODUCER_FENCED)
    driver.complete()
    driver.advance(TIMEOUT_MS * 3)
    expect(driver.notes).toHaveLength(1)
  })

  it.each(GENERATIONS)('generation %i: is aborted after a restart in between', (transactionVersion) => {
    const driver = new TransactionDriver()
    const producer = { ...driver.begin(), transactionVersion }
    driver.add(producer, 0)
    driver.advance(TIMEOUT_MS / 2)
    driver.reload()
    driver.advance(TIMEOUT_MS / 2 + CLEANUP_MS)
    expect(driver.state()).toBe('PrepareAbort')
  })

  it.each([false, true])('generation 1: a later end is fenced (restart: %s)', (reloads) => {
    const { driver, producer } = tooLong(1)
    for (const commit of [true, false]) expect(driver.end(producer, commit).error).toBe(PRODUCER_FENCED)
    driver.complete()
    if (reloads) driver.reload()
    for (const commit of [true, false]) expect(driver.end(producer, commit).error).toBe(PRODUCER_FENCED)
  })

  it.each([false, true])('generation 2: a later commit is 48, an abort was done already (restart: %s)', (reloads) => {
    const { driver, producer } = tooLong(2)
    if (reloads) driver.reload()
    expect(driver.end(producer, true).error).toBe(INVALID_TXN_STATE)
    expect(driver.end(producer, false).error).toBe(CONCURRENT_TRANSACTIONS)
    driver.complete()
    if (reloads) driver.reload()
    expect(driver.end(producer, true).error).toBe(INVALID_TXN_STATE)
    const { producerId, producerEpoch } = producer
    expect(driver.end(producer, false)).toEqual({ error: NONE, producerId, producerEpoch: producerEpoch + 1 })
  })

  it.each(GENERATIONS)(
    'KIP-588: generation %i: its producer recovers with the identity it had',
    (transactionVersion) => {
      const { driver, producer } = tooLong(transactionVersion)
      const { producerId, producerEpoch } = producer
      expect(driver.init({ expected: producer }).error).toBe(CONCURRENT_TRANSACTIONS)
      driver.complete()
      const recovered = { error: NONE, producerId, producerEpoch: producerEpoch + 1 }
      expect(driver.init({ expected: producer })).toEqual(recovered)
      expect(driver.init({ expected: producer })).toEqual(recovered)
      expect(driver.add(recovered, 0)).toBe(NONE)
    },
  )

  it("what Kafka's format cannot hold: after a restart it is fenced, and begins without what it was", () => {
    const { driver, producer } = tooLong(2)
    driver.complete()
    driver.reload()
    expect(driver.init({ expected: producer }).error).toBe(PRODUCER_FENCED)
    expect(driver.init()).toEqual({ error: NONE, producerId: producer.producerId, producerEpoch: 2 })
  })

  it('another producer that came since shuts it out', () => {
    const { driver, producer } = tooLong(2)
    driver.complete()
    driver.begin()
    expect(driver.init({ expected: producer }).error).toBe(PRODUCER_FENCED)
    expect(driver.end(producer, false).error).toBe(PRODUCER_FENCED)
  })

  it('others that are open for a shorter time go on', () => {
    const driver = new TransactionDriver()
    const slow = driver.begin()
    const longer = { ...driver.begin({ transactionalId: 'longer', timeoutMs: 900_000 }), transactionalId: 'longer' }
    driver.add(slow)
    driver.add(longer)
    driver.advance(TIMEOUT_MS + CLEANUP_MS)
    expect([driver.state(), driver.state('longer')]).toEqual(['PrepareAbort', 'Ongoing'])
  })
})

describe('ids that nobody has used for long', () => {
  const EXPIRATION_MS = 100_000
  const config = {
    'transactional.id.expiration.ms': EXPIRATION_MS,
    'transaction.remove.expired.transaction.cleanup.interval.ms': 1000,
  }

  it.each([false, true])('an id without a transaction is forgotten, and is new afterwards (restart: %s)', (reloads) => {
    const driver = new TransactionDriver(config)
    const { producerId } = driver.begin()
    driver.advance(EXPIRATION_MS - 1000)
    if (reloads) driver.reload()
    expect(driver.describe().error).toBe(NONE)
    driver.advance(3000)
    expect(driver.describe().error).toBe(ErrorCode.TRANSACTIONAL_ID_NOT_FOUND)
    expect(driver.stored()).toBeNull()
    driver.reload()
    expect(driver.describe().error).toBe(ErrorCode.TRANSACTIONAL_ID_NOT_FOUND)
    expect(driver.init()).toMatchObject({ producerEpoch: 0, producerId: producerId + 1 })
  })

  it.each([true, false])('so is one whose transaction is over (commit: %s)', (commit) => {
    const driver = new TransactionDriver(config)
    const producer = driver.begin()
    driver.add(producer)
    driver.end(producer, commit)
    driver.complete()
    driver.advance(EXPIRATION_MS + 1000)
    expect(driver.stored()).toBeNull()
  })

  it.each([true, false])('not while its transaction is open or being ended (commit: %s)', (commit) => {
    const driver = new TransactionDriver(config)
    const producer = driver.begin({ timeoutMs: 900_000 })
    driver.add(producer)
    driver.advance(EXPIRATION_MS * 3)
    expect(driver.state()).toBe('Ongoing')
    driver.end(producer, commit)
    driver.advance(EXPIRATION_MS * 3)
    expect(driver.state()).toBe(commit ? 'PrepareCommit' : 'PrepareAbort')
    driver.reload()
    driver.advance(EXPIRATION_MS * 3)
    expect(driver.state()).toBe(commit ? 'PrepareCommit' : 'PrepareAbort')
  })

  it('not while it is used', () => {
    const driver = new TransactionDriver(config)
    for (let use = 0; use < 5; use++) {
      driver.begin()
      driver.advance(EXPIRATION_MS / 2)
    }
    expect(driver.describe().producerEpoch).toBe(4)
  })
})

describe('what is told of transactions', () => {
  it('an unknown id', () => {
    const driver = new TransactionDriver()
    expect(driver.describe('unknown')).toMatchObject({ error: ErrorCode.TRANSACTIONAL_ID_NOT_FOUND, partitions: [] })
  })

  function four() {
    const driver = new TransactionDriver()
    const begin = (transactionalId: string) => ({ ...driver.begin({ transactionalId }), transactionalId })
    const producers = ['empty', 'open', 'prepared', 'complete'].map(begin)
    const [empty, open, prepared, complete] = producers
    for (const producer of [prepared!, complete!]) {
      driver.add(producer)
      driver.end(producer, true)
    }
    driver.complete()
    driver.advance(500)
    driver.add(open!)
    driver.advance(100)
    return { driver, empty: empty!, open: open!, complete: complete! }
  }

  it.each([false, true])('listed by state, producer, duration and id (restart: %s)', (reloads) => {
    const { driver, empty, open, complete } = four()
    if (reloads) driver.reload()
    expect(driver.list()).toEqual(['complete', 'empty', 'open', 'prepared'])
    expect(driver.list({ states: ['Ongoing', 'PrepareCommit'] })).toEqual(['open', 'prepared'])
    expect(driver.list({ states: ['Dead', 'PrepareEpochFence', 'CompleteAbort'] })).toEqual([])
    expect(driver.list({ producerIds: [empty.producerId, complete.producerId, 5] })).toEqual(['complete', 'empty'])
    expect(driver.list({ minDurationMs: 101 })).toEqual(['complete', 'prepared'])
    expect(driver.list({ minDurationMs: 0 })).toEqual(['complete', 'open', 'prepared'])
    expect(driver.list({ matches: (id) => id.includes('e') && id.length === 5 })).toEqual(['empty'])
    expect(driver.list({ states: ['Ongoing'], producerIds: [empty.producerId] })).toEqual([])
    expect(driver.list({ states: ['Ongoing'], producerIds: [open.producerId], minDurationMs: 50 })).toEqual(['open'])
  })

  it('a shard that is not there refuses each kind of request in its own shape', () => {
    const machine = new TransactionMachine(TEST_CONFIG)
    const producer = { transactionalId: ID, producerId: 1, producerEpoch: 0 }
    const error = ErrorCode.NOT_COORDINATOR
    const partitions = [partition(0), partition(1)]
    const nobody = { error, producerId: -1, producerEpoch: -1 }
    const initial = { transactionalId: ID, timeoutMs: 1, expected: null, freshProducerId: null }
    expect(machine.refuse({ type: 'initProducerId', call: initial }, error)).toEqual(nobody)
    const end = { ...producer, commit: true, transactionVersion: 2, freshProducerId: null }
    expect(machine.refuse({ type: 'endTransaction', call: end }, error)).toEqual(nobody)
    const added = { error, added: [false, false] }
    expect(machine.refuse({ type: 'verifyPartitions', call: { ...producer, partitions } }, error)).toEqual(added)
    const adding = { ...producer, partitions, transactionVersion: 2 }
    expect(machine.refuse({ type: 'addPartitions', call: adding }, error)).toEqual({ error })
    expect(machine.refuse({ type: 'completeTransaction', call: producer }, error)).toEqual({ error })
    const described = machine.refuse({ type: 'describeTransaction', call: { transactionalId: ID } }, error)
    expect(described).toMatchObject({ error, transactionalId: ID, partitions: [] })
    const listing = { states: [], producerIds: [], minDurationMs: -1, matches: () => true }
    expect(machine.refuse({ type: 'listTransactions', call: listing }, error)).toEqual({ error, transactions: [] })
  })
})
