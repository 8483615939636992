import { brokerConfigs, brokerSynonyms, withoutListener } from './broker-configs.ts'
import { clientMetricsConfigs } from './client-metrics-configs.ts'
import { type ConfigDefinition, type ConfigTable, ConfigType, canonicalText, isSensitive } from './config-definition.ts'
import { groupConfigs } from './group-configs.ts'
import { type ConfigTexts, explicitBrokerText, explicitTopicText } from './topic-config.ts'
import { topicConfigs } from './topic-configs.ts'

/** Where a value comes from, with the numbers DescribeConfigs sends. */
export const ConfigSource = {
  DYNAMIC_TOPIC: 1,
  DYNAMIC_BROKER: 2,
  DYNAMIC_DEFAULT_BROKER: 3,
  STATIC_BROKER: 4,
  DEFAULT: 5,
  DYNAMIC_BROKER_LOGGER: 6,
  CLIENT_METRICS: 7,
  GROUP: 8,
} as const
export type ConfigSource = (typeof ConfigSource)[keyof typeof ConfigSource]

export interface DescribedSynonym {
  readonly name: string
  readonly value: string | null
  readonly source: ConfigSource
}

/** One setting as DescribeConfigs shows it; synonyms in order of precedence, the effective one first. */
export interface DescribedConfig {
  readonly name: string
  /** Null also where it must not be shown. */
  readonly value: string | null
  readonly source: ConfigSource
  /** 0 for a name that is not known. */
  readonly type: number
  readonly readOnly: boolean
  readonly sensitive: boolean
  readonly synonyms: readonly DescribedSynonym[]
  readonly documentation: string | null
}

/** Settings of the broker from three places. */
export interface BrokerLayers {
  /** Set at run time for this broker. */
  readonly broker: ConfigTexts
  /** Set at run time for all brokers. */
  readonly cluster: ConfigTexts
  /** Set before the start. */
  readonly static: ConfigTexts
}

const NOTHING: ConfigTexts = new Map()
const UNKNOWN_TYPE = 0

export function describeTopicConfig(topic: ConfigTexts, layers: BrokerLayers): DescribedConfig[] {
  return Object.entries<ConfigDefinition>(topicConfigs).map(([name, definition]) => {
    const value = explicitTopicText(name, definition, { topic, ...layers }) ?? definition.defaultText
    const own = topic.has(name) ? [{ name, value, source: ConfigSource.DYNAMIC_TOPIC }] : []
    const first = definition.synonyms[0]
    const synonyms = first === undefined ? own : [...own, ...synonymsOf(first.name, layers)]
    return described(name, definition, value, synonyms)
  })
}

/** Everything known of one broker, and what was set without being known, which nobody may see. */
export function describeBrokerConfig(layers: BrokerLayers): DescribedConfig[] {
  const table: ConfigTable = brokerConfigs
  const strangers = new Set<string>()
  for (const texts of [layers.broker, layers.cluster, layers.static]) {
    for (const name of texts.keys()) if (!Object.hasOwn(table, name)) strangers.add(name)
  }
  return [...Object.keys(table), ...[...strangers].sort()].map((name) => describeBrokerSetting(name, layers))
}

/** What was set at run time for all brokers; nothing else. */
export function describeClusterConfig(cluster: ConfigTexts): DescribedConfig[] {
  const layers = { broker: NOTHING, cluster, static: NOTHING }
  const { DYNAMIC_DEFAULT_BROKER } = ConfigSource
  return [...cluster.keys()].sort().map((name) => {
    const config = describeBrokerSetting(name, layers)
    return { ...config, synonyms: config.synonyms.filter(({ source }) => source === DYNAMIC_DEFAULT_BROKER) }
  })
}

export function describeGroupConfig(group: ConfigTexts, layers: BrokerLayers): DescribedConfig[] {
  return Object.entries<ConfigDefinition>(groupConfigs).map(([name, definition]) => {
    const set = group.get(name)
    const inherited = explicitBrokerText(definition, layers) ?? definition.defaultText
    const value = set === undefined ? inherited : canonicalText(definition, set)
    const own = set === undefined ? [] : [{ name, value, source: ConfigSource.GROUP }]
    const first = definition.synonyms[0]
    const fallback =
      first === undefined
        ? [{ name, value: definition.defaultText, source: ConfigSource.DEFAULT }]
        : synonymsOf(first.name, layers)
    return described(name, definition, value, [...own, ...fallback])
  })
}

export function describeClientMetricsConfig(subscription: ConfigTexts): DescribedConfig[] {
  return Object.entries<ConfigDefinition>(clientMetricsConfigs).map(([name, definition]) => {
    const set = subscription.get(name)
    const value = set === undefined ? definition.defaultText : canonicalText(definition, set)
    const own = set === undefined ? [] : [{ name, value, source: ConfigSource.CLIENT_METRICS }]
    return described(name, definition, value, own)
  })
}

/** There is one logger, and its level is set at the start. */
export function describeLoggers(level: string): DescribedConfig[] {
  const source = ConfigSource.DYNAMIC_BROKER_LOGGER
  const common = { type: UNKNOWN_TYPE, readOnly: true, sensitive: false, synonyms: [], documentation: null }
  return [{ name: 'root', value: level.toUpperCase(), source, ...common }]
}

function described(
  name: string,
  definition: ConfigDefinition,
  value: string | null,
  synonyms: readonly DescribedSynonym[],
): DescribedConfig {
  return {
    name,
    value,
    source: synonyms[0]?.source ?? ConfigSource.DEFAULT,
    type: ConfigType[definition.type],
    readOnly: false,
    sensitive: isSensitive(definition),
    synonyms,
    documentation: definition.doc,
  }
}

function describeBrokerSetting(name: string, layers: BrokerLayers): DescribedConfig {
  const definition = definitionOf(name)
  const synonyms = synonymsOf(name, layers)
  const source = synonyms[0]?.source ?? ConfigSource.DEFAULT
  if (definition === undefined) {
    // It could be the password of a plug-in.
    return {
      name,
      value: null,
      source,
      type: UNKNOWN_TYPE,
      readOnly: true,
      sensitive: true,
      synonyms,
      documentation: null,
    }
  }
  const text = layers.broker.get(name) ?? layers.cluster.get(name) ?? layers.static.get(name)
  const value = text === undefined ? definition.defaultText : canonicalText(definition, text)
  const sensitive = isSensitive(definition)
  const shown = { ...described(name, definition, sensitive ? null : value, synonyms), sensitive }
  return { ...shown, readOnly: definition.dynamic === 'no' }
}

/**
 * The values of a broker setting and of those of the same meaning, place by place. As Kafka does, those before the first
 * entry of the setting's own name are left out, so that a value of `log.retention.hours` alone shows no synonyms.
 */
function synonymsOf(name: string, layers: BrokerLayers): DescribedSynonym[] {
  const family = brokerSynonyms(name)
  const found: DescribedSynonym[] = []
  const places = [
    [layers.broker, ConfigSource.DYNAMIC_BROKER],
    [layers.cluster, ConfigSource.DYNAMIC_DEFAULT_BROKER],
    [layers.static, ConfigSource.STATIC_BROKER],
  ] as const
  for (const [texts, source] of places) {
    for (const member of family) {
      const text = texts.get(member)
      if (text !== undefined) found.push({ name: member, value: shownText(member, text), source })
    }
  }
  for (const member of family) {
    const value = ownDefault(member)
    if (value !== null) found.push({ name: member, value, source: ConfigSource.DEFAULT })
  }
  const start = found.findIndex((synonym) => synonym.name === name)
  return start < 0 ? [] : found.slice(start)
}

/** A listener's own setting has none: it falls back to that of all listeners. */
function ownDefault(name: string): string | null {
  return name === withoutListener(name) ? (definitionOf(name)?.defaultText ?? null) : null
}

function shownText(name: string, text: string): string | null {
  const definition = definitionOf(name)
  return definition === undefined || isSensitive(definition) ? null : text
}

function definitionOf(name: string): ConfigDefinition | undefined {
  const table: ConfigTable = brokerConfigs
  const common = withoutListener(name)
  return Object.hasOwn(table, common) ? table[common] : undefined
}
