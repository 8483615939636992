import { keptSecurityConfigs } from './broker/kept-security.ts'
import { securityConfigs } from './broker/security.ts'
import { brokerConfigs, withoutListener } from './broker-configs.ts'
import { type ConfigDefinition, type ConfigValues, configProblem, defaultOf, splitList } from './config-definition.ts'
import { ConfigError } from './config-error.ts'
import { diskMarksProblem } from './disk-mark.ts'
import { configFromEnvironment } from './environment.ts'
import { type ListenerConfig, parseListeners } from './listener-config.ts'
import { withListenerDefaults } from './listener-defaults.ts'
import { parseProperties } from './properties-file.ts'
import type { ConfigTexts } from './topic-config.ts'

export type BrokerConfigName = keyof typeof brokerConfigs
export type BrokerConfigValues = ConfigValues<typeof brokerConfigs>

/** The settings of this broker, by Kafka's names: `config['group.max.size']`. */
export interface BrokerConfig extends BrokerConfigValues {
  /** What was set before the start, as text; with names that are not known here. */
  readonly texts: ConfigTexts
  /** `listeners`, `advertised.listeners` and the protocol map in one, without listeners of controllers. */
  readonly brokerListeners: readonly ListenerConfig[]
  /** The first of log.dirs, or log.dir. */
  readonly dataDirectory: string
}

export interface ConfigSources {
  /** `--set name=value` and the like; the strongest. */
  readonly commandLine?: ConfigTexts
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** Content of a file that a variable ending in _FILE names; null when it cannot be read. */
  readonly readSecret?: (file: string) => string | null
  /** Content of a server.properties. */
  readonly file?: string | null
  /** Weaker than all of these, stronger than the defaults of the table. */
  readonly defaults?: ConfigTexts
}

export interface LoadedConfig {
  readonly config: BrokerConfig
  /** Settings of Kafka that were given and have no effect here, sorted. */
  readonly notHonoured: readonly string[]
  /** Settings and variables about passwords, certificates, users and permissions that have no effect yet, sorted. */
  readonly notBuilt: readonly string[]
  /** Names nobody knows, sorted. */
  readonly unknown: readonly string[]
  readonly clusterId: string | null
  /** What people have to know besides, a line each. */
  readonly notes: readonly string[]
}

const definitions: Readonly<Record<string, ConfigDefinition>> = brokerConfigs

/** Throws ConfigError for the first value that does not fit. */
export function loadBrokerConfig(sources: ConfigSources): LoadedConfig {
  const environment = configFromEnvironment(sources.environment ?? {}, sources.readSecret)
  const file = sources.file ? parseProperties(sources.file) : []
  const given = new Map([...file, ...environment.texts, ...(sources.commandLine ?? [])])
  const texts = withListenerDefaults(given)
  const zookeeper = [...texts.keys()].filter((name) => name.startsWith('zookeeper.')).sort()
  const names = [...texts.keys()].filter((name) => !zookeeper.includes(name)).sort()
  const accepted = names.filter((name) => definitions[withoutListener(name)]?.use === 'accept')
  refuseControllerAlone(texts)
  const config = brokerConfigFrom(texts, sources.defaults)
  return {
    config,
    notHonoured: accepted.filter((name) => !isSecurity(name)),
    notBuilt: [...environment.security, ...accepted.filter(isSecurity)],
    unknown: names.filter((name) => definitions[withoutListener(name)] === undefined),
    clusterId: environment.clusterId,
    notes: [...environment.notes, ...zookeeperNote(zookeeper), ...quorumNote(config)],
  }
}

/** Before it is found that such a service has no listeners for clients, which would say less. */
function refuseControllerAlone(texts: ConfigTexts): void {
  const roles = splitList(texts.get('process.roles') ?? '')
  if (!roles.includes('controller') || roles.includes('broker')) return
  const advice = 'every broker is its own controller here: leave this service out, and what waits for it'
  throw new ConfigError('process.roles', `process.roles: controller alone has nothing to do; ${advice}`)
}

function isSecurity(name: string): boolean {
  const own = withoutListener(name)
  return Object.hasOwn(securityConfigs, own) || Object.hasOwn(keptSecurityConfigs, own)
}

function zookeeperNote(names: readonly string[]): string[] {
  return names.length === 0 ? [] : [`there is no ZooKeeper here, and none is needed: ${names.join(', ')} ignored`]
}

function quorumNote(config: BrokerConfig): string[] {
  const voters = config['controller.quorum.voters'].filter((voter) => voter !== '')
  if (voters.length < 2) return []
  return [
    `controller.quorum.voters names ${voters.length}, but this broker is a cluster of its own: it never meets others`,
  ]
}

/** Defaults with some values set, as tests want them. */
export function defaultBrokerConfig(overrides: Partial<BrokerConfigValues> = {}): BrokerConfig {
  const given = Object.entries(overrides).filter(([, value]) => value !== null && value !== undefined)
  return brokerConfigFrom(new Map(given.map(([name, value]) => [name, textOf(value)])))
}

/** Of texts that are known to be valid, a config in which some are replaced by others: settings changed at run time. */
export function brokerConfigFrom(texts: ConfigTexts, defaults: ConfigTexts = new Map()): BrokerConfig {
  const values: Record<string, unknown> = {}
  for (const [name, definition] of Object.entries(definitions)) {
    values[name] = checkedValue(name, definition, texts.get(name) ?? defaults.get(name))
  }
  for (const [name, text] of texts) {
    const definition = definitions[withoutListener(name)]
    if (definition !== undefined) checkedValue(name, definition, text)
  }
  if (!texts.has('node.id') && texts.has('broker.id')) values['node.id'] = olderId(values['broker.id'])
  const config = values as BrokerConfigValues
  refuseCrossedBounds(values)
  refuseCrossedMarks(config)
  return Object.freeze({
    ...config,
    texts,
    brokerListeners: parseListeners({
      listeners: config.listeners,
      advertised: config['advertised.listeners'],
      protocolMap: config['listener.security.protocol.map'],
      controllerNames: config['controller.listener.names'],
    }),
    dataDirectory: config['log.dirs']?.[0] ?? config['log.dir'][0] ?? './data',
  })
}

function checkedValue(name: string, definition: ConfigDefinition, text: string | undefined): unknown {
  if (text === undefined) return defaultOf(definition)
  const problem = configProblem(name, definition, text)
  if (problem !== null) {
    const allowed = definition.range === '' ? `any ${definition.type}` : `${definition.type} ${definition.range}`
    throw new ConfigError(name, `${problem} (allowed: ${allowed})`)
  }
  const parsed = definition.parse(text)
  return parsed.problem === null ? parsed.value : undefined
}

/** -1 asked Kafka to make up a number. */
function olderId(brokerId: unknown): unknown {
  return brokerId === -1 ? defaultOf(definitions['node.id']!) : brokerId
}

/** Wherever a name has `.min.` and another has `.max.` in its place, they are the two ends of one range. */
function refuseCrossedBounds(values: Readonly<Record<string, unknown>>): void {
  for (const [name, min] of Object.entries(values)) {
    const maxName = name.replace('.min.', '.max.')
    const max = values[maxName]
    if (maxName === name || typeof min !== 'number' || typeof max !== 'number' || min <= max) continue
    throw new ConfigError(name, `${name} (${min}) must be less than or equal to ${maxName} (${max})`)
  }
}

function refuseCrossedMarks(config: BrokerConfigValues): void {
  const problem = diskMarksProblem(config['odradek.disk.budget.high'], config['odradek.disk.budget.low'])
  if (problem !== null) throw new ConfigError('odradek.disk.budget.low', problem)
}

function textOf(value: unknown): string {
  return Array.isArray(value) ? value.join(',') : String(value)
}
