import type { End } from './broker-process.ts'
import type { Payload } from './payload.ts'
import { Violation } from './violation.ts'

/** What a record was when it left its producer. */
export interface Sent {
  readonly id: string
  /** Of an idempotent producer; null where duplicates are allowed. */
  readonly producer: string | null
  readonly sequence: number
  /** How often it left. */
  sends: number
}

/**
 * One partition as it must be: what was sent to it, what was promised, and what anybody has seen of it. Offsets that a
 * power cut took back are forgotten, unless they were promised.
 */
export class PartitionLedger {
  readonly name: string
  readonly #sent = new Map<string, Sent>()
  readonly #known = new Map<number, string>()
  readonly #places = new Map<string, number[]>()
  /** Everything below was acknowledged with acks=all. */
  #promisedEnd = 0
  /** Everything below was acknowledged or read. */
  #seenEnd = 0
  /** The log starts here at least: a DeleteRecords said so. */
  deletedTo = 0
  /** The log starts here at most: nobody asked for more. */
  deleteBound = 0
  /** Rises when a power cut takes back what was seen. */
  cuts = 0

  constructor(name: string) {
    this.name = name
  }

  /** Everything below was seen by somebody, and not lost since. */
  get seenEnd(): number {
    return this.#seenEnd
  }

  get size(): number {
    return this.#known.size
  }

  sends(records: readonly Omit<Sent, 'sends'>[]): void {
    for (const record of records) {
      const known = this.#sent.get(record.id)
      if (known) known.sends++
      else this.#sent.set(record.id, { ...record, sends: 1 })
    }
  }

  acknowledged(ids: readonly string[], baseOffset: number, acks: number): void {
    ids.forEach((id, index) => {
      this.saw(baseOffset + index, id, 'acknowledgement')
    })
    if (acks === -1) this.#promisedEnd = Math.max(this.#promisedEnd, baseOffset + ids.length)
  }

  saw(offset: number, id: string, how: string): void {
    const where = `${how} of ${this.name} at ${offset}`
    const before = this.#known.get(offset)
    if (before === id) return
    if (before !== undefined) throw new Violation(`${where}: ${id} where ${before} was before`)
    const sent = this.#sent.get(id)
    if (sent === undefined) throw new Violation(`${where}: ${id} was never sent here`)
    const places = this.#places.get(id) ?? []
    if (places.length > 0 && sent.producer !== null) {
      throw new Violation(`${where}: ${id} is there twice, first at ${places[0]}`)
    }
    places.push(offset)
    if (places.length > sent.sends) throw new Violation(`${where}: ${id} was sent ${sent.sends} times, is at ${places}`)
    this.#places.set(id, places)
    this.#known.set(offset, id)
    this.#seenEnd = Math.max(this.#seenEnd, offset + 1)
  }

  /** A start found the log so; fails when it lost more than its end allows. */
  restarted(end: End, logStartOffset: number, logEndOffset: number): void {
    const floor = end === 'power' ? this.#promisedEnd : this.#seenEnd
    if (logEndOffset < floor) {
      const known = this.#known.get(logEndOffset)
      throw new Violation(`${this.name} ends at ${logEndOffset} after ${end}, not at ${floor}: ${known} is lost`)
    }
    this.checkStart(logStartOffset)
    if (logEndOffset >= this.#seenEnd) return
    this.cuts++
    for (let offset = logEndOffset; offset < this.#seenEnd; offset++) this.#forget(offset)
    this.#seenEnd = logEndOffset
  }

  checkStart(logStartOffset: number): void {
    if (logStartOffset < this.deletedTo) {
      throw new Violation(`${this.name} starts at ${logStartOffset}, although ${this.deletedTo} was promised`)
    }
    if (logStartOffset > this.deleteBound) {
      throw new Violation(`${this.name} starts at ${logStartOffset}; nobody deleted beyond ${this.deleteBound}`)
    }
  }

  /** The whole partition, from its start to its end. */
  audit(payloads: readonly Payload[], logStartOffset: number, logEndOffset: number): void {
    let expected = logStartOffset
    const sequences = new Map<string, number>()
    for (const { offset, id } of payloads) {
      if (offset < logStartOffset) continue
      if (offset !== expected++) throw new Violation(`${this.name} has no offset ${expected - 1}: ${offset} comes next`)
      this.saw(offset, id, 'audit')
      this.#checkOrder(id, sequences)
    }
    if (expected !== logEndOffset) throw new Violation(`${this.name} ends at ${expected}, not at ${logEndOffset}`)
  }

  #checkOrder(id: string, sequences: Map<string, number>): void {
    const { producer, sequence } = this.#sent.get(id)!
    if (producer === null) return
    const before = sequences.get(producer)
    sequences.set(producer, sequence)
    if (before === undefined || sequence === before + 1) return
    throw new Violation(`${this.name}: ${id} follows number ${before} of the same idempotent producer`)
  }

  #forget(offset: number): void {
    const id = this.#known.get(offset)
    if (id === undefined) return
    this.#known.delete(offset)
    const places = this.#places.get(id)!.filter((place) => place !== offset)
    if (places.length > 0) this.#places.set(id, places)
    else this.#places.delete(id)
  }
}
