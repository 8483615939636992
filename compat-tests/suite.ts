import { Broker, type Target } from './broker.ts'
import type { ClientDefinition } from './catalog.ts'
import { Rendezvous } from './rendezvous.ts'
import { FIXTURES, type Fixture, type Scenario } from './scenario.ts'
import { type Result, Session } from './session.ts'

export interface SuiteOptions {
  target: Target
  clients: readonly ClientDefinition[]
  /** Names of scenarios; empty for all. */
  scenarios: readonly string[]
  /** How many clients go through the shared scenarios side by side. */
  parallel: number
  report: (result: Result) => void
}

/** A transaction that has timed out is noticed soon: each scenario about that would wait for ten seconds. */
const SETTINGS = { 'transaction.abort.timed.out.transaction.cleanup.interval.ms': '1000' }
const CLUSTER_BROKERS = 3
const CLUSTER_SETTINGS = {
  ...SETTINGS,
  'transaction.state.log.num.partitions': '6',
  'offsets.topic.num.partitions': '6',
  'broker.session.timeout.ms': '4000',
}
/** Drivers give up on a request after this long, so that scenarios about silence end soon. */
const CLUSTER_ENVIRONMENT = { ODRADEK_COMPAT_REQUEST_TIMEOUT_MS: '3000' }

/** Runs the scenarios of all clients against one broker and gives every result. */
export async function runSuite(options: SuiteOptions): Promise<Result[]> {
  const results: Result[] = []
  const report = (result: Result) => {
    results.push(result)
    options.report(result)
  }
  const broker = new Broker(options.target, SETTINGS)
  const sessions = options.clients.map((definition) => new Session(definition, broker))
  try {
    for (const fixture of FIXTURES) {
      if (fixture === 'cluster') continue
      const planned = sessions.filter((session) => scenariosOf(session, fixture, options).length > 0)
      if (planned.length === 0) continue
      await prepareBroker(broker, fixture)
      if (fixture === 'restarted') await runTogether(broker, planned, options, report)
      else await runSideBySide(broker, planned, fixture, options, report)
    }
  } finally {
    await Promise.all(sessions.map((session) => session.close()))
    await broker.dispose()
  }
  if (options.target === 'odradek') await runOnClusters(options, report)
  return results
}

/** Each client has a cluster of its own: what one does to its brokers is nobody else's business. */
async function runOnClusters(options: SuiteOptions, report: (result: Result) => void): Promise<void> {
  const queue = [...options.clients]
  const worker = async () => {
    for (let client = queue.shift(); client !== undefined; client = queue.shift()) {
      const cluster = new Broker(options.target, CLUSTER_SETTINGS, CLUSTER_BROKERS)
      const session = new Session(client, cluster, CLUSTER_ENVIRONMENT)
      try {
        for (const scenario of scenariosOf(session, 'cluster', options)) {
          await ensureRunning(cluster)
          await cluster.control?.heal()
          report(await session.run(scenario, new Rendezvous(cluster, 1)))
        }
      } finally {
        await session.close()
        await cluster.dispose()
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(options.parallel, queue.length) }, worker))
}

function scenariosOf(session: Session, fixture: Fixture, options: SuiteOptions): Scenario[] {
  const chosen = (name: string) => options.scenarios.length === 0 || options.scenarios.includes(name)
  return session.scenarios().filter((scenario) => scenario.fixture === fixture && chosen(scenario.name))
}

async function prepareBroker(broker: Broker, fixture: Fixture): Promise<void> {
  if (fixture === 'no-auto-create') {
    await broker.stop()
    broker.settings = { ...SETTINGS, 'auto.create.topics.enable': 'false' }
  }
  await ensureRunning(broker)
}

/** A broker that died under a scenario fails that one; the next finds it up again. */
async function ensureRunning(broker: Broker): Promise<void> {
  if (!broker.isRunning) await broker.start()
}

/** Each client takes its scenarios one after the other; several clients do so at the same time. */
async function runSideBySide(
  broker: Broker,
  sessions: readonly Session[],
  fixture: Fixture,
  options: SuiteOptions,
  report: (result: Result) => void,
): Promise<void> {
  const queue = [...sessions]
  const worker = async () => {
    for (let session = queue.shift(); session !== undefined; session = queue.shift()) {
      for (const scenario of scenariosOf(session, fixture, options)) {
        await ensureRunning(broker)
        report(await session.run(scenario, new Rendezvous(broker, 1)))
      }
      // A restart must not find members of groups nobody asks any more.
      await session.close()
    }
  }
  await Promise.all(Array.from({ length: Math.min(options.parallel, sessions.length) }, worker))
}

/** All clients go through one scenario at the same time, so that the broker is restarted once for all of them. */
async function runTogether(
  broker: Broker,
  sessions: readonly Session[],
  options: SuiteOptions,
  report: (result: Result) => void,
): Promise<void> {
  const names = new Set(
    sessions.flatMap((session) => scenariosOf(session, 'restarted', options).map(({ name }) => name)),
  )
  for (const name of names) {
    const runs = sessions.flatMap((session) => {
      const scenario = scenariosOf(session, 'restarted', options).find((each) => each.name === name)
      return scenario === undefined ? [] : [{ session, scenario }]
    })
    await ensureRunning(broker)
    const rendezvous = new Rendezvous(broker, runs.length)
    await Promise.all(runs.map(async ({ session, scenario }) => report(await session.run(scenario, rendezvous))))
  }
}
