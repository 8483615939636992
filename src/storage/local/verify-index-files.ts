import { readInt32, readInt64 } from '../../../protocol/records/int64.ts'
import type { File } from '../../io/file-system.ts'
import type { AbortedRange, TransactionIndex } from './transaction-index.ts'

const OFFSET_ENTRY_BYTES = 8
const TIME_ENTRY_BYTES = 12
/** Entries of both sizes fit it without a rest. */
const CHUNK_BYTES = 24 * 4096

/** What is wrong with an index file: the first thing, and how many entries are wrong in all. */
export interface IndexProblem {
  readonly entry: number
  readonly problem: string
  readonly wrongEntries: number
}

/** Reads an index file forwards, a chunk at a time. */
class EntryReader {
  readonly count: number
  readonly strayBytes: number
  readonly #file: File
  readonly #entryBytes: number
  readonly #sizeBytes: number
  readonly #chunk = Buffer.alloc(CHUNK_BYTES)
  #chunkAt = -1

  constructor(file: File, entryBytes: number) {
    this.#file = file
    this.#entryBytes = entryBytes
    this.#sizeBytes = file.sizeBytes()
    this.count = Math.floor(this.#sizeBytes / entryBytes)
    this.strayBytes = this.#sizeBytes % entryBytes
  }

  /** The chunk that holds the entry, and where in it. */
  at(entry: number): [chunk: Buffer, at: number] {
    const position = entry * this.#entryBytes
    const chunkAt = position - (position % CHUNK_BYTES)
    if (chunkAt !== this.#chunkAt) {
      this.#file.readSync(this.#chunk.subarray(0, Math.min(CHUNK_BYTES, this.#sizeBytes - chunkAt)), chunkAt)
      this.#chunkAt = chunkAt
    }
    return [this.#chunk, position - chunkAt]
  }
}

/** Remembers the first problem and counts the others. */
class Problems {
  #first: { entry: number; problem: string } | null = null
  #wrongEntries = 0

  add(entry: number, problem: string): void {
    this.#first ??= { entry, problem }
    this.#wrongEntries++
  }

  get result(): IndexProblem | null {
    return this.#first && { ...this.#first, wrongEntries: this.#wrongEntries }
  }
}

/** Follows an offset index while the batches of its segment go by. */
export class OffsetIndexCheck {
  readonly #reader: EntryReader
  readonly #baseOffset: number
  readonly #problems = new Problems()
  #entry = 0
  /** Position of the last entry; -1 when there is none. */
  lastPosition = -1

  constructor(file: File, baseOffset: number) {
    this.#reader = new EntryReader(file, OFFSET_ENTRY_BYTES)
    this.#baseOffset = baseOffset
  }

  batch(position: number, lastOffset: number): void {
    for (; this.#entry < this.#reader.count; this.#entry++) {
      const [chunk, at] = this.#reader.at(this.#entry)
      const [entryOffset, entryPosition] = [this.#baseOffset + readInt32(chunk, at), readInt32(chunk, at + 4)]
      if (entryPosition > position) return
      if (entryPosition < position) {
        this.#problems.add(this.#entry, `entry ${this.#entry} names position ${entryPosition}, where no batch begins`)
      } else if (entryOffset !== lastOffset) {
        const is = `the batch at position ${position} ends at offset ${lastOffset}, not at ${entryOffset}`
        this.#problems.add(this.#entry, `entry ${this.#entry}: ${is}`)
      }
      this.lastPosition = entryPosition
    }
  }

  finish(): IndexProblem | null {
    for (; this.#entry < this.#reader.count; this.#entry++) {
      const [chunk, at] = this.#reader.at(this.#entry)
      this.lastPosition = readInt32(chunk, at + 4)
      this.#problems.add(this.#entry, `entry ${this.#entry} names position ${this.lastPosition}, where no batch begins`)
    }
    const { strayBytes, count } = this.#reader
    if (strayBytes > 0) this.#problems.add(count, `${strayBytes} bytes follow the last whole entry`)
    return this.#problems.result
  }
}

/** Follows a time index while the batches of its segment go by. */
export class TimeIndexCheck {
  readonly #reader: EntryReader
  readonly #baseOffset: number
  readonly #problems = new Problems()
  #entry = 0
  #lastTimestampMs = -1
  #maxTimestampMs = -1

  constructor(file: File, baseOffset: number) {
    this.#reader = new EntryReader(file, TIME_ENTRY_BYTES)
    this.#baseOffset = baseOffset
  }

  /** A batch that compaction left without records may be named, but need not be. */
  batch(lastOffset: number, maxTimestampMs: number, hasRecords: boolean): void {
    const largest = maxTimestampMs > this.#maxTimestampMs
    for (; this.#entry < this.#reader.count; this.#entry++) {
      const [timestampMs, offset] = this.#read()
      if (offset > lastOffset) break
      const named = `entry ${this.#entry} names offset ${offset}`
      if (offset < lastOffset) this.#problems.add(this.#entry, `${named}, where no batch ends`)
      else if (timestampMs !== maxTimestampMs) {
        this.#problems.add(this.#entry, `${named} with the timestamp ${timestampMs}, but that is ${maxTimestampMs}`)
      } else if (!largest) this.#problems.add(this.#entry, `${named}, but an earlier batch is as late`)
      this.#lastTimestampMs = timestampMs
    }
    if (largest && hasRecords) this.#maxTimestampMs = maxTimestampMs
  }

  /** A segment that takes no more batches has its largest timestamp in the last entry. */
  finish(complete: boolean): IndexProblem | null {
    for (; this.#entry < this.#reader.count; this.#entry++) {
      const [timestampMs, offset] = this.#read()
      this.#problems.add(this.#entry, `entry ${this.#entry} names offset ${offset}, where no batch ends`)
      this.#lastTimestampMs = timestampMs
    }
    const { strayBytes, count } = this.#reader
    if (strayBytes > 0) this.#problems.add(count, `${strayBytes} bytes follow the last whole entry`)
    if (complete && this.#lastTimestampMs < this.#maxTimestampMs) {
      const ends = `it ends at timestamp ${this.#lastTimestampMs}`
      this.#problems.add(count, `${ends}, the largest of the segment is ${this.#maxTimestampMs}`)
    }
    return this.#problems.result
  }

  #read(): [timestampMs: number, offset: number] {
    const [chunk, at] = this.#reader.at(this.#entry)
    return [readInt64(chunk, at), this.#baseOffset + readInt32(chunk, at + 8)]
  }
}

/**
 * Why a transaction index does not fit what the log says was aborted in its segment, or null. Of transactions that began
 * before `knownFrom` the log tells no more; where data may have been removed, the index may know more than the log.
 */
export function transactionIndexProblem(
  index: TransactionIndex,
  replayed: readonly AbortedRange[],
  knownFrom: number,
  mayKnowMore: boolean,
): string | null {
  const told = new Map(index.entries.map((range) => [range.lastOffset, range]))
  for (const range of replayed) {
    const entry = told.get(range.lastOffset)
    if (entry === undefined) return `the transaction aborted at offset ${range.lastOffset} is missing`
    told.delete(range.lastOffset)
    if (entry.producerId !== range.producerId || entry.firstOffset > range.firstOffset) {
      const log = `producer ${range.producerId} from offset ${range.firstOffset}`
      const says = `producer ${entry.producerId} from offset ${entry.firstOffset}`
      return `the transaction aborted at offset ${range.lastOffset} is that of ${log}, not of ${says}`
    }
  }
  for (const { firstOffset, lastOffset } of told.values()) {
    if (mayKnowMore || firstOffset < knownFrom) continue
    return `no transaction from offset ${firstOffset} was aborted at offset ${lastOffset}`
  }
  return null
}
