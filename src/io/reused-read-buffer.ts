import { Socket as NetSocket, type SocketConstructorOpts } from 'node:net'
import type { SocketHandler } from './transport.ts'

const READ_BYTES = 65536
/**
 * A large block begins 16 bytes into a page, and a receive buffer there costs some processors (AMD Zen 3 and later)
 * more than twice the time of one at the start of a cache line.
 */
const ALIGNMENT_BYTES = 48

/** Where all sockets of the process read to, one after the other: each read is dealt with before the next. */
const shared = Buffer.allocUnsafeSlow(4 * READ_BYTES).subarray(ALIGNMENT_BYTES, ALIGNMENT_BYTES + READ_BYTES)

/** What Node keeps behind a socket: not public, and the same since Node 12. */
interface Handle {
  reading: boolean
  readonly useUserBuffer: unknown
  readStart(): number
  readStop(): number
}

/** The reading side of a connection, past Node's streams. Nothing is read before `start`. */
export class DirectReads {
  readonly #handle: Handle
  #socket: NetSocket | null = null
  handler: SocketHandler | null = null

  constructor(handle: Handle) {
    this.#handle = handle
  }

  /** The socket that owns the handle from now on. */
  own(socket: NetSocket): void {
    this.#socket = socket
  }

  start(): void {
    if (this.#socket?.destroyed || this.#handle.reading) return
    this.#handle.reading = true
    this.#handle.readStart()
  }

  stop(): void {
    if (this.#socket?.destroyed || !this.#handle.reading) return
    this.#handle.reading = false
    this.#handle.readStop()
  }

  target(): Buffer {
    return this.handler?.readInto() ?? shared
  }

  onRead(bytes: number, buffer: Uint8Array): boolean {
    this.handler?.onData((buffer as Buffer).subarray(0, bytes), buffer === shared)
    return true
  }
}

/**
 * Moves an accepted, paused connection into a socket that reads to memory of ours: `data` events take a fresh buffer
 * of 64 KiB per read, which costs two to five times the processor time. Only client sockets have an option for this,
 * hence the move. Null where Node's insides are not as expected: the socket is then as good as before.
 */
export function moveToReusedBuffer(accepted: NetSocket): { socket: NetSocket; reads: DirectReads } | null {
  const inside = accepted as unknown as { _handle: Handle | null }
  const handle = inside._handle
  if (typeof handle?.useUserBuffer !== 'function') return null
  const reads = new DirectReads(handle)
  const options: object = {
    handle,
    allowHalfOpen: true,
    pauseOnCreate: true,
    onread: {
      buffer: () => reads.target(),
      callback: (bytes: number, buffer: Uint8Array) => reads.onRead(bytes, buffer),
    },
  }
  // Without its handle the old one closes nothing; undestroyed, the server would count it for ever.
  inside._handle = null
  accepted.destroy()
  const socket = new NetSocket(options as SocketConstructorOpts)
  reads.own(socket)
  return { socket, reads }
}
