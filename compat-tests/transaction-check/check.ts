import { join } from 'node:path'
import { Broker, type Target } from '../broker.ts'
import { clients } from '../catalog.ts'
import { Driver } from '../driver.ts'
import { eventually, sleep } from '../process.ts'
import { visibleValues } from '../scenarios/transactional-producer.ts'
import { prepare } from '../toolchains.ts'
import { type Anomaly, anomaliesOf } from './checker.ts'
import type { ReadRecord } from './history.ts'
import { Chance, CommittedReading, TransactionalLoad } from './workload.ts'

const TOPIC = 'ledger'
const PARTITIONS = 3
/** Both generations of the protocol: Java uses KIP-890, librdkafka does not yet. */
const CLIENTS = ['java', 'confluent-kafka'] as const
const TRANSACTION_TIMEOUT_MS = 3_000
const SETTINGS = {
  'num.partitions': String(PARTITIONS),
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': '500',
}

export interface CheckOptions {
  readonly target: Target
  readonly seconds: number
  readonly seed: number
  /** A line of the broker that is made wrong. */
  readonly mutation: string | null
  /** Hears what happens. */
  readonly onLine: (line: string) => void
}

export interface CheckResult {
  readonly anomalies: readonly Anomaly[]
  readonly counts: Readonly<Record<string, number>>
}

/** What the machine lacks for it, or null. */
export async function lackForCheck(): Promise<string | null> {
  for (const toolchain of ['java', 'python'] as const) {
    const missing = await prepare(toolchain)
    if (missing !== undefined) return missing.reason
  }
  return null
}

/**
 * Transactional producers of several clients, some of which shut each other out, readers of committed records, and a
 * broker that is killed again and again: what everybody was told makes a history, in which anomalies are looked for.
 */
export async function checkTransactions(options: CheckOptions): Promise<CheckResult> {
  const { target, seed, onLine } = options
  const broker = new Broker(target, SETTINGS)
  const drivers: Driver[] = []
  const start = async (name: string) => {
    const driver = await Driver.start(await launchOf(name), broker.bootstrap)
    drivers.push(driver)
    return driver
  }
  try {
    await startBroker(broker, options.mutation)
    const admin = await start('java')
    const topic = { name: TOPIC, partitions: PARTITIONS, replicationFactor: 1, configs: {}, validateOnly: false }
    await admin.call('createTopic', topic)
    const loads: TransactionalLoad[] = []
    const readings: CommittedReading[] = []
    for (const [index, client] of CLIENTS.entries()) {
      // Two processes of each client with one id, and one that is alone.
      for (const [process, transactionalId] of ['shared', 'shared', 'alone'].entries()) {
        const plan = {
          ...{ name: `${client}-${process}`, transactionalId: `${client}-${transactionalId}`, topic: TOPIC },
          ...{ partitions: PARTITIONS, transactionTimeoutMs: TRANSACTION_TIMEOUT_MS, oversleepsOneIn: 25 },
        }
        loads.push(new TransactionalLoad(await start(client), plan, seed + index * 10 + process))
      }
      readings.push(new CommittedReading(await start(client), `reader-${client}`, TOPIC))
    }
    const lives = [...loads, ...readings].map((one) => one.run())
    await disturb(broker, options)
    for (const one of loads) one.stop()
    await Promise.all(lives.slice(0, loads.length))
    onLine('producers have stopped')
    // Whatever is still open is aborted by its timeout.
    await sleep(TRANSACTION_TIMEOUT_MS + 2_000)
    const final = await readFinally(admin)
    await caughtUp(readings, final)
    for (const one of readings) one.stop()
    await Promise.all(lives.slice(loads.length))
    const transactions = loads.flatMap((load) => load.transactions)
    const count = (outcome: string) => transactions.filter((one) => one.outcome === outcome).length
    return {
      anomalies: anomaliesOf({ transactions, readings, final }),
      counts: {
        committed: count('committed'),
        aborted: count('aborted'),
        unknown: count('unknown'),
        'records at the end': final.length,
        'sessions of readers': readings.reduce((sum, { sessions }) => sum + sessions, 0),
        'records polled': readings.reduce((sum, { records }) => sum + records.length, 0),
      },
    }
  } finally {
    await Promise.all(drivers.map((driver) => driver.kill()))
    await broker.dispose()
  }
}

async function launchOf(name: string) {
  const definition = clients.find((client) => client.name === name)
  if (definition === undefined) throw new Error(`there is no client ${name}`)
  return definition.launch()
}

/** The variables reach the broker alone: drivers are no Node programs. */
async function startBroker(broker: Broker, mutation: string | null): Promise<void> {
  if (mutation !== null) {
    // Not --import, under which the launcher could not require the program.
    process.env['NODE_OPTIONS'] = `--require ${join(import.meta.dirname, 'mutated-broker.ts')}`
    process.env['ODRADEK_MUTATION'] = mutation
  }
  await broker.start()
}

async function disturb(broker: Broker, { seconds, seed, onLine }: CheckOptions): Promise<void> {
  const chance = new Chance(seed)
  const endMs = performance.now() + seconds * 1000
  let kills = 0
  while (performance.now() < endMs) {
    await sleep(Math.min(4_000 + chance.below(5_000), Math.max(0, endMs - performance.now())))
    await broker.kill()
    await sleep(chance.below(1_000))
    await broker.start()
    onLine(`killed ${++kills} times`)
  }
}

async function readFinally(client: Driver): Promise<ReadRecord[]> {
  const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition)
  const visible = await visibleValues(client, TOPIC, partitions)
  return visible.flatMap((values, partition) => values.map((value, offset) => ({ partition, offset, value })))
}

/** Readers are given what can be read. One that is not is no anomaly of transactions, but wrong all the same. */
async function caughtUp(readings: readonly CommittedReading[], final: readonly ReadRecord[]): Promise<void> {
  for (const { reader, records } of readings) {
    await eventually(`${reader} has read everything`, 60_000, async () => {
      const seen = new Set(records.map(({ value }) => value))
      return final.every(({ value }) => seen.has(value)) ? true : undefined
    })
  }
}
