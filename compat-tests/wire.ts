import { connect, type Socket } from 'node:net'
import { codecOf } from '../protocol/codec/codec.ts'
import { decodeResponseHeader, encodeRequestHeader } from '../protocol/codec/header.ts'
import { Reader } from '../protocol/codec/reader.ts'
import type { Api, Decoded, Encodable } from '../protocol/codec/schema.ts'
import { Writer } from '../protocol/codec/writer.ts'

const ANSWER_TIMEOUT_MS = 15_000

/** A connection on which every byte is ours: requests as hand-made as a scenario likes, answers field by field. */
export class WireConnection {
  readonly #socket: Socket
  #received = Buffer.alloc(0)
  #closed = false
  #wake: (() => void) | undefined
  #correlationId = 100

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk])
      this.#wake?.()
    })
    const end = () => {
      this.#closed = true
      this.#wake?.()
    }
    socket.on('close', end)
    socket.on('end', end)
    socket.on('error', end)
  }

  static open(host: string, port: number): Promise<WireConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port })
      socket.once('connect', () => resolve(new WireConnection(socket)))
      socket.once('error', reject)
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  /** One request and its answer. */
  async ask<A extends Api>(api: A, version: number, request: Encodable<A['request']>): Promise<Decoded<A['response']>> {
    this.send(api, version, request)
    return this.answer(api, version)
  }

  /** Writes a request without waiting; gives its correlation id. */
  send<A extends Api>(
    api: A,
    version: number,
    request: Encodable<A['request']>,
    clientId: string | null = 'wire',
  ): number {
    const correlationId = this.#correlationId++
    this.write(framed(requestBytes(api, version, request, correlationId, clientId)))
    return correlationId
  }

  /** The next answer, read as one to this API and version. */
  async answer<A extends Api>(api: A, version: number): Promise<Decoded<A['response']>> {
    const frame = await this.frame()
    const reader = new Reader(frame)
    decodeResponseHeader(reader, api, version)
    const body = codecOf(api.response, version).decode(reader)
    if (reader.remaining > 0) throw new Error(`${api.name} v${version}: ${reader.remaining} bytes after the answer`)
    return body as Decoded<A['response']>
  }

  write(bytes: Buffer): void {
    this.#socket.write(bytes)
  }

  /** The payload of the next frame; an error when the connection is closed instead. */
  async frame(): Promise<Buffer> {
    const found = await this.#next(ANSWER_TIMEOUT_MS)
    if (found === 'closed') throw new Error('the broker closed the connection instead of answering')
    if (found === 'silence') throw new Error(`no answer within ${ANSWER_TIMEOUT_MS} ms`)
    return found
  }

  /** What comes next: `closed`, `silence` for as long as given, or `answer`. */
  async outcome(timeoutMs: number): Promise<'closed' | 'silence' | 'answer'> {
    const found = await this.#next(timeoutMs)
    return typeof found === 'string' ? found : 'answer'
  }

  async #next(timeoutMs: number): Promise<Buffer | 'closed' | 'silence'> {
    const deadline = Date.now() + timeoutMs
    for (;;) {
      const frame = this.#takeFrame()
      if (frame !== undefined) return frame
      if (this.#closed) return 'closed'
      const leftMs = deadline - Date.now()
      if (leftMs <= 0) return 'silence'
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      this.#wake = undefined
    }
  }

  #takeFrame(): Buffer | undefined {
    if (this.#received.length < 4) return undefined
    const end = 4 + this.#received.readInt32BE(0)
    if (this.#received.length < end) return undefined
    const frame = this.#received.subarray(4, end)
    this.#received = this.#received.subarray(end)
    return frame
  }
}

/** A request with its header, without the length in front. */
export function requestBytes<A extends Api>(
  api: A,
  version: number,
  request: Encodable<A['request']>,
  correlationId = 1,
  clientId: string | null = 'wire',
): Buffer {
  const writer = new Writer()
  encodeRequestHeader(writer, api, version, correlationId, clientId)
  codecOf(api.request, version).encode(writer, request as never)
  return Buffer.concat(writer.finish())
}

export function framed(payload: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeInt32BE(payload.length)
  return Buffer.concat([length, payload])
}
