import type { Broker } from './broker.ts'
import type { ClientDefinition } from './catalog.ts'
import type { CompatClient } from './client.ts'
import { Driver } from './driver.ts'
import type { Rendezvous } from './rendezvous.ts'
import { NotApplicable, type Scenario, type ScenarioContext } from './scenario.ts'

export type Outcome = 'pass' | 'FAIL' | 'n/a'

export interface Result {
  client: string
  /** Of the client's library, as its driver says; undefined for one that did not start. */
  version: string | undefined
  scenario: string
  outcome: Outcome
  durationMs: number
  notes: string[]
  /** Error and broker log of a failure, or why the scenario does not apply. */
  detail: string | undefined
}

let names = 0

/** One client going through its scenarios, with one driver process for as long as that is healthy. */
export class Session {
  readonly #definition: ClientDefinition
  readonly #broker: Broker
  readonly #environment: Readonly<Record<string, string>>
  #driver: Driver | undefined

  /** The drivers get the variables in their environment. */
  constructor(definition: ClientDefinition, broker: Broker, environment: Readonly<Record<string, string>> = {}) {
    this.#definition = definition
    this.#broker = broker
    this.#environment = environment
  }

  get client(): string {
    return this.#definition.name
  }

  scenarios(): readonly Scenario[] {
    return this.#definition.scenarios
  }

  async run(scenario: Scenario, rendezvous: Rendezvous): Promise<Result> {
    const startedMs = performance.now()
    const loggedBefore = this.#broker.logLength
    const notes: string[] = []
    const extra: Driver[] = []
    let version: string | undefined
    const finish = (outcome: Outcome, detail?: string): Result => {
      const durationMs = Math.round(performance.now() - startedMs)
      return { client: this.client, version, scenario: scenario.name, outcome, durationMs, notes, detail }
    }
    try {
      const main = await this.#main()
      version = main.greeting.version
      const lack = whatLacks(main, scenario)
      if (lack !== undefined) return finish('n/a', lack)
      await scenario.run(this.#context(main, extra, notes, rendezvous))
      return finish('pass')
    } catch (error) {
      if (error instanceof NotApplicable) return finish('n/a', error.message)
      // The next scenario is not to inherit what this one left behind.
      await this.#driver?.kill()
      this.#driver = undefined
      return finish('FAIL', `${describe(error)}\n--- end of the broker's log\n${this.#broker.logTail(loggedBefore)}`)
    } finally {
      rendezvous.leave()
      await Promise.all(extra.map((driver) => driver.close()))
    }
  }

  async close(): Promise<void> {
    await this.#driver?.close()
    this.#driver = undefined
  }

  async #main(): Promise<Driver> {
    this.#driver ??= await this.#start()
    return this.#driver
  }

  async #start(): Promise<Driver> {
    const launch = await this.#definition.launch()
    return Driver.start({ ...launch, env: { ...launch.env, ...this.#environment } }, this.#broker.bootstrap)
  }

  #context(client: CompatClient, extra: Driver[], notes: string[], rendezvous: Rendezvous): ScenarioContext {
    const broker = this.#broker
    return {
      target: broker.target,
      host: broker.host,
      port: broker.port,
      bootstrap: broker.bootstrap,
      dataFolder: broker.dataFolder,
      get control() {
        if (broker.control === null) throw new Error('only the brokers of the fixture cluster can be told what to do')
        return broker.control
      },
      client,
      startClient: async () => {
        const driver = await this.#start()
        extra.push(driver)
        return driver
      },
      unique: (prefix) => `${prefix}-${this.client}-${names++}`,
      note: (text) => notes.push(text),
      restartBroker: (how, whileDown) => rendezvous.arrive(how, whileDown),
    }
  }
}

function whatLacks(client: CompatClient, scenario: Scenario): string | undefined {
  const { missingOperations, missingFeatures } = client.greeting
  for (const operation of scenario.operations ?? []) {
    const reason = missingOperations[operation]
    if (reason !== undefined) return reason
  }
  for (const feature of scenario.features ?? []) {
    const reason = missingFeatures[feature]
    if (reason !== undefined) return reason
  }
  return undefined
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const place = error.stack?.split('\n').find((line) => line.includes('/scenarios/'))
  return place === undefined ? `${error.name}: ${error.message}` : `${error.name}: ${error.message}\n${place}`
}
