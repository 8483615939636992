/** Buffers for reads from files, in three sizes, given back when the response is written. */

const SIZES = [65_536, 262_144, 1_114_112] as const

/** The most that one pooled read brings: a batch of Kafka's default max.message.bytes and something beside it. */
export const LARGEST_READ_BYTES = 1_114_112

export class ReadBuffers {
  readonly #limitBytes: number
  readonly #free = new Map<number, Buffer[]>()
  #freeBytes = 0

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  /** At least so many bytes; the content is left over from others. */
  take(sizeBytes: number): Buffer {
    const size = SIZES.find((candidate) => candidate >= sizeBytes) ?? sizeBytes
    const buffer = this.#free.get(size)?.pop()
    if (!buffer) return Buffer.allocUnsafeSlow(size)
    this.#freeBytes -= size
    return buffer
  }

  give(buffer: Buffer): void {
    const size = SIZES.find((candidate) => candidate === buffer.length)
    if (size === undefined || this.#freeBytes + size > this.#limitBytes) return
    const free = this.#free.get(size)
    if (free) free.push(buffer)
    else this.#free.set(size, [buffer])
    this.#freeBytes += size
  }
}
