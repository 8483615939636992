import { ErrorCode } from '../../protocol/errors.ts'
import type { BrokerConfig } from '../../src/config/broker-config.ts'
import { SimulatedFileSystem } from '../../src/io/simulated-file-system.ts'
import { SimulatedRandom } from '../../src/io/simulated-random.ts'
import { SimulatedNetwork } from '../../src/io/simulated-transport.ts'
import type { Socket } from '../../src/io/transport.ts'
import type { Odradek } from '../../src/server/odradek.ts'
import type { LogHandle } from '../../src/storage/storage.ts'
import { BrokerProcess, type End } from './broker-process.ts'
import type { Client } from './client.ts'
import { ConfigLedger } from './config-ledger.ts'
import { GroupLedger } from './group-ledger.ts'
import { payloadsOf } from './payload.ts'
import type { Plan } from './plan.ts'
import { TopicLedger } from './topic-ledger.ts'
import { Trace } from './trace.ts'
import { TransactionLedger } from './transaction-ledger.ts'
import { Violation } from './violation.ts'
import { WorldClock } from './world-clock.ts'

export interface WorldOptions {
  readonly seed: number
  readonly plan: Plan
  /** Makes every sync a lie, to see the checks fail. */
  readonly ignoresSync?: boolean
  readonly onLine?: ((line: string) => void) | null
  /** How a process ends at the disk operation that it was told to die at; by chance when left out. */
  readonly fuseEnds?: 'kill' | 'power'
}

const AUDIT_BYTES = 64 * 1024
/** Level of an error in pino. */
const ERROR = 50
/** With a full or failing disk a broker logs errors and says no; otherwise an error is a bug. */
const STORAGE_TROUBLE: ReadonlySet<number> = new Set([
  ErrorCode.KAFKA_STORAGE_ERROR,
  ErrorCode.UNKNOWN_SERVER_ERROR,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  // A log that could not be opened.
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
])

/** A machine with a broker on it, the network around it, and what everybody knows of the broker's promises. */
export class World {
  readonly seed: number
  readonly plan: Plan
  readonly clock = new WorldClock()
  readonly trace: Trace
  readonly network: SimulatedNetwork
  readonly topics = new TopicLedger()
  readonly groups = new Map<string, GroupLedger>()
  readonly configs = new ConfigLedger()
  readonly transactions = new TransactionLedger()
  readonly producerIds = new Set<number>()
  readonly clients = new Set<Client>()
  /** Clients' ends of connections whose clients are gone without a word. */
  readonly vanished: Socket[] = []
  readonly port = 9092
  readonly #random: SimulatedRandom
  readonly #diskRandom: SimulatedRandom
  readonly #config: BrokerConfig
  readonly #fuseEnds: 'kill' | 'power' | undefined
  disk: SimulatedFileSystem
  process: BrokerProcess | null = null
  /** Counts the starts. */
  life = 0
  /** The disk was made to fail in this life. */
  isDiskFailing = false
  /** Lives in which it was. Their answers may still be on the way when the next one has begun. */
  readonly troubledLives = new Set<number>()
  /** Clients begin nothing new. */
  isEnding = false
  /** Nothing is produced any more: who reads may come to the end. */
  isDrained = false
  /** The broker is not started again by itself. */
  isClosing = false
  violation: Error | null = null
  requests = 0
  #stalledUntilMs = 0
  #closing: BrokerProcess | null = null
  #audit: Promise<void> = Promise.resolve()
  #worstEnd: End = 'close'
  readonly counts = { starts: 0, kills: 0, powerCuts: 0, closes: 0, faults: 0 }

  constructor({ seed, plan, ignoresSync = false, onLine = null, fuseEnds }: WorldOptions) {
    this.#fuseEnds = fuseEnds
    this.seed = seed
    this.plan = plan
    this.#random = new SimulatedRandom(seed)
    this.#diskRandom = this.fork()
    this.#config = plan.config
    this.trace = new Trace(() => this.clock.monotonicMs(), onLine)
    this.network = new SimulatedNetwork(this.clock, this.fork(), plan.network)
    this.disk = new SimulatedFileSystem({
      nowMs: () => this.clock.nowMs(),
      latency: () => this.#latency(),
      ignoresSync,
    })
  }

  /** Chance of somebody's own, so that one more client does not change what the others do. */
  fork(): SimulatedRandom {
    return new SimulatedRandom(this.#random.below(2 ** 32))
  }

  get odradek(): Odradek | null {
    return this.process?.odradek ?? null
  }

  group(name: string): GroupLedger {
    let group = this.groups.get(name)
    if (group === undefined) this.groups.set(name, (group = new GroupLedger(name, () => this.clock.monotonicMs())))
    return group
  }

  fail(message: string): void {
    this.failed(new Violation(message))
  }

  failed(error: unknown): void {
    if (this.violation !== null) return
    this.violation = error instanceof Error ? error : new Error(String(error))
    this.trace.note('violation', this.violation.message)
  }

  guard(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.failed(error)
    }
  }

  /** Lets somebody live their life; whatever they did not expect is a failure. */
  async spawn(life: () => Promise<void>): Promise<void> {
    try {
      await life()
    } catch (error) {
      this.failed(error)
    }
  }

  /** Fails for an error that nothing in this world explains. */
  checkError({ name, isTroubled }: Client, what: string, error: number, ...expected: readonly number[]): void {
    if (error === ErrorCode.NONE || expected.includes(error)) return
    if (isTroubled && STORAGE_TROUBLE.has(error)) return
    throw new Violation(`${name}: ${what} was answered with error ${error}`)
  }

  /** Lets the next operations of some kind fail. What is lost by it must not have been promised. */
  breakDisk(random: SimulatedRandom): void {
    const operation = (['write', 'sync', 'open', 'read', 'rename'] as const)[random.below(5)]!
    const code = operation === 'write' && random.below(2) === 0 ? 'ENOSPC' : 'EIO'
    const place = random.below(2) === 0 ? { path: 'shared-0' } : {}
    this.trace.note('disk', `${code} at ${operation} ${place.path ?? ''}`)
    this.counts.faults++
    this.isDiskFailing = true
    this.troubledLives.add(this.life)
    this.disk.faults.push({ operation, code, times: 1 + random.below(3), ...place })
  }

  /** No disk operation ends before the given time has passed. */
  stall(ms: number): void {
    this.#stalledUntilMs = this.clock.monotonicMs() + ms
  }

  /** Resolves when clients can connect and the start kept every promise; never when the broker is killed before. */
  async startBroker(): Promise<void> {
    this.life++
    this.counts.starts++
    this.isDiskFailing = false
    const process: BrokerProcess = new BrokerProcess({
      clock: this.clock,
      network: this.network,
      disk: this.disk,
      config: this.#config,
      seed: this.#random.below(2 ** 32),
      onLog: (level, text) => {
        this.trace.note('log', text)
        if (level >= ERROR && !this.isDiskFailing) this.fail(`the broker logged an error: ${text}`)
      },
      onFuse: () => this.killBroker(this.#fuseEnds ?? (this.#random.below(2) === 0 ? 'kill' : 'power')),
    })
    this.process = process
    const odradek = await process.start()
    this.trace.note('broker', `started (life ${this.life})`)
    this.checkStart(odradek, this.#worstEnd)
    this.#worstEnd = 'close'
    this.#audit = this.spawn(() => this.audit(odradek, () => process.alive && this.odradek === odradek))
  }

  killBroker(how: 'kill' | 'power'): void {
    const { process } = this
    if (process === null) return
    this.trace.note('broker', how)
    this.process = null
    this.counts[how === 'kill' ? 'kills' : 'powerCuts']++
    this.disk.faults.length = 0
    this.disk = process.kill(how, this.#random.below(2 ** 32))
    if (how === 'power' || this.#worstEnd === 'close') this.#worstEnd = how
    this.#startLater()
  }

  /** Resolves when the process is gone, in good order unless it is killed on the way. */
  async closeBroker(): Promise<void> {
    const { process } = this
    if (process === null || process === this.#closing) return
    this.#closing = process
    // It reads behind the back of the server, which waits for its own readers.
    await this.#audit
    if (this.process !== process) return
    this.trace.note('broker', 'close')
    try {
      await process.close()
    } catch (error) {
      if (!this.isDiskFailing) throw error
      this.trace.note('broker', `could not close: ${error}`)
      this.killBroker('kill')
      return
    }
    if (this.process !== process) return
    this.process = null
    this.counts.closes++
    if (process.clock.waiting.length > 0) this.fail(`timers outlive the broker: ${process.clock.waiting.join('; ')}`)
    if (process.transport.openSockets > 0) this.fail(`${process.transport.openSockets} sockets outlive the broker`)
    const { openPaths } = process.fuse
    if (openPaths.length > 0) this.fail(`files stay open after the broker closed: ${openPaths.join(', ')}`)
    this.disk = this.disk.kill()
    this.trace.note('broker', 'closed')
    if (!this.isClosing) this.#startLater()
  }

  #startLater(): void {
    this.clock.schedule(this.#random.below(2000), () => void this.spawn(() => this.startBroker()))
  }

  /** What everybody knows against what the start found. */
  checkStart(odradek: Odradek, end: End): void {
    const { image } = odradek.broker.metadata
    this.topics.restarted(image)
    for (const topic of this.topics.topics.values()) {
      if (topic.state !== 'present') continue
      for (const [index, ledger] of topic.ledgers) {
        const log = this.#logOf(odradek, topic.name, index)
        if (log === null) continue
        ledger.restarted(end, log.offsets.logStartOffset, log.offsets.logEndOffset)
      }
    }
  }

  /** Reads every partition as of now from its start to its end; gives up when the broker goes away. */
  async audit(odradek: Odradek, isWanted: () => boolean): Promise<void> {
    for (const topic of [...this.topics.topics.values()]) {
      for (const [index, ledger] of [...topic.ledgers]) {
        const log = topic.state === 'present' ? this.#logOf(odradek, topic.name, index) : null
        if (log === null) continue
        const { logStartOffset, highWatermark } = log.offsets
        const { cuts } = ledger
        const payloads = await this.#readAll(odradek, log, highWatermark, isWanted)
        if (payloads === null || ledger.cuts !== cuts || !isWanted()) continue
        ledger.audit(payloads, logStartOffset, highWatermark)
      }
    }
  }

  /** End of a partition in the broker that runs now, or -1. */
  endOffset(topic: string, index: number): number {
    const { odradek } = this
    const log = odradek && this.#logOf(odradek, topic, index)
    return log?.offsets.highWatermark ?? -1
  }

  async #readAll(odradek: Odradek, log: LogHandle, endOffset: number, isWanted: () => boolean) {
    const payloads: { offset: number; id: string }[] = []
    for (let offset = log.offsets.logStartOffset; offset < endOffset; ) {
      const limits = { maxBytes: AUDIT_BYTES, isolation: 'read_uncommitted' } as const
      const [result] = await odradek.broker.store.read([{ log, offset, maxBytes: AUDIT_BYTES }], limits)
      if (!isWanted()) return null
      if (result!.error !== ErrorCode.NONE) {
        // Deleted meanwhile, or out of service.
        const isExplained = result!.error === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION || this.isDiskFailing
        if (offset < log.offsets.logStartOffset || isExplained) return null
        throw new Violation(`the audit of ${log.topic}-${log.partition} at ${offset} got error ${result!.error}`)
      }
      const read = payloadsOf(Buffer.concat(result!.chunks), `${log.topic}-${log.partition}`)
      result!.release()
      if (read.length === 0) throw new Violation(`nothing to read in ${log.topic}-${log.partition} at ${offset}`)
      offset = read.at(-1)!.offset + 1
      payloads.push(...read.filter((payload) => payload.offset < endOffset))
    }
    return payloads
  }

  #logOf(odradek: Odradek, topic: string, index: number): LogHandle | null {
    const { metadata, store } = odradek.broker
    const image = metadata.image.topics.get(topic)
    return (image && store.get(image.id, index)) ?? null
  }

  async #latency(): Promise<void> {
    const waitMs = this.#stalledUntilMs - this.clock.monotonicMs()
    if (waitMs > 0) await this.clock.sleep(waitMs)
    else if (this.#diskRandom.below(3) > 0) await this.clock.sleep(this.#diskRandom.below(this.plan.diskLatencyMs + 1))
  }
}
