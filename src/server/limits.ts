import type { BrokerConfig } from '../config/broker-config.ts'
import { ConfigError } from '../config/config-error.ts'

/** What one peer, and all of them together, may ask of the server. */
export interface ServerLimits {
  /** socket.request.max.bytes */
  readonly maxRequestBytes: number
  /** max.connections */
  readonly maxConnections: number
  /** max.connections.per.ip */
  readonly maxConnectionsPerIp: number
  /** max.connections.per.ip.overrides, by address */
  readonly maxConnectionsPerIpOverrides: ReadonlyMap<string, number>
  /** connections.max.idle.ms; negative: never */
  readonly connectionsMaxIdleMs: number
  /**
   * socket.listen.backlog.size. Kafka's 50 makes a thousand clients that start together wait a second for their SYN
   * to be sent again: ours is larger unless it is set.
   */
  readonly backlog: number
  /** Memory of the requests of all connections together; queued.max.request.bytes when that is set. */
  readonly requestMemoryBytes: number
  /** One connection's requests in progress: above either, no more is read from it. */
  readonly connectionRequests: number
  readonly connectionRequestBytes: number
  /** Replies of one connection that the peer has not read: above, nothing more is read or done for it. */
  readonly connectionReplyBytes: number
}

export const DEFAULT_LIMITS: ServerLimits = {
  maxRequestBytes: 104_857_600,
  maxConnections: 2 ** 31 - 1,
  maxConnectionsPerIp: 2 ** 31 - 1,
  maxConnectionsPerIpOverrides: new Map(),
  connectionsMaxIdleMs: 600_000,
  backlog: 1024,
  requestMemoryBytes: 33_554_432,
  connectionRequests: 512,
  connectionRequestBytes: 8_388_608,
  connectionReplyBytes: 1_048_576,
}

/** The limits that Kafka's settings name; the rest are our own and stay at their defaults. */
export function limitsOf(config: BrokerConfig): Partial<ServerLimits> {
  const queuedBytes = config['queued.max.request.bytes']
  return {
    maxRequestBytes: config['socket.request.max.bytes'],
    maxConnections: config['max.connections'],
    maxConnectionsPerIp: config['max.connections.per.ip'],
    maxConnectionsPerIpOverrides: overridesOf(config['max.connections.per.ip.overrides']),
    connectionsMaxIdleMs: config['connections.max.idle.ms'],
    ...(config.texts.has(BACKLOG) ? { backlog: config[BACKLOG] } : {}),
    ...(queuedBytes > 0 ? { requestMemoryBytes: queuedBytes } : {}),
  }
}

const BACKLOG = 'socket.listen.backlog.size'

/** `10.0.0.1:100,10.0.0.2:50` */
function overridesOf(text: string): Map<string, number> {
  const items = text.split(',').filter((item) => item.trim() !== '')
  return new Map(
    items.map((item) => {
      const at = item.lastIndexOf(':')
      const most = Number(item.slice(at + 1))
      if (at < 1 || !Number.isInteger(most) || most < 0) {
        const name = 'max.connections.per.ip.overrides'
        throw new ConfigError(name, `${name}: ${item} is not of the form address:count`)
      }
      return [item.slice(0, at).trim(), most]
    }),
  )
}
