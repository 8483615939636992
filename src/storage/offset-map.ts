import { hash } from 'node:crypto'

const WORDS = 6
const ENTRY_BYTES = WORDS * 4
const FIRST_CAPACITY = 1024
/** Share of the table above which it is made larger. */
const GROW_LOAD = 0.75
/** Bounds of how full it may become where it may not grow any more: a full table would be searched for ever. */
const LEAST_LOAD = 0.01
const MOST_LOAD = 0.99
/** Entries that each insertion brings over from the table before. */
const MOVED_AT_ONCE = 16

interface Table {
  readonly words: Int32Array
  readonly capacity: number
}

/**
 * The last offset of each key, within a fixed number of bytes however long the keys are: a key stands for itself by 16
 * bytes of its SHA-256. Kafka takes MD5 there, for which two keys of one value can be made at will, and compaction would
 * then drop one for the other; SHA-256 costs no more on today's processors.
 */
export class OffsetMap {
  /** Up to here the map knows of every record what came later: below where it begins nothing has to be known. */
  latestOffset = -1
  readonly #limitBytes: number
  readonly #maxLoad: number
  #table: Table = tableOf(FIRST_CAPACITY)
  /** The smaller table before, while its entries are brought over little by little: no insertion takes long. */
  #old: Table | null = null
  #moved = 0
  #size = 0
  #mostEntries: number
  readonly #key = new Int32Array(4)

  /**
   * At least 24 KB, which hold some nine hundred keys, are taken in any case. `maxLoad`: how full it may become,
   * Kafka's log.cleaner.io.buffer.load.factor.
   */
  constructor(limitBytes: number, maxLoad = 0.9) {
    this.#limitBytes = limitBytes
    this.#maxLoad = Math.min(Math.max(maxLoad, LEAST_LOAD), MOST_LOAD)
    this.#mostEntries = this.#growAt(FIRST_CAPACITY)
  }

  /** Distinct keys. */
  get size(): number {
    return this.#size
  }

  get sizeBytes(): number {
    return (this.#table.capacity + (this.#old?.capacity ?? 0)) * ENTRY_BYTES
  }

  /** -1 for a key that is not there. */
  get(buffer: Buffer, at: number, sizeBytes: number): number {
    this.#hash(buffer, at, sizeBytes)
    const found = offsetIn(this.#table, this.#slot(this.#table, this.#key))
    return found < 0 && this.#old ? offsetIn(this.#old, this.#slot(this.#old, this.#key)) : found
  }

  /** Sets the offset of a key; false when there is no room for another key. */
  put(buffer: Buffer, at: number, sizeBytes: number, offset: number): boolean {
    this.#hash(buffer, at, sizeBytes)
    let slot = this.#slot(this.#table, this.#key)
    if (offsetIn(this.#table, slot) >= 0) {
      writeOffset(this.#table, slot, offset)
      return true
    }
    const known = this.#old !== null && offsetIn(this.#old, this.#slot(this.#old, this.#key)) >= 0
    if (!known) {
      if (this.#size >= this.#mostEntries) {
        if (!this.#grow()) return false
        slot = this.#slot(this.#table, this.#key)
      }
      this.#size++
    }
    writeEntry(this.#table, slot, this.#key, offset)
    if (this.#old) this.#move(this.#old)
    return true
  }

  #hash(buffer: Buffer, at: number, sizeBytes: number): void {
    const digest = hash('sha256', buffer.subarray(at, at + sizeBytes), 'binary')
    for (let word = 0; word < 4; word++) this.#key[word] = wordOf(digest, word * 4)
  }

  /** Where a key is, or the empty slot where it belongs. */
  #slot({ words, capacity }: Table, key: Int32Array): number {
    let slot = (key[0]! >>> 0) % capacity
    for (;;) {
      const at = slot * WORDS
      if (words[at + 4] === 0 && words[at + 5] === 0) return slot
      if (words[at] === key[0] && words[at + 1] === key[1] && words[at + 2] === key[2] && words[at + 3] === key[3]) {
        return slot
      }
      slot = slot + 1 === capacity ? 0 : slot + 1
    }
  }

  #grow(): boolean {
    while (this.#old) this.#move(this.#old)
    const { capacity } = this.#table
    // Both tables exist for a while: together they keep to the limit.
    const next = Math.min(capacity * 2, Math.floor(this.#limitBytes / ENTRY_BYTES) - capacity)
    if (next < capacity * 1.25) {
      const most = Math.floor(capacity * this.#maxLoad)
      const more = most > this.#mostEntries
      this.#mostEntries = most
      return more
    }
    this.#old = this.#table
    this.#moved = 0
    this.#table = tableOf(next)
    this.#mostEntries = this.#growAt(next)
    return true
  }

  #growAt(capacity: number): number {
    return Math.floor(capacity * Math.min(GROW_LOAD, this.#maxLoad))
  }

  #move(old: Table): void {
    const end = Math.min(this.#moved + MOVED_AT_ONCE, old.capacity)
    for (; this.#moved < end; this.#moved++) {
      const offset = offsetIn(old, this.#moved)
      if (offset < 0) continue
      const key = old.words.subarray(this.#moved * WORDS, this.#moved * WORDS + 4)
      const slot = this.#slot(this.#table, key)
      // One that is there already is the later one.
      if (offsetIn(this.#table, slot) < 0) writeEntry(this.#table, slot, key, offset)
    }
    if (this.#moved === old.capacity) this.#old = null
  }
}

function tableOf(capacity: number): Table {
  return { words: new Int32Array(capacity * WORDS), capacity }
}

/** Stored plus one, so that zero marks an empty slot. */
function offsetIn({ words }: Table, slot: number): number {
  const at = slot * WORDS
  return words[at + 5]! * 2 ** 32 + (words[at + 4]! >>> 0) - 1
}

function writeEntry(table: Table, slot: number, key: Int32Array, offset: number): void {
  table.words.set(key, slot * WORDS)
  writeOffset(table, slot, offset)
}

function writeOffset({ words }: Table, slot: number, offset: number): void {
  words[slot * WORDS + 4] = (offset + 1) | 0
  words[slot * WORDS + 5] = Math.floor((offset + 1) / 2 ** 32)
}

/** A string of which each character is a byte. */
function wordOf(bytes: string, at: number): number {
  return (
    bytes.charCodeAt(at) |
    (bytes.charCodeAt(at + 1) << 8) |
    (bytes.charCodeAt(at + 2) << 16) |
    (bytes.charCodeAt(at + 3) << 24)
  )
}
