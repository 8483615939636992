import { ErrorCode } from '../../protocol/errors.ts'
import { brokerConfigFrom } from './broker-config.ts'
import { brokerConfigs, withoutListener } from './broker-configs.ts'
import { clientMetricsConfigs, clientSelectors, MAX_INTERVAL_MS, MIN_INTERVAL_MS } from './client-metrics-configs.ts'
import type { ConfigRules, Refusal } from './config-alteration.ts'
import { type ConfigDefinition, type ConfigTable, configProblem, splitList } from './config-definition.ts'
import type { BrokerLayers } from './config-describer.ts'
import { ConfigError } from './config-error.ts'
import { groupBounds, groupConfigs } from './group-configs.ts'
import { type ConfigTexts, explicitBrokerText, resolveTopicConfig } from './topic-config.ts'
import { topicConfigs } from './topic-configs.ts'

/** Names a peer may make up for a broker, which Kafka keeps without a limit. */
const MAX_UNKNOWN_NAMES = 1000

/** Per listener only, since a changed key store would otherwise reach every listener. */
const LISTENER_ONLY = /^ssl\.(?:key\.password|keystore\.|truststore\.(?:type|location|password|certificates))/

function lookUp(table: ConfigTable): (name: string) => ConfigDefinition | undefined {
  return (name) => (Object.hasOwn(table, name) ? table[name] : undefined)
}

function notAList(operation: string, name: string): string {
  return `Can't ${operation} to key ${name} because its type is not LIST.`
}

function invalid(message: string): Refusal {
  return { error: ErrorCode.INVALID_CONFIG, message }
}

function badRequest(message: string): Refusal {
  return { error: ErrorCode.INVALID_REQUEST, message }
}

export function topicRules(layers: BrokerLayers): ConfigRules {
  const definitionOf = lookUp(topicConfigs)
  return {
    definitionOf,
    inherited: (name) => explicitBrokerText(definitionOf(name)!, layers) ?? definitionOf(name)!.defaultText,
    notAList,
    refuse: (next) => refuseTopicConfig(next, layers),
  }
}

/** All settings of a topic at once, for a new topic as for a changed one: unknown names, values, then combinations. */
export function refuseTopicConfig(texts: ConfigTexts, layers: BrokerLayers): Refusal | null {
  const refused = refuseValues(texts, lookUp(topicConfigs), 'topic')
  if (refused !== null) return refused
  const config = resolveTopicConfig({ topic: texts, ...layers })
  if (config['remote.storage.enable']) {
    return invalid(
      'Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.',
    )
  }
  const min = config['min.compaction.lag.ms']
  const max = config['max.compaction.lag.ms']
  if (min <= max) return null
  return invalid(`conflict topic config setting min.compaction.lag.ms (${min}) > max.compaction.lag.ms (${max})`)
}

function refuseValues(
  texts: ConfigTexts,
  definitionOf: (name: string) => ConfigDefinition | undefined,
  kind: string,
): Refusal | null {
  for (const name of texts.keys()) {
    if (definitionOf(name) === undefined) return invalid(`Unknown ${kind} config name: ${name}`)
  }
  for (const [name, text] of texts) {
    const problem = configProblem(name, definitionOf(name)!, text)
    if (problem !== null) return invalid(problem)
  }
  return null
}

/** `perBroker`: for one broker, not as the default of all. */
export function brokerRules(perBroker: boolean, layers: BrokerLayers): ConfigRules {
  const ofTable = lookUp(brokerConfigs)
  const definitionOf = (name: string) => ofTable(withoutListener(name))
  const below = perBroker ? layers.cluster : new Map<string, string>()
  return {
    definitionOf,
    inherited: (name) => below.get(name) ?? layers.static.get(name) ?? definitionOf(name)?.defaultText ?? null,
    notAList: (operation, name) => `Config value ${operation.toLowerCase()} is not allowed for config key: ${name}`,
    refuse: (next, set) =>
      refuseBrokerConfig(next, set, perBroker, definitionOf) ?? refuseCombination(next, perBroker, layers),
  }
}

function refuseBrokerConfig(
  next: ConfigTexts,
  set: ReadonlySet<string>,
  perBroker: boolean,
  definitionOf: (name: string) => ConfigDefinition | undefined,
): Refusal | null {
  const names = [...set].sort()
  const fixed = names.filter((name) => definitionOf(name)?.dynamic === 'no')
  if (fixed.length > 0) return badRequest(`Cannot update these configs dynamically: [${fixed.join(', ')}]`)
  const everywhere = names.filter((name) => LISTENER_ONLY.test(name))
  if (everywhere.length > 0) {
    const message = 'These security configs can be dynamically updated only per-listener using the listener prefix:'
    return badRequest(`${message} [${everywhere.join(', ')}]`)
  }
  const single = perBroker ? [] : names.filter((name) => definitionOf(name)?.dynamic === 'broker')
  if (single.length > 0) {
    const message = 'Cannot update these configs at default cluster level, broker id must be specified:'
    return badRequest(`${message} [${single.join(', ')}]`)
  }
  for (const name of names) {
    const definition = definitionOf(name)
    const problem = definition === undefined ? null : configProblem(name, definition, next.get(name)!)
    if (problem !== null) return badRequest(problem)
  }
  const unknown = [...next.keys()].filter((name) => definitionOf(name) === undefined).length
  if (unknown <= MAX_UNKNOWN_NAMES) return null
  return badRequest(`More than ${MAX_UNKNOWN_NAMES} configs of a broker whose names are not known`)
}

/** The broker must still be able to start with all its settings together. */
function refuseCombination(next: ConfigTexts, perBroker: boolean, layers: BrokerLayers): Refusal | null {
  const { broker, cluster } = perBroker ? { ...layers, broker: next } : { ...layers, cluster: next }
  try {
    brokerConfigFrom(new Map([...layers.static, ...cluster, ...broker]))
    return null
  } catch (error) {
    if (error instanceof ConfigError) return badRequest(error.message)
    throw error
  }
}

/** Bounds are the broker's own settings as they are now. */
export function groupRules(layers: BrokerLayers): ConfigRules {
  const definitionOf = lookUp(groupConfigs)
  return {
    definitionOf,
    inherited: (name) => explicitBrokerText(definitionOf(name)!, layers) ?? definitionOf(name)!.defaultText,
    notAList,
    refuse: (next) => refuseGroupConfig(next, layers),
  }
}

function refuseGroupConfig(texts: ConfigTexts, layers: BrokerLayers): Refusal | null {
  const refused = refuseValues(texts, lookUp(groupConfigs), 'group')
  if (refused !== null) return refused
  for (const [name, text] of texts) {
    const { min, max } = groupBounds[name] ?? {}
    if (min !== undefined && Number(text) < brokerNumber(min, layers)) {
      return invalid(`${name} must be greater than or equal to ${min}`)
    }
    if (max !== undefined && Number(text) > brokerNumber(max, layers)) {
      return invalid(`${name} must be less than or equal to ${max}`)
    }
  }
  for (const kind of ['consumer', 'share', 'streams']) {
    const heartbeat = `${kind}.heartbeat.interval.ms`
    const session = `${kind}.session.timeout.ms`
    if (groupNumber(session, texts, layers) <= groupNumber(heartbeat, texts, layers)) {
      return invalid(`${session} must be greater than ${heartbeat}`)
    }
  }
  return null
}

function brokerNumber(name: string, { broker, cluster, static: fixed }: BrokerLayers): number {
  const table: ConfigTable = brokerConfigs
  return Number(broker.get(name) ?? cluster.get(name) ?? fixed.get(name) ?? table[name]!.defaultText)
}

function groupNumber(name: string, texts: ConfigTexts, layers: BrokerLayers): number {
  return Number(texts.get(name) ?? brokerNumber(`group.${name}`, layers))
}

export const clientMetricsRules: ConfigRules = {
  // As in Kafka, which knows no lists here, neither takes APPEND and SUBTRACT.
  definitionOf: (name) => (name === 'interval.ms' ? clientMetricsConfigs[name] : undefined),
  inherited: () => null,
  notAList,
  refuse: (next) => refuseClientMetricsConfig(next),
}

function refuseClientMetricsConfig(texts: ConfigTexts): Refusal | null {
  for (const name of texts.keys()) {
    if (!Object.hasOwn(clientMetricsConfigs, name)) return badRequest(`Unknown client metrics configuration: ${name}`)
  }
  const interval = texts.get('interval.ms')
  if (interval !== undefined) {
    const problem = configProblem('interval.ms', clientMetricsConfigs['interval.ms'], interval)
    if (problem !== null) return invalid(problem)
    const value = Number(interval)
    if (value < MIN_INTERVAL_MS || value > MAX_INTERVAL_MS) {
      const allowed = `interval must be between ${MIN_INTERVAL_MS} and ${MAX_INTERVAL_MS} (1 hour)`
      return badRequest(`Invalid value ${interval} for interval.ms, ${allowed}`)
    }
  }
  const pattern = splitList(texts.get('match') ?? '').find((item) => !isSelector(item))
  return pattern === undefined ? null : invalid(`Illegal client matching pattern: ${pattern}`)
}

function isSelector(item: string): boolean {
  const [selector, pattern, more] = item.split('=').map((part) => part.trim())
  if (!selector || !pattern || more !== undefined || !clientSelectors.includes(selector)) return false
  try {
    new RegExp(pattern)
    return true
  } catch {
    return false
  }
}
