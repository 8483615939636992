import type { Durability, LogOffsets } from '../../src/storage/storage.ts'
import type { Found, ModelRecord } from './log-model-batches.ts'
import { keepsTombstones, type LogModelPlan } from './log-model-plan.ts'

/** A batch of records, or the marker that ends a transaction. */
export interface Sent {
  readonly ids: readonly string[]
  /** Empty for a marker. */
  readonly records: readonly ModelRecord[]
  readonly producer: ModelProducer | null
  readonly epoch: number
  /** Of its first record; of a marker, that of the next batch. */
  readonly sequence: number
  readonly durability: Durability
  readonly codec: number
  readonly timestamp: number
  readonly transaction: Transaction | null
  readonly isMarker: boolean
  state: 'sent' | 'acknowledged'
  baseOffset: number
}

export interface Transaction {
  /** What its marker says, once that is sent. */
  outcome: 'open' | 'commit' | 'abort'
  /** What it had before may be forgotten, together with everything else in the log. */
  knownFrom: number
}

export interface ModelProducer {
  readonly id: number
  readonly isTransactional: boolean
  /** A producer that was forgotten begins a new one. */
  epoch: number
  nextSequence: number
  transaction: Transaction | null
  /** Sent and not known to be stored, oldest first: what a client sends again after a reconnect. */
  inFlight: Sent[]
  /** The broker may have forgotten it, together with everything that it had stored. */
  mayBeForgotten: boolean
}

/** What is at an offset. */
interface Fact {
  readonly sent: Sent
  readonly id: string
  /** Undefined for a marker. */
  readonly record: ModelRecord | undefined
}

/** What one log must hold: everything sent, in the order of sending, and where it was acknowledged or seen. */
export class LogModelLedger {
  readonly #plan: LogModelPlan
  #sent: Sent[] = []
  readonly #byId = new Map<string, Sent>()
  readonly #known = new Map<number, Fact>()
  /** Compaction may have been below. */
  cleanableEnd = 0

  constructor(plan: LogModelPlan) {
    this.#plan = plan
  }

  get sent(): readonly Sent[] {
    return this.#sent
  }

  sends(sent: Sent): void {
    this.#sent.push(sent)
    for (const id of sent.ids) this.#byId.set(id, sent)
  }

  /** Some append that was acknowledged with a weaker promise is gone: it is sent again. */
  forget(sent: Sent): void {
    sent.state = 'sent'
    sent.baseOffset = -1
    if (sent.producer === null) this.refused(sent)
  }

  /** It was not stored, and will not be sent again. */
  refused(sent: Sent): void {
    this.#sent = this.#sent.filter((other) => other !== sent)
    for (const id of sent.ids) this.#byId.delete(id)
  }

  acknowledged(sent: Sent, baseOffset: number): void {
    if (sent.state === 'acknowledged' && sent.baseOffset !== baseOffset) throw new Error('another offset for a retry')
    sent.baseOffset = baseOffset
    sent.state = 'acknowledged'
    sent.ids.forEach((id, index) => {
      this.#learn(baseOffset + index, id, sent)
    })
  }

  /** Nothing is known any more from the end on. */
  truncated(logEndOffset: number): void {
    for (const offset of this.#known.keys()) if (offset >= logEndOffset) this.#known.delete(offset)
    this.cleanableEnd = Math.min(this.cleanableEnd, logEndOffset)
  }

  /** A record that somebody read. */
  saw({ offset, id }: Found): void {
    const sent = this.#known.get(offset)?.sent ?? this.#byId.get(id)
    if (sent === undefined) throw new Error(`offset ${offset} holds ${id}, which was never sent`)
    this.#learn(offset, id, sent)
  }

  #learn(offset: number, id: string, sent: Sent): void {
    const before = this.#known.get(offset)
    if (before === undefined) {
      const record = sent.records[sent.ids.indexOf(id)]
      this.#known.set(offset, { sent, id, record })
    } else if (before.id !== id) throw new Error(`offset ${offset} held ${before.id}, now ${id}`)
  }

  /** Whether a reader from this offset on may be given something that comes later. */
  mayBeMissing(offset: number): boolean {
    return offset < this.cleanableEnd
  }

  /** All that is in the log, against all that must be. */
  checkAll(found: readonly Found[], { logStartOffset, highWatermark }: LogOffsets): void {
    const places = new Map<string, number>()
    for (const record of found) {
      if (!record.isMarker && places.has(record.id)) throw new Error(`${record.id} is there twice`)
      this.saw(record)
      places.set(record.id, record.offset)
    }
    const present = new Set(found.map(({ offset }) => offset))
    const latest = this.#latestByKey()
    for (let offset = logStartOffset; offset < highWatermark; offset++) {
      if (present.has(offset)) continue
      if (offset >= this.cleanableEnd) throw new Error(`offset ${offset} is missing`)
      const fact = this.#known.get(offset)
      if (fact && !this.#mayBeCleaned(offset, fact, latest)) throw new Error(`${fact.id} at ${offset} is missing`)
    }
    this.#checkSequences(places)
  }

  /** What a reader of committed records got, against what was ended by a commit or never part of a transaction. */
  checkCommitted(committed: readonly Found[], all: readonly Found[], lastStableOffset: number): void {
    const expected = all.filter(({ offset, isMarker }) => {
      return !isMarker && offset < lastStableOffset && isCommitted(this.#known.get(offset)!)
    })
    const actual = committed.filter(({ isMarker }) => !isMarker)
    const at = expected.findIndex(({ offset }, index) => actual[index]?.offset !== offset)
    const place = (found: Found | undefined) => (found ? `${found.id} at ${found.offset}` : 'the end')
    if (at >= 0) throw new Error(`read_committed gives ${place(actual[at])} where ${place(expected[at])} belongs`)
    if (actual.length > expected.length)
      throw new Error(`read_committed gives ${place(actual[expected.length])}, which is not committed`)
  }

  /** First offset of the earliest transaction that has not ended, or Infinity: of all, and of those known for sure. */
  get firstOpenOffsets(): readonly [all: number, known: number] {
    const open = this.#sent.filter((sent) => sent.transaction?.outcome === 'open' && sent.baseOffset >= 0)
    const known = open.filter((sent) => sent.baseOffset >= sent.transaction!.knownFrom)
    const first = (list: readonly Sent[]) => Math.min(...list.map(({ baseOffset }) => baseOffset))
    return [first(open), first(known)]
  }

  /** Retention may take away only what is old enough, or too much. */
  checkExpired(fromOffset: number, toOffset: number, nowMs: number, sizeBytes: number | null): void {
    const { config, deletes } = this.#plan
    const retentionMs = config['retention.ms'] ?? -1
    const retentionBytes = config['retention.bytes'] ?? -1
    const isTooMuch = retentionBytes >= 0 && (sizeBytes === null || sizeBytes >= retentionBytes)
    const latest = this.#latestByKey()
    for (let offset = fromOffset; offset < toOffset; offset++) {
      const fact = this.#known.get(offset)
      if (fact === undefined || (offset < this.cleanableEnd && this.#mayBeCleaned(offset, fact, latest))) continue
      const isOld = retentionMs >= 0 && nowMs - fact.sent.timestamp > retentionMs
      if (!deletes || !(isOld || isTooMuch)) throw new Error(`${fact.id} at ${offset} was taken away without a reason`)
    }
  }

  #latestByKey(): Map<string, number> {
    const latest = new Map<string, number>()
    for (const [offset, fact] of this.#known) {
      const { record } = fact
      if (record === undefined || offset >= this.cleanableEnd || !isCommitted(fact)) continue
      latest.set(record.key, Math.max(latest.get(record.key) ?? -1, offset))
    }
    return latest
  }

  #mayBeCleaned(offset: number, { sent, record }: Fact, latest: ReadonlyMap<string, number>): boolean {
    if (sent.transaction?.outcome === 'abort' || record === undefined) return true
    if (record.isTombstone && !keepsTombstones(this.#plan)) return true
    return (latest.get(record.key) ?? -1) > offset
  }

  /** Of each producer the records stand in the order in which they were first sent. */
  #checkSequences(places: ReadonlyMap<string, number>): void {
    const last = new Map<ModelProducer, number>()
    for (const { producer, ids, isMarker } of this.#sent) {
      if (producer === null || isMarker) continue
      for (const id of ids) {
        const at = places.get(id)
        if (at === undefined) continue
        if (at < (last.get(producer) ?? -1)) throw new Error(`producer ${producer.id} is out of order at ${id}`)
        last.set(producer, at)
      }
    }
  }
}

function isCommitted({ sent }: Fact): boolean {
  return sent.transaction === null || sent.transaction.outcome === 'commit'
}
