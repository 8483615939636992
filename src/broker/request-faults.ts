import { type FaultRule, FaultRules, type FaultRulesOptions } from '../io/fault-rules.ts'
import {
  type ApiName,
  type RequestEffect,
  type RequestFault,
  type RequestSubject,
  readRequestFault,
} from './request-fault-spec.ts'

export interface RequestFaultsOptions extends FaultRulesOptions {
  /** Those that are served, and can be named. */
  readonly apis: Iterable<ApiName>
}

/** What happens to one request beside what it asks for. */
export interface RequestFate {
  /** Before anything else; the sum of all delays. */
  readonly delayMs: number
  readonly effect: Exclude<RequestEffect, { kind: 'delay' }> | null
}

const UNDISTURBED: RequestFate = { delayMs: 0, effect: null }

/**
 * Faults in the answers to requests, made on purpose. Rules are asked in the order in which they were added: delays add
 * up, and the first other one that fires is the only one.
 */
export class RequestFaults {
  readonly #rules: FaultRules<RequestEffect, RequestSubject>
  readonly #apis: readonly ApiName[]

  /** @internal */
  constructor(options: RequestFaultsOptions) {
    this.#rules = new FaultRules(options, 'request', ({ kind }) => kind === 'delay')
    this.#apis = [...options.apis].map(({ key, name }) => ({ key, name }))
  }

  /** Whether any rule can fire. */
  get active(): boolean {
    return this.#rules.active
  }

  /** Throws FaultError, which names the field and what it may be. */
  add(fault: RequestFault): FaultRule {
    return this.addUnchecked(fault)
  }

  /** The same for what came as JSON. */
  addUnchecked(fault: unknown): FaultRule {
    const { effect, ...rule } = readRequestFault(fault, this.#apis)
    return this.#rules.add({ ...rule, kind: effect.kind, effect: () => effect })
  }

  /** In the order in which they were added; the spent and the expired as well, until they are removed. */
  list(): readonly FaultRule[] {
    return this.#rules.list()
  }

  /** Null where there is no such rule. */
  get(id: string): FaultRule | null {
    return this.#rules.get(id)
  }

  /** Gives the rule as it was at its end; null where there is no such rule. */
  remove(id: string): FaultRule | null {
    return this.#rules.remove(id)
  }

  /** No rule is left. */
  clear(): void {
    this.#rules.clear()
  }

  /** How often a rule fired. Throws FaultError for an id that is not listed. */
  fired(id: string): number {
    return this.#rules.fired(id)
  }

  /**
   * What happens to a request. Counts it.
   * @internal
   */
  take(subject: RequestSubject): RequestFate {
    const effects = this.#rules.fire(subject)
    if (effects.length === 0) return UNDISTURBED
    let delayMs = 0
    let effect: RequestFate['effect'] = null
    for (const one of effects) {
      if (one.kind === 'delay') delayMs += one.delayMs
      else effect = one
    }
    return { delayMs, effect }
  }
}
