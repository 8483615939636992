import fc from 'fast-check'
import { expect, it } from 'vitest'
import { SyncGroup } from '../../protocol/messages/14-sync-group.ts'
import type { RequestFault } from '../../src/broker/request-fault-spec.ts'
import { SimulatedClock } from '../../src/io/simulated-clock.ts'
import { SimulatedRandom } from '../../src/io/simulated-random.ts'
import { SimulatedNetwork } from '../../src/io/simulated-transport.ts'
import { WireClient } from '../support/wire-client.ts'
import { answerEcho, type EchoServer, echoRequest, startEchoServer } from './echo-server.ts'

const SEED = Number(process.env['ODRADEK_SEED'] ?? 20_262)
const RUNS = Number(process.env['ODRADEK_SEEDS'] ?? 40)
const MOST_DELAY_MS = 40
const REBALANCING = 27

const schedule = fc.record(
  {
    times: fc.integer({ min: 1, max: 3 }),
    skip: fc.integer({ min: 0, max: 8 }),
    probability: fc.constantFrom(0.1, 0.5),
  },
  { requiredKeys: [] },
)
const fault: fc.Arbitrary<RequestFault> = fc
  .tuple(
    fc.oneof(
      { weight: 3, arbitrary: fc.constant({ kind: 'error', errorCode: REBALANCING } as const) },
      {
        weight: 3,
        arbitrary: fc.record({ kind: fc.constant('delay' as const), delayMs: fc.integer({ min: 1, max: 40 }) }),
      },
      fc.record({ kind: fc.constant('lose-answer' as const), silent: fc.boolean() }),
      fc.constantFrom({ kind: 'disconnect' } as const, { kind: 'black-hole' } as const),
    ),
    schedule,
  )
  .map(([what, when]) => ({ ...what, ...when }))

interface Plan {
  readonly seed: number
  readonly faults: readonly RequestFault[]
  /** How long each request takes its handler. */
  readonly tookMs: readonly number[]
  /** The client goes away in the middle. */
  readonly leavesAfterMs: number | null
}
const plan: fc.Arbitrary<Plan> = fc.record({
  seed: fc.nat(),
  faults: fc.array(fault, { minLength: 1, maxLength: 4 }),
  tookMs: fc.array(fc.integer({ min: 0, max: MOST_DELAY_MS }), { minLength: 1, maxLength: 16 }),
  leavesAfterMs: fc.option(fc.integer({ min: 1, max: 60 }), { freq: 3 }),
})

/** As in `run`, of one client whose requests all leave at once. */
interface Outcome {
  /** In the order in which their work began. */
  readonly begun: readonly number[]
  readonly done: readonly number[]
  /** What came back for each: its own number, an error code, or nothing. */
  readonly answers: readonly (number | 'error' | null)[]
}

async function run({ seed, faults, tookMs, leavesAfterMs }: Plan): Promise<Outcome & { readonly running: EchoServer }> {
  const clock = new SimulatedClock()
  const network = new SimulatedNetwork(clock, new SimulatedRandom(seed))
  const begun: number[] = []
  const done: number[] = []
  const running = await startEchoServer({
    clock,
    transport: network,
    handle: async (request) => {
      const number = Number(request.assignments[0]!.assignment)
      begun.push(number)
      await new Promise<void>((resolve) => void clock.schedule(tookMs[number]!, resolve))
      done.push(number)
      return answerEcho(request)
    },
  })
  for (const one of faults) running.faults.add(one)
  const client = await WireClient.connect(running.listener.port, { network })
  const answers: (number | 'error' | null)[] = tookMs.map(() => null)
  for (const number of tookMs.keys()) {
    client.send(SyncGroup, 3, echoRequest(String(number))).then(
      ({ errorCode, assignment }) => {
        answers[number] = errorCode === 0 ? Number(assignment) : 'error'
      },
      () => {},
    )
  }
  // Whatever takes longest, one after the other, and the patience with a peer that does not close.
  const longestMs = tookMs.length * faults.length * (2 * MOST_DELAY_MS) + 2000
  for (let atMs = 0; atMs < longestMs; atMs += 10) {
    clock.advance(10)
    if (leavesAfterMs !== null && atMs <= leavesAfterMs && leavesAfterMs < atMs + 10) client.socket.destroy()
    for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
  client.socket.destroy()
  for (let turn = 0; turn < 20; turn++) {
    clock.advance(10)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { begun, done, answers, running }
}

it('property: whatever goes wrong, order is kept, what is answered is done, and nothing is left behind', async () => {
  await fc.assert(
    fc.asyncProperty(plan, async (given) => {
      const { begun, done, answers, running } = await run(given)
      const rules = running.faults.list()
      // In the order of the requests, each at most once.
      expect(begun).toEqual([...new Set(begun)].sort((a, b) => a - b))
      expect([...done].sort((a, b) => a - b)).toEqual(begun)
      const firstMissing = answers.indexOf(null)
      const answered = firstMissing < 0 ? answers.length : firstMissing
      expect(answers.slice(answered).every((answer) => answer === null)).toBe(true)
      for (const [number, answer] of answers.entries()) {
        if (answer === 'error') expect(begun).not.toContain(number)
        else if (answer !== null) expect([answer, begun.includes(number)]).toEqual([number, true])
      }
      const firedOf = (...kinds: string[]) =>
        rules.filter(({ kind }) => kinds.includes(kind)).reduce((sum, { fired }) => sum + fired, 0)
      const ends = firedOf('lose-answer', 'disconnect', 'black-hole')
      // After the one that ends it, a connection has no other fault.
      expect(ends).toBeLessThanOrEqual(1)
      if (given.leavesAfterMs === null) {
        expect(answers.filter((answer) => answer === 'error')).toHaveLength(firedOf('error'))
        expect(answered === answers.length).toBe(ends === 0)
        expect(begun).toHaveLength(answered - firedOf('error') + firedOf('lose-answer'))
      }
      for (const [at, { fired }] of rules.entries()) {
        expect(fired).toBeLessThanOrEqual(given.faults[at]!.times ?? Number.POSITIVE_INFINITY)
      }
      expect([running.server.connectionCount, running.server.memory.usedBytes]).toEqual([0, 0])
      await running.close()
    }),
    { seed: SEED, numRuns: RUNS },
  )
})
