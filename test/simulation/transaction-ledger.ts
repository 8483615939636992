import { Violation } from './violation.ts'

/** What became of a transaction, as far as its producer was told. */
export type Fate = 'open' | 'ending' | 'committed' | 'aborted' | 'unknown'

export interface TransactionTale {
  readonly name: string
  readonly number: number
  fate: Fate
  /** Ids of the records that were acknowledged, by partition, in order. */
  readonly acknowledged: Map<number, string[]>
  /** Ids of all records that left the producer. */
  readonly sent: Set<string>
  /** The offset that it commits for its group; -1 for none. */
  offset: number
}

/** All transactions that there were, and what readers of committed records have seen of them. */
export class TransactionLedger {
  readonly #tales = new Map<string, TransactionTale>()
  readonly #byRecord = new Map<string, TransactionTale>()

  begins(name: string, number: number): TransactionTale {
    const tale = { name, number, fate: 'open' as Fate, acknowledged: new Map(), sent: new Set<string>(), offset: -1 }
    this.#tales.set(`${name}/${number}`, tale)
    return tale
  }

  sends(tale: TransactionTale, ids: readonly string[]): void {
    for (const id of ids) {
      tale.sent.add(id)
      this.#byRecord.set(id, tale)
    }
  }

  acknowledged(tale: TransactionTale, partition: number, ids: readonly string[]): void {
    tale.acknowledged.set(partition, [...(tale.acknowledged.get(partition) ?? []), ...ids])
  }

  /** A reader of committed records was given this one. */
  saw(id: string, reader: string): void {
    const tale = this.#byRecord.get(id)
    if (tale === undefined) throw new Violation(`${reader} was given ${id}, which nobody sent`)
    if (tale.fate === 'aborted' || tale.fate === 'open') {
      throw new Violation(`${reader} was given ${id} of a transaction that is ${tale.fate}`)
    }
  }

  /** All partitions as a reader of committed records finds them at the end, and the committed offset of each group. */
  check(partitions: readonly (readonly string[])[], offsetOf: (name: string) => number): void {
    const visible = partitions.map((ids, partition) => unique(ids, partition))
    const lastOffsets = new Map<string, number>()
    for (const tale of this.#tales.values()) {
      const isCommitted = this.#isCommitted(tale, visible, offsetOf(tale.name))
      if (isCommitted && tale.offset >= 0) lastOffsets.set(tale.name, tale.offset)
    }
    for (const { name } of this.#tales.values()) {
      const [found, wanted] = [offsetOf(name), lastOffsets.get(name) ?? -1]
      if (found !== wanted) throw new Violation(`the offset committed by ${name} is ${found}, not ${wanted}`)
    }
  }

  #isCommitted(tale: TransactionTale, visible: readonly ReadonlySet<string>[], offset: number): boolean {
    const where = `transaction ${tale.number} of ${tale.name}, ${tale.fate}`
    const seen = [...tale.sent].filter((id) => visible.some((ids) => ids.has(id)))
    const acknowledged = [...tale.acknowledged.values()].flat()
    const missing = acknowledged.filter((id) => !seen.includes(id))
    if (tale.fate === 'committed') {
      if (missing.length > 0) throw new Violation(`${where}: ${missing[0]} is lost`)
    } else if (tale.fate !== 'unknown') {
      if (seen.length > 0) throw new Violation(`${where}: ${seen[0]} can be read`)
      return false
    } else if (seen.length > 0 && missing.length > 0) {
      throw new Violation(`${where}: ${seen[0]} can be read and ${missing[0]} not`)
    }
    if (tale.fate === 'committed' || seen.length > 0) return true
    // Without records only the offset can tell.
    return acknowledged.length === 0 && tale.offset >= 0 && offset === tale.offset
  }
}

function unique(ids: readonly string[], partition: number): ReadonlySet<string> {
  const seen = new Set<string>()
  const last = new Map<string, number>()
  for (const id of ids) {
    if (seen.has(id)) throw new Violation(`${id} can be read twice in partition ${partition}`)
    seen.add(id)
    const [producer, number] = placeOf(id)
    if (number <= (last.get(producer) ?? -1)) throw new Violation(`${id} comes too late in partition ${partition}`)
    last.set(producer, number)
  }
  return seen
}

/** `name/transaction/partition/number#padding`: producer, and where in its life. */
function placeOf(id: string): [producer: string, number: number] {
  const [name, transaction, , number] = id.slice(0, id.indexOf('#')).split('/')
  return [name!, Number(transaction) * 100_000 + Number(number)]
}
