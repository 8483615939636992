import assert from 'node:assert/strict'
import { eventually, sleep } from '../process.ts'
import { has, type ScenarioContext } from '../scenario.ts'
import { newTopic, produce, record } from './records.ts'
import { assertCommittedOffset, visibleValues } from './transactional-producer.ts'
import { Pipeline } from './transactions-offsets.ts'

const PARTITIONS = [0, 1, 2]
const ABORTED_EACH = 4

interface Place {
  group: string
  input: string
  output: string
  transactionalId: string
}

type Fate = 'committed' | 'aborted' | 'unknown'

/** One transaction after the other: reads a record, writes one to each of three partitions, sends its offset. */
export class TransactionLoad {
  readonly context: ScenarioContext
  readonly place: Place
  /** What the client was told of each transaction. */
  readonly fates: Fate[] = []
  readonly failures: string[] = []
  #pipeline: Pipeline | undefined
  #restarts = 0
  #failedBefore = false
  #stopped = false
  #done: Promise<void> = Promise.resolve()

  private constructor(context: ScenarioContext, place: Place) {
    this.context = context
    this.place = place
  }

  /** Makes the topics, and the producer of the input, which needs an id of its own. */
  static async prepare(context: ScenarioContext): Promise<TransactionLoad> {
    const input = await newTopic(context, 'input', 1, {}, 3)
    const output = await newTopic(context, 'output', PARTITIONS.length, {}, 3)
    const ids = { group: context.unique('group'), transactionalId: context.unique('id') }
    const load = new TransactionLoad(context, { input, output, ...ids })
    await load.#feed('warm-up')
    return load
  }

  async start(): Promise<void> {
    // Some clients leave it to the application to ask for an id again.
    this.#pipeline = await eventually('the producer has its id', 60_000, () =>
      this.#connect().catch((error: Error) => {
        this.failures.push(error.message)
        return undefined
      }),
    )
    this.#done = this.#run()
    // Told by stop(), and no unhandled rejection before.
    this.#done.catch(() => undefined)
    await this.goesOn()
  }

  get committed(): number {
    return this.fates.filter((fate) => fate === 'committed').length
  }

  /** Some more transactions are committed. */
  async goesOn(): Promise<void> {
    const before = this.committed
    await eventually('transactions are committed', 60_000, async () => {
      if (this.#stopped) await this.#done
      return this.committed >= before + 3 ? true : undefined
    }).catch((error) => {
      throw new Error(`${error.message}; ${this.failures.at(-1) ?? 'nothing failed'}`)
    })
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#done
  }

  /** Each transaction is there once and whole, or not at all; and so are its offsets. */
  async finish(): Promise<void> {
    await this.stop()
    await this.context.control.heal()
    // The last one is committed, so that its offset is what counts.
    await eventually('a last transaction is committed', 60_000, async () => {
      await this.#transaction()
      return this.fates.at(-1) === 'committed' ? true : undefined
    })
    const offset = this.#processedUntil
    const witness = await this.context.startClient()
    const found = await visibleValues(witness, this.place.output, PARTITIONS)
    const [first = [], ...others] = found.map((values) => values.map(numberOf))
    for (const other of others) assert.deepEqual(other, first, 'the same transactions in every partition')
    assert.deepEqual(
      first,
      [...new Set(first)].sort((a, b) => a - b),
      'each once, in order',
    )
    const visible = new Set(first)
    for (const [number, fate] of this.fates.entries()) {
      if (fate !== 'unknown') assert.equal(visible.has(number), fate === 'committed', `transaction ${number}: ${fate}`)
    }
    await assertCommittedOffset(this.context, this.place.group, this.place.input, offset)
    if (this.failures.length > 0) {
      this.context.note(`${this.failures.length} calls failed, e.g. ${this.failures[0]?.split('\n')[0]}`)
    }
  }

  /** Whatever happened: nothing runs on. */
  async end(): Promise<void> {
    this.#stopped = true
    await this.#done.catch(() => undefined)
    await this.#disconnect()
  }

  get #processedUntil(): number {
    const offsets = this.#pipeline?.member.received.map(({ offset }) => offset) ?? []
    return Math.max(-1, ...offsets) + 1
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      await this.#transaction()
      await sleep(10)
    }
  }

  async #feed(value: string): Promise<void> {
    await produce(this.context.client, this.place.input, [record(value)], { timeoutMs: 60_000 })
  }

  async #transaction(): Promise<void> {
    const number = this.fates.length
    const canAbort = has(this.context.client, 'leaves-out-every-aborted-transaction')
    const aborts = canAbort && number % ABORTED_EACH === ABORTED_EACH - 1 && !this.#stopped
    // Until its end is asked for it cannot be committed.
    let fate: Fate = 'aborted'
    try {
      const pipeline = (this.#pipeline ??= await this.#connect())
      const value = `input ${number}`
      await this.#feed(value)
      await pipeline.received([value])
      await pipeline.producer.begin()
      // One after the other: kafkajs forgets the records of a leader that fails when a broker takes over that has
      // answered for its own partitions of the same send already.
      for (const partition of PARTITIONS) {
        await pipeline.producer.send(this.place.output, [record(`of transaction ${number}`, { partition })])
      }
      await pipeline.sendOffset()
      if (aborts) await pipeline.producer.abort()
      else {
        fate = 'unknown'
        await pipeline.producer.commit()
        fate = 'committed'
      }
      this.#failedBefore = false
    } catch (error) {
      this.failures.push(error instanceof Error ? error.message : String(error))
      await this.#recover()
    }
    this.fates.push(fate)
  }

  /**
   * Aborts and goes on, or begins anew with the same ids: what all documentations ask for. A producer that fails twice
   * in a row is not asked again: librdkafka waits for ever for the group coordinator of before when that broker is gone.
   */
  async #recover(): Promise<void> {
    const isSecond = this.#failedBefore
    this.#failedBefore = true
    const aborted = await this.#pipeline?.producer.abort().then(
      () => true,
      () => false,
    )
    if (aborted !== true || isSecond) await this.#disconnect()
  }

  async #connect(): Promise<Pipeline> {
    const name = `${this.place.group}-${this.#restarts++}`
    const { client } = this.context
    return Pipeline.start(client, name, this.place).catch(async (error: unknown) => {
      await client.call('closeProducer', { producer: this.place.transactionalId }).catch(() => undefined)
      await client.call('leave', { member: name }).catch(() => undefined)
      throw error
    })
  }

  async #disconnect(): Promise<void> {
    const pipeline = this.#pipeline
    this.#pipeline = undefined
    await pipeline?.producer.close()
    await pipeline?.member.leave().catch(() => undefined)
  }
}

function numberOf(value: string): number {
  return Number(value.split(' ').at(-1))
}

/** Disturbs a load of transactions, and shows that each was done wholly or not at all. */
export async function underTransactions(
  context: ScenarioContext,
  disturb: (load: TransactionLoad) => Promise<void>,
): Promise<void> {
  const load = await TransactionLoad.prepare(context)
  try {
    await load.start()
    await disturb(load)
    await load.goesOn()
    await load.finish()
  } finally {
    await load.end()
  }
}
