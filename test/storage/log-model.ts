import { ErrorCode } from '../../protocol/errors.ts'
import { SimulatedClock } from '../../src/io/simulated-clock.ts'
import { SimulatedFileSystem } from '../../src/io/simulated-file-system.ts'
import { SimulatedRandom } from '../../src/io/simulated-random.ts'
import type { AppendResult, LogHandle } from '../../src/storage/storage.ts'
import { dataBatch, foundIn, markerBatch, markerId, readFound } from './log-model-batches.ts'
import { LogModelLedger, type ModelProducer, type Sent } from './log-model-ledger.ts'
import { BY_HAND, type LogModelPlan, planOf } from './log-model-plan.ts'
import { checkPartition } from './segment-checker.ts'
import { appendTo, config, type Fixture, identity, NOW_MS, openFixture } from './store-fixture.ts'

export interface ModelOptions {
  readonly seed: number
  readonly steps: number
  /** Breaks the disk on purpose, to see the model notice. */
  readonly ignoresSync?: boolean
}

/** How often each thing happened. */
export type Counts = Record<string, number>

type End = 'close' | 'kill' | 'crash'

const DIRECTORY = '/data/topic-0'
/** Of one producer without an answer. */
const MAX_IN_FLIGHT = 5

/**
 * One log under a random sequence of commands, beside a plain list of what it must hold. After every start: what was
 * acknowledged is there as far as was promised, compaction and retention have taken nothing that they may not, nothing
 * of an idempotent producer is there twice, producers and transactions are known, and the files agree with themselves.
 */
export class LogModel {
  readonly counts: Counts = {}
  readonly #options: ModelOptions
  readonly #random: SimulatedRandom
  readonly #clock = new SimulatedClock(NOW_MS)
  readonly #plan: LogModelPlan
  readonly #ledger: LogModelLedger
  readonly #producers: readonly ModelProducer[]
  #fixture!: Fixture
  #log!: LogHandle
  /** The log starts here at least: somebody was told so. */
  #logStart = 0
  /** Records below may be gone: somebody asked for it. */
  #deletable = 0
  #nextId = 0
  /** Counts the starts. */
  #life = 0
  /** Rounds of compaction under way. */
  #cleaning = 0
  #outstanding: Promise<unknown>[] = []
  readonly #failures: unknown[] = []

  constructor(options: ModelOptions) {
    this.#options = options
    this.#random = new SimulatedRandom(options.seed)
    this.#plan = planOf(this.#random)
    this.#ledger = new LogModelLedger(this.#plan)
    this.#producers = [1, 2, 3, 4, 5].map((id) => ({
      id,
      isTransactional: id > 3,
      epoch: 0,
      nextSequence: 0,
      transaction: null,
      inFlight: [],
      mayBeForgotten: false,
    }))
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
    await checkPartition(this.#fixture.fileSystem, DIRECTORY, {
      logStartOffset: this.#log.offsets.logStartOffset,
      compacted: this.#plan.compacts,
    })
  }

  async #step(): Promise<void> {
    const choice = this.#random.below(100)
    if (choice < 50) this.#send()
    else if (choice < 62) await this.#settle()
    else if (choice < 68) await this.#readSomewhere()
    else if (choice < 73) this.#clock.advance(this.#random.below(30_000))
    else if (choice < 76) await this.#deleteRecords()
    else if (choice < 80) await this.#retain()
    else if (choice < 84) await this.#compact()
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
      ...BY_HAND,
    })
    this.#log = await this.#fixture.store.open(identity(), config(this.#plan.config), 0)
  }

  #send(): void {
    const producer = this.#random.below(4) === 0 ? null : this.#producers[this.#random.below(this.#producers.length)]!
    if (producer && (producer.inFlight.length >= MAX_IN_FLIGHT || producer.inFlight.some(({ isMarker }) => isMarker)))
      return
    if (producer?.transaction && producer.inFlight.length === 0 && this.#random.below(3) === 0)
      this.#endTransaction(producer)
    else this.#sendData(producer)
  }

  #sendData(producer: ModelProducer | null): void {
    if (producer?.isTransactional) producer.transaction ??= { outcome: 'open', knownFrom: 0 }
    const records = Array.from({ length: 1 + this.#random.below(4) }, () => ({
      id: `id-${this.#nextId++}`,
      key: `k${this.#random.below(this.#plan.keys)}`,
      isTombstone: this.#plan.compacts && this.#random.below(8) === 0,
    }))
    const sent: Sent = {
      ids: records.map(({ id }) => id),
      records,
      producer,
      epoch: producer?.epoch ?? -1,
      sequence: producer ? producer.nextSequence : -1,
      durability: (['none', 'os', 'disk', 'disk'] as const)[this.#random.below(4)]!,
      codec: this.#random.below(3) === 0 ? 1 : 0,
      timestamp: this.#clock.nowMs() + this.#random.below(1000),
      transaction: producer?.transaction ?? null,
      isMarker: false,
      state: 'sent',
      baseOffset: -1,
    }
    if (producer) {
      producer.nextSequence += records.length
      producer.inFlight.push(sent)
    }
    this.#count(producer ? (producer.isTransactional ? 'transactional' : 'idempotent') : 'plain')
    this.#ledger.sends(sent)
    this.#append(sent)
  }

  /** As a coordinator does: when all of it is acknowledged, durably, and again until that is so. */
  #endTransaction(producer: ModelProducer): void {
    const commit = this.#random.below(2) === 0
    const sent: Sent = {
      ids: [markerId(producer.id, commit)],
      records: [],
      producer,
      epoch: producer.epoch,
      sequence: producer.nextSequence,
      durability: 'disk',
      codec: 0,
      timestamp: this.#clock.nowMs(),
      transaction: producer.transaction,
      isMarker: true,
      state: 'sent',
      baseOffset: -1,
    }
    producer.transaction!.outcome = commit ? 'commit' : 'abort'
    producer.transaction = null
    producer.inFlight.push(sent)
    this.#count(commit ? 'committed' : 'aborted')
    this.#ledger.sends(sent)
    this.#append(sent)
  }

  #append(sent: Sent): void {
    const { producer, isMarker, durability, timestamp } = sent
    const producerId = producer?.id ?? -1
    const records = isMarker
      ? markerBatch(producerId, sent.epoch, sent.transaction?.outcome === 'commit', timestamp)
      : dataBatch({ ...sent, producerId, transactional: sent.transaction !== null })
    const origin = isMarker ? 'coordinator' : 'client'
    const life = this.#life
    const done = appendTo(this.#fixture.store, this.#log, records, { durability, origin })
    this.#watch(
      done.then((result) => {
        // A process that was killed answers nobody.
        if (life === this.#life) this.#acknowledge(sent, result)
      }),
    )
  }

  #watch(work: Promise<unknown>): void {
    const life = this.#life
    const failed = (error: unknown) => {
      // Whatever a process was doing when it was killed comes to nothing.
      if (life === this.#life) this.#failures.push(error)
    }
    this.#outstanding.push(work.catch(failed))
  }

  #acknowledge(sent: Sent, { error, message, baseOffset }: AppendResult): void {
    if (error === ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER && sent.producer?.mayBeForgotten) {
      this.#beginEpoch(sent, sent.producer)
      return
    }
    if (error !== 0) throw new Error(`${sent.ids[0]} failed with ${error}: ${message}`)
    this.#ledger.acknowledged(sent, baseOffset)
    if (sent.producer && !sent.isMarker) sent.producer.mayBeForgotten = false
  }

  /** As a client does whose producer is not known any more. */
  #beginEpoch(sent: Sent, producer: ModelProducer): void {
    this.#ledger.refused(sent)
    producer.inFlight = producer.inFlight.filter((other) => other !== sent)
    if (sent.epoch < producer.epoch) return
    producer.epoch++
    producer.nextSequence = 0
    producer.transaction = null
  }

  async #settle(): Promise<void> {
    await Promise.all(this.#outstanding.splice(0))
    if (this.#failures.length > 0) throw this.#failures[0]
    for (const { inFlight } of this.#producers) while (inFlight[0]?.state === 'acknowledged') inFlight.shift()
  }

  async #readSomewhere(): Promise<void> {
    const { logStartOffset, lastStableOffset } = this.#log.offsets
    if (lastStableOffset <= logStartOffset) return
    const offset = logStartOffset + this.#random.below(lastStableOffset - logStartOffset)
    const maxBytes = 1 + this.#random.below(2000)
    const isolation = 'read_committed'
    const [result] = await this.#fixture.store.read([{ log: this.#log, offset, maxBytes }], { maxBytes, isolation })
    const isGone = result!.error !== 0 && this.#log.offsets.logStartOffset > offset
    if (result!.error !== 0 && !isGone) throw new Error(`error ${result!.error} at offset ${offset}`)
    const { found, nextOffset } = foundIn(result!.chunks, result!.abortedTransactions ?? [])
    result!.release()
    if (!isGone && nextOffset <= offset) throw new Error(`offset ${offset} was not returned`)
    for (const record of found) this.#ledger.saw(record)
  }

  async #deleteRecords(): Promise<void> {
    const { logStartOffset, highWatermark } = this.#log.offsets
    const offset = logStartOffset + this.#random.below(highWatermark - logStartOffset + 1)
    this.#deletable = Math.max(this.#deletable, offset)
    const { logStartOffset: moved } = await this.#fixture.store.deleteRecords(this.#log, offset)
    if (moved < offset) throw new Error(`the log starts at ${moved}, not at ${offset}`)
    this.#logStart = Math.max(this.#logStart, offset)
    this.#count('deletions')
  }

  /** Half of the time the sequence goes on meanwhile. */
  async #retain(): Promise<void> {
    this.#count('retentions')
    const life = this.#life
    const { store } = this.#fixture
    const run = store.runRetention().then(() => {
      if (life !== this.#life) return
      this.#checkStart(store.sizeBytes(this.#log))
      if (this.#log.offsets.logStartOffset > this.#logStart) this.#count('removals')
      this.#logStart = this.#log.offsets.logStartOffset
    })
    this.#watch(run)
    if (this.#random.below(2) === 0) await this.#settle()
  }

  async #compact(): Promise<void> {
    if (!this.#plan.compacts) return
    this.#count('compactions')
    await this.#settle()
    const life = this.#life
    const { store } = this.#fixture
    this.#cleaning++
    this.#ledger.cleanableEnd = Number.POSITIVE_INFINITY
    const run = store.runCompaction().then(() => {
      if (life !== this.#life || --this.#cleaning > 0) return
      this.#ledger.cleanableEnd = this.#log.offsets.logEndOffset
    })
    this.#watch(run)
    if (this.#random.below(2) === 0) await this.#settle()
  }

  /** What is missing at the beginning was deleted, or had expired. Null: how large the log was is not known any more. */
  #checkStart(sizeBytes: number | null): void {
    const { logStartOffset } = this.#log.offsets
    if (logStartOffset < this.#logStart)
      throw new Error(`the log starts at ${logStartOffset} again, not at ${this.#logStart}`)
    const from = Math.max(this.#logStart, this.#deletable)
    this.#ledger.checkExpired(from, logStartOffset, this.#clock.nowMs(), sizeBytes)
  }

  async #restart(how: End): Promise<void> {
    this.#count(how)
    if (how === 'close') {
      await this.#settle()
      await this.#fixture.store.close()
    }
    this.#life++
    const { fileSystem, reports } = this.#fixture
    this.#checkReports(reports)
    const left = how === 'crash' ? fileSystem.crash(this.#random.below(2 ** 31)) : fileSystem.kill()
    this.#outstanding = []
    this.#cleaning = 0
    await this.#start(left)
    if (how === 'close' && this.#fixture.reports.length > 0) throw new Error(`a stop left ${this.#fixture.reports[0]}`)
    this.#checkFiles(left)
    this.#reconcile(how)
    // What was not acknowledged is sent again, as an idempotent client does after a reconnect.
    for (const producer of this.#producers) {
      producer.inFlight = producer.inFlight.filter(({ isMarker, state }) => !isMarker || state === 'sent')
      for (const sent of producer.inFlight) this.#append(sent)
    }
    await this.#settle()
    await this.#check()
  }

  /** After a start nothing is left in the files behind the last whole batch. */
  #checkFiles(fileSystem: SimulatedFileSystem): void {
    const names = fileSystem.list(DIRECTORY).filter((name) => name.endsWith('.log'))
    const bytes = names.reduce((sum, name) => sum + fileSystem.stat(`${DIRECTORY}/${name}`)!.sizeBytes, 0)
    const known = this.#fixture.store.sizeBytes(this.#log)
    if (bytes !== known) throw new Error(`the files hold ${bytes} bytes, the log ${known}`)
  }

  /** Drops from the list what the restart was allowed to lose; fails when it lost more. */
  #reconcile(how: End): void {
    const { logEndOffset, logStartOffset } = this.#log.offsets
    this.#checkStart(null)
    for (const sent of [...this.#ledger.sent]) {
      if (sent.state !== 'acknowledged') continue
      const { producer, durability } = sent
      const isPromised = how === 'crash' ? durability === 'disk' : how === 'close' || durability !== 'none'
      const end = sent.baseOffset + sent.ids.length
      if (end <= logStartOffset && producer) producer.inFlight = producer.inFlight.filter((other) => other !== sent)
      if (end <= logEndOffset || end <= logStartOffset) continue
      if (isPromised)
        throw new Error(`${how}: ${sent.ids[0]} at ${sent.baseOffset} was promised, the log ends at ${logEndOffset}`)
      this.#ledger.forget(sent)
      // A client would get OUT_OF_ORDER_SEQUENCE_NUMBER and begin a new epoch; here it sends it again.
      if (!producer) continue
      if (!producer.inFlight.includes(sent)) producer.inFlight.push(sent)
      producer.inFlight.sort((a, b) => a.sequence - b.sequence)
    }
    this.#ledger.truncated(logEndOffset)
    if (logEndOffset > logStartOffset || how === 'close') return
    for (const producer of this.#producers) {
      producer.mayBeForgotten = true
      if (producer.transaction) producer.transaction.knownFrom = logEndOffset
    }
  }

  async #check(): Promise<void> {
    await this.#settle()
    const { offsets } = this.#log
    const { logStartOffset, highWatermark, logEndOffset, lastStableOffset } = offsets
    if (highWatermark > logEndOffset) throw new Error(`the high watermark ${highWatermark} is beyond ${logEndOffset}`)
    const range = { from: logStartOffset, to: highWatermark, maxBytes: 1 + this.#random.below(3000) }
    const all = await readFound(this.#fixture, this.#log, { ...range, isolation: 'read_uncommitted' })
    this.#ledger.checkAll(all, offsets)
    const stable = this.#ledger.firstOpenOffsets.map((open) => Math.max(logStartOffset, Math.min(highWatermark, open)))
    if (!stable.includes(lastStableOffset))
      throw new Error(`the last stable offset is ${lastStableOffset}, not ${stable}`)
    const committed = { ...range, to: lastStableOffset, isolation: 'read_committed' } as const
    this.#ledger.checkCommitted(await readFound(this.#fixture, this.#log, committed), all, lastStableOffset)
    this.#checkProducers()
    this.#checkReports(this.#fixture.reports)
  }

  /** An idempotent producer is known for as long as it may send something again. */
  #checkProducers(): void {
    const entries = this.#fixture.store.producers(this.#log)
    for (const { id, nextSequence, transaction, mayBeForgotten } of this.#producers) {
      if (nextSequence === 0 || mayBeForgotten) continue
      const entry = entries.find(({ producerId }) => producerId === id)
      if (entry === undefined) throw new Error(`producer ${id} is not known any more`)
      if (entry.lastSequence !== nextSequence - 1)
        throw new Error(`producer ${id} is at sequence ${entry.lastSequence}, not at ${nextSequence - 1}`)
      if (entry.currentTransactionFirstOffset >= 0 !== (transaction !== null))
        throw new Error(`producer ${id} is ${transaction ? 'not ' : ''}in a transaction`)
    }
  }

  /** A log that lost nothing but what was not synced has nothing to complain of. */
  #checkReports(reports: readonly string[]): void {
    const error = reports.find((report) => report.startsWith('error'))
    if (error !== undefined) throw new Error(`reported without a reason: ${error}`)
  }

  #count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1
  }

  async #pause(): Promise<void> {
    for (let hops = this.#random.below(3); hops > 0; hops--) await new Promise<void>((resolve) => setImmediate(resolve))
  }
}

/** Runs a seed; a failure names it. */
export async function runSeed(options: ModelOptions): Promise<Counts> {
  const model = new LogModel(options)
  try {
    await model.run()
    return model.counts
  } catch (error) {
    throw new Error(`seed ${options.seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}
