import { addressFromEnvironment } from './run-broker.ts'
import { SharedBroker } from './shared-broker.ts'

/** The broker of this run, with the prefix of the worker that a test file runs in. */
export const broker: SharedBroker = new SharedBroker(
  addressFromEnvironment('odradek/jest/setup'),
  `w${process.env['JEST_WORKER_ID'] ?? '0'}-`,
)

export type { SharedBroker }
