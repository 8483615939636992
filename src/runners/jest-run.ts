import type { StartOptions } from '../testing/start-options.ts'
import { type RunBroker, startRunBroker } from './run-broker.ts'

/** Jest runs setup and teardown in the same process, as modules that know nothing of each other. */
const HELD = Symbol.for('odradek.jest.brokers')

type Holder = { [HELD]?: RunBroker[] }

/**
 * A globalSetup of Jest with options of your own, in a file that `globalSetup` names:
 *
 * ```js
 * module.exports = require('odradek/jest/setup').brokerSetup({ brokers: 3 })
 * ```
 */
export function brokerSetup(options: StartOptions = {}): () => Promise<void> {
  return async () => {
    const broker = await startRunBroker(options)
    const holder = globalThis as Holder
    const held = (holder[HELD] ??= [])
    held.push(broker)
  }
}

/** Ends what the setups of this run have started. */
export async function teardown(): Promise<void> {
  const held = (globalThis as Holder)[HELD]?.splice(0) ?? []
  // The last one first, so that the environment becomes what it was before the first.
  for (const broker of held.reverse()) await broker.close()
}
