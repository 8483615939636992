import { ProtocolError } from '../../protocol/codec/protocol-error.ts'
import {
  batchCrcIsValid,
  batchPayload,
  batchProblem,
  eachBatch,
  isControl,
  readBatchHeader,
} from '../../protocol/records/batch.ts'
import { readRecords } from '../../protocol/records/record.ts'
import type { FileSystem } from '../io/file-system.ts'
import { StorageError } from '../storage/local/storage-error.ts'
import type { MetadataRecord } from './metadata.ts'
import { decodeMetadataRecord } from './metadata-record.ts'

/** Records of one atomic append, and the offset of the last of them. */
export interface MetadataBatch {
  readonly records: readonly MetadataRecord[]
  readonly lastOffset: number
}

/** What `__cluster_metadata-0` holds. */
export interface StoredMetadata {
  readonly batches: readonly MetadataBatch[]
  readonly nextOffset: number
  readonly epoch: number
  /** Everything below is in the snapshot. */
  readonly snapshotOffset: number
  readonly snapshotBytes: number
  readonly bytesSinceSnapshot: number
  /** An append that a crash interrupted, at the end of the last segment. */
  readonly tornEnd: TornEnd | null
  /** Newer ones than the one that was read: damaged. */
  readonly damagedSnapshots: readonly string[]
}

export interface TornEnd {
  readonly path: string
  /** Of the whole batches. */
  readonly wholeBytes: number
  readonly tornBytes: number
}

export const SEGMENT_NAME = /^(\d{20})\.log$/
export const SNAPSHOT_NAME = /^(\d{20})-(\d{10})\.checkpoint$/

/** All that reading needs of a disk. */
export type MetadataFiles = Pick<FileSystem, 'list' | 'readFile'>

/**
 * Reads the newest whole snapshot and what follows it. Touches nothing; throws StorageError rather than give less than
 * was acknowledged. `clean`: the broker was stopped in order, so that no append can have been interrupted.
 */
export function readMetadataLog(fs: MetadataFiles, directory: string, clean: boolean): StoredMetadata {
  return new MetadataLogReader(fs, directory, clean).read()
}

export function baseOffsetOf(segment: string): number {
  return Number(SEGMENT_NAME.exec(segment)![1])
}

class MetadataLogReader {
  readonly #fs: MetadataFiles
  readonly #directory: string
  readonly #clean: boolean
  readonly #batches: MetadataBatch[] = []
  readonly #damagedSnapshots: string[] = []
  #nextOffset = 0
  #epoch = 0
  #snapshotOffset = 0
  #snapshotBytes = 0
  #bytesSinceSnapshot = 0
  #tornEnd: TornEnd | null = null

  constructor(fs: MetadataFiles, directory: string, clean: boolean) {
    this.#fs = fs
    this.#directory = directory
    this.#clean = clean
  }

  read(): StoredMetadata {
    const names = this.#fs.list(this.#directory)
    for (const name of names.filter((name) => SNAPSHOT_NAME.test(name)).reverse()) {
      if (this.#readSnapshot(name)) break
      this.#damagedSnapshots.push(`${this.#directory}/${name}`)
    }
    const segments = this.#segmentsToRead(names)
    for (const [at, name] of segments.entries()) this.#readSegment(name, segments.slice(at + 1))
    return {
      batches: this.#batches,
      nextOffset: this.#nextOffset,
      epoch: this.#epoch,
      snapshotOffset: this.#snapshotOffset,
      snapshotBytes: this.#snapshotBytes,
      bytesSinceSnapshot: this.#bytesSinceSnapshot,
      tornEnd: this.#tornEnd,
      damagedSnapshots: this.#damagedSnapshots,
    }
  }

  /** Segments that reach beyond the snapshot: what it stands for may still lie there, whole or not. */
  #segmentsToRead(names: readonly string[]): string[] {
    const segments = names.filter((name) => SEGMENT_NAME.test(name))
    const from = segments.findLastIndex((name) => baseOffsetOf(name) <= this.#snapshotOffset)
    if (from < 0 && segments.length > 0) {
      const damaged = this.#damagedSnapshots.length === 0 ? '' : `, and ${this.#damagedSnapshots.join(', ')} is damaged`
      throw new StorageError(
        `${this.#directory}/${segments[0]}: nothing is there of the metadata before it, nor a whole snapshot of it${damaged}. ` +
          'Restore this folder from a backup.',
      )
    }
    if (segments.length === 0 && this.#snapshotBytes > 0) {
      // A snapshot is written first, then a segment behind it, and only then the old ones go.
      throw new StorageError(
        `${this.#directory} has a snapshot and no segment: changes after offset ${this.#snapshotOffset - 1} are missing. ` +
          'Restore this folder from a backup.',
      )
    }
    return segments.slice(from)
  }

  #readSnapshot(name: string): boolean {
    const match = SNAPSHOT_NAME.exec(name)!
    const path = `${this.#directory}/${name}`
    const content = this.#fs.readFile(path)
    if (content === null || !isWholeSnapshot(content)) return false
    const records: MetadataRecord[] = []
    for (const at of eachBatch(content)) records.push(...recordsOfBatch(content, at, path))
    this.#snapshotOffset = Number(match[1])
    this.#nextOffset = this.#snapshotOffset
    this.#epoch = Number(match[2])
    this.#snapshotBytes = content.length
    this.#batches.push({ records, lastOffset: this.#snapshotOffset - 1 })
    return true
  }

  #readSegment(name: string, later: readonly string[]): void {
    const path = `${this.#directory}/${name}`
    const content = this.#fs.readFile(path) ?? Buffer.alloc(0)
    let at = 0
    for (; at < content.length && isWhole(content, at); at += readBatchHeader(content, at).sizeBytes) {
      const header = readBatchHeader(content, at)
      const lastOffset = header.baseOffset + header.lastOffsetDelta
      this.#epoch = Math.max(this.#epoch, header.partitionLeaderEpoch)
      if (header.baseOffset < this.#nextOffset) continue
      if (header.baseOffset > this.#nextOffset) {
        throw new StorageError(
          `${path}: offset ${header.baseOffset} follows ${this.#nextOffset - 1}: metadata is missing. ` +
            'Restore this folder from a backup.',
        )
      }
      this.#batches.push({ records: recordsOfBatch(content, at, path), lastOffset })
      this.#nextOffset = lastOffset + 1
      this.#bytesSinceSnapshot += header.sizeBytes
    }
    if (at === content.length) return
    this.#refuseDamage(path, content, at, later)
    this.#tornEnd = { path, wholeBytes: at, tornBytes: content.length - at }
  }

  /** Only the end of the last append may be missing; anything else would take topics away that were acknowledged. */
  #refuseDamage(path: string, content: Buffer, at: number, later: readonly string[]): void {
    const where = `${path} is damaged at position ${at}, offset ${this.#nextOffset}`
    if (later.length > 0) {
      throw new StorageError(
        `${where}, in the middle of the metadata: ${later.join(', ')} would be lost with it. ` +
          'Restore this folder from a backup, or remove the later files to go back to the last good state.',
      )
    }
    const follows = wholeBatchBehind(content, at, this.#nextOffset)
    if (!this.#clean && (follows < 0 || this.#isSecondOfStart(content, follows))) return
    throw new StorageError(
      `${where}, and that is not the end of an interrupted write: changes of topics and settings would be lost. ` +
        `Restore this folder from a backup, or cut the file off there (truncate -s ${at}) to go back to the last good state.`,
    )
  }

  /**
   * A start writes two batches at once, and a power cut may leave the second of them only: nobody was told of either.
   */
  #isSecondOfStart(content: Buffer, at: number): boolean {
    const header = readBatchHeader(content, at)
    return at + header.sizeBytes === content.length && header.partitionLeaderEpoch > this.#epoch
  }
}

function isWhole(content: Buffer, at: number): boolean {
  return batchProblem(content, at) === null && batchCrcIsValid(content, at)
}

/** Where the first whole batch of a later offset begins behind a position, or -1. */
function wholeBatchBehind(content: Buffer, position: number, leastOffset: number): number {
  for (let at = position + 1; at < content.length; at++) {
    if (batchProblem(content, at) !== null) continue
    if (readBatchHeader(content, at).baseOffset >= leastOffset && batchCrcIsValid(content, at)) return at
  }
  return -1
}

function recordsOfBatch(content: Buffer, at: number, path: string): MetadataRecord[] {
  const header = readBatchHeader(content, at)
  if (isControl(header.attributes)) return []
  return [...readRecords(batchPayload(content, at), header)].map(({ value, offset }) => {
    try {
      return decodeMetadataRecord(value!)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      throw new StorageError(
        `${path}: the record at offset ${offset} is of a newer version: ${error.message}. ` +
          'The directory is left alone; start it with the version that wrote it.',
      )
    }
  })
}

/** Every batch sound, and a footer at the end. */
function isWholeSnapshot(content: Buffer): boolean {
  let at = 0
  let endsInControl = false
  while (at < content.length) {
    if (!isWhole(content, at)) return false
    const { attributes, sizeBytes } = readBatchHeader(content, at)
    endsInControl = at > 0 && isControl(attributes)
    at += sizeBytes
  }
  return endsInControl
}
