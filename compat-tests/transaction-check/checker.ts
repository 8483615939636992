import type { History, ReadRecord, Transaction } from './history.ts'

export const ANOMALIES = [
  'lost write',
  'dirty read',
  'torn transaction',
  'duplicate',
  'reordering',
  'non-monotonic poll',
  'unknown record',
] as const
export type AnomalyKind = (typeof ANOMALIES)[number]

export interface Anomaly {
  readonly kind: AnomalyKind
  readonly what: string
}

/**
 * Everything in a history that transactions do not allow:
 * - lost write: a record of a committed transaction cannot be read at the end;
 * - dirty read: a record of an aborted transaction was given to somebody;
 * - torn transaction: of a transaction whose outcome nobody knows some records can be read and some not, or somebody was
 *   given a record of it that cannot be read at the end;
 * - duplicate: a record is in its partition twice;
 * - reordering: a producer's records are not in the order in which it wrote them;
 * - non-monotonic poll: a reader was given an offset again, or an earlier one.
 */
export function anomaliesOf({ transactions, readings, final }: History): Anomaly[] {
  const byValue = new Map<string, Transaction>()
  for (const transaction of transactions) {
    for (const { value } of transaction.records) byValue.set(value, transaction)
  }
  const visible = new Set(final.map(({ value }) => value))
  return [
    ...transactions.flatMap((transaction) => fates(transaction, visible)),
    ...duplicates(final),
    ...disorder('at the end', final, byValue),
    ...readings.flatMap(({ reader, records }) => [
      ...dirt(reader, records, byValue, visible),
      ...polls(reader, records),
      ...disorder(`to ${reader}`, records, byValue),
    ]),
    ...dirt('the end', final, byValue, visible),
  ]
}

function fates({ producer, number, records, outcome }: Transaction, visible: ReadonlySet<string>): Anomaly[] {
  const seen = records.filter(({ value }) => visible.has(value))
  const missing = records.filter(({ value }) => !visible.has(value))
  const name = `transaction ${number} of ${producer}`
  if (outcome === 'committed') {
    return missing.map(({ value }) => ({ kind: 'lost write', what: `${name} was committed; ${value} is not there` }))
  }
  if (outcome === 'aborted' || seen.length === 0 || missing.length === 0) return []
  const what = `${name}: ${seen[0]!.value} can be read, ${missing[0]!.value} cannot`
  return [{ kind: 'torn transaction', what }]
}

function dirt(
  reader: string,
  records: readonly ReadRecord[],
  byValue: ReadonlyMap<string, Transaction>,
  visible: ReadonlySet<string>,
): Anomaly[] {
  return records.flatMap(({ value, partition, offset }): Anomaly[] => {
    const transaction = byValue.get(value)
    const where = `${reader} was given ${value} at ${partition}:${offset}`
    if (transaction === undefined) return [{ kind: 'unknown record', what: `${where}, which nobody wrote` }]
    if (transaction.outcome === 'aborted') return [{ kind: 'dirty read', what: `${where} of an aborted transaction` }]
    if (visible.has(value) || transaction.outcome === 'committed') return []
    return [{ kind: 'torn transaction', what: `${where}, which cannot be read at the end` }]
  })
}

function duplicates(final: readonly ReadRecord[]): Anomaly[] {
  const seen = new Map<string, ReadRecord>()
  return final.flatMap((record): Anomaly[] => {
    const before = seen.get(record.value)
    seen.set(record.value, record)
    if (before === undefined) return []
    return [{ kind: 'duplicate', what: `${record.value} is at ${before.offset} and at ${record.offset}` }]
  })
}

function polls(reader: string, records: readonly ReadRecord[]): Anomaly[] {
  const last = new Map<string, number>()
  return records.flatMap(({ partition, offset, session = 0 }): Anomaly[] => {
    if (session < 0) return []
    const key = `${session} ${partition}`
    const before = last.get(key) ?? -1
    last.set(key, Math.max(before, offset))
    if (offset > before) return []
    return [{ kind: 'non-monotonic poll', what: `${reader} was given ${partition}:${offset} after ${before}` }]
  })
}

function disorder(where: string, records: readonly ReadRecord[], byValue: ReadonlyMap<string, Transaction>): Anomaly[] {
  const last = new Map<string, { place: number; value: string }>()
  return records.flatMap(({ partition, value, session = 0 }): Anomaly[] => {
    const transaction = byValue.get(value)
    if (transaction === undefined || session < 0) return []
    const key = `${transaction.producer} ${partition} ${session}`
    const place = transaction.number * 1_000_000 + transaction.records.findIndex((one) => one.value === value)
    const before = last.get(key)
    last.set(key, { place, value })
    // The same again is a duplicate, or a poll of what was polled before.
    if (before === undefined || before.place <= place) return []
    return [{ kind: 'reordering', what: `${where}: ${value} comes after ${before.value}` }]
  })
}
