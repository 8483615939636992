import { inject } from 'vitest'
import { noBroker, type RunAddress } from './run-broker.ts'
import { SharedBroker } from './shared-broker.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The broker of the run. */
    readonly odradek: RunAddress
  }
}

/** The broker of this run, with the prefix of the worker that a test file runs in. */
export const broker: SharedBroker = new SharedBroker(provided(), `w${process.env['VITEST_POOL_ID'] ?? '0'}-`)

function provided(): RunAddress {
  const address = inject('odradek') as RunAddress | undefined
  if (address === undefined) throw new Error(noBroker('odradek/vitest/setup'))
  return address
}

export type { SharedBroker }
