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

/** Runs the scenarios of all clients against one broker and gives every result. */
export async function runSuite(options: SuiteOptions): Promise<Result[]> {
  const results: Result[] = []
  const report = (result: Result) => {
    results.push(result)
    options.report(result)
  }
  const broker = new Broker(options.target)
  const sessions = options.clients.map((definition) => new Session(definition, broker))
  try {
    for (const fixture of FIXTURES) {
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
  return results
}

function scenariosOf(session: Session, fixture: Fixture, options: SuiteOptions): Scenario[] {
  const chosen = (name: string) => options.scenarios.length === 0 || options.scenarios.includes(name)
  return session.scenarios().filter((scenario) => scenario.fixture === fixture && chosen(scenario.name))
}

async function prepareBroker(broker: Broker, fixture: Fixture): Promise<void> {
  if (fixture === 'no-auto-create') {
    await broker.stop()
    broker.settings = { 'auto.create.topics.enable': 'false' }
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
