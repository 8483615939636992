import type { Logger } from 'pino'
import type { ApiEntry } from '../apis/api-entry.ts'
import type { Listener } from '../apis/context.ts'
import type { Broker } from '../broker/broker.ts'
import type { EventFields } from '../broker/broker-events.ts'
import type { Clock, Timer } from '../io/clock.ts'
import type { Binding, Socket, Transport } from '../io/transport.ts'
import { AdvertisedHosts, DEFAULT_ADVERTISED_HOST, hostAndPort } from './advertised-host.ts'
import { Connection, type ConnectionHost } from './connection.ts'
import { Dispatcher, describeFrame } from './dispatch.ts'
import { LimitedLog } from './limited-log.ts'
import { DEFAULT_LIMITS, type ServerLimits } from './limits.ts'
import { RequestMemory } from './request-memory.ts'

/** A frame that gets no bytes for so long is given up when others wait for its memory. */
const STALLED_FRAME_MS = 10_000
const SHORTEST_REAP_MS = 100
const LONGEST_REAP_MS = 5_000
/** What is not answered by then is cut off: SIGTERM to exit takes less than a second. */
const DEFAULT_GRACE_MS = 500

export interface ServerOptions {
  readonly transport: Transport
  readonly clock: Clock
  readonly logger: Logger
  readonly broker: Broker
  /** By API key. */
  readonly apis: ReadonlyMap<number, ApiEntry>
  readonly limits?: Partial<ServerLimits>
}

export interface ListenerOptions {
  readonly name: string
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** Null for the host at which a client has reached it. */
  readonly advertisedHost: string | null
  /** The bound port when left out. */
  readonly advertisedPort?: number
}

export interface BoundListener extends Listener {
  readonly host: string
  readonly port: number
  /** `host:port` for clients of this machine. */
  readonly address: string
}

/** The broker's sockets: accepts, counts, reaps the idle and closes in good order. What a request means is not its business. */
export class Server {
  readonly limits: ServerLimits
  readonly memory: RequestMemory
  readonly #transport: Transport
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #broker: Broker
  readonly #dispatcher: Dispatcher
  readonly #advertisedHosts: AdvertisedHosts
  readonly #host: ConnectionHost
  readonly #bindings: Binding[] = []
  readonly #connections = new Set<Connection>()
  readonly #connectionsByIp = new Map<string, number>()
  #nextId = 1
  #reaper: Timer | null = null
  #closing: Promise<void> | null = null
  #paused = false
  #onEmpty: (() => void) | null = null

  constructor({ transport, clock, logger, broker, apis, limits }: ServerOptions) {
    this.limits = { ...DEFAULT_LIMITS, ...limits }
    this.memory = new RequestMemory(this.limits.requestMemoryBytes)
    this.#transport = transport
    this.#clock = clock
    this.#logger = logger
    this.#broker = broker
    const dispatcher = new Dispatcher(apis, broker, clock, logger)
    this.#dispatcher = dispatcher
    this.#advertisedHosts = new AdvertisedHosts(transport.surroundings, logger)
    this.#host = {
      clock,
      logger,
      log: new LimitedLog(logger, clock),
      limits: this.limits,
      memory: this.memory,
      dispatch: (connection, intake) => dispatcher.dispatch(connection, intake),
      holdsBack: (apiKey) => dispatcher.holdsBack(apiKey),
      describe: (frame) => describeFrame(frame, apis),
      onConnectionClosed: (connection, error) => this.#remove(connection, error),
    }
  }

  get connectionCount(): number {
    return this.#connections.size
  }

  /** Accepts from now on: everything that requests need is ready. Fails as Node does (EADDRINUSE, EACCES …). */
  async listen({ name, host, port, advertisedHost, advertisedPort }: ListenerOptions): Promise<BoundListener> {
    let listener: Listener | null = null
    const binding = await this.#transport.listen(
      { host, port, backlog: this.limits.backlog },
      (socket) => this.#accept(listener!, socket),
      (error) => this.#logger.error({ err: error, listener: name }, 'accepting connections failed'),
    )
    listener = { name, advertisedHost, advertisedPort: advertisedPort ?? binding.port }
    this.#bindings.push(binding)
    this.#reaper ??= this.#scheduleReaper()
    const address = hostAndPort(listener.advertisedHost ?? DEFAULT_ADVERTISED_HOST, listener.advertisedPort)
    return { ...listener, host: binding.host, port: binding.port, address }
  }

  /**
   * Stops accepting and reading, answers what is in progress, closes. `completeParked` runs once nothing new can
   * arrive: it answers what waits for data or members. What is unanswered after graceMs is cut.
   */
  close(completeParked: () => void = () => {}, graceMs = DEFAULT_GRACE_MS): Promise<void> {
    this.#closing ??= this.#close(completeParked, graceMs)
    return this.#closing
  }

  async #close(completeParked: () => void, graceMs: number): Promise<void> {
    this.#reaper?.cancel()
    for (const binding of this.#bindings) binding.close()
    for (const connection of this.#connections) connection.drain()
    this.#dispatcher.hurry()
    completeParked()
    if (this.#connections.size === 0) return
    const cut = this.#clock.schedule(graceMs, () => {
      for (const connection of this.#connections) connection.destroy()
    })
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve
    })
    cut.cancel()
  }

  /** Stands still, as a process that was stopped: connections are taken by the system and nobody is answered. */
  pause(): void {
    this.#paused = true
    for (const connection of this.#connections) connection.hold()
  }

  resume(): void {
    this.#paused = false
    for (const connection of this.#connections) connection.letGo()
  }

  /** Ends as a killed process does: nobody is answered. */
  abort(): void {
    this.#closing ??= Promise.resolve()
    this.#reaper?.cancel()
    for (const binding of this.#bindings) binding.close()
    this.#dispatcher.drop()
    for (const connection of this.#connections) connection.destroy()
  }

  #accept(listener: Listener, socket: Socket): void {
    const refusal = this.#closing ? 'the broker is shutting down' : this.#tooMany(socket.remoteAddress)
    if (refusal !== null) {
      const peer = `${socket.remoteAddress}:${socket.remotePort}`
      this.#host.log.warn('limit', { peer, listener: listener.name, reason: refusal }, 'refusing a connection')
      socket.destroy()
      return
    }
    const advertisedHost = this.#advertisedHosts.hostFor(listener, socket)
    const connection = new Connection(this.#nextId++, listener, advertisedHost, socket, this.#host)
    const { clientAddress } = connection
    this.#connections.add(connection)
    this.#connectionsByIp.set(clientAddress, (this.#connectionsByIp.get(clientAddress) ?? 0) + 1)
    if (this.#broker.events.has('connect')) this.#broker.events.emit('connect', this.#broker, peerOf(connection))
    connection.open()
    if (this.#paused) connection.hold()
  }

  #tooMany(address: string): string | null {
    const { maxConnections, maxConnectionsPerIp, maxConnectionsPerIpOverrides } = this.limits
    if (this.#connections.size >= maxConnections) return `max.connections (${maxConnections}) is reached`
    const most = maxConnectionsPerIpOverrides.get(address) ?? maxConnectionsPerIp
    if ((this.#connectionsByIp.get(address) ?? 0) < most) return null
    return `max.connections.per.ip (${most}) is reached`
  }

  #remove(connection: Connection, error: Error | null): void {
    this.#connections.delete(connection)
    const { clientAddress } = connection
    const left = this.#connectionsByIp.get(clientAddress)! - 1
    if (left === 0) this.#connectionsByIp.delete(clientAddress)
    else this.#connectionsByIp.set(clientAddress, left)
    const { events } = this.#broker
    if (events.has('disconnect')) events.emit('disconnect', this.#broker, { ...peerOf(connection), error })
    // A reset is how many clients say goodbye.
    if (error !== null) this.#logger.debug({ err: error, peer: connection.peer }, 'a connection broke')
    if (this.#connections.size === 0) this.#onEmpty?.()
  }

  #scheduleReaper(): Timer {
    const { connectionsMaxIdleMs } = this.limits
    const idleCheckMs = connectionsMaxIdleMs < 0 ? LONGEST_REAP_MS : connectionsMaxIdleMs / 4
    const delayMs = Math.min(LONGEST_REAP_MS, Math.max(SHORTEST_REAP_MS, idleCheckMs))
    return this.#clock.schedule(delayMs, () => {
      this.#reap()
      this.#reaper = this.#scheduleReaper()
    })
  }

  #reap(): void {
    if (this.#paused) return
    const nowMs = this.#clock.monotonicMs()
    const { connectionsMaxIdleMs } = this.limits
    const memoryIsShort = this.memory.hasWaiting
    for (const connection of this.#connections) {
      const idleMs = nowMs - connection.lastActiveMs
      if (memoryIsShort && !connection.closed && connection.awaitsRest && idleMs >= STALLED_FRAME_MS) {
        const fields = { peer: connection.peer, reason: 'a request stopped half-way while others wait for memory' }
        this.#host.log.warn('stalled', fields, 'closing a connection')
        connection.destroy()
      } else if (connectionsMaxIdleMs >= 0 && idleMs >= connectionsMaxIdleMs && !connection.busy) {
        this.#logger.debug({ peer: connection.peer, idleMs }, 'closing an idle connection')
        connection.destroy()
      }
    }
  }
}

function peerOf({ id, listener, clientAddress }: Connection): EventFields<'connect'> {
  return { connectionId: id, listener: listener.name, clientAddress }
}
