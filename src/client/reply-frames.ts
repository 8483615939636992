import { ClientError } from './client-error.ts'
import { foreignProtocolOf } from './foreign-answer.ts'

const SIZE_BYTES = 4

/** Cuts what a broker sends into replies. */
export class ReplyFrames {
  readonly #limitBytes: number
  #chunks: Buffer[] = []
  #bytes = 0
  /** How many bytes there must be until something can be decided: a size, then a whole frame. */
  #neededBytes = SIZE_BYTES

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  /** The replies that are whole by now, without their sizes. Throws ClientError for a size that no reply has. */
  *push(chunk: Buffer): Generator<Buffer, void, undefined> {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    while (this.#bytes >= this.#neededBytes) {
      const all = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks)
      this.#chunks = [all]
      this.#neededBytes = SIZE_BYTES + this.#sizeOf(all)
      if (all.length < this.#neededBytes) return
      const frame = all.subarray(SIZE_BYTES, this.#neededBytes)
      const rest = all.subarray(this.#neededBytes)
      this.#chunks = rest.length === 0 ? [] : [rest]
      this.#bytes = rest.length
      this.#neededBytes = SIZE_BYTES
      yield frame
    }
  }

  #sizeOf(bytes: Buffer): number {
    const sizeBytes = bytes.readInt32BE(0)
    // A correlation id at least.
    if (sizeBytes >= 4 && sizeBytes <= this.#limitBytes) return sizeBytes
    const foreign = foreignProtocolOf(bytes)
    if (foreign !== null) throw new ClientError('protocol', `the answer is ${foreign}, not Kafka's protocol`)
    throw new ClientError(
      'protocol',
      `a reply of ${sizeBytes} bytes was announced; at most ${this.#limitBytes} are read`,
    )
  }
}
