import { createServer, type Socket as NetSocket, type Server } from 'node:net'
import { nodeNetworkSurroundings } from './node-network-surroundings.ts'
import { type DirectReads, moveToReusedBuffer } from './reused-read-buffer.ts'
import type { Binding, ListenOptions, Socket, SocketHandler, Transport } from './transport.ts'

export interface NodeTransportOptions {
  /** Read to one buffer of ours; else, and where Node does not allow it, to a fresh one per read. */
  readonly reuseReadBuffer: boolean
}

/** TCP through Node's own streams. */
export class NodeTransport implements Transport {
  readonly surroundings = nodeNetworkSurroundings()
  readonly #options: NodeTransportOptions

  constructor(options: NodeTransportOptions = { reuseReadBuffer: true }) {
    this.#options = options
  }

  listen(
    options: ListenOptions,
    onSocket: (socket: Socket) => void,
    onError: (error: Error) => void,
  ): Promise<Binding> {
    const server = createServer(SERVER_OPTIONS, (socket) => {
      const accepted = accept(socket, this.#options)
      if (accepted) onSocket(accepted)
    })
    return bind(server, options, onError)
  }
}

const SERVER_OPTIONS = { allowHalfOpen: true, pauseOnConnect: true, noDelay: true, keepAlive: true }

function bind(server: Server, options: ListenOptions, onError: (error: Error) => void): Promise<Binding> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    // Without a host Node falls back to IPv4 where there is no IPv6, and asks no resolver: 5 ms of every start.
    const place = options.host === '::' ? {} : { host: options.host }
    server.listen({ ...place, port: options.port, backlog: options.backlog }, () => {
      server.removeListener('error', reject)
      server.on('error', onError)
      const address = server.address()
      if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port')
      resolve({ host: address.address, port: address.port, close: () => server.close() })
    })
  })
}

/** Null for a peer that is gone already: it has no address any more. */
function accept(socket: NetSocket, { reuseReadBuffer }: NodeTransportOptions): Socket | null {
  const { remoteAddress, remotePort, localAddress } = socket
  if (remoteAddress === undefined || remotePort === undefined || localAddress === undefined) {
    socket.on('error', () => {})
    socket.destroy()
    return null
  }
  const moved = reuseReadBuffer ? moveToReusedBuffer(socket) : null
  const ends = { remoteAddress: plainAddress(remoteAddress), remotePort, localAddress: plainAddress(localAddress) }
  return new NodeSocket(moved?.socket ?? socket, ends, moved?.reads)
}

/** `::ffff:10.0.0.1`, as a socket bound to `::` reports an IPv4 peer, is 10.0.0.1 to quotas, ACLs and readers of logs. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}

type SocketEnds = Pick<Socket, 'remoteAddress' | 'remotePort' | 'localAddress'>

/** A TCP connection of either side. */
export class NodeSocket implements Socket {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly #socket: NetSocket
  readonly #reads: DirectReads | null
  #error: Error | null = null

  constructor(socket: NetSocket, ends: SocketEnds, reads: DirectReads | null = null) {
    this.#socket = socket
    this.#reads = reads
    this.remoteAddress = ends.remoteAddress
    this.remotePort = ends.remotePort
    this.localAddress = ends.localAddress
    socket.on('error', (error) => {
      this.#error = error
    })
  }

  open(handler: SocketHandler): void {
    if (this.#reads !== null) this.#reads.handler = handler
    else this.#socket.on('data', (chunk) => handler.onData(chunk, false))
    this.#socket.on('end', () => handler.onEnd())
    this.#socket.on('close', () => handler.onClosed(this.#error))
    this.resume()
  }

  pause(): void {
    if (this.#reads !== null) this.#reads.stop()
    else this.#socket.pause()
  }

  resume(): void {
    if (this.#reads !== null) this.#reads.start()
    else this.#socket.resume()
  }

  write(chunks: readonly Buffer[], onWritten: () => void): void {
    const last = chunks.length - 1
    if (last === 0) {
      this.#socket.write(chunks[0]!, onWritten)
      return
    }
    this.#socket.cork()
    for (let at = 0; at < last; at++) this.#socket.write(chunks[at]!)
    this.#socket.write(chunks[last]!, onWritten)
    this.#socket.uncork()
  }

  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }
}
