import type { NetworkSurroundings } from '../../src/io/network-surroundings.ts'
import type { SimulatedNetwork } from '../../src/io/simulated-transport.ts'
import type { Binding, ListenOptions, Socket, SocketHandler, Transport } from '../../src/io/transport.ts'

/** The sockets of one process: they end with it, and can be counted. */
export class ProcessTransport implements Transport {
  readonly #network: SimulatedNetwork
  readonly #bindings: Binding[] = []
  readonly #sockets = new Set<Socket>()
  readonly surroundings: NetworkSurroundings
  #dead = false

  constructor(network: SimulatedNetwork) {
    this.#network = network
    this.surroundings = network.surroundings
  }

  get openSockets(): number {
    return this.#sockets.size
  }

  async listen(options: ListenOptions, onSocket: (socket: Socket) => void): Promise<Binding> {
    const binding = await this.#network.listen(options, (socket) => {
      if (this.#dead) return socket.destroy()
      this.#sockets.add(socket)
      onSocket(this.#guarded(socket))
    })
    this.#bindings.push(binding)
    return binding
  }

  /** A killed process leaves its connections to the operating system, which closes them; a power cut breaks them. */
  kill(how: 'kill' | 'power'): void {
    this.#dead = true
    for (const binding of this.#bindings) binding.close()
    for (const socket of this.#sockets) {
      if (how === 'kill') socket.destroy()
      else this.#network.cut(socket)
    }
    this.#sockets.clear()
  }

  #guarded(socket: Socket): Socket {
    const alive = (run: () => void) => {
      if (!this.#dead) run()
    }
    return {
      remoteAddress: socket.remoteAddress,
      remotePort: socket.remotePort,
      localAddress: socket.localAddress,
      open: (handler) => socket.open(this.#guardedHandler(socket, handler)),
      pause: () => alive(() => socket.pause()),
      resume: () => alive(() => socket.resume()),
      write: (chunks, onWritten) => alive(() => socket.write(chunks, () => alive(onWritten))),
      end: () => alive(() => socket.end()),
      destroy: () => {
        this.#sockets.delete(socket)
        alive(() => socket.destroy())
      },
    }
  }

  #guardedHandler(socket: Socket, handler: SocketHandler): SocketHandler {
    return {
      readInto: () => (this.#dead ? null : handler.readInto()),
      onData: (chunk, lent) => {
        if (!this.#dead) handler.onData(chunk, lent)
      },
      onEnd: () => {
        if (!this.#dead) handler.onEnd()
      },
      onClosed: (error) => {
        this.#sockets.delete(socket)
        if (!this.#dead) handler.onClosed(error)
      },
    }
  }
}
