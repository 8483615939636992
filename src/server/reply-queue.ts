import { Writer } from '../../protocol/codec/writer.ts'
import type { Socket } from '../io/transport.ts'

const SMALLEST_SLAB_BYTES = 256
const LARGEST_SLAB_BYTES = 65536
/** Replies of one read are joined up to here; more would only grow memory. */
const FLUSH_ABOVE_BYTES = 262_144

export interface ReplyQueueOwner {
  /** A slot that ends the connection has its turn: everything before it is with the socket. */
  onLastReply(): void
  /** The operating system has taken some bytes. */
  onWritten(): void
}

/** The place of one reply in the order of the requests. */
export class ReplySlot {
  next: ReplySlot | null = null
  ready = false
  /** Encoded out of turn: waits for the replies before it. */
  writer: Writer | null = null
  /** The connection ends in place of this reply. */
  ends = false
  release: (() => void) | null = null
}

/**
 * Replies leave in the order of the requests, however they become ready, and as many as possible in one write. What a
 * reply attached is neither copied nor released before the operating system has it.
 */
export class ReplyQueue {
  readonly #socket: Socket
  readonly #owner: ReplyQueueOwner
  #head: ReplySlot | null = null
  #tail: ReplySlot | null = null
  #out: Writer | null = null
  #slabBytes = SMALLEST_SLAB_BYTES
  #releases: (() => void)[] = []
  #waitingBytes = 0
  #writingBytes = 0
  #closed = false

  constructor(socket: Socket, owner: ReplyQueueOwner) {
    this.#socket = socket
    this.#owner = owner
  }

  /** Every reply has been handed to the socket or is waiting for `flush`. */
  get isEmpty(): boolean {
    return this.#head === null
  }

  /** Encoded and not yet taken by the operating system. */
  get pendingBytes(): number {
    return this.#waitingBytes + (this.#out?.size ?? 0) + this.#writingBytes
  }

  get isWriting(): boolean {
    return this.#writingBytes > 0
  }

  add(): ReplySlot {
    const slot = new ReplySlot()
    if (this.#tail === null) this.#head = slot
    else this.#tail.next = slot
    this.#tail = slot
    return slot
  }

  /** Encodes the reply of a slot and sends it when it is its turn. When `encode` throws, nothing has happened. */
  reply(slot: ReplySlot, encode: (writer: Writer) => void, release: (() => void) | null): void {
    if (this.#closed) {
      release?.()
      return
    }
    if (slot === this.#head) this.#encodeInTurn(encode)
    else {
      const writer = new Writer(SMALLEST_SLAB_BYTES)
      encode(writer)
      slot.writer = writer
      this.#waitingBytes += writer.size
    }
    slot.release = release
    this.#settle(slot)
  }

  /** The request gets no reply. */
  skip(slot: ReplySlot): void {
    this.#settle(slot)
  }

  /** The connection ends when all replies before this one are sent. */
  endAt(slot: ReplySlot): void {
    slot.ends = true
    this.#settle(slot)
  }

  /** Hands what is ready to the socket, in one write. */
  flush(): void {
    const out = this.#out
    if (out === null || this.#closed) return
    this.#out = null
    const bytes = out.size
    const releases = this.#releases
    this.#releases = []
    this.#slabBytes = slabFor(bytes)
    this.#writingBytes += bytes
    this.#socket.write(out.finish(), () => {
      this.#writingBytes -= bytes
      for (const release of releases) release()
      this.#owner.onWritten()
    })
  }

  /** The connection is gone: what is not with the socket is given up. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    for (const release of this.#releases) release()
    this.#releases = []
    for (let slot = this.#head; slot !== null; slot = slot.next) {
      slot.writer = null
      slot.release?.()
      slot.release = null
    }
    this.#head = this.#tail = null
    this.#out = null
    this.#waitingBytes = 0
  }

  #encodeInTurn(encode: (writer: Writer) => void): void {
    const out = (this.#out ??= new Writer(this.#slabBytes))
    const before = out.size
    try {
      encode(out)
    } catch (error) {
      this.#out = restored(out, before)
      throw error
    }
  }

  #settle(slot: ReplySlot): void {
    if (this.#closed) return
    slot.ready = true
    if (slot !== this.#head) return
    let head: ReplySlot | null = slot
    while (head?.ready) {
      this.#take(head)
      if (this.#closed) return
      head = head.next
      this.#head = head
    }
    if (head === null) this.#tail = null
    if (this.#out !== null && this.#out.size >= FLUSH_ABOVE_BYTES) this.flush()
  }

  #take(slot: ReplySlot): void {
    if (slot.ends) {
      this.flush()
      this.#owner.onLastReply()
      return
    }
    if (slot.writer !== null) {
      this.#out ??= new Writer(this.#slabBytes)
      this.#waitingBytes -= slot.writer.size
      this.#out.attach(slot.writer.finish())
      slot.writer = null
    }
    if (slot.release !== null) this.#releases.push(slot.release)
    slot.release = null
  }
}

/** The next batch of replies is likely as large as the last. */
function slabFor(bytes: number): number {
  if (bytes <= SMALLEST_SLAB_BYTES) return SMALLEST_SLAB_BYTES
  return Math.min(LARGEST_SLAB_BYTES, 2 ** Math.ceil(Math.log2(bytes)))
}

/** What was written before an encoder failed half-way. */
function restored(writer: Writer, bytes: number): Writer | null {
  if (bytes === 0) return null
  const kept = new Writer(bytes)
  kept.attach(writer.bytes().subarray(0, bytes))
  return kept
}
