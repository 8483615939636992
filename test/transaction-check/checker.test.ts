import { describe, expect, it } from 'vitest'
import { ANOMALIES, anomaliesOf } from '../../compat-tests/transaction-check/checker.ts'
import type { History, Outcome, ReadRecord, Transaction } from '../../compat-tests/transaction-check/history.ts'

function transaction(number: number, outcome: Outcome, ...values: string[]): Transaction {
  const records = values.map((value) => ({ value, partition: Number(value.at(-1)) }))
  return { producer: 'p', number, records, outcome }
}

function read(...places: readonly (readonly [value: string, offset: number])[]): ReadRecord[] {
  return places.map(([value, offset]) => ({ value, offset, partition: Number(value.at(-1)) }))
}

const kinds = (history: Partial<History>) =>
  anomaliesOf({ transactions: [], readings: [], final: [], ...history }).map(({ kind }) => kind)

describe('the checker of transactional histories', () => {
  const transactions = [
    transaction(0, 'committed', 'a0', 'b1'),
    transaction(1, 'aborted', 'c0'),
    transaction(2, 'unknown', 'd0', 'e1'),
  ]
  const whole = read(['a0', 0], ['b1', 0], ['d0', 4], ['e1', 2])

  it.each([
    ['committed and unknown ones are there', whole],
    ['an unknown one is not there', read(['a0', 0], ['b1', 0])],
  ])('allows that %s', (_what, final) => {
    expect(kinds({ transactions, final, readings: [{ reader: 'r', records: final }] })).toEqual([])
  })

  it.each<[string, Partial<History>]>([
    ['lost write', { final: read(['a0', 0]) }],
    ['dirty read', { final: read(['a0', 0], ['b1', 0], ['c0', 2], ['d0', 4], ['e1', 2]) }],
    ['dirty read', { final: whole, readings: [{ reader: 'r', records: read(['c0', 2]) }] }],
    ['torn transaction', { final: read(['a0', 0], ['b1', 0], ['e1', 2]) }],
    ['torn transaction', { final: read(['a0', 0], ['b1', 0]), readings: [{ reader: 'r', records: read(['d0', 4]) }] }],
    ['duplicate', { final: [...whole, ...read(['d0', 7])] }],
    ['reordering', { final: read(['d0', 0], ['b1', 0], ['a0', 4], ['e1', 2]) }],
    ['reordering', { final: whole, readings: [{ reader: 'r', records: read(['d0', 4], ['a0', 5]) }] }],
    [
      'non-monotonic poll',
      { final: whole, readings: [{ reader: 'r', records: read(['a0', 0], ['d0', 4], ['d0', 4]) }] },
    ],
    ['unknown record', { final: [...whole, ...read(['x0', 9])] }],
  ])('names a %s', (kind, history) => {
    expect(kinds({ transactions, ...history })).toEqual([kind])
  })

  it('says nothing about what a reader was given before and after it joined again', () => {
    const before = read(['a0', 0], ['d0', 4]).map((one) => ({ ...one, session: 1 }))
    const after = read(['a0', 0], ['d0', 4]).map((one) => ({ ...one, session: 2 }))
    expect(kinds({ transactions, final: whole, readings: [{ reader: 'r', records: [...before, ...after] }] })).toEqual(
      [],
    )
  })

  it('has a row above for every anomaly', () => {
    expect(new Set(ANOMALIES).size).toBe(7)
  })
})
