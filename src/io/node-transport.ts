import { createServer, type Socket as NetSocket, type Server } from 'node:net'
import type { Binding, ListenOptions, Socket, SocketHandler, Transport } from './transport.ts'

/** TCP through Node's own streams: a fresh buffer per read. */
export class NodeTransport implements Transport {
  listen(
    options: ListenOptions,
    onSocket: (socket: Socket) => void,
    onError: (error: Error) => void,
  ): Promise<Binding> {
    const server = createServer(SERVER_OPTIONS, (socket) => {
      const accepted = accept(socket)
      if (accepted) onSocket(accepted)
    })
    return bind(server, options, onError)
  }
}

const SERVER_OPTIONS = { allowHalfOpen: true, pauseOnConnect: true, noDelay: true, keepAlive: true }

function bind(server: Server, options: ListenOptions, onError: (error: Error) => void): Promise<Binding> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: options.host, port: options.port, backlog: options.backlog }, () => {
      server.removeListener('error', reject)
      server.on('error', onError)
      const address = server.address()
      if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port')
      resolve({ host: address.address, port: address.port, close: () => server.close() })
    })
  })
}

/** Null for a peer that is gone already: it has no address any more. */
function accept(socket: NetSocket): Socket | null {
  const { remoteAddress, remotePort } = socket
  if (remoteAddress !== undefined && remotePort !== undefined) {
    return new NodeSocket(socket, plainAddress(remoteAddress), remotePort)
  }
  socket.on('error', () => {})
  socket.destroy()
  return null
}

/** `::ffff:10.0.0.1`, as a socket bound to `::` reports an IPv4 peer, is 10.0.0.1 to quotas, ACLs and readers of logs. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}

/** A TCP connection of either side. */
export class NodeSocket implements Socket {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly #socket: NetSocket
  #error: Error | null = null

  constructor(socket: NetSocket, remoteAddress: string, remotePort: number) {
    this.#socket = socket
    this.remoteAddress = remoteAddress
    this.remotePort = remotePort
    socket.on('error', (error) => {
      this.#error = error
    })
  }

  open(handler: SocketHandler): void {
    this.#socket.on('data', (chunk) => handler.onData(chunk, false))
    this.#socket.on('end', () => handler.onEnd())
    this.#socket.on('close', () => handler.onClosed(this.#error))
    this.#socket.resume()
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
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
