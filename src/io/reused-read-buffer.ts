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

/** Who gets what is read; null until the connection is opened, and nothing is read before. */
export interface Reads {
  handler: SocketHandler | null
}

/** What Node keeps behind a socket: not public, and the same since Node 12. */
interface Handle {
  readonly useUserBuffer: unknown
}

interface Inside {
  _handle: Handle | null
}

interface Moved {
  readonly socket: NetSocket
  readonly reads: Reads
}

/**
 * Moves an accepted, paused connection into a socket that reads to memory of ours: `data` events take a fresh buffer
 * of 64 KiB per read, which costs two to five times the processor time. Only client sockets have an option for this,
 * hence the move. Null where Node's insides are not as expected: the socket is then as good as before.
 */
export function moveToReusedBuffer(accepted: NetSocket): Moved | null {
  const inside = accepted as unknown as Inside
  const handle = inside._handle
  if (typeof handle?.useUserBuffer !== 'function') return null
  const reads: Reads = { handler: null }
  const options = {
    handle,
    allowHalfOpen: true,
    pauseOnCreate: true,
    onread: {
      buffer: () => reads.handler?.readInto() ?? shared,
      callback: (bytes: number, buffer: Uint8Array) => onRead(reads, bytes, buffer),
    },
  }
  // Without its handle the old one closes nothing; undestroyed, the server would count it for ever.
  inside._handle = null
  accepted.destroy()
  return { socket: new NetSocket(options as SocketConstructorOpts), reads }
}

function onRead({ handler }: Reads, bytes: number, buffer: Uint8Array): boolean {
  const chunk = (buffer as Buffer).subarray(0, bytes)
  handler?.onData(chunk, buffer === shared)
  return true
}
