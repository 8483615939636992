import type { Clock } from './clock.ts'
import type { Random } from './random.ts'
import type { SocketHandler } from './transport.ts'

export interface SimulatedNetworkOptions {
  /** Most bytes of one delivery; writes are split and joined without regard to their borders. */
  readonly maxChunkBytes: number
  /** Longest time between two deliveries of one direction. */
  readonly maxDelayMs: number
  /** What the two operating systems hold of one direction before a write has to wait. */
  readonly capacityBytes: number
  /** One delivery in so many breaks the connection; 0 never. */
  readonly dropOneIn: number
  /** Deliver in memory that is overwritten afterwards, as a transport with one reused read buffer does. */
  readonly lends: boolean
}

/** One end of a connection, as its links see it. */
export interface LinkEnd {
  /** Null until it is opened, and while it does not read. */
  readonly reading: SocketHandler | null
  /** A link of this end came to its end. */
  settle(): void
  /** Both ends are told that the connection is broken. */
  breakConnection(): void
}

interface Write {
  readonly chunks: readonly Buffer[]
  readonly onWritten: () => void
}

const OVERWRITTEN = 0xdd

/** One direction of a connection: what waits in the sender, what the operating systems hold, and its delivery. */
export class SimulatedLink {
  readonly #clock: Clock
  readonly #random: Random
  readonly #options: SimulatedNetworkOptions
  readonly #receiver: LinkEnd
  #waiting: Write[] = []
  #held: Buffer = Buffer.alloc(0)
  #ended = false
  #receiverGone = false
  #scheduled = false
  /** The receiver has been told that no more comes. */
  finished = false

  constructor(clock: Clock, random: Random, options: SimulatedNetworkOptions, receiver: LinkEnd) {
    this.#clock = clock
    this.#random = random
    this.#options = options
    this.#receiver = receiver
  }

  send(chunks: readonly Buffer[], onWritten: () => void): void {
    if (this.#ended || this.#receiverGone) {
      this.#clock.schedule(0, onWritten)
      if (this.#receiverGone && !this.#ended) this.#receiver.breakConnection()
      return
    }
    this.#waiting.push({ chunks, onWritten })
    this.wake()
  }

  end(): void {
    this.#ended = true
    if (this.#receiverGone) {
      this.finished = true
      this.#receiver.settle()
    } else this.wake()
  }

  /** The sender is gone: what the operating systems hold still arrives, the rest does not. */
  abandon(): void {
    this.#giveUpWaiting()
    this.end()
  }

  /** The receiver is gone: nothing arrives any more. */
  discard(): void {
    this.#receiverGone = true
    this.#held = Buffer.alloc(0)
    if (this.#ended) this.finished = true
    this.#giveUpWaiting()
  }

  wake(): void {
    if (this.#scheduled || !this.#hasWork()) return
    this.#scheduled = true
    this.#clock.schedule(this.#random.below(this.#options.maxDelayMs + 1), () => {
      this.#scheduled = false
      this.#accept()
      this.#deliver()
      this.wake()
    })
  }

  #hasWork(): boolean {
    if (this.#receiverGone) return false
    if (this.#waiting.length > 0 && this.#held.length < this.#options.capacityBytes) return true
    if (this.#receiver.reading === null) return false
    return this.#held.length > 0 || (this.#ended && this.#waiting.length === 0 && !this.finished)
  }

  /** Takes whole writes while there is room; one alone may be larger than the room. */
  #accept(): void {
    while (this.#held.length < this.#options.capacityBytes) {
      const write = this.#waiting.shift()
      if (write === undefined) return
      this.#held = Buffer.concat([this.#held, ...write.chunks])
      write.onWritten()
    }
  }

  #deliver(): void {
    const handler = this.#receiver.reading
    if (handler === null || this.#receiverGone) return
    if (this.#options.dropOneIn > 0 && this.#random.below(this.#options.dropOneIn) === 0) {
      this.#receiver.breakConnection()
      return
    }
    if (this.#held.length > 0) {
      const length = 1 + this.#random.below(Math.min(this.#held.length, this.#options.maxChunkBytes))
      const bytes = this.#held.subarray(0, length)
      this.#held = this.#held.subarray(length)
      this.#hand(handler, bytes)
    } else if (this.#ended && this.#waiting.length === 0 && !this.finished) {
      this.finished = true
      handler.onEnd()
      this.#receiver.settle()
    }
  }

  #hand(handler: SocketHandler, bytes: Buffer): void {
    const wanted = this.#options.lends ? handler.readInto() : null
    if (wanted !== null && wanted.length > 0) {
      const taken = bytes.copy(wanted)
      this.#held = Buffer.concat([bytes.subarray(taken), this.#held])
      handler.onData(wanted.subarray(0, taken), false)
      return
    }
    const chunk = Buffer.from(bytes)
    handler.onData(chunk, this.#options.lends)
    if (this.#options.lends) chunk.fill(OVERWRITTEN)
  }

  #giveUpWaiting(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const { onWritten } of waiting) this.#clock.schedule(0, onWritten)
  }
}
