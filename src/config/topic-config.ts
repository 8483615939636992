import { type ConfigDefinition, type ConfigValues, defaultOf } from './config-definition.ts'
import { topicConfigs } from './topic-configs.ts'

export type TopicConfigName = keyof typeof topicConfigs
type TopicConfigValues = ConfigValues<typeof topicConfigs>

/** The effective settings of a topic, by Kafka's names: `config['segment.bytes']`. */
export interface TopicConfig extends TopicConfigValues {
  /**
   * Settings that somebody set, on the topic or on the broker, also when the value is the default one: an explicit
   * `flush.messages` takes the place of the sync before the answer to acks=all.
   */
  readonly explicit: ReadonlySet<TopicConfigName>
}

/** Values as text, by name. */
export type ConfigTexts = ReadonlyMap<string, string>

/** Where the settings of a topic come from, the first one wins; the last resort is the default of the table. */
export interface TopicConfigLayers {
  readonly topic: ConfigTexts
  /** Set at run time for this broker, by broker names. */
  readonly broker: ConfigTexts
  /** Set at run time for all brokers. */
  readonly cluster: ConfigTexts
  /** Set before the start. */
  readonly static: ConfigTexts
}

const names = Object.keys(topicConfigs) as TopicConfigName[]

export function defaultTopicConfig(overrides: Partial<TopicConfig> = {}): TopicConfig {
  const config: Record<string, unknown> = {}
  for (const name of names) config[name] = defaultOf<unknown>(topicConfigs[name])
  const explicit = new Set(names.filter((name) => overrides[name] !== undefined))
  return Object.freeze({ ...(config as TopicConfigValues), explicit, ...overrides })
}

/** Values that do not parse are passed over: they were refused when they were set, or are from a newer version. */
export function resolveTopicConfig(layers: TopicConfigLayers): TopicConfig {
  const config: Record<string, unknown> = {}
  const explicit = new Set<TopicConfigName>()
  for (const name of names) {
    const definition: ConfigDefinition = topicConfigs[name]
    const value = explicitValue(name, definition, layers)
    if (value !== undefined) explicit.add(name)
    config[name] = value === undefined ? defaultOf(definition) : value
  }
  return Object.freeze({ ...(config as TopicConfigValues), explicit })
}

function explicitValue(name: string, definition: ConfigDefinition, layers: TopicConfigLayers): unknown {
  const own = parsed(definition, layers.topic.get(name))
  if (own !== undefined) return own
  for (const { name: synonym, factor } of definition.synonyms) {
    const text = layers.broker.get(synonym) ?? layers.cluster.get(synonym) ?? layers.static.get(synonym)
    const value = parsed(definition, text)
    if (value === undefined) continue
    // Hours and minutes below zero mean "no limit", which is -1 in every unit.
    if (typeof value === 'number' && factor !== 1) return value < 0 ? -1 : value * factor
    return value
  }
  return undefined
}

function parsed(definition: ConfigDefinition, text: string | undefined): unknown {
  if (text === undefined) return undefined
  const result = definition.parse(text)
  return result.problem === null ? result.value : undefined
}
