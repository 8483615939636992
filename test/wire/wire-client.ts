import { connect, type Socket } from 'node:net'
import { type Codec, codecOf } from '../../protocol/codec/codec.ts'
import { decodeResponseHeader, encodeRequestHeader, encodeResponseHeader } from '../../protocol/codec/header.ts'
import { Reader } from '../../protocol/codec/reader.ts'
import type { Api, Fields, InputOf, Message, ValueOf } from '../../protocol/codec/schema.ts'
import { Writer } from '../../protocol/codec/writer.ts'
import { presentFields } from './present-fields.ts'

/** Longer than the broker ever parks a request in these cases. */
const PATIENCE_MS = 30_000

export interface RequestOptions {
  readonly correlationId?: number
  readonly clientId?: string | null
}

interface Waiter {
  readonly what: string
  readonly answer: (frame: Buffer) => void
  readonly fail: (error: Error) => void
}

/** The connection ended although an answer was due. */
export class ConnectionClosed extends Error {
  override readonly name = 'ConnectionClosed'
}

/** One raw connection: sends what it is told to, legal or not, and takes answers strictly in order. */
export class WireClient {
  readonly #socket: Socket
  readonly #waiters: Waiter[] = []
  readonly #clientId: string | null
  #received: Buffer = Buffer.alloc(0)
  #stray: Buffer[] = []
  #nextCorrelationId = 1
  #isClosed = false
  readonly #closed: Promise<void>

  private constructor(socket: Socket, clientId: string | null) {
    this.#socket = socket
    this.#clientId = clientId
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#onData(chunk))
    // A reset is one way to close; what matters is that the connection is gone.
    socket.on('error', () => socket.destroy())
    this.#closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#isClosed = true
        for (const { what, fail } of this.#waiters.splice(0)) fail(new ConnectionClosed(`closed before ${what}`))
        resolve()
      })
    })
  }

  static open(host: string, port: number, clientId: string | null): Promise<WireClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new WireClient(socket, clientId))
      })
    })
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Frames that no request asked for. */
  get strayFrames(): number {
    return this.#stray.length
  }

  close(): void {
    this.#socket.destroy()
  }

  /** Ends our direction only. */
  endWriting(): void {
    this.#socket.end()
  }

  /** Resolves when the broker has closed the connection; rejects when it does not. */
  async closedByBroker(): Promise<void> {
    await within(PATIENCE_MS, this.#closed, 'the broker to close the connection')
  }

  /** Sends one request and decodes its answer. */
  async call<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    version: number,
    request: InputOf<Q>,
    options: RequestOptions = {},
  ): Promise<ValueOf<S>> {
    const correlationId = options.correlationId ?? this.#nextCorrelationId++
    this.write(frameOf(this.requestBytes(api, version, request, { ...options, correlationId })))
    const answer = await this.nextFrame(`the answer to ${api.name} v${version}`)
    return decodeAnswer(api, version, correlationId, answer)
  }

  /** Header and body, without the frame's size. Fields that the version lacks are left out. */
  requestBytes<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    version: number,
    request: InputOf<Q>,
    options: RequestOptions = {},
  ): Buffer {
    const writer = new Writer()
    const clientId = options.clientId === undefined ? this.#clientId : options.clientId
    encodeRequestHeader(writer, api as unknown as Api, version, options.correlationId ?? 0, clientId)
    const codec = codecOf(api.request as unknown as Message, version) as Codec<unknown, unknown>
    codec.encode(writer, presentFields(api.request as unknown as Message, version, request))
    return writer.bytes()
  }

  /** Sends bytes as they are. */
  write(bytes: Buffer): void {
    this.#socket.write(bytes)
  }

  /** The payload of the next frame that nobody else waits for. */
  nextFrame(what: string): Promise<Buffer> {
    const answer = new Promise<Buffer>((resolve, reject) => {
      const early = this.#stray.shift()
      if (early) resolve(early)
      else if (this.#isClosed) reject(new ConnectionClosed(`closed before ${what}`))
      else this.#waiters.push({ what, answer: resolve, fail: reject })
    })
    return within(PATIENCE_MS, answer, what)
  }

  #onData(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk])
    while (this.#received.length >= 4) {
      const size = this.#received.readInt32BE(0)
      if (this.#received.length < 4 + size) return
      const frame = this.#received.subarray(4, 4 + size)
      this.#received = this.#received.subarray(4 + size)
      const waiter = this.#waiters.shift()
      if (waiter) waiter.answer(frame)
      else this.#stray.push(frame)
    }
  }
}

export function frameOf(payload: Buffer): Buffer {
  const size = Buffer.alloc(4)
  size.writeInt32BE(payload.length)
  return Buffer.concat([size, payload])
}

/**
 * Decodes an answer to its last byte, and demands that our own encoder gives the same bytes again: a default written
 * as a tagged field, a missing tag section or a null where none belongs all show there.
 */
export function decodeAnswer<Q extends Fields, S extends Fields>(
  api: Api<Q, S>,
  version: number,
  correlationId: number,
  frame: Buffer,
): ValueOf<S> {
  const reader = new Reader(frame)
  const echoed = decodeResponseHeader(reader, api as unknown as Api, version)
  if (echoed !== correlationId) throw new Error(`correlation id ${echoed} came back for ${correlationId}`)
  const codec = codecOf(api.response as unknown as Message, version) as Codec<unknown, unknown>
  const answer = codec.decode(reader)
  if (reader.remaining > 0) throw new Error(`${reader.remaining} bytes behind the ${api.name} v${version} response`)
  const writer = new Writer()
  encodeResponseHeader(writer, api as unknown as Api, version, correlationId)
  codec.encode(writer, answer)
  const again = writer.bytes()
  if (!again.equals(frame)) {
    throw new Error(
      `${api.name} v${version} response is not canonical:\n${frame.toString('hex')}\n${again.toString('hex')}`,
    )
  }
  return answer as ValueOf<S>
}

export function within<T>(timeoutMs: number, promise: Promise<T>, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`waited ${timeoutMs} ms in vain for ${what}`)), timeoutMs)
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
