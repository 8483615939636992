import { checkPartition } from '../storage/segment-checker.ts'
import { Admin } from './admin.ts'
import { CommittedReader } from './committed-reader.ts'
import { Consumer } from './consumer.ts'
import { Member } from './member.ts'
import { planOf } from './plan.ts'
import { Producer, type ProducerOptions } from './producer.ts'
import { Transactor } from './transactor.ts'
import { Violation } from './violation.ts'
import { World } from './world.ts'

export interface SimulationOptions {
  readonly seed: number
  /** Events of the world until misfortunes end and everybody comes to rest. */
  readonly steps: number
  readonly ignoresSync?: boolean
  readonly onLine?: ((line: string) => void) | null
}

export interface SimulationResult {
  readonly seed: number
  readonly steps: number
  readonly simulatedMs: number
  /** Equal for two runs of a seed. */
  readonly digest: string
  readonly violation: Error | null
  /** The last lines before the end. */
  readonly trace: readonly string[]
  readonly counts: Readonly<Record<string, number>>
}

export const DEFAULT_STEPS = 15_000
/** Simulated time in which everything that was begun must come to its end. */
const PATIENCE_MS = 900_000
/** Longer than any session, idle connection or deferred deletion. */
const QUIET_MS = 700_000
/** Its partitions hold markers, which the ledgers of the others know nothing of. */
const TRANSACTION_TOPIC = 'transactions'
const TRANSACTION_PARTITIONS = 3

/** One seed: a broker with clients of every kind, misfortunes, and at the end a silence in which nothing may be left over. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  return new Simulation(options).run()
}

class Simulation {
  readonly #options: SimulationOptions
  readonly #world: World
  readonly #producers: Producer[] = []
  readonly #consumers: Consumer[] = []
  readonly #transactors: Transactor[] = []
  #members = 0
  #steps = 0
  readonly #working = new Set<Promise<void>>()
  readonly #reading = new Set<Promise<void>>()

  constructor(options: SimulationOptions) {
    this.#options = options
    const { seed, ignoresSync = false, onLine = null } = options
    this.#world = new World({ seed, plan: planOf(seed), ignoresSync, onLine })
  }

  async run(): Promise<SimulationResult> {
    const world = this.#world
    let isOver = false
    const onRejection = (error: unknown) => {
      // Whoever was killed in the middle of something cannot catch any more what came of it.
      if (!String(error).includes('after the end of the process')) world.failed(error)
    }
    process.on('unhandledRejection', onRejection)
    try {
      void world
        .spawn(() => this.#story())
        .then(() => {
          isOver = true
        })
      for (await settled(); !isOver && world.violation === null; await settled()) {
        if (!world.clock.step()) world.fail('everything stands still')
        this.#steps++
      }
    } catch (error) {
      world.failed(error)
    } finally {
      process.off('unhandledRejection', onRejection)
    }
    const acknowledged = this.#producers.reduce((sum, producer) => sum + producer.acknowledged, 0)
    const read = this.#consumers.reduce((sum, { fetcher }) => sum + fetcher.records, 0)
    const committed = this.#transactors.reduce((sum, transactor) => sum + transactor.committed, 0)
    return {
      seed: world.seed,
      steps: this.#steps,
      simulatedMs: world.clock.monotonicMs(),
      digest: world.trace.digest(),
      violation: world.violation,
      trace: world.trace.tail(),
      counts: { ...world.counts, acknowledged, read, committed, members: this.#members, requests: world.requests },
    }
  }

  async #story(): Promise<void> {
    const world = this.#world
    const { plan } = world
    await world.startBroker()
    const names = Array.from({ length: plan.topics }, (_, index) => `shared-${index}`)
    const admins = Array.from({ length: plan.admins }, (_, index) => new Admin(world, `admin${index}`, names))
    for (const name of names) await admins[0]!.create(name, plan.partitions)
    for (const admin of admins) this.#track(this.#working, admin.run())
    this.#startProducers(names)
    for (let index = 0; index < plan.consumers; index++) {
      const consumer = new Consumer(world, `consumer${index}`, { topics: names, sessions: index % 2 === 0 })
      this.#consumers.push(consumer)
      this.#track(this.#reading, consumer.run())
    }
    for (let group = 0; group < plan.groups; group++) {
      for (let index = 0; index < plan.members; index++) this.#place(group, index, names)
    }
    await this.#startTransactors(admins[0]!)
    await this.#misfortunes()
    await this.#rest()
    await this.#end()
  }

  #startProducers(topics: readonly string[]): void {
    const kinds: readonly Omit<ProducerOptions, 'topics'>[] = [
      { acks: -1, idempotent: true, retries: true },
      { acks: 1, idempotent: false, retries: true },
      { acks: -1, idempotent: false, retries: false },
      { acks: -1, idempotent: true, retries: true },
      { acks: 0, idempotent: false, retries: false },
    ]
    for (let index = 0; index < this.#world.plan.producers; index++) {
      const producer = new Producer(this.#world, `producer${index}`, { ...kinds[index % kinds.length]!, topics })
      this.#producers.push(producer)
      this.#track(this.#working, producer.run())
    }
  }

  async #startTransactors(admin: Admin): Promise<void> {
    const world = this.#world
    const { transactors } = world.plan
    if (transactors === 0) return
    await admin.create(TRANSACTION_TOPIC, TRANSACTION_PARTITIONS)
    for (let index = 0; index < transactors; index++) {
      const generation = index % 2 === world.seed % 2 ? 1 : 2
      const options = { topic: TRANSACTION_TOPIC, partitions: TRANSACTION_PARTITIONS, generation } as const
      const transactor = new Transactor(world, `transactor${index}`, options)
      this.#transactors.push(transactor)
      this.#track(this.#working, transactor.run())
    }
    const reader = new CommittedReader(world, 'committed-reader', TRANSACTION_TOPIC, TRANSACTION_PARTITIONS)
    this.#track(this.#reading, reader.run())
  }

  /** All or nothing of each transaction, seen from outside. */
  async #checkTransactions(): Promise<void> {
    if (this.#transactors.length === 0) return
    const groups = new Map(this.#transactors.map(({ client, group }) => [client.name, group]))
    const reader = new CommittedReader(this.#world, 'last-reader', TRANSACTION_TOPIC, TRANSACTION_PARTITIONS)
    await reader.finish(groups)
  }

  /** One place in a group, taken by one member after the other. */
  #place(group: number, index: number, topics: readonly string[]): void {
    const world = this.#world
    const instanceId = group === 1 ? `instance${index}` : null
    const random = world.fork()
    const live = async () => {
      do {
        await world.clock.sleep(random.below(4000))
        const name = `member${group}.${index}.${this.#members++}`
        await new Member(world, name, { group: `group${group}`, topics, instanceId }).run()
      } while (!world.isEnding)
    }
    this.#track(this.#reading, live())
  }

  #track(set: Set<Promise<void>>, life: Promise<void>): void {
    const tracked = this.#world.spawn(() => life).then(() => void set.delete(tracked))
    set.add(tracked)
  }

  async #misfortunes(): Promise<void> {
    const world = this.#world
    const random = world.fork()
    while (this.#steps < this.#options.steps) {
      await world.clock.sleep(random.below(2 * world.plan.calmMs))
      const choice = random.below(100)
      if (choice < 40) {
        const connected = [...world.clients].filter((client) => client.isConnected)
        const client = connected[random.below(connected.length)]
        if (client) world.trace.note('network', `cuts ${client.name}`)
        client?.cut()
      } else if (choice < 55) world.stall(random.below(3000))
      else if (choice < 62) world.killBroker('kill')
      else if (choice < 71) world.killBroker('power')
      else if (choice < 82) world.process?.fuse.light(random.below(60))
      else if (choice < 90) {
        if (world.odradek !== null) void world.spawn(() => world.closeBroker())
      } else if (choice < 95 && world.plan.diskFails && world.odradek !== null) world.breakDisk(random)
    }
  }

  /** Misfortunes are over: everybody comes to the end of what they were doing. */
  async #rest(): Promise<void> {
    const world = this.#world
    world.isEnding = true
    world.trace.note('world', 'comes to rest')
    if (world.isDiskFailing) world.killBroker('kill')
    world.process?.fuse.light(Number.POSITIVE_INFINITY)
    await this.#within('clients come to an end of what they began', this.#working)
    world.isDrained = true
    await this.#within('consumers read to the end', this.#reading)
    await this.#checkTransactions()
    for (const socket of world.vanished) world.network.cut(socket)
    await world.clock.sleep(QUIET_MS)
    const { process } = world
    const { broker } = process!.odradek!
    if (process!.transport.openSockets > 0) world.fail(`${process!.transport.openSockets} connections are left over`)
    if (broker.fetchPurgatory.size > 0) world.fail(`${broker.fetchPurgatory.size} fetches are left over`)
    const timers = process!.clock.waiting
    if (timers.length > process!.timersAtStart) world.fail(`timers are left over: ${timers.join('; ')}`)
    await world.audit(world.odradek!, () => true)
  }

  /** A broker that was closed in good order has everything on the disk, and a start finds it. */
  async #end(): Promise<void> {
    const world = this.#world
    world.isClosing = true
    await world.closeBroker()
    world.disk = world.disk.crash(world.seed)
    await world.startBroker()
    await world.audit(world.odradek!, () => true)
    await world.closeBroker()
    for (const name of world.disk.list('/data')) {
      const isPartition = world.disk.stat(`/data/${name}`)?.directory && /^(?!__cluster_metadata).*-\d+$/.test(name)
      if (isPartition) await checkPartition(world.disk, `/data/${name}`)
    }
  }

  async #within(what: string, set: ReadonlySet<Promise<void>>): Promise<void> {
    const world = this.#world
    let isLate = false
    const late = world.clock.schedule(PATIENCE_MS, () => {
      isLate = true
      world.failed(new Violation(`${what}: not within ${PATIENCE_MS / 1000} simulated seconds`))
    })
    while (set.size > 0 && !isLate) await Promise.race(set)
    late.cancel()
  }
}

/** All promises that one event brings about are done with before the next. */
function settled(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}
