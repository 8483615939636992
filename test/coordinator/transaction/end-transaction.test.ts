import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../../protocol/errors.ts'
import type { ProducerIdentity } from '../../../src/coordinator/coordinator-log.ts'
import type { TransactionState } from '../../../src/coordinator/transaction/transaction-state.ts'
import { FIRST_PRODUCER_ID, logWith, TransactionDriver } from './transaction-driver.ts'

const { NONE, CONCURRENT_TRANSACTIONS, INVALID_TXN_STATE, PRODUCER_FENCED, INVALID_PRODUCER_ID_MAPPING } = ErrorCode
const LAST_EPOCH = 32_766
const REACHABLE = ['Empty', 'Ongoing', 'PrepareCommit', 'PrepareAbort', 'CompleteCommit', 'CompleteAbort'] as const
type Reachable = (typeof REACHABLE)[number]

/** A producer whose transactional id is in this state; with the identity from before the end of its transaction. */
function inState(state: Reachable, transactionVersion: number) {
  const driver = new TransactionDriver()
  const before = { ...driver.begin(), transactionVersion }
  let after: ProducerIdentity & { transactionVersion: number } = before
  if (state !== 'Empty') driver.add(before)
  if (state !== 'Empty' && state !== 'Ongoing') {
    const { error, ...identity } = driver.end(before, state.endsWith('Commit'))
    expect(error).toBe(NONE)
    if (transactionVersion >= 2) after = { ...identity, transactionVersion }
    if (state.startsWith('Complete')) driver.complete()
  }
  expect(driver.state()).toBe(state)
  return { driver, before, after }
}

interface Row {
  readonly state: Reachable
  readonly commit: ErrorCode
  readonly abort: ErrorCode
}

/** Of the first generation: one epoch before and after. */
const PLAIN: readonly Row[] = [
  { state: 'Empty', commit: INVALID_TXN_STATE, abort: INVALID_TXN_STATE },
  { state: 'Ongoing', commit: NONE, abort: NONE },
  { state: 'PrepareCommit', commit: CONCURRENT_TRANSACTIONS, abort: INVALID_TXN_STATE },
  { state: 'PrepareAbort', commit: INVALID_TXN_STATE, abort: CONCURRENT_TRANSACTIONS },
  { state: 'CompleteCommit', commit: NONE, abort: INVALID_TXN_STATE },
  { state: 'CompleteAbort', commit: INVALID_TXN_STATE, abort: NONE },
]

/** Of the second generation, with the epoch from before the end: a request that was sent twice. */
const REPEATED: readonly Row[] = [
  { state: 'PrepareCommit', commit: CONCURRENT_TRANSACTIONS, abort: INVALID_TXN_STATE },
  { state: 'PrepareAbort', commit: INVALID_TXN_STATE, abort: CONCURRENT_TRANSACTIONS },
  { state: 'CompleteCommit', commit: NONE, abort: INVALID_TXN_STATE },
  { state: 'CompleteAbort', commit: INVALID_TXN_STATE, abort: NONE },
]

/** With the epoch that the producer goes on with: an abort of nothing bumps. */
const RENEWED: readonly Row[] = [
  { state: 'Empty', commit: INVALID_TXN_STATE, abort: NONE },
  { state: 'Ongoing', commit: NONE, abort: NONE },
  { state: 'PrepareCommit', commit: CONCURRENT_TRANSACTIONS, abort: INVALID_TXN_STATE },
  { state: 'PrepareAbort', commit: INVALID_TXN_STATE, abort: CONCURRENT_TRANSACTIONS },
  { state: 'CompleteCommit', commit: INVALID_TXN_STATE, abort: NONE },
  { state: 'CompleteAbort', commit: INVALID_TXN_STATE, abort: NONE },
]

const rows = (table: readonly Row[]) =>
  table.flatMap(({ state, commit, abort }) =>
    [false, true].flatMap((reloads) => [
      { state, commit: true, error: commit, reloads },
      { state, commit: false, error: abort, reloads },
    ]),
  )

describe('EndTxn, generation 1', () => {
  it.each(rows(PLAIN))(
    '$state, commit $commit, restart $reloads: error $error',
    ({ state, commit, error, reloads }) => {
      const { driver, before } = inState(state, 1)
      if (reloads) driver.reload()
      const { length } = driver.log
      expect(driver.end(before, commit)).toEqual({ error, producerId: -1, producerEpoch: -1 })
      expect(driver.log.length - length).toBe(state === 'Ongoing' ? 1 : 0)
      if (state === 'Ongoing') expect(driver.state()).toBe(commit ? 'PrepareCommit' : 'PrepareAbort')
      expect(driver.describe().producerEpoch).toBe(0)
    },
  )

  it('a fenced producer is in the log of an old client, who gets its own error from the handler', () => {
    const { driver, before } = inState('Ongoing', 1)
    expect(driver.end({ ...before, producerEpoch: 1 }, true).error).toBe(PRODUCER_FENCED)
    expect(driver.end({ ...before, producerId: 5 }, true).error).toBe(INVALID_PRODUCER_ID_MAPPING)
    expect(driver.end({ ...before, transactionalId: 'unknown' }, true).error).toBe(INVALID_PRODUCER_ID_MAPPING)
    expect(driver.state()).toBe('Ongoing')
  })
})

describe('EndTxn, generation 2 (KIP-890)', () => {
  it.each(rows(REPEATED))('asked twice: $state, commit $commit, restart $reloads: error $error', (row) => {
    const { driver, before, after } = inState(row.state, 2)
    if (row.reloads) driver.reload()
    const { length } = driver.log
    const { error, producerId, producerEpoch } = driver.end(before, row.commit)
    expect(error).toBe(row.error)
    const identity = row.error === NONE ? after : { producerId: -1, producerEpoch: -1 }
    expect({ producerId, producerEpoch }).toEqual({
      producerId: identity.producerId,
      producerEpoch: identity.producerEpoch,
    })
    expect(driver.log).toHaveLength(length)
  })

  it.each(rows(RENEWED))('asked next: $state, commit $commit, restart $reloads: error $error', (row) => {
    const { driver, after } = inState(row.state, 2)
    if (row.reloads) driver.reload()
    const { length } = driver.log
    const { error, producerEpoch } = driver.end(after, row.commit)
    expect(error).toBe(row.error)
    expect(producerEpoch).toBe(error === NONE ? after.producerEpoch + 1 : -1)
    expect(driver.log.length - length).toBe(error === NONE ? 1 : 0)
  })

  it.each(['Empty', 'CompleteCommit', 'CompleteAbort'] as const)(
    'an abort of nothing in %s has no partitions',
    (state) => {
      const { driver, after } = inState(state, 2)
      driver.advance(5)
      const { nowMs } = driver
      driver.end(after, false)
      expect(driver.describe()).toMatchObject({ state: 'PrepareAbort', partitions: [], startMs: nowMs })
      expect(driver.notes.at(-1)).toMatchObject({
        commit: false,
        partitions: [],
        producerEpoch: after.producerEpoch + 1,
      })
      driver.complete()
      expect(driver.state()).toBe('CompleteAbort')
    },
  )

  it('with an open transaction the epoch from before is fenced, and so are others', () => {
    const driver = new TransactionDriver()
    const first = driver.begin()
    driver.add(first)
    const { producerId, producerEpoch } = driver.end(first, true)
    driver.complete()
    driver.add({ producerId, producerEpoch })
    for (const epoch of [producerEpoch - 1, producerEpoch + 1]) {
      expect(driver.end({ producerId, producerEpoch: epoch }, true).error).toBe(PRODUCER_FENCED)
    }
    expect(driver.end({ producerId: 5, producerEpoch }, true).error).toBe(INVALID_PRODUCER_ID_MAPPING)
    expect(driver.state()).toBe('Ongoing')
  })

  it('in Empty the epoch from before is no repeated request', () => {
    const driver = new TransactionDriver()
    const old = driver.begin()
    driver.begin()
    expect(driver.end(old, false).error).toBe(PRODUCER_FENCED)
  })

  it('a producer of generation 2 that one of generation 1 has overtaken is not given its identity', () => {
    const driver = new TransactionDriver()
    const overtaken = driver.begin()
    const producer = { ...driver.begin(), transactionVersion: 0 }
    driver.add(producer)
    driver.end(producer, false)
    expect(driver.end(overtaken, false).error).toBe(PRODUCER_FENCED)
    driver.complete()
    expect(driver.end(overtaken, false)).toEqual({ error: PRODUCER_FENCED, producerId: -1, producerEpoch: -1 })
  })

  it.each([true, false])('the markers have the epoch after the end (commit: %s)', (commit) => {
    const { driver, before } = inState('Ongoing', 2)
    expect(driver.end(before, commit)).toEqual({ error: NONE, producerId: FIRST_PRODUCER_ID, producerEpoch: 1 })
    expect(driver.notes).toEqual([
      {
        ...{ transactionalId: 'id', producerId: FIRST_PRODUCER_ID, producerEpoch: 1, commit, transactionVersion: 2 },
        partitions: [{ topic: 't', partition: 0 }],
      },
    ])
  })
})

describe('EndTxn when epochs are used up', () => {
  const exhausted = { producerId: 7, producerEpoch: LAST_EPOCH }

  function open() {
    const driver = new TransactionDriver({}, logWith({ producerEpoch: LAST_EPOCH }))
    driver.add(exhausted)
    return driver
  }

  it.each([true, false])('the answer has another producer id, the markers have the old one (commit: %s)', (commit) => {
    const driver = open()
    expect(driver.end(exhausted, commit)).toEqual({ error: NONE, producerId: FIRST_PRODUCER_ID, producerEpoch: 0 })
    expect(driver.notes.at(-1)).toMatchObject({ producerId: 7, producerEpoch: LAST_EPOCH + 1, commit })
    expect(driver.stored()).toMatchObject({ producerId: 7, nextProducerId: FIRST_PRODUCER_ID })
    driver.reload()
    expect(driver.notes.at(-1)).toMatchObject({ producerId: 7, producerEpoch: LAST_EPOCH + 1, commit })
    driver.complete()
    const state: TransactionState = commit ? 'CompleteCommit' : 'CompleteAbort'
    expect(driver.stored()).toMatchObject({
      ...{ state, producerId: FIRST_PRODUCER_ID, previousProducerId: 7, nextProducerId: -1, producerEpoch: 0 },
    })
  })

  it.each([false, true])('asked twice, the same answer (restart: %s)', (reloads) => {
    const driver = open()
    driver.end(exhausted, true)
    expect(driver.end(exhausted, true).error).toBe(CONCURRENT_TRANSACTIONS)
    driver.complete()
    if (reloads) driver.reload()
    const again = { error: NONE, producerId: FIRST_PRODUCER_ID, producerEpoch: 0 }
    expect(driver.end(exhausted, true)).toEqual(again)
    expect(driver.end(exhausted, false).error).toBe(INVALID_TXN_STATE)
    expect(driver.add({ producerId: FIRST_PRODUCER_ID, producerEpoch: 0 })).toBe(NONE)
    expect(driver.end(exhausted, true).error).toBe(INVALID_PRODUCER_ID_MAPPING)
  })

  it.each([false, true])('the epoch that only shuts out is never given to a producer (restart: %s)', (reloads) => {
    const driver = open()
    driver.advance(120_000)
    expect(driver.notes.at(-1)).toMatchObject({ producerEpoch: LAST_EPOCH + 1, commit: false })
    driver.complete()
    if (reloads) driver.reload()
    const next = driver.end(exhausted, false)
    expect(next).toEqual({ error: NONE, producerId: FIRST_PRODUCER_ID, producerEpoch: 0 })
    expect(driver.notes.at(-1)).toMatchObject({ producerId: 7, producerEpoch: LAST_EPOCH + 1, partitions: [] })
    driver.complete()
    expect(driver.end(exhausted, false)).toEqual(next)
    expect(driver.add(next)).toBe(NONE)
    expect(driver.end(next, true)).toMatchObject({ error: NONE, producerEpoch: 1 })
  })
})
