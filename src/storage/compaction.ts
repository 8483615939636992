import {
  type BatchHeader,
  CODEC_MASK,
  DELETE_HORIZON_FLAG,
  hasDeleteHorizon,
  isControl,
  isLogAppendTime,
  NO_TIMESTAMP,
} from '../../protocol/records/batch.ts'
import { assembleBatch } from '../../protocol/records/batch-builder.ts'
import { RecordCursor } from '../../protocol/records/record-cursor.ts'
import { RecordError } from '../../protocol/records/record-error.ts'
import { varintSizeBytes, varlongSizeBytes, writeVarint, writeVarlong } from '../../protocol/records/varint.ts'
import type { OffsetMap } from './offset-map.ts'
import type { TransactionWalk } from './transaction-walk.ts'

/**
 * What compaction does to one batch, as Kafka's cleaner decides it: pure functions for every engine. Those that look at
 * records are generators that pause after a bounded amount of work, so that the caller can let other work run.
 */

/** Records between two pauses: about a quarter of a millisecond, most of it the hash of the keys. */
const RECORDS_AT_ONCE = 256
const COPIED_BYTES_AT_ONCE = 1024 * 1024

/** The end of what a producer wrote, which has to survive so that its sequence goes on after a restart. */
export interface LastRecord {
  /** Of its last data; -1 when only a marker is known. */
  readonly lastDataOffset: number
  readonly producerEpoch: number
}

/** One pass over a log. */
export interface CleaningRound {
  readonly offsets: OffsetMap
  readonly transactions: TransactionWalk
  readonly nowMs: number
  readonly deleteRetentionMs: number
  /** One past the last offset of the pass. */
  readonly endOffset: number
  /** Of the producers that are known at the beginning. */
  readonly lastRecords: ReadonlyMap<number, LastRecord>
}

export interface Judgement {
  /**
   * keep: as it is. drop: nothing stays. empty: only the header stays. mark: stays, with its delete horizon set from now
   * on. filter: its records decide.
   */
  readonly verdict: 'keep' | 'drop' | 'empty' | 'mark' | 'filter'
  /** The header stays also when no record does. */
  readonly needed: boolean
}

/** What a batch is among its neighbours. */
export interface BatchPlace {
  /** The last batch of the segment that is being written: its end says which offsets the segment covers. */
  readonly endsSegment: boolean
}

/**
 * Decides about a batch without its records; has to see every batch of the round, in order. `commit` says how a marker
 * ends its transaction, null for every other batch.
 */
export function judgeBatch(
  round: CleaningRound,
  header: BatchHeader,
  commit: boolean | null,
  place: BatchPlace,
): Judgement {
  const needed = place.endsSegment || endsRound(round, header) || isLastOfProducer(round, header)
  const verdict = isControl(header.attributes)
    ? judgeMarker(round, header, commit, needed)
    : judgeData(round, header, needed)
  return { verdict, needed }
}

function judgeData(round: CleaningRound, header: BatchHeader, needed: boolean): Judgement['verdict'] {
  const aborted = round.transactions.isAborted(header)
  if (header.recordCount === 0) return needed ? 'keep' : 'drop'
  // Before an open transaction the end of the round is all that committed readers see: kafkajs needs a record there.
  if (aborted && endsRound(round, header)) return 'keep'
  if (aborted) return needed ? 'empty' : 'drop'
  return header.baseOffset > round.offsets.latestOffset ? 'keep' : 'filter'
}

/**
 * A marker goes like a tombstone, once nothing of its transaction is left. Where something of it is needed it stays
 * whole: a marker without its record tells neither readers nor a restart anything.
 */
function judgeMarker(
  round: CleaningRound,
  header: BatchHeader,
  commit: boolean | null,
  needed: boolean,
): Judgement['verdict'] {
  if (commit === null) return header.recordCount > 0 || needed ? 'keep' : 'drop'
  if (!round.transactions.endsNothing(header, commit)) return 'keep'
  if (!hasDeleteHorizon(header.attributes)) return 'mark'
  return needed || round.nowMs < header.baseTimestamp ? 'keep' : 'drop'
}

function endsRound(round: CleaningRound, header: BatchHeader): boolean {
  return header.baseOffset + header.lastOffsetDelta + 1 === round.endOffset
}

function isLastOfProducer(round: CleaningRound, header: BatchHeader): boolean {
  const last = header.producerId < 0 ? undefined : round.lastRecords.get(header.producerId)
  if (!last) return false
  if (last.lastDataOffset >= 0) return header.baseOffset + header.lastOffsetDelta === last.lastDataOffset
  return isControl(header.attributes) && header.producerEpoch === last.producerEpoch
}

/** Whether the keys of a batch belong into the map; has to see every batch on the way, in order. */
export function replacesEarlier(transactions: TransactionWalk, header: BatchHeader, commit: boolean | null): boolean {
  if (!isControl(header.attributes)) return !transactions.isAborted(header)
  if (commit !== null) transactions.endsNothing(header, commit)
  return false
}

/** Puts the keys of a batch of data into the map; ends with false when the map is full. */
export function* indexKeys(
  offsets: OffsetMap,
  header: BatchHeader,
  plain: Buffer,
  fromOffset: number,
): Generator<void, boolean, undefined> {
  const cursor = new RecordCursor(plain, 0, plain.length)
  while (cursor.next()) {
    const offset = header.baseOffset + cursor.offsetDelta
    if (cursor.keySizeBytes >= 0 && offset >= fromOffset) {
      if (!offsets.put(plain, cursor.keyAt, cursor.keySizeBytes, offset)) return false
    }
    if ((cursor.index + 1) % RECORDS_AT_ONCE === 0) yield
  }
  checkCount(cursor, header)
  return true
}

/** A batch with other records than before, not yet compressed. */
export interface ChangedBatch {
  readonly kind: 'changed'
  readonly header: Omit<BatchHeader, 'sizeBytes' | 'magic' | 'crc'>
  readonly plain: Buffer
}

export type FilteredBatch = { readonly kind: 'unchanged' } | { readonly kind: 'gone' } | ChangedBatch

/** What stays of a record beside the bytes: where it lies. */
interface Retained {
  /** Begin and end of runs of retained records. */
  readonly runs: number[]
  count: number
  maxTimestamp: number
  tombstones: boolean
}

/** Takes the records out of a batch of data that a later one of their key has replaced, and tombstones past their time. */
export function* filterRecords(
  round: CleaningRound,
  header: BatchHeader,
  plain: Buffer,
): Generator<void, FilteredBatch, undefined> {
  const retained: Retained = { runs: [], count: 0, maxTimestamp: NO_TIMESTAMP, tombstones: false }
  const cursor = new RecordCursor(plain, 0, plain.length)
  while (cursor.next()) {
    if (isRetained(round, header, cursor)) retain(retained, header, cursor)
    if ((cursor.index + 1) % RECORDS_AT_ONCE === 0) yield
  }
  checkCount(cursor, header)
  // kafkajs does not get past a batch without records that nothing follows: its position stays before it, its lag never
  // becomes 0, and it asks again without a pause. As long as its time has not come the last record stays.
  if (retained.count === 0 && endsRound(round, header)) retainLast(round, header, plain, retained)
  if (retained.count === 0) return { kind: 'gone' }
  if (retained.tombstones && !hasDeleteHorizon(header.attributes)) {
    return yield* marked(header, plain, retained, round.nowMs + round.deleteRetentionMs)
  }
  if (retained.count === header.recordCount) return { kind: 'unchanged' }
  const kept = yield* copyRuns(plain, retained.runs)
  return { kind: 'changed', header: headerOf(header, retained), plain: kept }
}

/** A marker with the time from which on it may go. */
export function* markBatch(
  round: CleaningRound,
  header: BatchHeader,
  plain: Buffer,
): Generator<void, ChangedBatch, undefined> {
  const retained: Retained = { runs: [], count: 0, maxTimestamp: NO_TIMESTAMP, tombstones: false }
  const cursor = new RecordCursor(plain, 0, plain.length)
  while (cursor.next()) retain(retained, header, cursor)
  checkCount(cursor, header)
  return yield* marked(header, plain, retained, round.nowMs + round.deleteRetentionMs)
}

/** The header alone, for what it says of offsets and sequences. */
export function emptyBatch(header: BatchHeader): Buffer {
  const attributes = header.attributes & ~(CODEC_MASK | DELETE_HORIZON_FLAG)
  return assembleBatch({ ...header, attributes, baseTimestamp: NO_TIMESTAMP, recordCount: 0 }, Buffer.alloc(0))
}

function isRetained(round: CleaningRound, header: BatchHeader, cursor: RecordCursor): boolean {
  const offset = header.baseOffset + cursor.offsetDelta
  if (offset > round.offsets.latestOffset) return true
  if (cursor.keySizeBytes < 0) return false
  if (offset < round.offsets.get(cursor.buffer, cursor.keyAt, cursor.keySizeBytes)) return false
  return cursor.valueSizeBytes >= 0 || !isPastHorizon(round, header)
}

function isPastHorizon(round: CleaningRound, header: BatchHeader): boolean {
  return hasDeleteHorizon(header.attributes) && round.nowMs >= header.baseTimestamp
}

function retain(retained: Retained, header: BatchHeader, cursor: RecordCursor): void {
  const { runs } = retained
  if (runs[runs.length - 1] === cursor.recordAt) runs[runs.length - 1] = cursor.at
  else runs.push(cursor.recordAt, cursor.at)
  retained.count++
  if (cursor.valueSizeBytes < 0) retained.tombstones = true
  retained.maxTimestamp = Math.max(retained.maxTimestamp, header.baseTimestamp + cursor.timestampDelta)
}

function retainLast(round: CleaningRound, header: BatchHeader, plain: Buffer, retained: Retained): void {
  const cursor = new RecordCursor(plain, 0, plain.length)
  for (let left = header.recordCount; left > 0; left--) cursor.next()
  if (cursor.valueSizeBytes >= 0 || !isPastHorizon(round, header)) retain(retained, header, cursor)
}

function headerOf(header: BatchHeader, retained: Retained): ChangedBatch['header'] {
  const maxTimestamp = isLogAppendTime(header.attributes) ? header.maxTimestamp : retained.maxTimestamp
  return { ...header, maxTimestamp, recordCount: retained.count }
}

/** The records anew: their timestamps are written as differences to the delete horizon (KIP-534). */
function* marked(
  header: BatchHeader,
  plain: Buffer,
  retained: Retained,
  horizonMs: number,
): Generator<void, ChangedBatch, undefined> {
  const source = yield* copyRuns(plain, retained.runs)
  const shiftMs = header.baseTimestamp - horizonMs
  let sizeBytes = 0
  for (const cursor = new RecordCursor(source, 0, source.length); cursor.next(); ) {
    const bodyBytes = bodyBytesOf(cursor, shiftMs)
    sizeBytes += varintSizeBytes(bodyBytes) + bodyBytes
    if ((cursor.index + 1) % RECORDS_AT_ONCE === 0) yield
  }
  const target = Buffer.allocUnsafe(sizeBytes)
  let at = 0
  for (const cursor = new RecordCursor(source, 0, source.length); cursor.next(); ) {
    at = writeVarint(target, at, bodyBytesOf(cursor, shiftMs))
    target[at++] = source[afterVarint(source, cursor.recordAt)]!
    at = writeVarlong(target, at, cursor.timestampDelta + shiftMs)
    at += source.copy(target, at, deltasEnd(cursor), cursor.at)
    if ((cursor.index + 1) % RECORDS_AT_ONCE === 0) yield
  }
  if (at !== sizeBytes) throw new Error(`records of ${sizeBytes} bytes were written as ${at}`)
  const changed = headerOf(header, retained)
  const attributes = header.attributes | DELETE_HORIZON_FLAG
  return { kind: 'changed', header: { ...changed, attributes, baseTimestamp: horizonMs }, plain: target }
}

function bodyBytesOf(cursor: RecordCursor, shiftMs: number): number {
  return 1 + varlongSizeBytes(cursor.timestampDelta + shiftMs) + (cursor.at - deltasEnd(cursor))
}

/** Where the offset delta of the current record begins: behind its length, attributes and timestamp delta. */
function deltasEnd(cursor: RecordCursor): number {
  return afterVarint(cursor.buffer, afterVarint(cursor.buffer, cursor.recordAt) + 1)
}

function afterVarint(buffer: Buffer, at: number): number {
  let next = at
  while (buffer[next]! > 0x7f) next++
  return next + 1
}

function* copyRuns(plain: Buffer, runs: readonly number[]): Generator<void, Buffer, undefined> {
  if (runs.length === 2 && runs[0] === 0 && runs[1] === plain.length) return plain
  let sizeBytes = 0
  for (let run = 0; run < runs.length; run += 2) sizeBytes += runs[run + 1]! - runs[run]!
  const target = Buffer.allocUnsafe(sizeBytes)
  let at = 0
  let pauseAt = COPIED_BYTES_AT_ONCE
  for (let run = 0; run < runs.length; run += 2) {
    at += plain.copy(target, at, runs[run]!, runs[run + 1]!)
    if (at < pauseAt) continue
    pauseAt = at + COPIED_BYTES_AT_ONCE
    yield
  }
  return target
}

function checkCount(cursor: RecordCursor, header: BatchHeader): void {
  const found = cursor.index + 1
  if (found === header.recordCount) return
  throw new RecordError(`the header announces ${header.recordCount} records, ${found} are there`)
}
