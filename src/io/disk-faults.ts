import type { Clock } from './clock.ts'
import { asList, FaultError, FaultFields, type NamePattern, shown } from './fault-fields.ts'
import {
  describeSchedule,
  type FaultRule,
  FaultRules,
  type FaultRulesOptions,
  type FaultSchedule,
  readSchedule,
} from './fault-rules.ts'
import type { Random } from './random.ts'

export const DISK_FAULT_KINDS = ['error', 'full', 'slow', 'torn'] as const
/** What a disk fault does. */
export type DiskFaultKind = (typeof DISK_FAULT_KINDS)[number]

export const DISK_OPERATIONS = [
  'open',
  'read',
  'write',
  'sync',
  'truncate',
  'rename',
  'remove',
  'list',
  'make-directory',
] as const
/** What is done to a disk. */
export type DiskOperation = (typeof DISK_OPERATIONS)[number]

/** Codes of Node's system errors that a disk gives, with the words of the system. */
export const DISK_ERRORS = {
  EACCES: 'permission denied',
  EIO: 'i/o error',
  EMFILE: 'too many open files',
  ENOSPC: 'no space left on device',
  EROFS: 'read-only file system',
} as const
/** What a disk fails with. */
export type DiskErrorCode = keyof typeof DISK_ERRORS

/** What goes wrong with which files. A matcher that is left out fits everything the kind can happen to. */
export interface DiskFault extends FaultSchedule {
  /**
   * `error`: the operation fails, nothing is done. `full`: a write fails with ENOSPC. `slow`: the operation begins
   * later. `torn`: a write leaves its first part, cut at a place that the seed decides, and fails.
   */
  readonly kind: DiskFaultKind
  /** One or several. */
  readonly operation?: DiskOperation | readonly DiskOperation[]
  /** A path with `/` between its parts, in which `*` stands for any characters, or a RegExp. */
  readonly path?: string | RegExp
  /** Of an error and a torn write; EIO when it is left out. */
  readonly errorCode?: DiskErrorCode
  /** Of a slow disk. */
  readonly delayMs?: number
}

export type DiskEffect =
  | { readonly kind: 'error'; readonly errorCode: DiskErrorCode }
  | { readonly kind: 'slow'; readonly delayMs: number }
  /** `cut` decides how much of it is left. */
  | { readonly kind: 'torn'; readonly errorCode: DiskErrorCode; readonly cut: Random }

/** An effect before chance has a part in it. */
type RuleEffect = Exclude<DiskEffect, { kind: 'torn' }> | { readonly kind: 'torn'; readonly errorCode: DiskErrorCode }

export interface DiskSubject {
  readonly operation: DiskOperation
  readonly path: string
}

export interface DiskFate {
  readonly delayMs: number
  readonly effect: Exclude<DiskEffect, { kind: 'slow' }> | null
}

export interface DiskFaultsOptions extends FaultRulesOptions {
  /** Stands still for so long; for the operations that nobody awaits. */
  readonly block?: (ms: number) => void
}

const LONGEST_DELAY_MS = 60_000
const WRITES_ONLY: readonly DiskOperation[] = ['write']

/** Faults of the disk, made on purpose: slow ones add up, and the first other rule that fires is the only one. */
export class DiskFaults {
  /** @internal */
  readonly clock: Clock
  /** @internal */
  readonly block: (ms: number) => void
  readonly #rules: FaultRules<DiskEffect, DiskSubject>

  /** @internal */
  constructor(options: DiskFaultsOptions) {
    this.clock = options.clock
    this.block = options.block ?? blockThread
    this.#rules = new FaultRules(options, 'disk', ({ kind }) => kind === 'slow')
  }

  /** Whether any rule can fire. */
  get active(): boolean {
    return this.#rules.active
  }

  /** Throws FaultError, which names the field and what it may be. */
  add(fault: DiskFault): FaultRule {
    return this.addUnchecked(fault)
  }

  /** The same for what came as JSON. */
  addUnchecked(fault: unknown): FaultRule {
    const fields = new FaultFields(fault)
    const kind = fields.oneOf('kind', DISK_FAULT_KINDS)
    if (kind === undefined) throw new FaultError('kind', `it is missing; the kinds are ${DISK_FAULT_KINDS.join(', ')}`)
    const operations = readOperations(kind, fields)
    const path = fields.pattern('path') ?? null
    const effect = readEffect(kind, fields)
    const schedule = readSchedule(fields, kind === 'torn')
    fields.end(`a disk fault of kind ${kind}`)
    return this.#rules.add({
      kind,
      effect: (chance) => (effect.kind === 'torn' ? { ...effect, cut: chance } : effect),
      random: kind === 'torn',
      schedule,
      description: `${describeSubject(operations, path)}: ${describeEffect(kind, effect)}${describeSchedule(schedule)}`,
      matches: (subject) =>
        (operations === null || operations.includes(subject.operation)) &&
        (path === null || path.matches(subject.path.replaceAll('\\', '/'))),
    })
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
   * What happens to an operation. Counts it.
   * @internal
   */
  take(operation: DiskOperation, path: string): DiskFate {
    let delayMs = 0
    let effect: DiskFate['effect'] = null
    for (const one of this.#rules.fire({ operation, path })) {
      if (one.kind === 'slow') delayMs += one.delayMs
      else effect = one
    }
    return { delayMs, effect }
  }
}

function readOperations(kind: DiskFaultKind, fields: FaultFields): readonly DiskOperation[] | null {
  const value = fields.value('operation')
  const writesOnly = kind === 'full' || kind === 'torn'
  if (value === undefined) return writesOnly ? WRITES_ONLY : null
  const allowed = writesOnly ? WRITES_ONLY : DISK_OPERATIONS
  return asList('operation', value).map((one) => {
    const found = allowed.find((operation) => operation === one)
    if (found !== undefined) return found
    throw new FaultError('operation', `${shown(one)} is none of ${allowed.join(', ')}`)
  })
}

function readEffect(kind: DiskFaultKind, fields: FaultFields): RuleEffect {
  if (kind === 'full') return { kind: 'error', errorCode: 'ENOSPC' }
  if (kind === 'slow') {
    const delayMs = fields.integer('delayMs', 1, LONGEST_DELAY_MS)
    if (delayMs === undefined) throw new FaultError('delayMs', 'a slow disk needs the milliseconds')
    return { kind, delayMs }
  }
  return { kind, errorCode: fields.oneOf('errorCode', Object.keys(DISK_ERRORS) as DiskErrorCode[]) ?? 'EIO' }
}

function describeSubject(operations: readonly DiskOperation[] | null, path: NamePattern | null): string {
  const what = operations === null ? 'any operation' : operations.join(' or ')
  return path === null ? what : `${what} of ${path.text}`
}

function describeEffect(kind: DiskFaultKind, effect: RuleEffect): string {
  if (effect.kind === 'slow') return `begins ${effect.delayMs} ms later`
  if (effect.kind === 'torn') return `cut short, fails with ${effect.errorCode}`
  return kind === 'full' ? 'the disk is full' : `fails with ${effect.errorCode}`
}

/** A synchronous call to a slow disk stops everything, in reality too. */
function blockThread(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
