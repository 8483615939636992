import type { Clock } from './clock.ts'
import { FaultError, type FaultFields } from './fault-fields.ts'
import type { Random } from './random.ts'
import { SimulatedRandom } from './simulated-random.ts'

/** When a rule fires; everything that is left out does not restrict it. */
export interface FaultSchedule {
  /** It fires so often and is spent then. */
  readonly times?: number
  /** The first so many that match pass. */
  readonly skip?: number
  /** From 0 to 1, of each that matches. */
  readonly probability?: number
  /** Decides, with the probability, which of those that match are hit; drawn when it is left out, and listed. */
  readonly seed?: number
  /** From the moment it was added. */
  readonly expiresAfterMs?: number
}

/** A rule as it is listed. */
export interface FaultRule {
  readonly id: string
  readonly kind: string
  /** What it does to what, in words. */
  readonly description: string
  /** How often something fitted, and how often it did something. */
  readonly matched: number
  readonly fired: number
  readonly state: 'active' | 'spent' | 'expired'
  /** Null where it does not expire; 0 once it has. */
  readonly expiresInMs: number | null
  /** Null where nothing is left to chance. */
  readonly seed: number | null
}

export interface FaultRulesOptions {
  readonly clock: Clock
  /** Chance that draws the seeds of rules that name none; a number is a seed itself. */
  readonly random: Random | number
}

interface NewRule<Effect, Subject> {
  readonly kind: string
  /** With the rule's own chance, for an effect that leaves something to it. */
  readonly effect: (chance: Random) => Effect
  readonly description: string
  /** The effect leaves something to chance, whatever the schedule does. */
  readonly random?: boolean
  readonly schedule: FaultSchedule
  readonly matches: (subject: Subject) => boolean
}

interface Rule<Effect, Subject> extends NewRule<Effect, Subject> {
  readonly id: string
  readonly seed: number
  readonly chance: Random
  /** Monotonic. */
  readonly expiresAtMs: number
  matched: number
  fired: number
}

/** Finished rules are forgotten beyond this, and then no more are taken. */
const MOST_RULES = 1000
const LONGEST_MS = 2 ** 31 - 1
const SEEDS = 2 ** 32
const CHANCE_STEPS = 2 ** 32

/** Rules that say what goes wrong: listed, counted, and gone when they are spent or expired. */
export class FaultRules<Effect, Subject> {
  /** Whether anything can fire: the only thing to look at while nobody wants faults. */
  active = false
  readonly #clock: Clock
  readonly #random: Random
  readonly #prefix: string
  readonly #goesOn: (effect: Effect) => boolean
  readonly #rules = new Map<string, Rule<Effect, Subject>>()
  #nextId = 1

  /** `goesOn`: after this effect those of later rules may be added; else the first that fires is the only one. */
  constructor({ clock, random }: FaultRulesOptions, prefix: string, goesOn: (effect: Effect) => boolean) {
    this.#clock = clock
    this.#random = typeof random === 'number' ? new SimulatedRandom(random) : random
    this.#prefix = prefix
    this.#goesOn = goesOn
  }

  add(rule: NewRule<Effect, Subject>): FaultRule {
    this.#makeRoom()
    const id = `${this.#prefix}-${this.#nextId++}`
    const { seed = this.#random.below(SEEDS), expiresAfterMs } = rule.schedule
    const expiresAtMs = this.#clock.monotonicMs() + (expiresAfterMs ?? Number.POSITIVE_INFINITY)
    const added = { ...rule, id, seed, chance: new SimulatedRandom(seed), expiresAtMs, matched: 0, fired: 0 }
    this.#rules.set(id, added)
    this.active = true
    return this.#shown(added)
  }

  /** In the order in which they were added. */
  list(): readonly FaultRule[] {
    return [...this.#rules.values()].map((rule) => this.#shown(rule))
  }

  /** Null where there is no such rule. */
  get(id: string): FaultRule | null {
    const rule = this.#rules.get(id)
    return rule === undefined ? null : this.#shown(rule)
  }

  /** The rule as it was at its end; null where there is no such rule. */
  remove(id: string): FaultRule | null {
    const rule = this.get(id)
    this.#rules.delete(id)
    this.#settle()
    return rule
  }

  clear(): void {
    this.#rules.clear()
    this.active = false
  }

  /** How often a rule fired. Throws for an id that is not listed: a typing error must not look like a fault that did not happen. */
  fired(id: string): number {
    const rule = this.#rules.get(id)
    if (rule !== undefined) return rule.fired
    const ids = [...this.#rules.keys()]
    throw new FaultError(
      'id',
      `there is no fault ${id}; there ${ids.length === 0 ? 'is none' : `are ${ids.join(', ')}`}`,
    )
  }

  /** What happens to this one, in the order of the rules. Counts. */
  fire(subject: Subject): readonly Effect[] {
    const effects: Effect[] = []
    for (const rule of this.#rules.values()) {
      if (this.#stateOf(rule) !== 'active' || !rule.matches(subject)) continue
      rule.matched++
      const { skip = 0, probability = 1 } = rule.schedule
      if (rule.matched <= skip || !happens(rule.chance, probability)) continue
      rule.fired++
      const effect = rule.effect(rule.chance)
      effects.push(effect)
      if (!this.#goesOn(effect)) break
    }
    this.#settle()
    return effects
  }

  #settle(): void {
    this.active = [...this.#rules.values()].some((rule) => this.#stateOf(rule) === 'active')
  }

  #makeRoom(): void {
    if (this.#rules.size < MOST_RULES) return
    for (const rule of this.#rules.values()) {
      if (this.#stateOf(rule) === 'active') continue
      this.#rules.delete(rule.id)
      return
    }
    throw new FaultError('fault', `there are ${MOST_RULES} already; remove some first`)
  }

  #stateOf({ schedule, fired, expiresAtMs }: Rule<Effect, Subject>): FaultRule['state'] {
    if (schedule.times !== undefined && fired >= schedule.times) return 'spent'
    return this.#clock.monotonicMs() < expiresAtMs ? 'active' : 'expired'
  }

  #shown(rule: Rule<Effect, Subject>): FaultRule {
    const { id, kind, description, matched, fired, schedule, random, seed, expiresAtMs } = rule
    const leftMs = Math.max(0, Math.ceil(expiresAtMs - this.#clock.monotonicMs()))
    return {
      ...{ id, kind, description, matched, fired },
      state: this.#stateOf(rule),
      expiresInMs: schedule.expiresAfterMs === undefined ? null : leftMs,
      seed: random || schedule.probability !== undefined ? seed : null,
    }
  }
}

/** One draw per question, so that the same seed gives the same sequence. */
function happens(chance: Random, probability: number): boolean {
  return probability >= 1 || chance.below(CHANCE_STEPS) < probability * CHANCE_STEPS
}

/** The part of a rule that all kinds of faults have. `random`: a seed has a meaning also without a probability. */
export function readSchedule(fields: FaultFields, random = false): FaultSchedule {
  const times = fields.integer('times', 1, Number.MAX_SAFE_INTEGER)
  const skip = fields.integer('skip', 0, Number.MAX_SAFE_INTEGER)
  const probability = fields.probability('probability')
  const seed = fields.integer('seed', 0, SEEDS - 1)
  const expiresAfterMs = fields.integer('expiresAfterMs', 1, LONGEST_MS)
  if (seed !== undefined && probability === undefined && !random) {
    throw new FaultError('seed', 'without a probability nothing is left to chance')
  }
  return {
    ...(times !== undefined && { times }),
    ...(skip !== undefined && { skip }),
    ...(probability !== undefined && { probability }),
    ...(seed !== undefined && { seed }),
    ...(expiresAfterMs !== undefined && { expiresAfterMs }),
  }
}

/** `, 3 times, after the first 2`; empty where it always fires. */
export function describeSchedule({ times, skip, probability, expiresAfterMs }: FaultSchedule): string {
  const parts = [
    times === undefined ? null : times === 1 ? 'once' : `${times} times`,
    skip ? `after the first ${skip}` : null,
    probability === undefined ? null : `with probability ${probability}`,
    expiresAfterMs === undefined ? null : `for ${expiresAfterMs} ms`,
  ]
  return parts.map((part) => (part === null ? '' : `, ${part}`)).join('')
}
