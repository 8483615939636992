import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FaultFields } from '../../src/io/fault-fields.ts'
import {
  describeSchedule,
  type FaultRule,
  FaultRules,
  type FaultSchedule,
  readSchedule,
} from '../../src/io/fault-rules.ts'
import { SimulatedClock } from '../../src/io/simulated-clock.ts'

const SEED = Number(process.env['ODRADEK_SEED'] ?? 20_261)

/** Rules whose effect is their own name; those of names in capitals let others follow. */
function makeRules(clock = new SimulatedClock(), random = SEED) {
  const rules = new FaultRules<string, string>({ clock, random }, 'test', (name) => name === name.toUpperCase())
  const add = (name: string, schedule: FaultSchedule = {}, matches = (_: string) => true): FaultRule =>
    rules.add({ kind: 'test', effect: () => name, description: name, schedule, matches })
  return { clock, rules, add }
}

describe('rules', () => {
  it('fire so often, after so many, and stay listed with their counts', () => {
    const { rules, add } = makeRules()
    const { id } = add('a', { skip: 2, times: 3 })
    const fired = Array.from({ length: 8 }, () => rules.fire('x').length)
    expect(fired).toEqual([0, 0, 1, 1, 1, 0, 0, 0])
    expect(rules.get(id)).toMatchObject({ id, matched: 5, fired: 3, state: 'spent', expiresInMs: null, seed: null })
    expect([rules.fired(id), rules.active]).toEqual([3, false])
  })

  it('expire, and say so', () => {
    const { clock, rules, add } = makeRules()
    const { id } = add('a', { expiresAfterMs: 100 })
    clock.advance(99)
    expect(rules.fire('x')).toEqual(['a'])
    expect(rules.get(id)).toMatchObject({ state: 'active', expiresInMs: 1 })
    clock.advance(1)
    expect(rules.fire('x')).toEqual([])
    expect(rules.get(id)).toMatchObject({ state: 'expired', expiresInMs: 0, fired: 1, matched: 1 })
    expect(rules.active).toBe(false)
  })

  it('are asked in order; the first that fires is the only one unless it lets others follow', () => {
    const { rules, add } = makeRules()
    add('never', {}, (subject) => subject === 'y')
    add('FIRST', { times: 1 })
    add('second', { times: 1 })
    const third = add('third')
    expect(rules.fire('x')).toEqual(['FIRST', 'second'])
    expect(rules.get(third.id)).toMatchObject({ matched: 0, fired: 0 })
    expect(rules.fire('x')).toEqual(['third'])
  })

  it('are removed one by one and all at once', () => {
    const { rules, add } = makeRules()
    const [a, b] = [add('a'), add('b')]
    rules.fire('x')
    expect(rules.remove(a.id)).toMatchObject({ id: a.id, fired: 1 })
    expect(rules.remove(a.id)).toBeNull()
    expect([rules.list().map(({ id }) => id), rules.active]).toEqual([[b.id], true])
    rules.clear()
    expect([rules.list(), rules.active, rules.fire('x')]).toEqual([[], false, []])
    expect(() => rules.fired(a.id)).toThrow(`there is no fault ${a.id}; there is none`)
    expect(add('c').id).not.toBe(a.id)
  })

  it('are a thousand at most; finished ones make room', () => {
    const { rules, add } = makeRules()
    const first = add('a', { times: 1 })
    for (let count = 1; count < 1000; count++) add('b')
    expect(() => add('c')).toThrow('fault: there are 1000 already; remove some first')
    rules.fire('x')
    add('c')
    expect([rules.get(first.id), rules.list().length]).toEqual([null, 1000])
  })

  it('property: never more than times, never without a match, in the same way for the same seed', () => {
    const schedule = fc.record(
      {
        times: fc.integer({ min: 1, max: 10 }),
        skip: fc.integer({ min: 0, max: 10 }),
        probability: fc.double({ min: 0, max: 1, noNaN: true }),
        seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      },
      { requiredKeys: [] },
    )
    const step = fc.record({ fits: fc.boolean(), ms: fc.integer({ min: 0, max: 20 }) })
    const run = (given: FaultSchedule, steps: readonly { fits: boolean; ms: number }[], random: number) => {
      const { clock, rules, add } = makeRules(new SimulatedClock(), random)
      const { id } = add('a', given, (subject) => subject === 'fits')
      const fired = steps.map(({ fits, ms }) => {
        clock.advance(ms)
        return rules.fire(fits ? 'fits' : 'other').length
      })
      return { fired, rule: rules.get(id)! }
    }
    fc.assert(
      fc.property(schedule, fc.array(step, { maxLength: 60 }), fc.integer({ min: 0 }), (given, steps, random) => {
        const { fired, rule } = run(given, steps, random)
        expect(rule.fired).toBe(fired.reduce((sum, count) => sum + count, 0))
        expect(rule.fired).toBeLessThanOrEqual(Math.max(0, rule.matched - (given.skip ?? 0)))
        expect(rule.fired).toBeLessThanOrEqual(given.times ?? Number.POSITIVE_INFINITY)
        expect(rule.matched).toBeLessThanOrEqual(steps.filter(({ fits }) => fits).length)
        expect(fired.every((count, at) => count === 0 || steps[at]!.fits)).toBe(true)
        const probability = given.probability ?? 1
        if (probability === 0) expect(rule.fired).toBe(0)
        // The listed seed repeats the run, whatever else chance did.
        const again = run({ ...given, ...(rule.seed !== null && { seed: rule.seed }) }, steps, random + 1)
        expect(again.fired).toEqual(fired)
      }),
      { seed: SEED },
    )
  })

  it('fire about as often as their probability says', () => {
    const { rules, add } = makeRules()
    const { id } = add('a', { probability: 0.3 })
    for (let count = 0; count < 10_000; count++) rules.fire('x')
    expect(Math.abs(rules.fired(id) - 3000)).toBeLessThan(250)
  })
})

describe('fields', () => {
  const schedule = (fault: object) => readSchedule(new FaultFields(fault))

  it.each([
    [{ times: 0 }, 'times: 0 is not an integer from 1 to 9007199254740991'],
    [{ skip: -1 }, 'skip: -1 is not an integer from 0 to 9007199254740991'],
    [{ skip: '1' }, 'skip: 1 is not an integer from 0 to 9007199254740991'],
    [{ probability: 1.1 }, 'probability: 1.1 is not a number from 0 to 1'],
    [{ probability: Number.NaN }, 'probability: NaN is not a number from 0 to 1'],
    [{ seed: 1 }, 'seed: without a probability nothing is left to chance'],
    [{ probability: 1, seed: 2 ** 32 }, 'seed: 4294967296 is not an integer from 0 to 4294967295'],
    [{ expiresAfterMs: 0.5 }, 'expiresAfterMs: 0.5 is not an integer from 1 to 2147483647'],
  ])('%j: %s', (fault, message) => {
    expect(() => schedule(fault)).toThrow(message)
  })

  it('say what is not a fault at all, and what no field is', () => {
    for (const given of [null, 1, 'x', []]) expect(() => new FaultFields(given)).toThrow(/^fault: an object with/)
    const fields = new FaultFields({ times: 1, tmies: 2 })
    readSchedule(fields)
    expect(() => fields.end('a test')).toThrow(
      'tmies: a test has no such field; it may have times, skip, probability, seed, expiresAfterMs',
    )
  })

  it('null is as good as left out', () => {
    expect(schedule({ times: null, seed: null })).toEqual({})
  })

  it('describe themselves', () => {
    expect(describeSchedule({})).toBe('')
    expect(describeSchedule({ times: 1 })).toBe(', once')
    expect(describeSchedule({ times: 2, skip: 3, probability: 0.5, expiresAfterMs: 10 })).toBe(
      ', 2 times, after the first 3, with probability 0.5, for 10 ms',
    )
  })
})

describe('patterns', () => {
  const matches = (pattern: string | RegExp, text: string) =>
    new FaultFields({ pattern }).pattern('pattern')!.matches(text)

  it.each([
    ['orders', 'orders', true],
    ['orders', 'orders-1', false],
    ['orders*', 'orders', true],
    ['orders-*', 'orders-1', true],
    ['*-dlq', 'orders-dlq', true],
    ['*-dlq', 'orders-dlq-1', false],
    ['*a*b*', 'xxaxxbxx', true],
    ['*a*b*', 'xxbxxa', false],
    ['*', '', true],
    ['a.c', 'abc', false],
  ])('%s, %s: %s', (pattern, text, expected) => {
    expect(matches(pattern, text)).toBe(expected)
  })

  it('a RegExp with a position matches every time', () => {
    const pattern = new FaultFields({ pattern: /ord/g }).pattern('pattern')!
    expect([1, 2, 3].map(() => pattern.matches('orders'))).toEqual([true, true, true])
  })

  it('a hostile pattern takes no longer than its length times that of the name', () => {
    expect(matches(`${'*a'.repeat(400)}b`, 'a'.repeat(100_000))).toBe(false)
  })

  it('property: as a regular expression of the same meaning', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 12 })
    const glob = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 })
    fc.assert(
      fc.property(glob, text, (pattern, name) => {
        expect(matches(pattern, name)).toBe(new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(name))
      }),
      { seed: SEED, numRuns: 1000 },
    )
  })
})
