import assert from 'node:assert/strict'
import type { Target } from './broker.ts'
import { ClientError, type CompatClient, type Feature, type OperationName } from './client.ts'
import type { ClusterControl } from './cluster-control.ts'
import { eventually } from './process.ts'

/**
 * What a scenario needs of the broker. Most run against one broker, in this order: `shared` serves several clients at
 * once; `restarted` scenarios end it and start it again in their middle, on all that was written before; for
 * `no-auto-create` it comes back with auto.create.topics.enable=false. For `cluster` each client has three virtual
 * brokers of its own, in one process that can be told over HTTP what goes wrong; only ours can.
 */
export const FIXTURES = ['shared', 'restarted', 'no-auto-create', 'cluster'] as const
export type Fixture = (typeof FIXTURES)[number]

export interface Scenario {
  name: string
  fixture: Fixture
  /** Operations and abilities without which the scenario has no meaning: a client that lacks one is listed as not applicable. */
  operations?: readonly OperationName[]
  features?: readonly Feature[]
  run(context: ScenarioContext): Promise<void>
}

export interface ScenarioContext {
  readonly target: Target
  readonly host: string
  readonly port: number
  readonly bootstrap: string
  /** The folder with one subfolder per partition. */
  readonly dataFolder: string
  /** What can be done to the brokers of the fixture `cluster`. */
  readonly control: ClusterControl
  /** The client under test. */
  readonly client: CompatClient
  /** A second, third … process of the same client; ended with the scenario. */
  startClient(): Promise<CompatClient>
  /** A name nobody else uses, for topics and groups. */
  unique(prefix: string): string
  /** A line below the scenario in the report: what was left out and why, or where the two brokers differ on purpose. */
  note(text: string): void
  /**
   * Ends the broker (kill: SIGKILL, stop: SIGTERM) and starts it again, once for all clients in the scenario together.
   * whileDown runs between the two.
   */
  restartBroker(how: 'kill' | 'stop', whileDown?: () => Promise<void>): Promise<void>
}

/** Thrown by a scenario that finds it does not apply; the reason goes into the report. */
export class NotApplicable extends Error {}

/** Where the brokers differ on purpose: both expectations, and why. */
export function differs<T>(context: ScenarioContext, expectation: { kafka: T; odradek: T; why: string }): T {
  context.note(`differs on purpose: ${expectation.why}`)
  return expectation[context.target]
}

/**
 * Something that Kafka's brokers learn a moment after the controller's answer, and that holds with the answer here:
 * polled for against Kafka, looked at once against us.
 */
export async function settled<T>(
  context: ScenarioContext,
  what: string,
  probe: () => Promise<T | undefined>,
): Promise<T> {
  if (context.target === 'kafka') return eventually(what, 20_000, probe)
  const found = await probe()
  if (found === undefined) throw new Error(`does not hold with the answer: ${what}`)
  return found
}

/** The error a promise must end with. */
export async function failureOf(promise: Promise<unknown>): Promise<ClientError> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (outcome instanceof ClientError) return outcome
  if (outcome instanceof Error) throw outcome
  throw new assert.AssertionError({ message: 'succeeded, an error was expected' })
}

/** Asserts that a promise fails with one of Kafka's error codes. */
export async function failsWith(codes: number | readonly number[], promise: Promise<unknown>): Promise<void> {
  const allowed = typeof codes === 'number' ? [codes] : codes
  const error = await failureOf(promise)
  assert.ok(
    error.code !== null && allowed.includes(error.code),
    `expected error ${allowed.join(' or ')}, got ${error.code}: ${error.message}`,
  )
}

/** Asserts that a promise fails; the client may have refused by itself (no code), else the code must be Kafka's. */
export async function failsWithOrLocally(codes: number | readonly number[], promise: Promise<unknown>): Promise<void> {
  const allowed = typeof codes === 'number' ? [codes] : codes
  const error = await failureOf(promise)
  const matches = error.code === null || allowed.includes(error.code)
  assert.ok(matches, `expected error ${allowed.join(' or ')}, got ${error.code}: ${error.message}`)
}

export function has(client: CompatClient, feature: Feature): boolean {
  return client.greeting.missingFeatures[feature] === undefined
}

export function offers(client: CompatClient, operation: OperationName): boolean {
  return client.greeting.missingOperations[operation] === undefined
}
