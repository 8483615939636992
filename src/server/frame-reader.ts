import { ProtocolError } from '../../protocol/codec/protocol-error.ts'
import { foreignProtocol } from './foreign-protocol.ts'

/** Api key, version and correlation id: no request is shorter. */
const SHORTEST_FRAME_BYTES = 8
const SIZE_BYTES = 4
/** A frame that lacks less than this is completed by copies from ordinary reads: they bring the frames after it too. */
const READ_INTO_BYTES = 65536
/** From here on the first size may be the opening of another protocol. */
const SUSPICIOUS_BYTES = 0x16000000
const NOTHING = Buffer.alloc(0)

/**
 * Cuts a stream of bytes into frames. A frame that lies within one chunk is a view of it; one that does not is
 * assembled in memory of its own, each byte copied once, or read straight into it.
 */
export class FrameReader {
  readonly #maxFrameBytes: number
  #chunk: Buffer = NOTHING
  #at = 0
  #frame: Buffer | null = null
  #filledBytes = 0
  #isFirst = true
  /** Size of a frame that has begun, is not complete and has no memory yet: `begin` gives it. */
  wantedBytes = 0

  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = maxFrameBytes
  }

  /** Bytes of memory given to a frame that is not complete. */
  get assemblingBytes(): number {
    return this.#frame?.length ?? 0
  }

  /** A frame, or its size, has begun. */
  get midFrame(): boolean {
    return this.#frame !== null || this.#at < this.#chunk.length
  }

  append(chunk: Buffer, lent: boolean): void {
    let rest = chunk
    if (this.#frame !== null) {
      rest = this.#fill(this.#frame, chunk)
      if (rest.length === 0) return
    }
    if (this.#at < this.#chunk.length) rest = Buffer.concat([this.#chunk.subarray(this.#at), rest])
    else if (lent) rest = Buffer.from(rest)
    this.#chunk = rest
    this.#at = 0
  }

  /** The next complete frame without its size, or null. Throws ProtocolError for a size that no request has. */
  next(): Buffer | null {
    if (this.#frame !== null) return this.#takeAssembled(this.#frame)
    const begin = this.#at + SIZE_BYTES
    const leftBytes = this.#chunk.length - begin
    if (leftBytes < 0) {
      this.#keepTail()
      return null
    }
    const sizeBytes = this.#chunk.readInt32BE(this.#at)
    if (this.#isFirst && sizeBytes >= SUSPICIOUS_BYTES) this.#refuseForeign()
    if (sizeBytes < SHORTEST_FRAME_BYTES || sizeBytes > this.#maxFrameBytes) this.#refuse(sizeBytes)
    this.#isFirst = false
    if (leftBytes < sizeBytes) {
      this.wantedBytes = sizeBytes
      return null
    }
    this.#at = begin + sizeBytes
    return this.#chunk.subarray(begin, this.#at)
  }

  /** Gives memory to the frame of `wantedBytes`. */
  begin(): void {
    const frame = Buffer.allocUnsafe(this.wantedBytes)
    this.#filledBytes = this.#chunk.copy(frame, 0, this.#at + SIZE_BYTES)
    this.#frame = frame
    this.#chunk = NOTHING
    this.#at = 0
    this.wantedBytes = 0
  }

  /** Where to read to, so that the rest of a large frame needs no copy. */
  readInto(): Buffer | null {
    if (this.#frame === null || this.#frame.length - this.#filledBytes < READ_INTO_BYTES) return null
    return this.#frame.subarray(this.#filledBytes)
  }

  /** Forgets everything. */
  clear(): void {
    this.#chunk = NOTHING
    this.#at = 0
    this.#frame = null
    this.wantedBytes = 0
  }

  /** Returns what belongs to the frames after this one. */
  #fill(frame: Buffer, chunk: Buffer): Buffer {
    const inPlace = chunk.buffer === frame.buffer && chunk.byteOffset === frame.byteOffset + this.#filledBytes
    const taken = inPlace ? chunk.length : chunk.copy(frame, this.#filledBytes)
    this.#filledBytes += taken
    return chunk.subarray(taken)
  }

  #takeAssembled(frame: Buffer): Buffer | null {
    if (this.#filledBytes < frame.length) return null
    this.#frame = null
    return frame
  }

  /** Part of a size must not pin the chunk it came in until the peer sends more. */
  #keepTail(): void {
    if (this.#at === 0) return
    this.#chunk = this.#at === this.#chunk.length ? NOTHING : Buffer.from(this.#chunk.subarray(this.#at))
    this.#at = 0
  }

  #refuseForeign(): void {
    const name = foreignProtocol(this.#chunk.subarray(this.#at, this.#at + SIZE_BYTES))
    if (name !== null) throw new ProtocolError(`this is not Kafka's protocol, it looks like ${name}`)
  }

  #refuse(sizeBytes: number): never {
    if (sizeBytes <= this.#maxFrameBytes) throw new ProtocolError(`a frame of ${sizeBytes} bytes is no request`)
    throw new ProtocolError(`a frame of ${sizeBytes} bytes is above socket.request.max.bytes (${this.#maxFrameBytes})`)
  }
}
