import type { Target } from '../../client/request-router.ts'
import { ResourceType } from './config-entries.ts'
import type { Options, OptionTable } from './option-table.ts'
import { ToolFailure } from './tool-failure.ts'

/** Kafka's names for what has configs. The last four cannot be asked for here. */
const ENTITY_TYPES = [
  'topics',
  'clients',
  'users',
  'brokers',
  'ips',
  'client-metrics',
  'groups',
  'broker-loggers',
] as const

/** Those whose configs go through DescribeConfigs. */
export type EntityType = 'topics' | 'brokers' | 'client-metrics' | 'groups'

export interface ConfigEntity {
  readonly type: EntityType
  /** '' for the default of all brokers, null for every entity of the type. */
  readonly name: string | null
}

/** Short forms: one option instead of a type and a name. */
const SHORT: Readonly<Record<string, (typeof ENTITY_TYPES)[number]>> = {
  topic: 'topics',
  client: 'clients',
  user: 'users',
  broker: 'brokers',
  'broker-logger': 'broker-loggers',
  ip: 'ips',
  'client-metrics': 'client-metrics',
  group: 'groups',
}
const SHORT_DEFAULTS: Readonly<Record<string, (typeof ENTITY_TYPES)[number]>> = {
  'client-defaults': 'clients',
  'user-defaults': 'users',
  'broker-defaults': 'brokers',
  'ip-defaults': 'ips',
}

const NAME = { kind: 'value', value: 'NAME' } as const
const NOT_HERE = 'Refused: users, clients and addresses have no configs here.'

export const ENTITY_OPTIONS = {
  'entity-type': { kind: 'value', value: 'TYPE', about: 'topics, brokers, groups or client-metrics.' },
  'entity-name': { ...NAME, about: 'The topic, broker, group or subscription.' },
  'entity-default': { kind: 'none', about: 'With --entity-type brokers: what holds for all of them.' },
  topic: { ...NAME, about: 'The configs of this topic.' },
  broker: { kind: 'value', value: 'ID', about: 'The configs of this broker.' },
  'broker-defaults': { kind: 'none', about: 'The configs of all brokers.' },
  'broker-logger': { kind: 'value', value: 'ID', about: 'Refused: there are no loggers.' },
  group: { ...NAME, about: 'The configs of this group.' },
  'client-metrics': { ...NAME, about: 'The configs of this subscription of client metrics.' },
  client: { ...NAME, about: NOT_HERE },
  'client-defaults': { kind: 'none', about: NOT_HERE },
  user: { ...NAME, about: NOT_HERE },
  'user-defaults': { kind: 'none', about: NOT_HERE },
  ip: { ...NAME, about: NOT_HERE },
  'ip-defaults': { kind: 'none', about: NOT_HERE },
} as const satisfies OptionTable

type EntityOptions = Options<keyof typeof ENTITY_OPTIONS>

/** Throws ToolFailure in Kafka's words. */
export function entityOf(options: EntityOptions, action: 'describe' | 'alter'): ConfigEntity {
  const short = Object.keys(SHORT).filter((name) => options.has(name as keyof typeof ENTITY_OPTIONS))
  const defaults = Object.keys(SHORT_DEFAULTS).filter((name) => options.has(name as keyof typeof ENTITY_OPTIONS))
  const long = (['entity-type', 'entity-name', 'entity-default'] as const).some((name) => options.has(name))
  if (long && short.length + defaults.length > 0) {
    throw new ToolFailure('--entity-{type,name,default} should not be used in conjunction with specific entity flags')
  }
  const types = [
    ...options.values('entity-type'),
    ...short.map((name) => SHORT[name]!),
    ...defaults.map((name) => SHORT_DEFAULTS[name]!),
  ]
  const type = checkedType(types)
  const shortName = short.length === 0 ? null : options.value(short[0] as keyof typeof ENTITY_OPTIONS)
  const isDefault = options.has('entity-default') || defaults.length > 0
  const name = options.value('entity-name') ?? shortName ?? (isDefault ? '' : null)
  if (type === 'brokers' && name !== null && name !== '' && !/^\d{1,10}$/.test(name)) {
    throw new ToolFailure(`The entity name for ${type} must be a valid integer broker id, but it is: ${name}`)
  }
  if (action === 'alter') requireName(type, name)
  return { type, name }
}

function checkedType(types: readonly string[]): EntityType {
  const [type, other] = types
  if (type === undefined) throw new ToolFailure('At least one entity type must be specified')
  if (other !== undefined) throw new ToolFailure("Only 'users' and 'clients' entity types may be specified together")
  const unknown = types.find((one) => !ENTITY_TYPES.some((known) => known === one))
  if (unknown !== undefined) {
    throw new ToolFailure(
      `Invalid entity type ${unknown}, the entity type must be one of ${ENTITY_TYPES.join(', ')}` +
        ' with a --bootstrap-server or --bootstrap-controller argument',
    )
  }
  if (type === 'topics' || type === 'brokers' || type === 'client-metrics' || type === 'groups') return type
  throw new ToolFailure(`${type} have no configs here: topics, brokers, groups and client-metrics have`)
}

function requireName(type: EntityType, name: string | null): void {
  if (type === 'brokers') {
    if (name !== null) return
    throw new ToolFailure(
      'An entity-name or default entity must be specified with --alter of users, clients, brokers or ips',
    )
  }
  if (name === null || name === '') throw new ToolFailure(`An entity name must be specified with --alter of ${type}`)
}

const RESOURCE_TYPES: Readonly<Record<EntityType, number>> = {
  topics: ResourceType.TOPIC,
  brokers: ResourceType.BROKER,
  'client-metrics': ResourceType.CLIENT_METRICS,
  groups: ResourceType.GROUP,
}

/** The resource in requests, and who has to be asked: a broker knows its own configs alone. */
export function resourceOf(type: EntityType, name: string): { resourceType: number; to: Target } {
  const to: Target = type === 'brokers' && name !== '' ? { brokerId: Number(name) } : 'any'
  return { resourceType: RESOURCE_TYPES[type], to }
}
