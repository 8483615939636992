import type { BrokerConfig } from './broker-config.ts'
import { ConfigError } from './config-error.ts'
import type { ListenerConfig } from './listener-config.ts'

const COUNT_SETTING = 'odradek.virtual.brokers'
const REPLICATION_SETTING = 'default.replication.factor'
/** As many replicas as clusters usually have. */
const USUAL_REPLICAS = 3

/**
 * One configuration for each broker that this process plays: ids count up from node.id and ports from those of the
 * listeners. Several brokers replicate topics unless the configuration says otherwise: a test of failover needs it.
 */
export function virtualBrokerConfigs(config: BrokerConfig): readonly BrokerConfig[] {
  const count = config[COUNT_SETTING]
  if (count === 1) return [config]
  refuseMeetingPorts(config.brokerListeners, count)
  const replicas = config.texts.has(REPLICATION_SETTING) ? config[REPLICATION_SETTING] : Math.min(USUAL_REPLICAS, count)
  return Array.from({ length: count }, (_, index) => {
    const id = config['node.id'] + index
    const brokerListeners = config.brokerListeners.map((listener) => shifted(listener, index))
    const listeners = brokerListeners.map(({ name, host, port }) => `${name}://${host ?? ''}:${port}`)
    const texts = new Map(config.texts)
    texts.set('node.id', String(id)).set('listeners', listeners.join(',')).set(REPLICATION_SETTING, String(replicas))
    texts.delete('broker.id')
    const numbers = { 'node.id': id, 'broker.id': id, [REPLICATION_SETTING]: replicas }
    return Object.freeze({ ...config, ...numbers, listeners, texts, brokerListeners })
  })
}

function shifted(listener: ListenerConfig, index: number): ListenerConfig {
  const { port, advertisedPort } = listener
  return {
    ...listener,
    port: port === 0 ? 0 : port + index,
    advertisedPort: advertisedPort === null ? null : advertisedPort + index,
  }
}

function refuseMeetingPorts(listeners: readonly ListenerConfig[], count: number): void {
  const fixed = listeners.filter(({ port }) => port !== 0)
  for (const { name, port } of fixed) {
    const last = port + count - 1
    const met = fixed.find((other) => other.port > port && other.port <= last)
    if (met === undefined && last <= 65535) continue
    const problem = met === undefined ? 'the highest port is 65535' : `${met.name} begins at ${met.port}`
    throw new ConfigError(
      'listeners',
      `listeners: ${count} brokers (${COUNT_SETTING}) take the ports ${port} to ${last} for ${name}, but ${problem}`,
    )
  }
}
