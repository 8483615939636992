import fc from 'fast-check'
import { expect } from 'vitest'
import { ErrorCode } from '../../../protocol/errors.ts'
import type { ProducerIdentity } from '../../../src/coordinator/coordinator-log.ts'
import type { ProducerIdResult } from '../../../src/coordinator/transaction/transaction-calls.ts'
import { FIRST_PRODUCER_ID, ID, logWith, TransactionDriver } from './transaction-driver.ts'

/** What one of the producers, time or the broker does next. */
type Step =
  | { readonly do: 'init'; readonly who: number; readonly knows: boolean; readonly hears: boolean }
  | { readonly do: 'add'; readonly who: number; readonly partition: number }
  | { readonly do: 'end'; readonly who: number; readonly commit: boolean; readonly hears: boolean }
  | { readonly do: 'markers'; readonly back: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'restart' }

const who = fc.nat({ max: 1 })
const often = fc.nat({ max: 3 }).map((one) => one > 0)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('init' as const), who, knows: fc.boolean(), hears: often }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('add' as const), who, partition: fc.nat({ max: 3 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('end' as const), who, commit: fc.boolean(), hears: often }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('markers' as const), back: fc.constantFrom(0, 0, 0, 1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1000, 80_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
)

const NOBODY: ProducerIdentity = { producerId: -1, producerEpoch: -1 }

/** Producers of one transactional id who know nothing of each other, and may miss an answer. */
class Race {
  readonly #driver: TransactionDriver
  readonly #held: ProducerIdentity[]
  readonly #generations: readonly number[]
  readonly #owners = new Map<string, number>()
  /** Whose identity is from before somebody began anew. */
  readonly #overtaken = new Set<number>()

  constructor(driver: TransactionDriver, generations: readonly number[]) {
    this.#driver = driver
    this.#generations = generations
    this.#held = generations.map(() => NOBODY)
  }

  take(next: Step): void {
    const driver = this.#driver
    switch (next.do) {
      case 'init':
        this.#init(next.who, next.knows && this.#held[next.who] !== NOBODY, next.hears)
        return
      case 'add': {
        const transactionVersion = this.#generations[next.who]!
        this.#allow(next.who, driver.add({ ...this.#held[next.who]!, transactionVersion }, next.partition))
        return
      }
      case 'end': {
        const transactionVersion = this.#generations[next.who]!
        const answer = driver.end({ ...this.#held[next.who]!, transactionVersion }, next.commit)
        this.#allow(next.who, answer.error)
        if (transactionVersion >= 2) this.#give(next.who, answer, next.hears, true)
        return
      }
      case 'markers': {
        const note = driver.notes.at(-1 - next.back)
        if (note) driver.complete(note)
        return
      }
      case 'wait':
        driver.advance(next.ms)
        return
      case 'restart':
        driver.reload()
    }
  }

  #init(asker: number, knows: boolean, hears: boolean): void {
    const answer = this.#driver.init({ expected: knows ? this.#held[asker]! : null })
    if (knows) this.#allow(asker, answer.error)
    else if (answer.error === ErrorCode.NONE) for (const one of this.#held.keys()) this.#overtaken.add(one)
    this.#give(asker, answer, hears, knows)
  }

  /** Whoever was overtaken gets nothing any more, but by beginning anew. */
  #allow(asker: number, error: ErrorCode): void {
    if (error === ErrorCode.NONE && this.#overtaken.has(asker)) {
      throw new Error(`producer ${asker} goes on, although it was overtaken`)
    }
  }

  /** An identity has one owner for ever, who gets it twice only by saying who it is. */
  #give(receiver: number, { error, producerId, producerEpoch }: ProducerIdResult, hears: boolean, mayRepeat: boolean) {
    if (error !== ErrorCode.NONE) return
    const name = `${producerId}:${producerEpoch}`
    const owner = this.#owners.get(name)
    if (owner !== undefined && (owner !== receiver || !mayRepeat)) {
      throw new Error(`${name} of producer ${owner} was given to producer ${receiver}`)
    }
    if (producerEpoch > 32_766) throw new Error(`${name} is only there to shut producers out`)
    this.#owners.set(name, receiver)
    if (!hears) return
    this.#held[receiver] = { producerId, producerEpoch }
    this.#overtaken.delete(receiver)
  }
}

/** The whole log: each decision is carried out, and none is taken back; epochs and producer ids only go forward. */
function checkLog(driver: TransactionDriver, from: number, by: Step['do']): void {
  const values = driver.log.map(({ value }) => value!)
  for (let at = Math.max(from, 1); at < values.length; at++) {
    const [before, after] = [values[at - 1]!, values[at]!]
    if (before.state === 'PrepareCommit') expect(after.state).toBe('CompleteCommit')
    if (before.state === 'PrepareAbort') expect(after.state).toBe('CompleteAbort')
    if (after.state.startsWith('Complete')) expect(before.state).toBe(after.state.replace('Complete', 'Prepare'))
    // Ended by another, or by time.
    if (after.state === 'PrepareAbort' && by !== 'end') expect(after.producerEpoch).toBe(before.producerEpoch + 1)
    if (before.producerId === after.producerId) expect(after.producerEpoch).toBeGreaterThanOrEqual(before.producerEpoch)
    else expect(after.producerId).toBeGreaterThan(Math.max(before.producerId, FIRST_PRODUCER_ID - 1))
  }
}

/** Of one end of a transaction there is one outcome, however often it is told. */
function checkNotes(driver: TransactionDriver): void {
  const { value } = driver.log.at(-1)!
  if (value?.state.startsWith('Prepare')) {
    const { producerId, producerEpoch, partitions } = value
    const commit = value.state === 'PrepareCommit'
    expect(driver.notes.at(-1)).toMatchObject({ transactionalId: ID, producerId, producerEpoch, partitions, commit })
  }
}

const generations = fc.array(fc.constantFrom(1, 2), { minLength: 2, maxLength: 2 })
const firstEpoch = fc.constantFrom(0, 32_764, 32_766)

/** Runs so many races, each from a seed of its own; a failure prints the seed and the path to run it again. */
export function raceForOneId(numRuns: number): void {
  const steps = fc.array(step, { minLength: 30, maxLength: 80, size: 'max' })
  const race = fc.property(generations, firstEpoch, steps, (own, producerEpoch, taken) => {
    const driver = new TransactionDriver({}, logWith({ producerEpoch }))
    const racing = new Race(driver, own)
    let checked = 0
    for (const next of taken) {
      racing.take(next)
      checkLog(driver, checked, next.do)
      checkNotes(driver)
      checked = driver.log.length
    }
  })
  fc.assert(race, { numRuns })
}
