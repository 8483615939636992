import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Random } from '../../src/io/random.ts'
import type { Broker } from '../broker.ts'
import { eventually, sleep } from '../process.ts'
import { createTopics, hasPendingOffsets, logStarts, openTransactions } from './broker-admin.ts'
import { JavaProcess } from './java-process.ts'
import { type Fed, Truth } from './truth.ts'
import { Follower, INPUT_TOPICS, OUTPUT_TOPICS, readAll, takenBack } from './watch.ts'

const APPLICATION_ID = 'shop'
const PARTITIONS = 4
const INSTANCES = 2
/**
 * Of the first and the second instance. Long transactions are killed with records in them, short ones between the commit
 * of their offsets and their end.
 */
const COMMIT_INTERVALS_MS = [500, 10]
const FEED_EVERY_MS = 50
const START_PATIENCE_MS = 60_000
const REQUEST_UNDER_WAY_MS = 100
const CATCH_ATTEMPTS = 20
const PURGED_TOPIC = `${APPLICATION_ID}-words-repartition`

export type Guarantee = 'exactly_once_v2' | 'at_least_once'

export interface Watched {
  readonly broker: Broker
  readonly classpath: string
  readonly random: Random
  readonly guarantee: Guarantee
  /** Lines, orders and payments of each 50 ms. */
  readonly stepsPerFeed: number
  readonly logLevel: string
}

/** The application, what feeds it, what reads its output, and all that can be done to them. */
export class Application {
  readonly #watched: Watched
  readonly #truth: Truth
  readonly #folder = mkdtempSync(join(tmpdir(), 'odradek-streams-'))
  readonly #instances: (JavaProcess | undefined)[] = []
  readonly #states: string[] = []
  #feeder: JavaProcess | undefined
  #follower: Follower | undefined
  #written = 0
  #fed = 0
  #isFeeding = false
  #feeding: Promise<void> = Promise.resolve()
  /** Output that was taken back, known with differences(): without any, nothing was proved about aborts. */
  recordsAborted = 0
  /** Threads that Streams gave up and that were replaced, with the reason. */
  readonly replacedThreads: string[] = []

  constructor(watched: Watched) {
    this.#watched = watched
    this.#truth = new Truth(watched.random)
  }

  get folder(): string {
    return this.#folder
  }

  get outputSeen(): number {
    return this.#follower?.seen.length ?? 0
  }

  get outputExpected(): number {
    return this.#truth.expectedRecords
  }

  #log(name: string): string {
    return join(this.#folder, `${name}.log`)
  }

  /** Topics, the table's records, then the instances; resolves when all of them run. */
  async start(): Promise<void> {
    const { broker, classpath } = this.#watched
    await createTopics(broker, [...INPUT_TOPICS, ...OUTPUT_TOPICS], PARTITIONS)
    this.#follower = new Follower({ classpath, logFile: this.#log('follower') }, broker.bootstrap)
    const feeder = { classpath, main: 'Feeder', args: [broker.bootstrap], logFile: this.#log('feeder') }
    this.#feeder = new JavaProcess(feeder, (line) => {
      this.#written = Number(line.split(' ')[1])
    })
    await this.#feedAndWait(this.#truth.customers())
    for (let index = 0; index < INSTANCES; index++) this.startInstance(index)
    await eventually('all instances RUNNING', START_PATIENCE_MS, async () => {
      this.#failOnDeath()
      return this.#states.filter((state) => state === 'RUNNING').length === INSTANCES ? true : undefined
    })
  }

  startInstance(index: number): void {
    const { broker, classpath, guarantee, logLevel } = this.#watched
    const state = join(this.#folder, `state-${index}`)
    const args = [broker.bootstrap, APPLICATION_ID, state, guarantee, String(COMMIT_INTERVALS_MS[index])]
    const program = { classpath, main: 'Instance', args, logFile: this.#log(`instance-${index}`), logLevel }
    this.#states[index] = 'STARTING'
    this.#instances[index] = new JavaProcess(program, (line) => {
      if (line.startsWith('state ')) this.#states[index] = line.slice('state '.length)
      if (line.startsWith('thread replaced')) this.replacedThreads.push(`instance ${index}: ${line}`)
    })
  }

  async killInstance(index: number): Promise<void> {
    await this.#instances[index]?.kill()
    this.#instances[index] = undefined
  }

  async pauseInstance(index: number, ms: number): Promise<void> {
    this.#instances[index]?.pause()
    await sleep(ms)
    this.#instances[index]?.goOn()
  }

  get isTransactional(): boolean {
    return this.#watched.guarantee === 'exactly_once_v2'
  }

  /** Stops all instances where one has committed offsets, and has not yet asked for the end of its transaction. */
  async pauseBeforeEndOfTransaction(): Promise<void> {
    await eventually(
      'offsets of an open transaction',
      START_PATIENCE_MS,
      async () => {
        this.#failOnDeath()
        if (!(await this.#hasPendingOffsets())) return undefined
        for (const instance of this.#instances) instance?.pause()
        // What the broker has been asked to do it may finish.
        await sleep(REQUEST_UNDER_WAY_MS)
        if (await this.#hasPendingOffsets()) return true
        for (const instance of this.#instances) instance?.goOn()
        return undefined
      },
      1,
    )
  }

  /**
   * The second instance stands still with committed offsets, for as long; the first goes on. False when none was caught
   * so.
   */
  async pauseSecondBeforeEndOfTransaction(ms: number): Promise<boolean> {
    for (let attempt = 0; attempt < CATCH_ATTEMPTS; attempt++) {
      await this.pauseBeforeEndOfTransaction()
      this.#instances[0]?.goOn()
      if (await this.#staysPending()) {
        await sleep(ms)
        this.#instances[1]?.goOn()
        return true
      }
      this.#instances[1]?.goOn()
    }
    return false
  }

  /** The first one's own transactions are over between two of these. */
  async #staysPending(): Promise<boolean> {
    for (let check = 0; check < 20; check++) {
      await sleep(50)
      if (!(await this.#hasPendingOffsets())) return false
    }
    return true
  }

  #hasPendingOffsets(): Promise<boolean> {
    const topics = [...INPUT_TOPICS, PURGED_TOPIC]
    return hasPendingOffsets(this.#watched.broker, APPLICATION_ID, topics, PARTITIONS)
  }

  isAbsent(index: number): boolean {
    return this.#instances[index] === undefined
  }

  async stopInstance(index: number): Promise<void> {
    await this.#instances[index]?.stop()
    this.#instances[index] = undefined
  }

  /** Feeds at a steady pace until stopFeeding. */
  startFeeding(): void {
    this.#isFeeding = true
    this.#feeding = this.#feedSteadily()
  }

  async #feedSteadily(): Promise<void> {
    while (this.#isFeeding) {
      this.#feed(Array.from({ length: this.#watched.stepsPerFeed }, () => this.#truth.next()).flat())
      await sleep(FEED_EVERY_MS)
    }
  }

  async stopFeeding(): Promise<void> {
    this.#isFeeding = false
    await this.#feeding
    await this.#feedAndWait([])
  }

  #feed(records: readonly Fed[]): void {
    this.#fed += records.length
    this.#feeder?.write(records.map(({ topic, key, value }) => `${topic}\t${key}\t${value}\n`).join(''))
  }

  async #feedAndWait(records: readonly Fed[]): Promise<void> {
    this.#feed(records)
    this.#feeder?.write('\n')
    await eventually('all of the input acknowledged', START_PATIENCE_MS, async () => {
      this.#failOnDeath()
      return this.#written === this.#fed ? true : undefined
    })
  }

  /** Until the reader has seen everything that is to come, or nothing new for a while. */
  async waitForOutput(quietMs: number): Promise<void> {
    let [seen, sinceMs] = [this.outputSeen, performance.now()]
    while (!this.#truth.isComplete(this.#follower?.seen ?? []) && performance.now() - sinceMs < quietMs) {
      this.#failOnDeath()
      await sleep(100)
      if (this.outputSeen !== seen) [seen, sinceMs] = [this.outputSeen, performance.now()]
    }
  }

  async waitForProgress(patienceMs: number): Promise<void> {
    const before = this.outputSeen
    await eventually(`output beyond ${before} records`, patienceMs, async () => {
      this.#failOnDeath()
      return this.outputSeen > before ? true : undefined
    })
  }

  /** Ends the instances in order, and says what is wrong with what stands in the broker; empty when nothing is. */
  async differences(): Promise<string[]> {
    const { broker, classpath, guarantee } = this.#watched
    await Promise.all(this.#instances.map((_, index) => this.stopInstance(index)))
    const place = { classpath, logFile: this.#log('reader') }
    const { seen, unstable } = await readAll(place, broker.bootstrap, [...INPUT_TOPICS, ...OUTPUT_TOPICS])
    const all = await readAll(place, broker.bootstrap, OUTPUT_TOPICS, 'read_uncommitted')
    this.recordsAborted = all.seen.length - seen.filter(({ topic }) => OUTPUT_TOPICS.includes(topic)).length
    const said = this.#truth.differences(seen, guarantee === 'exactly_once_v2' ? 'exactly once' : 'at least once')
    said.push(...unstable, ...takenBack(this.#follower?.seen ?? [], seen))
    if (guarantee === 'exactly_once_v2') {
      for (const open of await openTransactions(broker)) said.push(`open although all instances have ended: ${open}`)
    }
    const starts = await logStarts(broker, PURGED_TOPIC, PARTITIONS)
    if (!starts.some((start) => start > 0)) said.push(`${PURGED_TOPIC}: nothing was purged`)
    return said
  }

  #failOnDeath(): void {
    if (this.#feeder?.isRunning === false) throw new Error(`the feeder ended\n${this.#feeder.logTail()}`)
    for (const [index, instance] of this.#instances.entries()) {
      if (instance?.isRunning === false) throw new Error(`instance ${index} ended by itself\n${instance.logTail()}`)
    }
  }

  /** The end of what the instances logged. */
  logTails(): string {
    return this.#instances.map((instance, index) => `instance ${index}:\n${instance?.logTail() ?? ''}`).join('\n')
  }

  async dispose(keep: boolean): Promise<void> {
    this.#isFeeding = false
    this.#feeder?.endInput()
    const processes = [...this.#instances, this.#feeder, this.#follower]
    await Promise.all(processes.map((each) => (each instanceof JavaProcess ? each.kill() : each?.stop())))
    if (!keep) rmSync(this.#folder, { recursive: true, force: true })
  }
}
