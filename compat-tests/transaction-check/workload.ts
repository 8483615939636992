import type { CompatClient } from '../client.ts'
import { sleep } from '../process.ts'
import { decoded, record } from '../scenarios/records.ts'
import { SENTINEL } from '../scenarios/transactional-producer.ts'
import type { Outcome, ReadRecord, Transaction, WrittenRecord } from './history.ts'

/** Chance from a seed: the same choices again, though not the same moments. */
export class Chance {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0 || 1
  }

  below(limit: number): number {
    // xorshift32: enough for choices, and no library.
    this.#state ^= this.#state << 13
    this.#state >>>= 0
    this.#state ^= this.#state >>> 17
    this.#state ^= this.#state << 5
    this.#state >>>= 0
    return this.#state % limit
  }
}

const PATIENCE_MS = 60_000

export interface ProducerPlan {
  /** Of the process, and of the values that it writes. */
  readonly name: string
  /** Two processes may have the same: each shuts the other out. */
  readonly transactionalId: string
  readonly topic: string
  readonly partitions: number
  readonly transactionTimeoutMs: number
  /** One transaction in so many is left open for longer than it may be. */
  readonly oversleepsOneIn: number
}

/** Runs transactions until it is told to stop, starting anew whenever its client gives up. */
export class TransactionalLoad {
  readonly transactions: Transaction[] = []
  readonly #client: CompatClient
  readonly #plan: ProducerPlan
  readonly #chance: Chance
  #stopped = false
  #lives = 0

  constructor(client: CompatClient, plan: ProducerPlan, seed: number) {
    this.#client = client
    this.#plan = plan
    this.#chance = new Chance(seed)
  }

  stop(): void {
    this.#stopped = true
  }

  async run(): Promise<void> {
    while (!this.#stopped) {
      const producer = `${this.#plan.name}-${this.#lives++}`
      try {
        await this.#begin(producer)
        for (let more = 3 + this.#chance.below(12); more > 0 && !this.#stopped; more--) {
          if (!(await this.#transaction(producer))) break
          await sleep(this.#chance.below(60))
        }
      } catch {
        // A client that cannot begin while the broker is away: the next one will.
        await sleep(300)
      }
      await this.#call('closeProducer', { producer }).catch(() => undefined)
    }
  }

  async #begin(producer: string): Promise<void> {
    const { transactionalId, transactionTimeoutMs } = this.#plan
    await this.#call('initTransactions', { producer, transactionalId, transactionTimeoutMs, codec: 'none' })
  }

  /** False when the producer cannot go on. */
  async #transaction(producer: string): Promise<boolean> {
    const number = this.transactions.length
    const records: WrittenRecord[] = []
    const done = (outcome: Outcome) => void (this.transactions[number] = { ...this.#own(number), records, outcome })
    // Known from the first write on, whatever happens in between.
    done('aborted')
    try {
      await this.#call('beginTransaction', { producer })
      for (let sends = 1 + this.#chance.below(3); sends > 0; sends--) await this.#write(producer, number, records)
      if (this.#chance.below(this.#plan.oversleepsOneIn) === 0) await sleep(this.#plan.transactionTimeoutMs + 1_500)
    } catch {
      return false
    }
    const commit = this.#chance.below(4) > 0
    if (commit) done('unknown')
    try {
      await this.#call('endTransaction', { producer, commit })
      if (commit) done('committed')
      return true
    } catch {
      return false
    }
  }

  #own(number: number) {
    return { producer: this.#plan.name, number }
  }

  async #write(producer: string, number: number, records: WrittenRecord[]): Promise<void> {
    const { topic, partitions, name } = this.#plan
    const first = records.length
    for (let count = 1 + this.#chance.below(4); count > 0; count--) {
      const partition = this.#chance.below(partitions)
      records.push({ partition, value: `${name}/${number}/${partition}/${records.length}` })
    }
    const outgoing = records.slice(first).map(({ partition, value }) => record(value, { partition }))
    await this.#call('produceInTransaction', { producer, topic, records: outgoing })
  }

  #call: CompatClient['call'] = (operation, request) => this.#client.call(operation, request, PATIENCE_MS)
}

/** A member of a group of its own that reads what is committed, and is given nothing twice. */
export class CommittedReading {
  readonly records: ReadRecord[] = []
  readonly reader: string
  /** How often it was given its partitions. */
  sessions = 0
  readonly #client: CompatClient
  readonly #topic: string
  #stopped = false

  constructor(client: CompatClient, reader: string, topic: string) {
    this.#client = client
    this.reader = reader
    this.#topic = topic
  }

  stop(): void {
    this.#stopped = true
  }

  async run(): Promise<void> {
    const member = this.reader
    await this.#client.call('join', {
      ...{ member, group: `group-of-${member}`, topics: [this.#topic], reset: 'earliest', assignor: 'eager' },
      // Longer than the broker is away: whoever has to join again begins anew.
      ...{ sessionTimeoutMs: 30_000, instanceId: null, committedOnly: true },
    })
    while (!this.#stopped) {
      const { records, events, failure } = await this.#client.call('news', { member }, PATIENCE_MS)
      if (failure !== null) throw new Error(`${member} failed: ${failure}`)
      // Which of these records came before the change, and which after it, nobody can tell.
      const isUnsure = events.length > 0
      if (isUnsure) this.sessions++
      const session = isUnsure ? -this.sessions : this.sessions
      for (const { partition, offset, value } of records) {
        const text = decoded(value) ?? ''
        if (text !== SENTINEL) this.records.push({ partition, offset, value: text, session })
      }
      await sleep(50)
    }
    await this.#client.call('leave', { member }).catch(() => undefined)
  }
}
