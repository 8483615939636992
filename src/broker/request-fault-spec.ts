import { ErrorCode, errorName } from '../../protocol/errors.ts'
import { asList, FaultError, FaultFields, type NamePattern, shown } from '../io/fault-fields.ts'
import { describeSchedule, type FaultSchedule, readSchedule } from '../io/fault-rules.ts'

export const REQUEST_FAULT_KINDS = ['error', 'delay', 'disconnect', 'lose-answer', 'black-hole'] as const
/** What a fault does to a request. */
export type RequestFaultKind = (typeof REQUEST_FAULT_KINDS)[number]

/** A text, in which `*` stands for any characters, or a RegExp. */
export type NameMatcher = string | RegExp

/** What goes wrong with which requests. A matcher that is left out fits every request. */
export interface RequestFault extends FaultSchedule {
  /**
   * `error`: nothing is done, the answer is an error. `delay`: the work begins later. `disconnect`: nothing is done,
   * the connection ends. `lose-answer`: the work is done and the connection ends in place of the answer. `black-hole`:
   * nothing is done, nothing is answered, the connection stays.
   */
  readonly kind: RequestFaultKind
  /** Of an error: Kafka's name for it, or its number. */
  readonly errorCode?: string | number
  /** Of a delay. */
  readonly delayMs?: number
  /** Of a lost answer: the connection stays, and its client waits for ever. */
  readonly silent?: boolean
  /** One or several APIs by name or key. */
  readonly api?: string | number | readonly (string | number)[]
  /** A request that names such a topic, or asks for all of them. An error then concerns only the topics that fit. */
  readonly topic?: NameMatcher
  readonly groupId?: NameMatcher
  readonly clientId?: NameMatcher
  /** As in the events of requests: counted from 1 by each broker. */
  readonly connectionId?: number
  /** Where several virtual brokers run in this process. */
  readonly brokerId?: number
}

export type RequestEffect =
  | { readonly kind: 'error'; readonly errorCode: ErrorCode; readonly topic: NamePattern | null }
  | { readonly kind: 'delay'; readonly delayMs: number }
  | { readonly kind: 'disconnect' | 'black-hole' }
  | { readonly kind: 'lose-answer'; readonly silent: boolean }

/** An API that can be named. */
export interface ApiName {
  readonly key: number
  readonly name: string
}

/** One request, as far as rules look at it; what costs something is worked out when a rule asks. */
export interface RequestSubject {
  readonly apiKey: number
  /** Empty where the client sent none. */
  readonly clientId: string
  readonly connectionId: number
  readonly brokerId: number
  readonly topics: readonly string[]
  readonly groupIds: readonly string[]
}

export interface ReadRequestFault {
  readonly effect: RequestEffect
  readonly description: string
  readonly schedule: FaultSchedule
  readonly matches: (subject: RequestSubject) => boolean
}

const LONGEST_DELAY_MS = 3_600_000
const HIGHEST_INT32 = 0x7fffffff

/** Throws FaultError. */
export function readRequestFault(given: unknown, apis: readonly ApiName[]): ReadRequestFault {
  const fields = new FaultFields(given)
  const kind = fields.oneOf('kind', REQUEST_FAULT_KINDS)
  if (kind === undefined) throw new FaultError('kind', `it is missing; the kinds are ${REQUEST_FAULT_KINDS.join(', ')}`)
  const wanted = readApis(fields, apis)
  const topic = fields.pattern('topic') ?? null
  const groupId = fields.pattern('groupId') ?? null
  const clientId = fields.pattern('clientId') ?? null
  const connectionId = fields.integer('connectionId', 1, Number.MAX_SAFE_INTEGER) ?? null
  const brokerId = fields.integer('brokerId', 0, HIGHEST_INT32) ?? null
  const effect = readEffect(kind, fields, topic)
  const schedule = readSchedule(fields)
  fields.end(`a fault of kind ${kind}`)

  const which = [
    wanted === null ? 'any request' : wanted.map(({ name }) => name).join(' or '),
    topic === null ? '' : ` for topic ${topic.text}`,
    groupId === null ? '' : ` for group ${groupId.text}`,
    clientId === null ? '' : ` from client ${clientId.text}`,
    connectionId === null ? '' : ` on connection ${connectionId}`,
    brokerId === null ? '' : ` at broker ${brokerId}`,
  ]
  const keys = wanted === null ? null : new Set(wanted.map(({ key }) => key))
  return {
    effect,
    schedule,
    description: `${which.join('')}: ${describeEffect(effect)}${describeSchedule(schedule)}`,
    matches: (subject) =>
      (keys === null || keys.has(subject.apiKey)) &&
      (connectionId === null || subject.connectionId === connectionId) &&
      (brokerId === null || subject.brokerId === brokerId) &&
      (clientId === null || clientId.matches(subject.clientId)) &&
      (groupId === null || subject.groupIds.some((id) => groupId.matches(id))) &&
      (topic === null || subject.topics.some((name) => topic.matches(name))),
  }
}

function readApis(fields: FaultFields, apis: readonly ApiName[]): readonly ApiName[] | null {
  const value = fields.value('api')
  if (value === undefined) return null
  return asList('api', value).map((one) => {
    const found = apis.find(({ key, name }) => one === key || String(one).toLowerCase() === name.toLowerCase())
    if (found !== undefined) return found
    const known = apis.map(({ key, name }) => `${name} (${key})`).join(', ')
    throw new FaultError('api', `${shown(one)} is not served here; by name or key there are ${known}`)
  })
}

function readEffect(kind: RequestFaultKind, fields: FaultFields, topic: NamePattern | null): RequestEffect {
  switch (kind) {
    case 'error':
      return { kind, errorCode: readErrorCode(fields), topic }
    case 'delay': {
      const delayMs = fields.integer('delayMs', 1, LONGEST_DELAY_MS)
      if (delayMs === undefined) throw new FaultError('delayMs', 'a delay needs the milliseconds')
      return { kind, delayMs }
    }
    case 'lose-answer':
      return { kind, silent: fields.boolean('silent') ?? false }
    default:
      return { kind }
  }
}

function readErrorCode(fields: FaultFields): ErrorCode {
  const value = fields.value('errorCode')
  const names: Readonly<Record<string, ErrorCode>> = ErrorCode
  const entry = Object.entries(names).find(([name, code]) => value === code || value === name)
  if (entry !== undefined && entry[1] !== ErrorCode.NONE) return entry[1]
  const hint = 'give a name of Kafka such as NOT_LEADER_OR_FOLLOWER, or its number such as 6'
  if (value === undefined) throw new FaultError('errorCode', `an error needs one; ${hint}`)
  throw new FaultError('errorCode', `${shown(value)} is not an error of Kafka; ${hint}`)
}

function describeEffect(effect: RequestEffect): string {
  switch (effect.kind) {
    case 'error':
      return `nothing is done, answered with ${errorName(effect.errorCode)}`
    case 'delay':
      return `done ${effect.delayMs} ms later`
    case 'disconnect':
      return 'nothing is done, the connection ends'
    case 'lose-answer':
      return effect.silent ? 'done and never answered' : 'done, and the connection ends in place of the answer'
    case 'black-hole':
      return 'nothing is done, and never answered'
  }
}
