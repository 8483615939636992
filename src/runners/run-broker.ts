import { startBroker } from '../index.ts'
import type { StartOptions } from '../testing/start-options.ts'

/** Where the processes of a run find its broker. */
export interface RunAddress {
  readonly bootstrapServers: string
  readonly httpUrl: string
}

export interface RunBroker extends RunAddress {
  close(): Promise<void>
}

export const BROKERS_VARIABLE = 'KAFKA_BROKERS'
export const HTTP_VARIABLE = 'ODRADEK_HTTP_URL'

/** One broker for a run, with its HTTP side on a free port of this machine; told to child processes by environment. */
export async function startRunBroker(options: StartOptions): Promise<RunBroker> {
  const broker = await startBroker({ http: 0, ...options })
  const { bootstrapServers, httpUrl } = broker
  const before = { [BROKERS_VARIABLE]: process.env[BROKERS_VARIABLE], [HTTP_VARIABLE]: process.env[HTTP_VARIABLE] }
  process.env[BROKERS_VARIABLE] = bootstrapServers
  process.env[HTTP_VARIABLE] = httpUrl!
  const close = async () => {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
    await broker.close()
  }
  return { bootstrapServers, httpUrl: httpUrl!, close }
}

/** What a worker finds in its environment. Throws, with what to do, when there is nothing. */
export function addressFromEnvironment(setup: string): RunAddress {
  const bootstrapServers = process.env[BROKERS_VARIABLE]
  const httpUrl = process.env[HTTP_VARIABLE]
  if (bootstrapServers === undefined || httpUrl === undefined) throw new Error(noBroker(setup))
  return { bootstrapServers, httpUrl }
}

export function noBroker(setup: string): string {
  return `there is no broker in this run: add '${setup}' to globalSetup`
}
