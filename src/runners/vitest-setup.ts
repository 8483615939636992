import type { TestProject } from 'vitest/node'
import type { StartOptions } from '../testing/start-options.ts'
import { startRunBroker } from './run-broker.ts'
import type {} from './vitest.ts'

/**
 * A globalSetup of Vitest with options of your own, in a file that `globalSetup` names:
 *
 * ```ts
 * export default brokerSetup({ brokers: 3, config: { 'auto.create.topics.enable': false } })
 * ```
 */
export function brokerSetup(options: StartOptions = {}): (project: TestProject) => Promise<() => Promise<void>> {
  return async (project) => {
    const { bootstrapServers, httpUrl, close } = await startRunBroker(options)
    project.provide('odradek', { bootstrapServers, httpUrl })
    return close
  }
}

/** A globalSetup of Vitest: starts the broker of the run. */
const setup = brokerSetup()
export default setup
