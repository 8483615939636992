import { brokerConfigs, withoutListener } from './broker-configs.ts'
import { type ConfigDefinition, type ConfigValues, configProblem, defaultOf } from './config-definition.ts'
import { ConfigError } from './config-error.ts'
import { diskMarksProblem } from './disk-mark.ts'
import { configFromEnvironment } from './environment.ts'
import { type ListenerConfig, parseListeners } from './listener-config.ts'
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
  /** Content of a server.properties. */
  readonly file?: string | null
  /** Weaker than all of these, stronger than the defaults of the table. */
  readonly defaults?: ConfigTexts
}

export interface LoadedConfig {
  readonly config: BrokerConfig
  /** Settings of Kafka that were given and have no effect here, sorted. */
  readonly notHonoured: readonly string[]
  /** Names nobody knows, sorted. */
  readonly unknown: readonly string[]
  readonly clusterId: string | null
}

const definitions: Readonly<Record<string, ConfigDefinition>> = brokerConfigs

/** Throws ConfigError for the first value that does not fit. */
export function loadBrokerConfig(sources: ConfigSources): LoadedConfig {
  const environment = configFromEnvironment(sources.environment ?? {})
  const file = sources.file ? parseProperties(sources.file) : []
  const texts = new Map([...file, ...environment.texts, ...(sources.commandLine ?? [])])
  const names = [...texts.keys()].sort()
  return {
    config: brokerConfigFrom(texts, sources.defaults),
    notHonoured: names.filter((name) => definitions[withoutListener(name)]?.use === 'accept'),
    unknown: names.filter((name) => definitions[withoutListener(name)] === undefined),
    clusterId: environment.clusterId,
  }
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
  if (!texts.has('node.id') && texts.has('broker.id')) values['node.id'] = values['broker.id']
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
