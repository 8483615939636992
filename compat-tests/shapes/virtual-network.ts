import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'

/** The container's address on the network of its compose file. */
export const CONTAINER_ADDRESS = '172.18.0.2'
export const GATEWAY_ADDRESS = '172.18.0.1'
const NEIGHBOUR_ADDRESS = '172.18.0.3'

/** Who connects: the machine that runs the containers, another container, or a process in the broker's own. */
export const STANDPOINTS = ['host', 'network', 'own'] as const
export type Standpoint = (typeof STANDPOINTS)[number]

/** What the broker's end of a connection says of both ends, by who connected. A published port comes in by the gateway. */
export const SEEN_BY_BROKER: Readonly<Record<Standpoint, { readonly local: string; readonly remote: string }>> = {
  host: { local: CONTAINER_ADDRESS, remote: GATEWAY_ADDRESS },
  network: { local: CONTAINER_ADDRESS, remote: NEIGHBOUR_ADDRESS },
  own: { local: '127.0.0.1', remote: '127.0.0.1' },
}

/**
 * The network of one compose file without Docker: the broker listens on free loopback ports, one for each standpoint,
 * and leaves behind which they are; whoever connects asks here where a name and a port lead from where it stands.
 */
export interface VirtualNetwork {
  /** Holds one file for each port the broker listens on. */
  readonly folder: string
  /** Names of the broker's container. */
  readonly names: readonly string[]
  /** Ports of the container by the port of the host. */
  readonly published: readonly (readonly [host: number, container: number])[]
}

/** Where a listener is bound, and the real port for each standpoint. */
export interface ListeningPort {
  readonly scope: 'everywhere' | 'loopback' | 'address'
  readonly ports: Readonly<Record<Standpoint, number>>
}

const LOOPBACK = ['localhost', '127.0.0.1', '::1']
const EVERYWHERE = ['', '0.0.0.0', '::']

export function listeningFile({ folder }: VirtualNetwork, port: number): string {
  return path.join(folder, `${port}.json`)
}

/** Where in the container a listener is bound; null for a name that is not the container's. */
export function scopeOf(network: VirtualNetwork, host: string): ListeningPort['scope'] | null {
  if (EVERYWHERE.includes(host)) return 'everywhere'
  if (LOOPBACK.includes(host)) return 'loopback'
  return host === CONTAINER_ADDRESS || network.names.includes(host) ? 'address' : null
}

/** The real loopback port behind a name and a port, or the error that a client there would get. */
export function reach(
  network: VirtualNetwork,
  from: Standpoint,
  host: string,
  port: number,
): number | 'ENOTFOUND' | 'ECONNREFUSED' {
  const isLoopback = LOOPBACK.includes(host)
  const isNamed = host === CONTAINER_ADDRESS || network.names.includes(host)
  if (from === 'host' ? !isLoopback : !isNamed && !(isLoopback || EVERYWHERE.includes(host))) return 'ENOTFOUND'
  // What is localhost to a neighbour is the neighbour.
  if (from === 'network' && !isNamed) return 'ECONNREFUSED'
  const target = from === 'host' ? network.published.find(([outside]) => outside === port)?.[1] : port
  if (target === undefined) return 'ECONNREFUSED'
  const file = listeningFile(network, target)
  if (!existsSync(file)) return 'ECONNREFUSED'
  const { scope, ports } = JSON.parse(readFileSync(file, 'utf8')) as ListeningPort
  const isServed = scope === 'everywhere' || (scope === 'loopback') === (from === 'own' && isLoopback)
  return isServed ? ports[from] : 'ECONNREFUSED'
}
