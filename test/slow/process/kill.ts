import kafkajs from 'kafkajs'
import { freePort, sleep } from '../../../compat-tests/process.ts'
import { SimulatedRandom } from '../../../src/io/simulated-random.ts'
import { PlainClient } from '../../support/plain-client.ts'
import { BrokerProcess, withTimeout } from '../../support/process.ts'
import { Load, type Place, Reader } from './kill-load.ts'

const { Kafka, logLevel } = kafkajs
const TOPICS = ['orders', 'payments'] as const
const PARTITIONS = 3
const READERS = 'readers'
/** Commits 1, 2, 3 … without members: whatever is acknowledged there is checked at every start. */
const COUNTERS = 'counters'
/** The clients try until the broker is back. */
const RETRY = { retries: 1000, initialRetryTime: 30, maxRetryTime: 200 }
/** With two cores and other work on them. */
const PATIENCE_MS = 60_000
/** A life of the broker ends at random between the two. */
const SHORTEST_LIFE_MS = 100
const LONGEST_LIFE_MS = 1500

export interface KillOptions {
  readonly kills: number
  /** Decides when. */
  readonly seed: number
  readonly onKill?: (kill: number, acknowledged: number) => void
}

export interface KillFigures {
  readonly kills: number
  /** Of them before the broker was ready. */
  readonly killedInStart: number
  readonly acknowledged: number
  /** Records of the producer without idempotence that are there more than once. */
  readonly repeated: number
  readonly read: number
  readonly commits: number
}

/**
 * kafkajs produces with acks=all, with and without idempotence, reads in a group and commits, while its broker is killed
 * again and again. Throws when anything acknowledged is lost, moved, or taken back, or an idempotent record is there twice.
 */
export function killRounds(options: KillOptions): Promise<KillFigures> {
  return new KillRounds(options).run()
}

class KillRounds {
  readonly #options: KillOptions
  readonly #random: SimulatedRandom
  readonly #loads: Load[] = []
  readonly #reader = new Reader()
  readonly #committer = new Committer()
  #broker!: BrokerProcess
  #port = 0
  #isOver = false
  #killedInStart = 0
  /** Of the last look. */
  readonly #committed = new Map<string, number>()

  constructor(options: KillOptions) {
    this.#options = options
    this.#random = new SimulatedRandom(options.seed)
  }

  async run(): Promise<KillFigures> {
    this.#port = await freePort()
    this.#broker = await BrokerProcess.start({ port: this.#port })
    await this.#createTopics()
    const kafka = new Kafka({ brokers: [`127.0.0.1:${this.#port}`], logLevel: logLevel.NOTHING, retry: RETRY })
    const producers = [
      { name: 'idempotent', producer: kafka.producer({ idempotent: true, retry: RETRY, maxInFlightRequests: 5 }) },
      { name: 'plain', producer: kafka.producer({ retry: RETRY }) },
    ]
    const consumer = kafka.consumer({ groupId: READERS, retry: RETRY, sessionTimeout: 10_000, maxWaitTimeInMs: 100 })
    await this.#reader.run(consumer, TOPICS)
    const lives: Promise<void>[] = []
    for (const { name, producer } of producers) {
      await producer.connect()
      for (const topic of TOPICS) {
        for (let partition = 0; partition < PARTITIONS; partition++) {
          const load = new Load(name, topic, partition)
          this.#loads.push(load)
          lives.push(load.run(producer, () => this.#isOver))
        }
      }
    }
    const running = Promise.all(lives)
    running.catch(() => {}) // Whoever races with it is told.

    for (let kill = 1; kill <= this.#options.kills; kill++) {
      await this.#liveAndDie(running)
      this.#options.onKill?.(kill, this.#acknowledged)
    }
    const enough = this.#acknowledged + 100
    await this.#unless(
      running,
      until(() => this.#acknowledged >= enough),
    )
    this.#isOver = true
    await this.#within('the end of the last sends', running)
    await this.#readToEnd()
    await consumer.disconnect()
    for (const { producer } of producers) await producer.disconnect()
    const repeated = await this.#checkStored()
    checkOutput(this.#broker)
    const { kills } = this.#options
    return {
      kills,
      killedInStart: this.#killedInStart,
      acknowledged: this.#acknowledged,
      repeated,
      read: this.#reader.seen.length,
      commits: this.#committer.acknowledged,
    }
  }

  get #acknowledged(): number {
    return this.#loads.reduce((sum, load) => sum + load.acknowledged.length, 0)
  }

  /** Full segments every now and then, so that kills also meet rolls, snapshots and indexes. */
  async #createTopics(): Promise<void> {
    const setup = await PlainClient.connect(this.#port)
    for (const topic of TOPICS) await setup.createTopic(topic, PARTITIONS, { 'segment.ms': '400' })
    await setup.close()
  }

  /** Lets the broker work for a random while, kills it, and looks at the next one. */
  async #liveAndDie(running: Promise<unknown>): Promise<void> {
    const committing = this.#committer.run(this.#port)
    await this.#unless(running, sleep(SHORTEST_LIFE_MS + this.#random.below(LONGEST_LIFE_MS - SHORTEST_LIFE_MS)))
    await this.#broker.end('SIGKILL')
    await committing
    checkOutput(this.#broker)
    const { data } = this.#broker
    // One in four also dies on its way back.
    if (this.#random.below(4) === 0) {
      const early = BrokerProcess.launch({ port: this.#port, data })
      await sleep(this.#random.below(700))
      await early.end('SIGKILL')
      this.#killedInStart++
    }
    const promised = new Map(this.#reader.committed)
    this.#broker = await BrokerProcess.start({ port: this.#port, data })
    await this.#checkCommits(promised)
  }

  /** Nothing that was acknowledged or seen before may be gone. */
  async #checkCommits(promised: ReadonlyMap<string, number>): Promise<void> {
    const client = await PlainClient.connect(this.#port)
    const counter = await client.committed(COUNTERS, TOPICS[0])
    const { acknowledged, sent } = this.#committer
    if (counter < acknowledged || counter > sent)
      throw new Error(`the counter is ${counter}: ${acknowledged} was acknowledged, ${sent} was sent`)
    for (const topic of TOPICS) {
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const name = `${topic}-${partition}`
        const committed = await client.committed(READERS, topic, partition)
        const floor = Math.max(promised.get(name) ?? -1, this.#committed.get(name) ?? -1)
        if (committed < floor) throw new Error(`${READERS} committed ${floor} of ${name}, and has ${committed} now`)
        this.#committed.set(name, committed)
      }
    }
    await client.close()
  }

  async #readToEnd(): Promise<void> {
    const ends = new Map<string, number>()
    for (const { topic, partition, offset } of this.#loads.flatMap(({ acknowledged }) => acknowledged)) {
      const name = `${topic}-${partition}`
      ends.set(name, Math.max(ends.get(name) ?? 0, offset + 1))
    }
    const isDone = () => [...ends].every(([name, end]) => (this.#reader.committed.get(name) ?? -1) >= end)
    await this.#within('the reader at the end', until(isDone))
  }

  /** What is stored against what was acknowledged and read. Returns how many plain records are there again. */
  async #checkStored(): Promise<number> {
    const client = await PlainClient.connect(this.#port)
    const stored = new Map<string, readonly string[]>()
    let repeated = 0
    for (const topic of TOPICS) {
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const values = await client.readAll(topic, partition)
        stored.set(`${topic}-${partition}`, values)
        repeated += values.length - new Set(values).size
        this.#checkIdempotent(topic, partition, values)
      }
    }
    await client.close()
    const check = (what: string, { topic, partition, offset, value }: Place) => {
      const found = stored.get(`${topic}-${partition}`)![offset]
      if (found !== value) throw new Error(`${value} was ${what} ${topic}-${partition} at ${offset}: there is ${found}`)
    }
    for (const load of this.#loads) for (const place of load.acknowledged) check('acknowledged in', place)
    for (const place of this.#reader.seen) check('read from', place)
    return repeated
  }

  /** Every send was acknowledged in the end, after as many retries as it took: so all, once, in order. */
  #checkIdempotent(topic: string, partition: number, values: readonly string[]): void {
    const load = this.#loads.find(
      (one) => one.name === 'idempotent' && one.topic === topic && one.partition === partition,
    )!
    const own = values.filter((value) => value.startsWith('idempotent-'))
    const wrong = own.findIndex((value, index) => value !== `idempotent-${index}`)
    if (wrong >= 0) throw new Error(`${topic}-${partition} holds ${own[wrong]} where idempotent-${wrong} belongs`)
    if (own.length !== load.sent) throw new Error(`${topic}-${partition} holds ${own.length} of ${load.sent} records`)
  }

  /** Fails at once when a client does. */
  async #unless(running: Promise<unknown>, work: Promise<unknown>): Promise<void> {
    await this.#within('progress', Promise.race([running, work]))
  }

  #within<T>(what: string, work: Promise<T>): Promise<T> {
    return withTimeout(PATIENCE_MS, `no ${what}`, work)
  }
}

/** Survives the end of its broker. */
class Committer {
  acknowledged = 0
  sent = 0

  async run(port: number): Promise<void> {
    const client = await PlainClient.connect(port)
    try {
      for (;;) {
        await client.commit(COUNTERS, TOPICS[0], ++this.sent)
        this.acknowledged = this.sent
      }
    } catch (error) {
      // Killed in the middle of a request is what this is about; any other refusal is not.
      if (!client.wire.hasEnded) throw error
    }
  }
}

/** A ready line, and no stack of any error. */
function checkOutput(broker: BrokerProcess): void {
  if (broker.stdout.split('\n').length !== 2) throw new Error(`the broker printed\n${broker.stdout}`)
  if (/\n\s+at /.test(broker.stderr)) throw new Error(`the broker printed\n${broker.stderr}`)
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5)
}
