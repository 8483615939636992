import type { SimulatedRandom } from '../../src/io/simulated-random.ts'
import { Client, ConnectionLost } from './client.ts'
import { Fetcher, type Reading } from './fetcher.ts'
import type { World } from './world.ts'

export interface ConsumerOptions {
  readonly topics: readonly string[]
  readonly sessions: boolean
}

/** A consumer without a group: reads every partition of its topics, rests some of them now and then, and loses its place. */
export class Consumer {
  readonly client: Client
  readonly fetcher: Fetcher
  readonly #world: World
  readonly #random: SimulatedRandom
  readonly #topics: readonly string[]
  readonly #resting: Reading[] = []

  constructor(world: World, name: string, { topics, sessions }: ConsumerOptions) {
    this.#world = world
    this.#random = world.fork()
    this.client = new Client(world, name, this.#random)
    this.fetcher = new Fetcher(world, this.client, this.#random, sessions)
    this.#topics = topics
  }

  async run(): Promise<void> {
    while (!this.#isDone()) {
      try {
        this.#choose()
        await this.fetcher.reset()
        if (this.fetcher.readings.length > 0) await this.fetcher.fetch(this.#random.below(800))
        await this.#world.clock.sleep(this.#random.below(100))
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error
        this.fetcher.forgetSession()
        await this.#world.clock.sleep(50 + this.#random.below(500))
      }
    }
    this.client.close()
  }

  #isDone(): boolean {
    if (!this.#world.isDrained) return false
    return (
      this.#resting.length === 0 &&
      this.#all().every(([topic, index]) => {
        const end = this.#world.endOffset(topic, index)
        return end >= 0 && (this.fetcher.reading(topic, index)?.position ?? -1) >= end
      })
    )
  }

  #all(): [topic: string, index: number][] {
    return this.#topics.flatMap((topic) =>
      Array.from({ length: this.#world.topics.get(topic).partitions }, (_, index): [string, number] => [topic, index]),
    )
  }

  #choose(): void {
    const { isEnding } = this.#world
    if (isEnding || this.#random.below(5) === 0) {
      for (const reading of this.#resting.splice(0)) this.fetcher.resume(reading)
    }
    for (const [topic, index] of this.#all()) {
      const isKnown = this.#resting.some((one) => one.topic === topic && one.partition === index)
      if (!isKnown && this.fetcher.reading(topic, index) === undefined) this.fetcher.add(topic, index, -1)
    }
    if (isEnding) return
    for (const reading of this.fetcher.readings) {
      if (this.#random.below(40) > 0) continue
      this.fetcher.remove(reading)
      this.#resting.push(reading)
    }
    // Somewhere else, as after a seek.
    const reading = this.fetcher.readings[0]
    if (reading && this.#random.below(100) === 0)
      reading.position = this.#random.below(2) === 0 ? -1 : this.#seek(reading)
  }

  #seek({ ledger }: Reading): number {
    return ledger.deletedTo + this.#random.below(Math.max(1, ledger.seenEnd - ledger.deletedTo))
  }
}
