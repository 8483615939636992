import { connect } from 'node:net'
import { codecOf } from '../../protocol/codec/codec.ts'
import { decodeResponseHeader, encodeRequestHeader } from '../../protocol/codec/header.ts'
import { Reader } from '../../protocol/codec/reader.ts'
import type { Api, DecodedResponseOf, RequestInputOf } from '../../protocol/codec/schema.ts'
import { Writer } from '../../protocol/codec/writer.ts'
import { NodeSocket } from '../../src/io/node-transport.ts'
import type { SimulatedNetwork } from '../../src/io/simulated-transport.ts'
import type { Socket } from '../../src/io/transport.ts'

export interface WireClientOptions {
  readonly clientId?: string | null
  /** Connects in memory instead of over TCP. */
  readonly network?: SimulatedNetwork
  /** Address the server sees; only in memory. */
  readonly clientAddress?: string
}

interface Expected {
  readonly resolve: (frame: Buffer) => void
  readonly reject: (error: Error) => void
}

/**
 * A Kafka client for tests: speaks any API in any version, and raw bytes where a test wants to misbehave. Replies are
 * taken in the order of the requests, as all clients do, and their correlation ids are checked.
 *
 *     const client = await WireClient.connect(port)
 *     const answer = await client.send(Metadata, 12, { topics: null })
 */
export class WireClient {
  clientId: string | null
  /** All bytes the server sent, joined on demand. */
  receivedBytes = 0
  /** Chunks as they came, while `recording`. */
  recording = false
  readonly chunks: Buffer[] = []
  /** Resolves when the connection is gone: null in good order, else the reason. */
  readonly closed: Promise<Error | null>
  /** The server ended its direction, or the connection is gone. */
  hasEnded = false
  readonly socket: Socket
  #nextCorrelationId = 1
  #frames: Buffer[] = []
  #expected: Expected[] = []
  #partial: Buffer[] = []
  #partialBytes = 0
  /** Bytes until there is something to decide: a size, then a whole frame. */
  #neededBytes = 4

  static async connect(port: number, options: WireClientOptions = {}): Promise<WireClient> {
    const socket = options.network ? options.network.connect(port, options.clientAddress) : await connectTcp(port)
    return new WireClient(socket, options.clientId === undefined ? 'test' : options.clientId)
  }

  constructor(socket: Socket, clientId: string | null) {
    this.socket = socket
    this.clientId = clientId
    this.closed = new Promise((resolve) => {
      socket.open({
        onData: (chunk, lent) => this.#onData(lent ? Buffer.from(chunk) : chunk),
        readInto: () => null,
        onEnd: () => {
          this.#onEnd(new Error('the server ended the connection'))
          socket.end()
        },
        onClosed: (error) => {
          this.#onEnd(error ?? new Error('the connection is closed'))
          resolve(error)
        },
      })
    })
  }

  /** Sends a request and gives its decoded response; rejects when the connection ends first. */
  async send<A extends Api>(api: A, version: number, request: RequestInputOf<A>): Promise<DecodedResponseOf<A>> {
    const correlationId = this.post(api, version, request)
    const frame = await this.nextFrame()
    return decodeReply(api, version, frame, correlationId)
  }

  /** Sends a request that nobody waits for; returns its correlation id. */
  post<A extends Api>(api: A, version: number, request: RequestInputOf<A>): number {
    const correlationId = this.#nextCorrelationId++
    this.sendBytes(encodeRequest(api, version, request, correlationId, this.clientId))
    return correlationId
  }

  /** Sends a frame's size and then its payload. */
  sendFrame(payload: Buffer): void {
    const size = Buffer.alloc(4)
    size.writeInt32BE(payload.length)
    this.sendBytes(Buffer.concat([size, payload]))
  }

  sendBytes(bytes: Buffer): void {
    this.socket.write([bytes], () => {})
  }

  /** The next reply, without its size. */
  nextFrame(): Promise<Buffer> {
    const frame = this.#frames.shift()
    if (frame !== undefined) return Promise.resolve(frame)
    if (this.hasEnded) return Promise.reject(new Error('the connection has ended'))
    return new Promise((resolve, reject) => this.#expected.push({ resolve, reject }))
  }

  /** Reads no more: the server's writes pile up. */
  pause(): void {
    this.socket.pause()
  }

  resume(): void {
    this.socket.resume()
  }

  /** Closes and waits until it is. */
  async close(): Promise<void> {
    this.socket.destroy()
    await this.closed
  }

  #onData(chunk: Buffer): void {
    this.receivedBytes += chunk.length
    if (this.recording) this.chunks.push(chunk)
    this.#partial.push(chunk)
    this.#partialBytes += chunk.length
    while (this.#partialBytes >= this.#neededBytes) {
      const all = this.#partial.length === 1 ? this.#partial[0]! : Buffer.concat(this.#partial)
      this.#partial = [all]
      this.#neededBytes = 4
      if (all.length < 4) return
      const end = all.readInt32BE(0) + 4
      this.#neededBytes = end
      if (all.length < end) return
      this.#partial = all.length === end ? [] : [all.subarray(end)]
      this.#partialBytes -= end
      this.#neededBytes = 4
      this.#onFrame(all.subarray(4, end))
    }
  }

  #onFrame(frame: Buffer): void {
    const expected = this.#expected.shift()
    if (expected) expected.resolve(frame)
    else this.#frames.push(frame)
  }

  #onEnd(error: Error): void {
    this.hasEnded = true
    const expected = this.#expected
    this.#expected = []
    for (const { reject } of expected) reject(error)
  }
}

/** The whole frame of a request, its size included. */
export function encodeRequest<A extends Api>(
  api: A,
  version: number,
  request: RequestInputOf<A>,
  correlationId: number,
  clientId: string | null,
): Buffer {
  const writer = new Writer()
  writer.int32(0)
  encodeRequestHeader(writer, api, version, correlationId, clientId)
  codecOf(api.request, version).encode(writer, request)
  writer.patchInt32(0, writer.size - 4)
  return writer.bytes()
}

/** A reply without its size. Throws when it answers another request or has bytes left over. */
export function decodeReply<A extends Api>(
  api: A,
  version: number,
  frame: Buffer,
  correlationId: number,
): DecodedResponseOf<A> {
  const reader = new Reader(frame)
  const answered = decodeResponseHeader(reader, api, version)
  if (answered !== correlationId) throw new Error(`a reply to request ${answered}, not to ${correlationId}`)
  const response = codecOf(api.response, version).decode(reader) as DecodedResponseOf<A>
  if (reader.remaining > 0) throw new Error(`${reader.remaining} bytes after a ${api.name} response`)
  return response
}

function connectTcp(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true })
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.removeListener('error', reject)
      resolve(new NodeSocket(socket, { remoteAddress: '127.0.0.1', remotePort: port, localAddress: '127.0.0.1' }))
    })
  })
}
