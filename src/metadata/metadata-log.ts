import path from 'node:path'
import { codecOf } from '../../protocol/codec/codec.ts'
import { Writer } from '../../protocol/codec/writer.ts'
import {
  ControlRecordTypeSchema,
  LeaderChangeMessage,
  SnapshotFooterRecord,
  SnapshotHeaderRecord,
} from '../../protocol/messages/records/control.ts'
import { buildBatch, type NewRecord } from '../../protocol/records/batch-builder.ts'
import { ControlType } from '../../protocol/records/control-record.ts'
import type { Clock } from '../io/clock.ts'
import type { File, FileSystem } from '../io/file-system.ts'
import type { MetadataRecord } from './metadata.ts'
import {
  baseOffsetOf,
  type MetadataBatch,
  SEGMENT_NAME,
  SNAPSHOT_NAME,
  type StoredMetadata,
  type TornEnd,
} from './metadata-log-reader.ts'
import { encodeMetadataRecord } from './metadata-record.ts'

const OFFSET_DIGITS = 20
const EPOCH_DIGITS = 10
/** One batch of a snapshot holds so many records, so that reading one never needs much memory at once. */
const SNAPSHOT_BATCH_RECORDS = 1000

export interface MetadataLogOptions {
  readonly fs: FileSystem
  readonly clock: Clock
  /** `…/__cluster_metadata-0`, made when missing. */
  readonly directory: string
  readonly nodeId: number
  /** False under `--durability os`. */
  readonly sync: boolean
}

/**
 * `__cluster_metadata-0` in KRaft's format: segments of record batches, and snapshots that stand for everything before
 * their offset. One append is one batch, so it is there whole or not at all.
 */
export class MetadataLog {
  readonly #options: MetadataLogOptions
  #file: File | null = null
  #position = 0
  #nextOffset = 0
  #epoch = 0
  #snapshotOffset = 0
  #failed: Error | null = null
  /** Bytes appended since the last snapshot. */
  bytesSinceSnapshot = 0
  snapshotBytes = 0
  /** Cut off at the beginning. */
  #tornEnd: TornEnd | null = null

  constructor(options: MetadataLogOptions) {
    this.#options = options
  }

  get nextOffset(): number {
    return this.#nextOffset
  }

  /** Goes on where the stored metadata ends. Nothing is written before `begin`. */
  load(stored: StoredMetadata): void {
    this.#nextOffset = stored.nextOffset
    this.#epoch = stored.epoch
    this.#snapshotOffset = stored.snapshotOffset
    this.#tornEnd = stored.tornEnd
    this.snapshotBytes = stored.snapshotBytes
    this.bytesSinceSnapshot = stored.bytesSinceSnapshot
  }

  /**
   * Begins a new leadership, as KRaft's leader does: opens the segment to write to and records the epoch, followed by
   * what a start has to say. Resolves with the records and the offset of the last one.
   */
  async begin(firstRecords: (offset: number) => readonly MetadataRecord[]): Promise<MetadataBatch> {
    const { fs, directory, nodeId, clock } = this.#options
    this.#epoch += 1
    fs.makeDirectory(directory)
    this.#cutOffTornEnd()
    const names = fs.list(directory)
    for (const name of names) if (name.endsWith('.checkpoint.tmp')) fs.unlink(`${directory}/${name}`)
    const last = names.filter((name) => SEGMENT_NAME.test(name)).at(-1)
    if (last === undefined || baseOffsetOf(last) < this.#snapshotOffset) {
      await this.#newSegment()
      await fs.syncDirectory(path.dirname(directory))
    } else {
      this.#file = fs.open(`${directory}/${last}`, 'write')
      this.#position = this.#file.sizeBytes()
      await this.#syncFound(this.#file)
    }
    const voters = [{ voterId: nodeId }]
    const message = { version: 0, leaderId: nodeId, voters, grantingVoters: voters }
    const writer = new Writer(64)
    codecOf(LeaderChangeMessage, 0).encode(writer, message)
    const leaderChange = [controlRecord(ControlType.LEADER_CHANGE, writer.bytes(), clock.nowMs())]
    const records = firstRecords(this.#nextOffset + 1)
    const batches = [this.#batch(leaderChange, this.#nextOffset, true)]
    batches.push(this.#batch(this.#logRecords(records), this.#nextOffset + 1, false))
    return { records, lastOffset: await this.#write(batches, records.length + 1) }
  }

  /** Appends records as one batch. Resolves with the offset of the last once they are durable. */
  append(records: readonly MetadataRecord[]): Promise<number> {
    return this.#write([this.#batch(this.#logRecords(records), this.#nextOffset, false)], records.length)
  }

  /**
   * Writes a snapshot of everything up to now, goes on in a new segment, and removes what the snapshot stands for. At
   * every moment in between a start finds either the old files or the new ones whole.
   */
  async snapshot(records: readonly MetadataRecord[]): Promise<void> {
    const { fs, directory, clock } = this.#options
    const offset = this.#nextOffset
    const name = `${digits(offset, OFFSET_DIGITS)}-${digits(this.#epoch, EPOCH_DIGITS)}.checkpoint`
    const content = snapshotContent(records, this.#epoch, clock.nowMs())
    await fs.replaceFile(`${directory}/${name}`, content)
    this.#snapshotOffset = offset
    await this.#newSegment()
    for (const old of fs.list(directory)) {
      const match = SEGMENT_NAME.exec(old) ?? SNAPSHOT_NAME.exec(old)
      if (match !== null && Number(match[1]) < offset) fs.unlink(`${directory}/${old}`)
    }
    await fs.syncDirectory(directory)
    this.snapshotBytes = content.length
    this.bytesSinceSnapshot = 0
  }

  close(): void {
    this.#file?.close()
    this.#file = null
  }

  /**
   * What a killed broker left may be in the page cache only, its name as well. Before anybody is told of it, and before
   * anything is written behind it, it must be as safe as if this process had written it.
   */
  async #syncFound(file: File): Promise<void> {
    const { fs, directory, sync } = this.#options
    if (!sync) return
    await file.sync()
    await fs.syncDirectory(directory)
    await fs.syncDirectory(path.dirname(directory))
  }

  async #newSegment(): Promise<void> {
    const { fs, directory } = this.#options
    const file = fs.open(`${directory}/${digits(this.#nextOffset, OFFSET_DIGITS)}.log`, 'create')
    file.truncate(0)
    await fs.syncDirectory(directory)
    this.#file?.close()
    this.#file = file
    this.#position = 0
  }

  #logRecords(records: readonly MetadataRecord[]): NewRecord[] {
    const timestamp = this.#options.clock.nowMs()
    return records.map((record) => ({ timestamp, key: null, value: encodeMetadataRecord(record) }))
  }

  #batch(records: readonly NewRecord[], baseOffset: number, control: boolean): Buffer {
    return buildBatch({ baseOffset, partitionLeaderEpoch: this.#epoch, control, records })
  }

  /** Resolves with the last offset of these batches, which hold so many records in all. */
  async #write(batches: readonly Buffer[], recordCount: number): Promise<number> {
    if (this.#failed !== null) throw this.#failed
    if (this.#file === null) throw new Error('the metadata log is not open')
    try {
      await this.#file.write(batches, this.#position)
    } catch (error) {
      this.#cutBack(error as Error)
      throw error
    }
    try {
      if (this.#options.sync) await this.#file.sync()
    } catch (error) {
      // After a failed sync nobody knows what is on the disk, and trying again would hide it.
      this.#failed = error as Error
      throw error
    }
    const writtenBytes = batches.reduce((sum, batch) => sum + batch.length, 0)
    this.#position += writtenBytes
    this.bytesSinceSnapshot += writtenBytes
    this.#nextOffset += recordCount
    return this.#nextOffset - 1
  }

  /** A full disk may be emptied again: what is half written must not stay in the way of the next batch. */
  #cutBack(reason: Error): void {
    try {
      this.#file!.truncate(this.#position)
    } catch {
      this.#failed = reason
    }
  }

  #cutOffTornEnd(): void {
    if (this.#tornEnd === null) return
    const file = this.#options.fs.open(this.#tornEnd.path, 'write')
    file.truncate(this.#tornEnd.wholeBytes)
    file.close()
    this.#tornEnd = null
  }
}

function controlRecord(type: number, value: Buffer, timestamp: number): NewRecord {
  const key = new Writer(4)
  key.int16(0)
  codecOf(ControlRecordTypeSchema, 0).encode(key, { type })
  return { timestamp, key: key.bytes(), value }
}

function snapshotContent(records: readonly MetadataRecord[], epoch: number, timestamp: number): Buffer {
  const batches: Buffer[] = []
  let offset = 0
  const add = (control: boolean, list: readonly NewRecord[]) => {
    batches.push(buildBatch({ baseOffset: offset, partitionLeaderEpoch: epoch, control, records: list }))
    offset += list.length
  }
  const header = new Writer(32)
  codecOf(SnapshotHeaderRecord, 0).encode(header, { version: 0, lastContainedLogTimestamp: timestamp })
  add(true, [controlRecord(ControlType.SNAPSHOT_HEADER, header.bytes(), timestamp)])
  for (let from = 0; from < records.length; from += SNAPSHOT_BATCH_RECORDS) {
    const part = records.slice(from, from + SNAPSHOT_BATCH_RECORDS)
    add(
      false,
      part.map((record) => ({ timestamp, key: null, value: encodeMetadataRecord(record) })),
    )
  }
  const footer = new Writer(32)
  codecOf(SnapshotFooterRecord, 0).encode(footer, { version: 0 })
  add(true, [controlRecord(ControlType.SNAPSHOT_FOOTER, footer.bytes(), timestamp)])
  return Buffer.concat(batches)
}

function digits(value: number, count: number): string {
  return String(value).padStart(count, '0')
}
