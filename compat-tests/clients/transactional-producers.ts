import type { Codec } from '../client.ts'

interface Transactional<Producer, Transaction> {
  producer: Producer
  codec: Codec
  transaction: Transaction | undefined
}

/** The transactional producers of a Node driver, by the names that scenarios give them. */
export class TransactionalProducers<Producer, Transaction> {
  readonly #producers = new Map<string, Transactional<Producer, Transaction>>()

  add(name: string, producer: Producer, codec: Codec): void {
    this.#producers.set(name, { producer, codec, transaction: undefined })
  }

  /** Removes it, and gives what was removed. */
  take(name: string): Producer {
    const { producer } = this.find(name)
    this.#producers.delete(name)
    return producer
  }

  find(name: string): Transactional<Producer, Transaction> {
    const found = this.#producers.get(name)
    if (found === undefined) throw new Error(`no producer ${name}`)
    return found
  }

  /** The transaction that a producer is in. */
  current(name: string): Transaction {
    const { transaction } = this.find(name)
    if (transaction === undefined) throw new Error(`producer ${name} is in no transaction`)
    return transaction
  }

  get all(): Producer[] {
    return [...this.#producers.values()].map(({ producer }) => producer)
  }
}
