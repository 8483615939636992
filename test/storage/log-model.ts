import { SimulatedClock } from '../../src/io/simulated-clock.ts'
import { SimulatedFileSystem } from '../../src/io/simulated-file-system.ts'
import { SimulatedRandom } from '../../src/io/simulated-random.ts'
import type { AppendResult, Durability, LogHandle } from '../../src/storage/storage.ts'
import { checkPartition } from './segment-checker.ts'
import {
  appendTo,
  batchOf,
  config,
  type Fixture,
  identity,
  NOW_MS,
  openFixture,
  readAll,
  recordsOf,
} from './store-fixture.ts'

export interface ModelOptions {
  readonly seed: number
  readonly steps: number
  /** Breaks the disk on purpose, to see the model notice. */
  readonly ignoresSync?: boolean
}

interface Sent {
  readonly ids: readonly string[]
  readonly producer: Producer | null
  readonly sequence: number
  readonly durability: Durability
  state: 'sent' | 'acknowledged'
  baseOffset: number
}

interface Producer {
  readonly id: number
  nextSequence: number
  /** Sent and not known to be stored, oldest first: what a client sends again after a reconnect. */
  readonly inFlight: Sent[]
}

/**
 * One log under a random sequence of commands, beside a plain list of what it must hold. After every start: what was
 * acknowledged is there as far as was promised, offsets are dense, nothing of an idempotent producer is there twice, and
 * the files agree with themselves.
 */
export class LogModel {
  readonly #options: ModelOptions
  readonly #random: SimulatedRandom
  readonly #clock = new SimulatedClock(NOW_MS)
  readonly #producers: Producer[]
  #fixture!: Fixture
  #log!: LogHandle
  /** Everything sent, in order of sending. */
  #sent: Sent[] = []
  /** Ids by offset as far as they have been seen or acknowledged. */
  readonly #known = new Map<number, string>()
  #logStart = 0
  #nextId = 0
  /** Counts the starts. */
  #life = 0
  #outstanding: Promise<unknown>[] = []
  readonly #failures: unknown[] = []

  constructor(options: ModelOptions) {
    this.#options = options
    this.#random = new SimulatedRandom(options.seed)
    this.#producers = [1, 2, 3].map((id) => ({ id, nextSequence: 0, inFlight: [] }))
  }

  async run(): Promise<void> {
    await this.#start(
      new SimulatedFileSystem({
        nowMs: () => this.#clock.nowMs(),
        ignoresSync: this.#options.ignoresSync ?? false,
        latency: () => this.#pause(),
      }),
    )
    for (let step = 0; step < this.#options.steps; step++) await this.#step()
    await this.#settle()
    await this.#restart('close')
    await this.#check()
    await checkPartition(this.#fixture.fileSystem, '/data/topic-0', {
      logStartOffset: this.#log.offsets.logStartOffset,
    })
  }

  async #step(): Promise<void> {
    const choice = this.#random.below(100)
    if (choice < 55) this.#send()
    else if (choice < 68) await this.#settle()
    else if (choice < 76) await this.#readSomewhere()
    else if (choice < 80) this.#clock.advance(this.#random.below(30_000))
    else if (choice < 84) await this.#deleteRecords()
    else if (choice < 88) await this.#restart('close')
    else if (choice < 93) await this.#restart('kill')
    else if (choice < 98) await this.#restart('crash')
    else await this.#check()
  }

  async #start(fileSystem: SimulatedFileSystem): Promise<void> {
    const seed = this.#random.below(2 ** 31)
    this.#fixture = await openFixture({
      fileSystem,
      clock: this.#clock,
      random: new SimulatedRandom(seed),
      tailCacheBytes: this.#random.below(2) === 0 ? 4096 : 1_000_000,
      openFileLimit: 4,
    })
    const overrides = {
      'segment.bytes': 1500,
      'index.interval.bytes': 200,
      'segment.index.bytes': this.#random.below(2) === 0 ? 64 : 10_000,
    }
    this.#log = await this.#fixture.store.open(identity(), config(overrides), 0)
  }

  #send(): void {
    const producer = this.#random.below(3) === 0 ? null : this.#producers[this.#random.below(3)]!
    if (producer && producer.inFlight.length >= 5) return
    const ids = Array.from({ length: 1 + this.#random.below(4) }, () => `id-${this.#nextId++}`)
    const durability = (['none', 'os', 'disk', 'disk'] as const)[this.#random.below(4)]!
    const sequence = producer ? producer.nextSequence : -1
    const sent: Sent = { ids, producer, sequence, durability, state: 'sent', baseOffset: -1 }
    if (producer) {
      producer.nextSequence += ids.length
      producer.inFlight.push(sent)
    }
    this.#sent.push(sent)
    this.#append(sent)
  }

  #append(sent: Sent): void {
    const { producer, sequence } = sent
    const timestamp = NOW_MS + this.#random.below(1000)
    const codec = this.#random.below(3) === 0 ? 1 : 0
    const records = producer
      ? batchOf(sent.ids, { producerId: producer.id, producerEpoch: 0, baseSequence: sequence, timestamp, codec })
      : batchOf(sent.ids, { timestamp, codec })
    const life = this.#life
    const done = appendTo(this.#fixture.store, this.#log, records, { durability: sent.durability })
    const noted = done.then((result) => {
      // A process that was killed answers nobody.
      if (life === this.#life) this.#acknowledge(sent, result)
    })
    this.#outstanding.push(noted.catch((error: unknown) => this.#failures.push(error)))
  }

  #acknowledge(sent: Sent, result: AppendResult): void {
    if (result.error !== 0)
      throw new Error(
        `an append failed with ${result.error}: ${result.message} (${sent.ids[0]} ${sent.durability}; in flight ${sent.producer?.inFlight.map((s) => `${s.sequence}+${s.ids.length}${s.state[0]}${s.durability}`)})`,
      )
    if (sent.state === 'acknowledged' && sent.baseOffset !== result.baseOffset)
      throw new Error('another offset for a retry')
    sent.baseOffset = result.baseOffset
    sent.state = 'acknowledged'
    sent.ids.forEach((id, index) => {
      const offset = result.baseOffset + index
      const before = this.#known.get(offset)
      if (before !== undefined && before !== id) throw new Error(`offset ${offset} held ${before}, now ${id}`)
      this.#known.set(offset, id)
    })
  }

  async #settle(): Promise<void> {
    await Promise.all(this.#outstanding.splice(0))
    if (this.#failures.length > 0) throw this.#failures[0]
    for (const producer of this.#producers) {
      while (producer.inFlight[0]?.state === 'acknowledged') producer.inFlight.shift()
    }
  }

  async #readSomewhere(): Promise<void> {
    const { logStartOffset, highWatermark } = this.#log.offsets
    if (highWatermark === logStartOffset) return
    const offset = logStartOffset + this.#random.below(highWatermark - logStartOffset)
    const maxBytes = 1 + this.#random.below(2000)
    const isolation = 'read_committed'
    const [result] = await this.#fixture.store.read([{ log: this.#log, offset, maxBytes }], { maxBytes, isolation })
    const records = recordsOf(result!.chunks)
    if (result!.error === 0 && records.at(-1)!.offset < offset) throw new Error(`offset ${offset} was not returned`)
    for (const record of records) {
      const known = this.#known.get(record.offset)
      if (known !== undefined && known !== record.value?.toString()) throw new Error(`offset ${record.offset} changed`)
    }
    result!.release()
  }

  async #deleteRecords(): Promise<void> {
    const { logStartOffset, highWatermark } = this.#log.offsets
    const offset = logStartOffset + this.#random.below(highWatermark - logStartOffset + 1)
    const { logStartOffset: moved } = await this.#fixture.store.deleteRecords(this.#log, offset)
    if (moved < offset) throw new Error(`the log starts at ${moved}, not at ${offset}`)
    this.#logStart = moved
  }

  async #restart(how: 'close' | 'kill' | 'crash'): Promise<void> {
    if (how === 'close') {
      await this.#settle()
      await this.#fixture.store.close()
    }
    this.#life++
    const { fileSystem } = this.#fixture
    const left = how === 'crash' ? fileSystem.crash(this.#random.below(2 ** 31)) : fileSystem.kill()
    this.#outstanding = []
    await this.#start(left)
    await this.#reconcile(how)
    // What was not acknowledged is sent again, as an idempotent client does after a reconnect.
    for (const producer of this.#producers) {
      for (const sent of producer.inFlight) this.#append(sent)
    }
    await this.#settle()
    await this.#check()
  }

  /** Drops from the list what the restart was allowed to lose; fails when it lost more. */
  async #reconcile(how: 'close' | 'kill' | 'crash'): Promise<void> {
    const { logEndOffset, logStartOffset } = this.#log.offsets
    if (logStartOffset < this.#logStart)
      throw new Error(`the log starts at ${logStartOffset} again, not ${this.#logStart}`)
    for (const sent of this.#sent) {
      if (sent.state !== 'acknowledged') continue
      const promised = how === 'crash' ? sent.durability === 'disk' : how === 'close' || sent.durability !== 'none'
      const end = sent.baseOffset + sent.ids.length
      if (end <= logStartOffset && sent.producer) drop(sent.producer.inFlight, sent)
      if (end <= logEndOffset || end <= logStartOffset) continue
      if (promised)
        throw new Error(`${how}: ${sent.ids[0]} at ${sent.baseOffset} was promised, the log ends at ${logEndOffset}`)
      this.#forget(sent)
    }
    for (const offset of this.#known.keys()) if (offset >= logEndOffset) this.#known.delete(offset)
  }

  /** An append that was acknowledged with a weaker promise is gone; an idempotent producer would not send it again. */
  #forget(sent: Sent): void {
    this.#sent = this.#sent.filter((other) => other !== sent)
    const { producer } = sent
    if (!producer) return
    // The sequence has a hole now: a client would get OUT_OF_ORDER_SEQUENCE_NUMBER and begin a new epoch; here it resends.
    sent.state = 'sent'
    sent.baseOffset = -1
    this.#sent.push(sent)
    if (!producer.inFlight.includes(sent)) producer.inFlight.push(sent)
    producer.inFlight.sort((a, b) => a.sequence - b.sequence)
  }

  async #check(): Promise<void> {
    await this.#settle()
    const { logStartOffset, highWatermark, logEndOffset } = this.#log.offsets
    if (highWatermark > logEndOffset) throw new Error(`the high watermark ${highWatermark} is beyond ${logEndOffset}`)
    const records = await readAll(this.#fixture.store, this.#log, 1 + this.#random.below(3000))
    const seen = new Set<string>()
    let expected = logStartOffset
    for (const record of records) {
      if (record.offset !== expected++) throw new Error(`offset ${record.offset} where ${expected - 1} belongs`)
      const id = record.value!.toString()
      if (seen.has(id)) throw new Error(`${id} is there twice`)
      seen.add(id)
      const known = this.#known.get(record.offset)
      if (known !== undefined && known !== id) throw new Error(`offset ${record.offset} held ${known}, now ${id}`)
      this.#known.set(record.offset, id)
    }
    this.#checkSequences(records.map((record) => record.value!.toString()))
  }

  /** Of each producer the ids stand in the order in which they were first sent. */
  #checkSequences(ids: readonly string[]): void {
    const place = new Map(ids.map((id, index) => [id, index]))
    for (const producer of this.#producers) {
      let last = -1
      const own = this.#sent.filter((sent) => sent.producer === producer).sort((a, b) => a.sequence - b.sequence)
      for (const sent of own) {
        const at = place.get(sent.ids[0]!)
        if (at === undefined) continue
        if (at < last) throw new Error(`producer ${producer.id} is out of order at ${sent.ids[0]}`)
        last = Math.max(last, at)
      }
    }
  }

  async #pause(): Promise<void> {
    for (let hops = this.#random.below(3); hops > 0; hops--) await new Promise<void>((resolve) => setImmediate(resolve))
  }
}

function drop<T>(list: T[], element: T): void {
  const index = list.indexOf(element)
  if (index >= 0) list.splice(index, 1)
}

/** Runs a seed; a failure names it. */
export async function runSeed(options: ModelOptions): Promise<void> {
  try {
    await new LogModel(options).run()
  } catch (error) {
    throw new Error(`seed ${options.seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}
