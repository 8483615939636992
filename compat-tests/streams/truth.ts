import type { Random } from '../../src/io/random.ts'

/** A record as topic, key and value. */
export interface Fed {
  readonly topic: string
  readonly key: string
  readonly value: string
}

/** What a reader has seen, in the order of each partition. */
export interface Seen extends Fed {
  readonly partition: number
  readonly offset: number
}

const WORDS = Array.from({ length: 60 }, (_, index) => `word${index}`)
const CUSTOMERS = 40
const MAX_WORDS_OF_A_LINE = 6
const SHOWN = 8

/** Everything that was fed, and so everything that has to come out. */
export class Truth {
  readonly #random: Random
  readonly #fed: Fed[] = []
  readonly #countOfWord = new Map<string, number>()
  /** By order: the receipt. */
  readonly #receipts = new Map<string, string>()
  #words = 0

  constructor(random: Random) {
    this.#random = random
  }

  get expectedRecords(): number {
    return this.#words + this.#receipts.size
  }

  /** The table; to be there before the first order is. */
  customers(): Fed[] {
    const all = Array.from({ length: CUSTOMERS }, (_, index) => ({ topic: 'customers', ...customer(index) }))
    this.#fed.push(...all)
    return all
  }

  /** A line of words, an order and its payment, in random order. */
  next(): Fed[] {
    const records = [this.#line(), ...this.#order()]
    if (this.#random.below(2) === 0) records.reverse()
    this.#fed.push(...records)
    return records
  }

  #line(): Fed {
    const words = Array.from({ length: 1 + this.#random.below(MAX_WORDS_OF_A_LINE) }, () => this.#word())
    return { topic: 'lines', key: `line${this.#fed.length}`, value: words.join(' ') }
  }

  #word(): string {
    const word = WORDS[this.#random.below(WORDS.length)]!
    this.#countOfWord.set(word, (this.#countOfWord.get(word) ?? 0) + 1)
    this.#words++
    return word
  }

  #order(): Fed[] {
    const order = `order${this.#receipts.size}`
    const { key, value: name } = customer(this.#random.below(CUSTOMERS))
    const amount = String(1 + this.#random.below(1000))
    this.#receipts.set(order, `${key} ${name}:${order}:${amount}`)
    return [
      { topic: 'orders', key: order, value: key },
      { topic: 'payments', key: order, value: amount },
    ]
  }

  /** What is not as it should be of all records of all topics, read with read_committed; empty when nothing is. */
  differences(seen: readonly Seen[], guarantee: 'exactly once' | 'at least once'): string[] {
    const said: string[] = []
    compareAsSets('input', this.#fed.map(asText), seen.filter(({ topic }) => isInput(topic)).map(asText), said)
    const receipts = seen.filter(({ topic }) => topic === 'receipts').map(({ key, value }) => `${key} ${value}`)
    const expected = [...this.#receipts.values()]
    if (guarantee === 'exactly once') {
      compareAsSets('receipts', expected, receipts, said)
      this.#compareCounts(seen, said)
    } else {
      compareAsSets('receipts', expected, [...new Set(receipts)], said)
      this.#compareLastCounts(seen, said)
    }
    return said
  }

  /** Whether everything has come out at least once. */
  isComplete(seen: readonly Seen[]): boolean {
    if (seen.length < this.expectedRecords) return false
    const receipts = new Set(
      seen.filter(({ topic }) => topic === 'receipts').map(({ key, value }) => `${key} ${value}`),
    )
    const said: string[] = []
    this.#compareLastCounts(seen, said)
    return said.length === 0 && [...this.#receipts.values()].every((receipt) => receipts.has(receipt))
  }

  /** Each word is counted 1, 2, 3 … without a gap, a repetition or a step back. */
  #compareCounts(seen: readonly Seen[], said: string[]): void {
    const counted = new Map<string, number>()
    const wrong = new Set<string>()
    for (const { topic, partition, offset, key, value } of seen) {
      if (topic !== 'counts') continue
      const before = counted.get(key) ?? 0
      counted.set(key, before + 1)
      if (Number(value) === before + 1 || wrong.has(key)) continue
      wrong.add(key)
      said.push(`counts: ${key} is ${value} after ${before} counts (partition ${partition}, offset ${offset})`)
    }
    for (const [word, count] of this.#countOfWord) {
      if (counted.get(word) !== count)
        said.push(`counts: ${word} was counted ${counted.get(word) ?? 0} times of ${count}`)
    }
    for (const word of counted.keys()) if (!this.#countOfWord.has(word)) said.push(`counts: ${word} was never written`)
  }

  /** What is repeated may be counted again, but nothing is left out. */
  #compareLastCounts(seen: readonly Seen[], said: string[]): void {
    const last = new Map<string, number>()
    for (const { topic, key, value } of seen) if (topic === 'counts') last.set(key, Number(value))
    for (const [word, count] of this.#countOfWord) {
      if ((last.get(word) ?? 0) < count)
        said.push(`counts: ${word} ends at ${last.get(word) ?? 0}, was written ${count} times`)
    }
  }
}

function customer(index: number): { key: string; value: string } {
  return { key: `customer${index}`, value: `name${index}` }
}

function isInput(topic: string): boolean {
  return topic !== 'counts' && topic !== 'receipts'
}

function asText({ topic, key, value }: Fed): string {
  return `${topic} ${key} ${value}`
}

/** Multisets: what is missing, what should not be there, what is there more often. */
function compareAsSets(what: string, expected: readonly string[], actual: readonly string[], said: string[]): void {
  const left = new Map<string, number>()
  for (const each of expected) left.set(each, (left.get(each) ?? 0) + 1)
  for (const each of actual) left.set(each, (left.get(each) ?? 0) - 1)
  const missing = [...left].filter(([, count]) => count > 0).map(([each]) => each)
  const surplus = [...left].filter(([, count]) => count < 0).map(([each]) => each)
  if (missing.length > 0) said.push(`${what}: ${missing.length} lost: ${missing.slice(0, SHOWN).join(', ')}`)
  if (surplus.length > 0) said.push(`${what}: ${surplus.length} too many: ${surplus.slice(0, SHOWN).join(', ')}`)
}
