import type { Logger } from 'pino'
import type { Listener } from '../apis/context.ts'
import type { NetworkSurroundings, Origin } from '../io/network-surroundings.ts'

/** What names this machine for clients on it, and where nothing else is known. */
export const DEFAULT_ADVERTISED_HOST = 'localhost'
/** An address that is served by many names would fill the log. */
const MOST_LINES = 50

/** The two ends of a connection, without ports. */
export interface ConnectionEnds {
  readonly localAddress: string
  readonly remoteAddress: string
}

/**
 * Where a client that has reached a listener without an advertised host reaches it again. A client of this machine,
 * by a tunnel as well, and one that came through a published port have asked for `localhost`; any other has used the
 * address at which we see it arrive: that of the machine, or of the container for others in its network.
 */
export function hostReachedBy({ localAddress, remoteAddress }: ConnectionEnds, origin: Origin): string {
  return isLoopback(remoteAddress) || origin === 'gateway' ? DEFAULT_ADVERTISED_HOST : localAddress
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1'
}

/** Tells clients where to find the brokers, and whoever reads the log what clients are told. */
export class AdvertisedHosts {
  readonly #surroundings: NetworkSurroundings
  readonly #logger: Logger
  readonly #explained = new Set<string>()

  constructor(surroundings: NetworkSurroundings, logger: Logger) {
    this.#surroundings = surroundings
    this.#logger = logger
  }

  /** For a new connection: the listener's own host if it has one. */
  hostFor(listener: Listener, ends: ConnectionEnds): string {
    const origin = this.#surroundings.originOf(ends.remoteAddress)
    const host = listener.advertisedHost ?? hostReachedBy(ends, origin)
    this.#explain(listener, ends, host, origin)
    return host
  }

  /** Once for each way by which clients come. */
  #explain(
    { name, advertisedHost, advertisedPort }: Listener,
    ends: ConnectionEnds,
    host: string,
    origin: Origin,
  ): void {
    const { localAddress, remoteAddress } = ends
    // Nothing can be wrong with it, and the health check of a container comes this way for ever.
    if (advertisedHost === null && isLoopback(remoteAddress)) return
    const way = `${name} ${localAddress} ${host} ${origin}`
    if (this.#explained.has(way) || this.#explained.size >= MOST_LINES) return
    this.#explained.add(way)
    const told = hostAndPort(host, advertisedPort)
    const line = `a client from ${remoteAddress} has reached listener ${name} at ${localAddress}; clients that come this way are told to connect to ${told}`
    if (advertisedHost !== null) this.#logger.info(`${line}, as advertised.listeners says`)
    else if (origin !== 'far') this.#logger.info(line)
    else
      this.#logger.warn(
        `${line}. It is outside this container's networks and may not get there: ${howToSet(name, advertisedPort)}`,
      )
  }
}

export function hostAndPort(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

function howToSet(name: string, port: number): string {
  return `set KAFKA_ADVERTISED_LISTENERS=${name}://HOST:${port} with a host that it can reach`
}
