import type { Given } from '../command.ts'
import { UsageError } from '../usage-error.ts'
import { RESOURCE_KINDS, type ResourceKind, targetOf } from './config-resource.ts'

export interface GivenResource {
  readonly kind: ResourceKind
  /** Empty for all brokers together. */
  readonly name: string
  /** What was typed behind it. */
  readonly rest: readonly string[]
}

export const RESOURCE_ARGUMENTS = `${RESOURCE_KINDS.join('|')} NAME`

/** The first two arguments. Throws UsageError. */
export function givenResource(given: Given): GivenResource {
  const [word, name, ...rest] = given.positionals
  const kind = RESOURCE_KINDS.find((one) => one === word)
  if (kind === undefined) throw new UsageError(`say whose settings: ${RESOURCE_ARGUMENTS}`)
  if (name === undefined || name === '') throw new UsageError(`the name of the ${kind} is missing`)
  const plain = kind === 'broker' && name === 'default' ? '' : name
  targetOf(kind, plain)
  return { kind, name: plain, rest }
}
