import type { Broker } from './broker.ts'

type How = 'kill' | 'stop'

interface Waiting {
  whileDown: (() => Promise<void>) | undefined
  resolve: () => void
  reject: (error: unknown) => void
}

/**
 * Where clients that go through the same scenario side by side meet before the broker they share is ended: it is ended
 * and started once, when the last of them has arrived or left.
 */
export class Rendezvous {
  readonly #broker: Broker
  #parties: number
  #how: How | undefined
  #waiting: Waiting[] = []

  constructor(broker: Broker, parties: number) {
    this.#broker = broker
    this.#parties = parties
  }

  arrive(how: How, whileDown?: () => Promise<void>): Promise<void> {
    if (this.#how !== undefined && this.#how !== how)
      return Promise.reject(new Error('both kill and stop were asked for'))
    this.#how = how
    return new Promise((resolve, reject) => {
      this.#waiting.push({ whileDown, resolve, reject })
      this.#check()
    })
  }

  /** A client is done with the scenario, whether it came by here or not. */
  leave(): void {
    this.#parties--
    this.#check()
  }

  #check(): void {
    const how = this.#how
    if (how === undefined || this.#waiting.length < this.#parties) return
    const waiting = this.#waiting
    this.#waiting = []
    this.#how = undefined
    void this.#restart(how, waiting)
  }

  async #restart(how: How, waiting: readonly Waiting[]): Promise<void> {
    try {
      if (how === 'kill') await this.#broker.kill()
      else await this.#broker.stop()
      const outcomes = await Promise.allSettled(waiting.map(({ whileDown }) => whileDown?.()))
      await this.#broker.start()
      for (const [index, outcome] of outcomes.entries()) {
        if (outcome.status === 'rejected') waiting[index]?.reject(outcome.reason)
        else waiting[index]?.resolve()
      }
    } catch (error) {
      for (const { reject } of waiting) reject(error)
    }
  }
}
