import {
  ATTRIBUTES_AT,
  BATCH_HEADER_BYTES,
  type BatchHeader,
  batchSizeBytes,
  CURRENT_MAGIC,
  codecOf,
  lastOffsetDelta,
  MAGIC_AT,
  magic,
  baseOffset as readBaseOffset,
  readBatchHeader,
  crc as readCrc,
} from '../../../protocol/records/batch.ts'
import { CompressionCodec } from '../../../protocol/records/compression.ts'
import { crc32c } from '../../../protocol/records/crc32c.ts'
import type { File } from '../../io/file-system.ts'

const WINDOW_BYTES = 1024 * 1024
/** A batch may reach this far beyond the offset expected of it when it is looked for behind damage. */
const PLAUSIBLE_OFFSETS = 2 ** 31

export interface BatchVisitor {
  /** A batch in its place. `buffer` holds it whole from `at` on when it fits the window, as all control batches do. */
  batch(header: BatchHeader, crcIsValid: boolean, position: number, buffer: Buffer, at: number): void
  /** Bytes that are no batch, up to the next one whose CRC is right or to the end. */
  damage(fromPosition: number, endPosition: number, problem: string): void
}

/**
 * Reads a segment from its beginning to its end in a window of a megabyte, whatever the batches' sizes, and goes on
 * behind what is damaged. `leastOffset` is the offset that the first batch may have at least.
 */
export class BatchWalker {
  readonly #file: File
  readonly #endPosition: number
  readonly #window = Buffer.allocUnsafeSlow(WINDOW_BYTES)
  /** Where in the file the window begins, and how much of it is filled. */
  #windowAt = 0
  #filled = 0
  #leastOffset: number
  readonly #onBytes: (bytes: number) => void

  constructor(file: File, endPosition: number, leastOffset: number, onBytes: (bytes: number) => void = () => {}) {
    this.#file = file
    this.#endPosition = endPosition
    this.#leastOffset = leastOffset
    this.#onBytes = onBytes
  }

  async walk(visitor: BatchVisitor, fromPosition = 0): Promise<void> {
    for (let position = fromPosition; position < this.#endPosition; ) {
      const known = this.#takeKnown(position, visitor)
      if (known > position) {
        position = known
        continue
      }
      const problem = await this.#problemAt(position)
      if (problem === null) position = await this.#take(position, visitor)
      else {
        const next = await this.#findBatch(position + 1)
        visitor.damage(position, next, problem)
        position = next
      }
    }
  }

  /** The usual case without any wait: a sound batch that is in memory whole. Gives where it ends, or the position. */
  #takeKnown(position: number, visitor: BatchVisitor): number {
    const at = position - this.#windowAt
    const available = this.#filled - at
    if (at < 0 || available < BATCH_HEADER_BYTES || magic(this.#window, at) !== CURRENT_MAGIC) return position
    const sizeBytes = batchSizeBytes(this.#window, at)
    if (sizeBytes < BATCH_HEADER_BYTES || sizeBytes > available) return position
    if (crc32c(this.#window, at + ATTRIBUTES_AT, at + sizeBytes) !== readCrc(this.#window, at)) return position
    return this.#visit(position, at, true, visitor)
  }

  /** Why no batch lies at the position, as far as its header and the place where it ends tell; null when one does. */
  async #problemAt(position: number): Promise<string | null> {
    const left = this.#endPosition - position
    if (left < BATCH_HEADER_BYTES) return `${left} bytes are too few for a batch`
    const at = await this.#bring(position, BATCH_HEADER_BYTES)
    const version = magic(this.#window, at)
    if (version !== CURRENT_MAGIC) return `magic ${version} is not ${CURRENT_MAGIC}`
    const sizeBytes = batchSizeBytes(this.#window, at)
    if (sizeBytes < BATCH_HEADER_BYTES) return `a batch of ${sizeBytes} bytes`
    if (sizeBytes > left) return `a batch of ${sizeBytes} bytes with ${left} left`
    if (await this.#crcIsValid(position, sizeBytes)) return null
    // The length may be what is wrong: only where another batch follows, or the file ends, is it believed.
    const after = position + sizeBytes
    if (after === this.#endPosition || (await this.#looksLikeBatch(after))) return null
    return 'the CRC is wrong, and no batch lies where this one ends'
  }

  async #take(position: number, visitor: BatchVisitor): Promise<number> {
    const sizeBytes = batchSizeBytes(this.#window, await this.#bring(position, BATCH_HEADER_BYTES))
    const valid = await this.#crcIsValid(position, sizeBytes)
    return this.#visit(position, await this.#bring(position, Math.min(sizeBytes, WINDOW_BYTES)), valid, visitor)
  }

  #visit(position: number, at: number, valid: boolean, visitor: BatchVisitor): number {
    const header = readBatchHeader(this.#window, at)
    visitor.batch(header, valid, position, this.#window, at)
    if (valid) this.#leastOffset = Math.max(this.#leastOffset, header.baseOffset + header.lastOffsetDelta + 1)
    this.#onBytes(header.sizeBytes)
    return position + header.sizeBytes
  }

  /** The next position at which a batch lies whose CRC is right, or the end. */
  async #findBatch(from: number): Promise<number> {
    for (let position = from; this.#endPosition - position >= BATCH_HEADER_BYTES; ) {
      const at = await this.#bring(position, BATCH_HEADER_BYTES)
      const found = this.#window.subarray(0, this.#filled).indexOf(CURRENT_MAGIC, at + MAGIC_AT)
      if (found < 0) {
        position = this.#windowAt + this.#filled - MAGIC_AT
        continue
      }
      const candidate = this.#windowAt + found - MAGIC_AT
      if (await this.#looksLikeBatch(candidate)) {
        const sizeBytes = batchSizeBytes(this.#window, await this.#bring(candidate, BATCH_HEADER_BYTES))
        if (await this.#crcIsValid(candidate, sizeBytes)) return candidate
      }
      position = candidate + 1
    }
    return this.#endPosition
  }

  async #looksLikeBatch(position: number): Promise<boolean> {
    if (this.#endPosition - position < BATCH_HEADER_BYTES) return false
    const at = await this.#bring(position, BATCH_HEADER_BYTES)
    const sizeBytes = batchSizeBytes(this.#window, at)
    const offset = readBaseOffset(this.#window, at)
    return (
      magic(this.#window, at) === CURRENT_MAGIC &&
      sizeBytes >= BATCH_HEADER_BYTES &&
      sizeBytes <= this.#endPosition - position &&
      offset >= this.#leastOffset &&
      offset < this.#leastOffset + PLAUSIBLE_OFFSETS &&
      lastOffsetDelta(this.#window, at) >= 0 &&
      codecOf(this.#window.readInt16BE(at + ATTRIBUTES_AT)) <= CompressionCodec.ZSTD
    )
  }

  async #crcIsValid(position: number, sizeBytes: number): Promise<boolean> {
    const at = await this.#bring(position, Math.min(sizeBytes, WINDOW_BYTES))
    const wanted = readCrc(this.#window, at)
    let end = Math.min(sizeBytes, this.#filled - at)
    let crc = crc32c(this.#window, at + ATTRIBUTES_AT, at + end)
    while (end < sizeBytes) {
      const length = Math.min(sizeBytes - end, WINDOW_BYTES)
      const next = await this.#bring(position + end, length)
      crc = crc32c(this.#window, next, next + length, crc)
      end += length
    }
    return crc === wanted
  }

  /** Makes sure that so many bytes, at most a window, are in memory; gives where. The file may have become shorter. */
  async #bring(position: number, bytes: number): Promise<number> {
    const at = position - this.#windowAt
    if (at >= 0 && at + bytes <= this.#filled) return at
    const wanted = Math.min(WINDOW_BYTES, this.#endPosition - position)
    this.#windowAt = position
    this.#filled = await this.#file.read(this.#window.subarray(0, wanted), position)
    if (this.#filled < wanted) this.#window.fill(0, this.#filled, wanted)
    this.#filled = wanted
    return 0
  }
}
