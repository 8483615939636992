import { connect, type OnReadOpts, type Socket } from 'node:net'
import { codecOf } from '../protocol/codec/codec.ts'
import { decodeResponseHeader, encodeRequestHeader } from '../protocol/codec/header.ts'
import { Reader } from '../protocol/codec/reader.ts'
import type { Api, DecodedResponseOf, RequestInputOf } from '../protocol/codec/schema.ts'
import { Writer } from '../protocol/codec/writer.ts'

const READ_BUFFER_BYTES = 256 * 1024

interface Waiting {
  readonly take: (frame: Buffer) => void
  readonly reject: (error: Error) => void
}

/**
 * A client that costs next to nothing, so that the broker is what is measured: ready-made frames, several in flight,
 * replies read through one buffer into another.
 */
export class LoadConnection {
  #socket: Socket | null = null
  readonly #waiting: Waiting[] = []
  /** The reply being read, its size first; grows to the largest seen. */
  #reply = Buffer.alloc(64 * 1024)
  #have = 0
  #correlationId = 0

  private constructor() {}

  static open(port: number): Promise<LoadConnection> {
    const connection = new LoadConnection()
    const buffer = Buffer.alloc(READ_BUFFER_BYTES)
    const onread: OnReadOpts = {
      buffer,
      callback: (bytes) => {
        connection.#take(buffer.subarray(0, bytes))
        return true
      },
    }
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true, onread }, () => resolve(connection))
      connection.#socket = socket
      socket.on('error', reject)
      socket.on('close', () => {
        for (const { reject } of connection.#waiting.splice(0)) reject(new Error('the broker closed the connection'))
      })
    })
  }

  close(): void {
    this.#socket?.destroy()
  }

  /** Sends a frame; `read` sees the reply, without its size, and must not keep it. */
  send<T>(frame: readonly Buffer[], read: (reply: Buffer) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ take: (reply) => resolve(read(reply)), reject })
      this.#socket?.cork()
      for (const chunk of frame) this.#socket?.write(chunk)
      this.#socket?.uncork()
    })
  }

  frame<A extends Api>(api: A, version: number, request: RequestInputOf<A>): Buffer[] {
    const writer = new Writer()
    writer.int32(0)
    encodeRequestHeader(writer, api, version, this.#correlationId++, 'bench')
    codecOf(api.request, version).encode(writer, request)
    writer.patchInt32(0, writer.size - 4)
    return writer.finish()
  }

  ask<A extends Api>(api: A, version: number, request: RequestInputOf<A>): Promise<DecodedResponseOf<A>> {
    return this.send(this.frame(api, version, request), (reply) => decode(api, version, reply))
  }

  #take(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      const needed = this.#have < 4 ? 4 : 4 + this.#reply.readInt32BE(0)
      if (needed > this.#reply.length) this.#grow(needed)
      const bytes = Math.min(needed - this.#have, chunk.length - at)
      chunk.copy(this.#reply, this.#have, at, at + bytes)
      at += bytes
      this.#have += bytes
      if (this.#have < needed || needed === 4) continue
      this.#have = 0
      this.#waiting.shift()?.take(this.#reply.subarray(4, needed))
    }
  }

  #grow(bytes: number): void {
    const larger = Buffer.alloc(bytes * 2)
    this.#reply.copy(larger, 0, 0, this.#have)
    this.#reply = larger
  }
}

/** Views of the reply: to be read before the next one arrives. */
export function decode<A extends Api>(api: A, version: number, reply: Buffer): DecodedResponseOf<A> {
  const reader = new Reader(reply)
  decodeResponseHeader(reader, api, version)
  return codecOf(api.response, version).decode(reader) as DecodedResponseOf<A>
}
