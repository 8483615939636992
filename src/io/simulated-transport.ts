import type { Clock } from './clock.ts'
import { type NetworkSurroundings, OPEN_NETWORK } from './network-surroundings.ts'
import type { Random } from './random.ts'
import { type LinkEnd, SimulatedLink, type SimulatedNetworkOptions } from './simulated-link.ts'
import type { Binding, ListenOptions, Socket, SocketHandler, Transport } from './transport.ts'

interface NetworkOptions extends SimulatedNetworkOptions {
  readonly surroundings: NetworkSurroundings
}

const DEFAULTS: NetworkOptions = {
  maxChunkBytes: 65536,
  maxDelayMs: 2,
  capacityBytes: 131072,
  dropOneIn: 0,
  lends: false,
  surroundings: OPEN_NETWORK,
}

const FIRST_FREE_PORT = 49152

interface Listening {
  readonly onSocket: (socket: Socket) => void
}

/** Connections in memory: everything happens in callbacks of the clock, in an order that the seed decides. */
export class SimulatedNetwork implements Transport {
  readonly surroundings: NetworkSurroundings
  readonly #clock: Clock
  readonly #random: Random
  readonly #options: NetworkOptions
  readonly #listening = new Map<number, Listening>()
  #nextPort = FIRST_FREE_PORT

  constructor(clock: Clock, random: Random, options: Partial<NetworkOptions> = {}) {
    this.#clock = clock
    this.#random = random
    this.#options = { ...DEFAULTS, ...options }
    this.surroundings = this.#options.surroundings
  }

  listen(options: ListenOptions, onSocket: (socket: Socket) => void): Promise<Binding> {
    const port = options.port === 0 ? this.#nextPort++ : options.port
    if (this.#listening.has(port)) return Promise.reject(systemError('EADDRINUSE', `listen on port ${port}`))
    this.#listening.set(port, { onSocket })
    return Promise.resolve({ host: options.host, port, close: () => void this.#listening.delete(port) })
  }

  /** The client's end of a new connection. Throws ECONNREFUSED when nobody listens. */
  connect(port: number, clientAddress = '127.0.0.1', serverAddress = '127.0.0.1'): Socket {
    const listening = this.#listening.get(port)
    if (listening === undefined) throw systemError('ECONNREFUSED', `connect to port ${port}`)
    const clientPort = this.#nextPort++
    const client = new SimulatedSocket(this.#clock, clientAddress, { remoteAddress: serverAddress, remotePort: port })
    const server = new SimulatedSocket(this.#clock, serverAddress, {
      remoteAddress: clientAddress,
      remotePort: clientPort,
    })
    const toServer = new SimulatedLink(this.#clock, this.#random, this.#options, server)
    const toClient = new SimulatedLink(this.#clock, this.#random, this.#options, client)
    client.join(server, toServer, toClient)
    server.join(client, toClient, toServer)
    this.#clock.schedule(0, () => listening.onSocket(server))
    return client
  }

  /** Breaks a connection as a pulled cable does, once noticed: both ends see ECONNRESET, what was under way is lost. */
  cut(socket: Socket): void {
    if (!(socket instanceof SimulatedSocket)) throw new TypeError('not a socket of this network')
    socket.breakConnection()
  }
}

function systemError(code: string, what: string): Error {
  return Object.assign(new Error(`${code}: ${what}`), { code })
}

class SimulatedSocket implements Socket, LinkEnd {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly #clock: Clock
  #peer!: SimulatedSocket
  #outgoing!: SimulatedLink
  #incoming!: SimulatedLink
  #handler: SocketHandler | null = null
  #paused = false
  #closed = false
  #closeError: Error | null = null

  constructor(clock: Clock, localAddress: string, peer: Pick<Socket, 'remoteAddress' | 'remotePort'>) {
    this.#clock = clock
    this.localAddress = localAddress
    this.remoteAddress = peer.remoteAddress
    this.remotePort = peer.remotePort
  }

  join(peer: SimulatedSocket, outgoing: SimulatedLink, incoming: SimulatedLink): void {
    this.#peer = peer
    this.#outgoing = outgoing
    this.#incoming = incoming
  }

  get reading(): SocketHandler | null {
    return this.#paused || this.#closed ? null : this.#handler
  }

  open(handler: SocketHandler): void {
    this.#handler = handler
    if (this.#closed) this.#clock.schedule(0, () => handler.onClosed(this.#closeError))
    else this.#incoming.wake()
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#incoming.wake()
  }

  write(chunks: readonly Buffer[], onWritten: () => void): void {
    this.#outgoing.send(chunks, onWritten)
  }

  end(): void {
    this.#outgoing.end()
  }

  destroy(): void {
    this.#close(null)
  }

  settle(): void {
    for (const end of [this, this.#peer]) {
      if (end.#outgoing.finished && end.#incoming.finished) end.#close(null)
    }
  }

  breakConnection(): void {
    for (const end of [this, this.#peer]) end.#close(systemError('ECONNRESET', 'connection broken'))
  }

  #close(error: Error | null): void {
    if (this.#closed) return
    this.#closed = true
    this.#closeError = error
    this.#outgoing.abandon()
    this.#incoming.discard()
    const handler = this.#handler
    if (handler !== null) this.#clock.schedule(0, () => handler.onClosed(error))
  }
}
