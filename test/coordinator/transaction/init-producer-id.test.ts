import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../../protocol/errors.ts'
import { FIRST_PRODUCER_ID, logWith, TIMEOUT_MS, TransactionDriver } from './transaction-driver.ts'

const REFUSED = { producerId: -1, producerEpoch: -1 }
const LAST_EPOCH = 32_766
const given = (producerId: number, producerEpoch: number) => ({ error: ErrorCode.NONE, producerId, producerEpoch })

/** With and without a restart before the last step. */
const RELOADS = [false, true]

describe('InitProducerId', () => {
  it('a fresh id has epoch 0 and no transaction', () => {
    const driver = new TransactionDriver()
    expect(driver.init()).toEqual(given(FIRST_PRODUCER_ID, 0))
    expect(driver.describe()).toMatchObject({ state: 'Empty', startMs: -1, timeoutMs: TIMEOUT_MS, partitions: [] })
    expect(driver.init({ transactionalId: 'other' })).toEqual(given(FIRST_PRODUCER_ID + 1, 0))
  })

  it('an unknown id is fresh whatever the producer believes to be', () => {
    const driver = new TransactionDriver()
    expect(driver.init({ expected: { producerId: 5, producerEpoch: 3 } })).toEqual(given(FIRST_PRODUCER_ID, 0))
  })

  it.each([0, -1, 900_001])('a timeout of %i ms is refused and nothing is written', (timeoutMs) => {
    const driver = new TransactionDriver()
    expect(driver.init({ timeoutMs })).toEqual({ error: ErrorCode.INVALID_TRANSACTION_TIMEOUT, ...REFUSED })
    expect(driver.log).toEqual([])
    driver.begin()
    expect(driver.init({ timeoutMs }).error).toBe(ErrorCode.INVALID_TRANSACTION_TIMEOUT)
    expect(driver.describe().producerEpoch).toBe(0)
  })

  it.each(RELOADS)('a known id has the next epoch (restart: %s)', (reloads) => {
    const driver = new TransactionDriver()
    driver.begin()
    if (reloads) driver.reload()
    expect(driver.init({ timeoutMs: 1 })).toEqual(given(FIRST_PRODUCER_ID, 1))
    expect(driver.describe().timeoutMs).toBe(1)
  })

  it.each([true, false])('after a transaction (commit: %s) a known id is empty again', (commit) => {
    const driver = new TransactionDriver()
    const producer = { ...driver.begin(), transactionVersion: 1 }
    driver.add(producer)
    driver.end(producer, commit)
    driver.complete()
    expect(driver.init()).toEqual(given(FIRST_PRODUCER_ID, 1))
    expect(driver.describe()).toMatchObject({ state: 'Empty', startMs: -1, partitions: [] })
  })
})

describe('InitProducerId with an expected identity (KIP-360)', () => {
  it.each(RELOADS)('the current one has the next epoch (restart: %s)', (reloads) => {
    const driver = new TransactionDriver()
    const expected = driver.begin()
    if (reloads) driver.reload()
    expect(driver.init({ expected })).toEqual(given(FIRST_PRODUCER_ID, 1))
  })

  it('asked again it is given the same epoch', () => {
    const driver = new TransactionDriver()
    const expected = driver.begin()
    for (let attempt = 0; attempt < 3; attempt++) expect(driver.init({ expected })).toEqual(given(FIRST_PRODUCER_ID, 1))
  })

  it("what Kafka's format cannot hold: after a restart a repeated request is fenced, for its epoch is not known", () => {
    const driver = new TransactionDriver()
    const expected = driver.begin()
    driver.begin({ expected })
    driver.reload()
    expect(driver.init({ expected })).toEqual({ error: ErrorCode.PRODUCER_FENCED, ...REFUSED })
  })

  it('an epoch from before another producer came is fenced', () => {
    const driver = new TransactionDriver()
    const expected = driver.begin()
    driver.begin()
    expect(driver.init({ expected }).error).toBe(ErrorCode.PRODUCER_FENCED)
  })

  it('an epoch that never was, and an id that is not its own, are fenced', () => {
    const driver = new TransactionDriver()
    const { producerId, producerEpoch } = driver.begin()
    for (const expected of [
      { producerId, producerEpoch: producerEpoch + 1 },
      { producerId: producerId + 1, producerEpoch },
    ]) {
      expect(driver.init({ expected })).toEqual({ error: ErrorCode.PRODUCER_FENCED, ...REFUSED })
    }
    expect(driver.log).toHaveLength(1)
  })
})

describe('InitProducerId while a transaction is open', () => {
  it.each([1, 2])(
    'generation %i: it is aborted, 51 until its markers are there, then epoch + 2',
    (transactionVersion) => {
      const driver = new TransactionDriver()
      const old = { ...driver.begin(), transactionVersion }
      driver.add(old, 0, 1)
      expect(driver.init()).toEqual({ error: ErrorCode.CONCURRENT_TRANSACTIONS, ...REFUSED })
      expect(driver.state()).toBe('PrepareAbort')
      expect(driver.notes).toMatchObject([{ commit: false, producerEpoch: 1, partitions: { length: 2 } }])
      expect(driver.init().error).toBe(ErrorCode.CONCURRENT_TRANSACTIONS)
      driver.reload()
      expect(driver.init().error).toBe(ErrorCode.CONCURRENT_TRANSACTIONS)
      driver.complete()
      expect(driver.state()).toBe('CompleteAbort')
      expect(driver.init()).toEqual(given(FIRST_PRODUCER_ID, 2))
      expect(driver.end(old, true).error).toBe(ErrorCode.PRODUCER_FENCED)
      expect(driver.add(old)).toBe(ErrorCode.PRODUCER_FENCED)
    },
  )

  it('by its own producer: it is aborted, and the producer goes on with the epoch that shut it out', () => {
    const driver = new TransactionDriver()
    const expected = driver.begin()
    driver.add(expected)
    expect(driver.init({ expected }).error).toBe(ErrorCode.CONCURRENT_TRANSACTIONS)
    expect(driver.init({ expected }).error).toBe(ErrorCode.CONCURRENT_TRANSACTIONS)
    driver.complete()
    expect(driver.init({ expected })).toEqual(given(FIRST_PRODUCER_ID, 1))
    expect(driver.init()).toEqual(given(FIRST_PRODUCER_ID, 2))
  })

  it.each([true, false])('while its end (commit: %s) is carried out: 51, and nothing changes', (commit) => {
    const driver = new TransactionDriver()
    const old = driver.begin()
    driver.add(old)
    driver.end(old, commit)
    const { length } = driver.log
    for (let attempt = 0; attempt < 2; attempt++) {
      expect(driver.init().error).toBe(ErrorCode.CONCURRENT_TRANSACTIONS)
      driver.reload()
    }
    expect(driver.log).toHaveLength(length)
  })
})

describe('InitProducerId when epochs are used up', () => {
  it.each(RELOADS)('the id goes on with another producer id (restart: %s)', (reloads) => {
    const driver = new TransactionDriver({}, logWith({ producerEpoch: LAST_EPOCH - 1 }))
    expect(driver.init()).toEqual(given(7, LAST_EPOCH))
    if (reloads) driver.reload()
    expect(driver.init()).toEqual(given(FIRST_PRODUCER_ID, 0))
    expect(driver.stored()).toMatchObject({ previousProducerId: 7, producerId: FIRST_PRODUCER_ID })
    expect(driver.init()).toEqual(given(FIRST_PRODUCER_ID, 1))
  })

  it('the last epoch expected: another producer id, and by asking again the same one', () => {
    const driver = new TransactionDriver({}, logWith({ producerEpoch: LAST_EPOCH }))
    const expected = { producerId: 7, producerEpoch: LAST_EPOCH }
    for (let attempt = 0; attempt < 3; attempt++) expect(driver.init({ expected })).toEqual(given(FIRST_PRODUCER_ID, 0))
  })

  it('an identity from before the change is not given what another producer got since', () => {
    const driver = new TransactionDriver({}, logWith({ producerEpoch: LAST_EPOCH }))
    const expected = { producerId: 7, producerEpoch: LAST_EPOCH }
    expect(driver.init()).toEqual(given(FIRST_PRODUCER_ID, 0))
    expect(driver.init({ expected }).error).toBe(ErrorCode.PRODUCER_FENCED)
    expect(driver.init()).toEqual(given(FIRST_PRODUCER_ID, 1))
    expect(driver.init({ expected }).error).toBe(ErrorCode.PRODUCER_FENCED)
  })

  it('an identity of two producer ids ago neither aborts nor takes over', () => {
    const driver = new TransactionDriver({}, logWith({ producerEpoch: LAST_EPOCH, previousProducerId: 6 }))
    const expected = { producerId: 6, producerEpoch: LAST_EPOCH }
    expect(driver.init({ expected }).error).toBe(ErrorCode.PRODUCER_FENCED)
    driver.add({ producerId: 7, producerEpoch: LAST_EPOCH })
    expect(driver.init({ expected }).error).toBe(ErrorCode.PRODUCER_FENCED)
    expect(driver.state()).toBe('Ongoing')
  })

  it('an open transaction of the last epoch is aborted with the one above, and the next producer has another id', () => {
    const driver = new TransactionDriver({}, logWith({ producerEpoch: LAST_EPOCH }))
    driver.add({ producerId: 7, producerEpoch: LAST_EPOCH })
    expect(driver.init().error).toBe(ErrorCode.CONCURRENT_TRANSACTIONS)
    expect(driver.notes.at(-1)).toMatchObject({ producerId: 7, producerEpoch: LAST_EPOCH + 1 })
    driver.complete()
    expect(driver.init()).toEqual(given(FIRST_PRODUCER_ID, 0))
  })
})
