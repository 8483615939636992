import assert from 'node:assert/strict'
import { Kafka, logLevel, type Producer } from 'kafkajs'

const TOPIC = 'load'
const BATCH = 50
const FIRST_BATCHES = 20
const PATIENCE_MS = 30_000

/** Producers that go on until the broker goes away, and remember what it has acknowledged. */
export class UnderLoad {
  readonly #kafka: Kafka
  readonly #acknowledged = new Set<string>()
  #loops: Promise<void>[] = []
  #producers: Producer[] = []

  constructor(bootstrapServers: string) {
    const retry = { retries: 0, initialRetryTime: 50 }
    this.#kafka = new Kafka({ brokers: [bootstrapServers], logLevel: logLevel.NOTHING, retry })
  }

  /** Resolves when each producer has had some acknowledgements; they go on. */
  async begin(): Promise<void> {
    const underWay = [-1, 1].map(async (acks) => {
      const producer = this.#kafka.producer()
      this.#producers.push(producer)
      await producer.connect()
      await new Promise<void>((resolve) => {
        this.#loops.push(this.#produce(producer, acks, resolve))
      })
    })
    await Promise.all(underWay)
  }

  async #produce(producer: Producer, acks: number, isUnderWay: () => void): Promise<void> {
    for (let batch = 1; ; batch++) {
      const values = Array.from({ length: BATCH }, (_, index) => `acks ${acks}: ${batch} ${index}`)
      try {
        await producer.send({ topic: TOPIC, acks, messages: values.map((value) => ({ value })) })
      } catch {
        // The broker has gone, which is what this waits for; what was not acknowledged may be there or not.
        isUnderWay()
        return
      }
      for (const value of values) this.#acknowledged.add(value)
      if (batch === FIRST_BATCHES) isUnderWay()
    }
  }

  /** When the broker is gone; gives how many records it has acknowledged. */
  async end(): Promise<number> {
    await Promise.all(this.#loops)
    await Promise.all(this.#producers.map((producer) => producer.disconnect()))
    assert.ok(this.#acknowledged.size >= 2 * BATCH * FIRST_BATCHES, `only ${this.#acknowledged.size} were acknowledged`)
    return this.#acknowledged.size
  }

  /** Reads everything back. Throws when something that was acknowledged is not there. */
  async verify(): Promise<void> {
    const consumer = this.#kafka.consumer({ groupId: 'verifiers', maxWaitTimeInMs: 100 })
    const missing = new Set(this.#acknowledged)
    try {
      await consumer.connect()
      await consumer.subscribe({ topic: TOPIC, fromBeginning: true })
      await new Promise<void>((resolve, reject) => {
        const say = () => reject(new Error(`${missing.size} acknowledged records are not there: ${[...missing][0]} …`))
        const timer = setTimeout(say, PATIENCE_MS)
        const eachBatch = async ({ batch }: { batch: { messages: { value: Buffer | null }[] } }) => {
          for (const { value } of batch.messages) missing.delete(String(value))
          if (missing.size > 0) return
          clearTimeout(timer)
          resolve()
        }
        consumer.run({ eachBatch }).catch(reject)
      })
    } finally {
      await consumer.disconnect()
    }
  }
}
