import { type ConfigDefinition, type ConfigValues, canonicalText, defaultOf } from './config-definition.ts'
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
    const text = explicitTopicText(name, definition, layers)
    if (text !== undefined) explicit.add(name)
    config[name] = text === undefined ? defaultOf(definition) : parsedOr(definition, text, undefined)
  }
  return Object.freeze({ ...(config as TopicConfigValues), explicit })
}

/** What somebody set, on the topic or on the broker, in the topic's unit; undefined where the default holds. */
export function explicitTopicText(
  name: string,
  definition: ConfigDefinition,
  layers: TopicConfigLayers,
): string | undefined {
  const own = layers.topic.get(name)
  if (own !== undefined && definition.parse(own).problem === null) return canonicalText(definition, own)
  return explicitBrokerText(definition, layers)
}

/** The same without what the topic itself says. */
export function explicitBrokerText(
  definition: ConfigDefinition,
  layers: Pick<TopicConfigLayers, 'broker' | 'cluster' | 'static'>,
): string | undefined {
  for (const { name, factor } of definition.synonyms) {
    const text = layers.broker.get(name) ?? layers.cluster.get(name) ?? layers.static.get(name)
    if (text === undefined) continue
    if (definition.parse(text).problem !== null) {
      // Kafka takes every negative number of log.retention.ms, .minutes and .hours for "no limit".
      if (isNegative(text) && definition.parse('-1').problem === null) return '-1'
      continue
    }
    const canonical = canonicalText(definition, text)
    // Hours and minutes below zero mean "no limit", which is -1 in every unit.
    if (factor !== 1) return canonical.startsWith('-') ? '-1' : String(BigInt(canonical) * BigInt(factor))
    return canonical
  }
  return undefined
}

function isNegative(text: string): boolean {
  return /^\s*-\d+\s*$/.test(text)
}

function parsedOr<T>(definition: ConfigDefinition<T>, text: string, otherwise: T): T {
  const result = definition.parse(text)
  return result.problem === null ? result.value : otherwise
}
