import kafkajs, { type Admin, type Kafka as Client, type Consumer, type Producer } from 'kafkajs'
import { sleep } from '../../../compat-tests/process.ts'

const { Kafka, logLevel } = kafkajs

export const PLAIN = 'plain'
export const COMPACTED = 'compacted'
export const RETAINED = 'retained'
export const GROUP = 'readers'
export const PARTITIONS = 4
const KEYS = 20
const LARGE = 'x'.repeat(60_000)
/** Small enough that retention and compaction always have something to do. */
const RETAINED_BYTES = 1_500_000

/** What was acknowledged at some moment: values by offset, and offsets by partition. */
export interface Acknowledged {
  /** By partition. */
  readonly plain: readonly ReadonlyMap<number, string>[]
  readonly compacted: ReadonlyMap<string, { readonly offset: number; readonly value: number }>
  readonly retained: ReadonlyMap<number, string>
  /** By partition. */
  readonly committed: ReadonlyMap<number, number>
  readonly topics: ReadonlySet<string>
}

/**
 * kafkajs at work on a broker: idempotent records with acks=all, a group that commits what it reads, a topic that is
 * compacted and one that retention shortens all the time, and topics that come and go.
 */
export class BackupLoad {
  readonly #kafka: Client
  readonly #producer: Producer
  readonly #consumer: Consumer
  readonly #admin: Admin
  readonly #plain = Array.from({ length: PARTITIONS }, () => new Map<number, string>())
  readonly #compacted = new Map<string, { offset: number; value: number }>()
  readonly #retained = new Map<number, string>()
  readonly #committed = new Map<number, number>()
  readonly #topics = new Set<string>()
  /** Topics that were created, one way or the other: they may be there, and may not. */
  readonly everCreated = new Set<string>()
  #over = false
  #running: Promise<unknown> = Promise.resolve()

  constructor(bootstrap: string) {
    this.#kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING })
    this.#producer = this.#kafka.producer({ idempotent: true, maxInFlightRequests: 5 })
    this.#consumer = this.#kafka.consumer({ groupId: GROUP, maxWaitTimeInMs: 50 })
    this.#admin = this.#kafka.admin()
  }

  async start(): Promise<void> {
    await Promise.all([this.#producer.connect(), this.#consumer.connect(), this.#admin.connect()])
    await this.#createTopics()
    await this.#consume()
    const plain = this.#plain.map((acknowledged, partition) => this.#send(partition, acknowledged))
    this.#running = Promise.all([...plain, this.#overwrite(), this.#outgrow(), this.#comeAndGo()])
    // Told by `stop`; until then nobody waits for it.
    this.#running.catch(() => {})
  }

  /** Until so many more records and some commits are acknowledged, and retention has deleted some more. */
  async progress(records: number): Promise<void> {
    const enough = this.#count + records
    const committed = this.#committedSum
    const start = await this.#retainedFrom()
    while ((await this.#retainedFrom()) === start) await sleep(20)
    const over = this.#running.then(() => {
      throw new Error('the load ended early')
    })
    await Promise.race([this.#until(() => this.#count >= enough && this.#committedSum > committed), over])
  }

  acknowledged(): Acknowledged {
    return {
      plain: this.#plain.map((values) => new Map(values)),
      compacted: new Map(this.#compacted),
      retained: new Map(this.#retained),
      committed: new Map(this.#committed),
      topics: new Set(this.#topics),
    }
  }

  async stop(): Promise<void> {
    this.#over = true
    await this.#running
    await Promise.all([this.#producer.disconnect(), this.#consumer.disconnect(), this.#admin.disconnect()])
  }

  get #count(): number {
    return this.#plain.reduce((sum, values) => sum + values.size, 0)
  }

  get #committedSum(): number {
    return [...this.#committed.values()].reduce((sum, offset) => sum + offset, 0)
  }

  async #createTopics(): Promise<void> {
    const entries = (configs: Record<string, string>) =>
      Object.entries(configs).map(([name, value]) => ({ name, value }))
    const always = { 'min.cleanable.dirty.ratio': '0', 'segment.ms': '150', 'file.delete.delay.ms': '50' }
    const shortened = {
      'retention.bytes': String(RETAINED_BYTES),
      'segment.bytes': '1048576',
      'file.delete.delay.ms': '50',
    }
    await this.#admin.createTopics({
      topics: [
        { topic: PLAIN, numPartitions: PARTITIONS },
        { topic: COMPACTED, configEntries: entries({ 'cleanup.policy': 'compact', ...always }) },
        { topic: RETAINED, configEntries: entries(shortened) },
      ],
    })
    for (const topic of [PLAIN, COMPACTED, RETAINED]) this.#topics.add(topic)
  }

  async #consume(): Promise<void> {
    await this.#consumer.subscribe({ topic: PLAIN, fromBeginning: true })
    await this.#consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        const offset = Number(batch.lastOffset()) + 1
        await this.#consumer.commitOffsets([{ topic: batch.topic, partition: batch.partition, offset: String(offset) }])
        this.#committed.set(batch.partition, offset)
      },
    })
  }

  /** 0, 1, 2 … in one partition, a few at a time. */
  async #send(partition: number, acknowledged: Map<number, string>): Promise<void> {
    for (let next = 0; !this.#over; ) {
      const values = Array.from({ length: 1 + (next % 5) }, () => String(next++))
      const base = await this.#produce(PLAIN, partition, values)
      for (const [index, value] of values.entries()) acknowledged.set(base + index, value)
    }
  }

  /** Few keys, whose numbers only rise. */
  async #overwrite(): Promise<void> {
    for (let value = 0; !this.#over; value++) {
      const key = `key-${value % KEYS}`
      const messages = [{ key, value: String(value), partition: 0 }]
      const [answer] = await this.#producer.send({ topic: COMPACTED, acks: -1, messages })
      this.#compacted.set(key, { offset: Number(answer!.baseOffset), value })
    }
  }

  async #outgrow(): Promise<void> {
    for (let number = 0; !this.#over; number++) {
      const value = `${number} ${LARGE}`
      this.#retained.set(await this.#produce(RETAINED, 0, [value]), String(number))
    }
  }

  /** Topics are created, written to and deleted; half of them by a name that was there before. */
  async #comeAndGo(): Promise<void> {
    for (let round = 0; !this.#over; round++) {
      const topic = round % 2 === 0 ? `passing-${round}` : 'again'
      this.everCreated.add(topic)
      await this.#admin.createTopics({ topics: [{ topic, numPartitions: 2 }] })
      this.#topics.add(topic)
      await this.#produce(
        topic,
        0,
        Array.from({ length: 3 + (round % 7) }, (_, index) => `${round} ${index}`),
      )
      await sleep(40)
      this.#topics.delete(topic)
      await this.#admin.deleteTopics({ topics: [topic] })
    }
  }

  async #produce(topic: string, partition: number, values: readonly string[]): Promise<number> {
    const messages = values.map((value) => ({ partition, value }))
    const [answer] = await this.#producer.send({ topic, acks: -1, messages })
    return Number(answer!.baseOffset)
  }

  async #retainedFrom(): Promise<number> {
    const [partition] = await this.#admin.fetchTopicOffsets(RETAINED)
    return Number(partition!.low)
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) await sleep(5)
  }
}
