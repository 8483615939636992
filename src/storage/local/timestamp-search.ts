import { type BatchHeader, batchPayload, codecOf, isLogAppendTime } from '../../../protocol/records/batch.ts'
import { CompressionCodec } from '../../../protocol/records/compression.ts'
import { readRecords } from '../../../protocol/records/record.ts'
import type { Isolation, TimestampOffset } from '../storage.ts'
import { DamagedSegmentError } from './batch-order.ts'
import type { Log } from './log.ts'
import type { LogContext } from './log-context.ts'
import { boundOf } from './log-reader.ts'
import type { LogSegment } from './log-segment.ts'
import { ensureIndexes, remakeIndexes } from './segment-indexes.ts'
import { scanBatches } from './segment-scanner.ts'

const NONE: TimestampOffset = { timestampMs: -1, offset: -1, leaderEpoch: -1 }

interface FoundBatch {
  readonly header: BatchHeader
  readonly segment: LogSegment
  readonly position: number
}

/** First record by offset whose timestamp is at least the one given, below the isolation's bound. */
export function findByTimestamp(
  context: LogContext,
  log: Log,
  timestampMs: number,
  isolation: Isolation,
): Promise<TimestampOffset> {
  return untilStill(context, log, () => searchFirst(context, log, timestampMs, isolation))
}

/** First record that carries the largest timestamp of the log. */
export function findMaxTimestamp(context: LogContext, log: Log): Promise<TimestampOffset> {
  return untilStill(context, log, () => searchMax(context, log))
}

/** A search begins anew when retention or compaction took segments away, and once without indexes that led astray. */
async function untilStill<T>(context: LogContext, log: Log, search: () => Promise<T>): Promise<T> {
  for (;;) {
    const { reshaped } = log
    try {
      const found = await search()
      if (reshaped === log.reshaped) return found
    } catch (error) {
      if (reshaped !== log.reshaped) continue
      if (!(error instanceof DamagedSegmentError) || error.segment.remade) throw error
      context.report('warn', `${error.message}; its indexes are made anew`)
      await remakeIndexes(context, log, error.segment)
    }
  }
}

async function searchFirst(
  context: LogContext,
  log: Log,
  timestampMs: number,
  isolation: Isolation,
): Promise<TimestampOffset> {
  const bound = boundOf(log, isolation)
  for (const segment of [...log.segments]) {
    if (segment.deleted || segment.baseOffset >= bound) continue
    // Known once its indexes have been read, also when they are no longer in memory.
    if (segment.maxTimestampMs >= 0 && segment.maxTimestampMs < timestampMs) continue
    const { offsetIndex, timeIndex } = await ensureIndexes(context, log, segment)
    if (segment.maxTimestampMs < timestampMs) continue
    const known = timeIndex.offsetBefore(timestampMs)
    let from = offsetIndex.positionBefore(Math.max(known, log.logStartOffset))
    // A batch may promise by its header what no record behind the log start keeps: then the search goes on behind it.
    for (;;) {
      const batch = await nextBatch(context, segment, from, (header) => {
        const inTime = header.recordCount > 0 && header.maxTimestamp >= timestampMs
        return inTime && lastOffsetOf(header) >= log.logStartOffset
      })
      if (batch === null || batch.header.baseOffset >= bound) break
      const found = await firstRecord(context, log, batch, timestampMs)
      if (found !== null) return found.offset < bound ? found : NONE
      from = batch.position + batch.header.sizeBytes
    }
  }
  return NONE
}

async function searchMax(context: LogContext, log: Log): Promise<TimestampOffset> {
  const bound = log.highWatermark
  let best: TimestampOffset = NONE
  let bestBatch: FoundBatch | null = null
  for (const segment of [...log.segments]) {
    if (segment.deleted || segment.baseOffset >= bound) continue
    const { offsetIndex } = await ensureIndexes(context, log, segment)
    if (segment.maxTimestampMs <= best.timestampMs) continue
    const whole = segment.baseOffset >= log.logStartOffset && segment.maxTimestampOffset < bound
    let from = offsetIndex.positionBefore(whole ? segment.maxTimestampOffset : log.logStartOffset)
    for (;;) {
      const stop = await nextBatch(context, segment, from, (header, position) => {
        if (header.baseOffset >= bound) return true
        if (header.recordCount === 0 || header.maxTimestamp <= best.timestampMs) return false
        if (lastOffsetOf(header) < log.logStartOffset) return false
        if (header.baseOffset < log.logStartOffset) return true
        bestBatch = { header, segment, position }
        best = { timestampMs: header.maxTimestamp, offset: -1, leaderEpoch: -1 }
        return header.maxTimestamp === segment.maxTimestampMs
      })
      if (stop === null || stop.header.baseOffset >= log.logStartOffset) break
      // Records before the log start no longer count: the header's word is not enough.
      const largest = await largestRecord(context, log, stop)
      if (largest.timestampMs > best.timestampMs) best = largest
      from = stop.position + stop.header.sizeBytes
    }
  }
  return best.offset < 0 && bestBatch !== null ? largestRecord(context, log, bestBatch) : best
}

/** The first batch from a position on that the test accepts. */
async function nextBatch(
  context: LogContext,
  segment: LogSegment,
  fromPosition: number,
  accepts: (header: BatchHeader, position: number) => boolean,
): Promise<FoundBatch | null> {
  let found: FoundBatch | null = null
  let problem: string | null = null
  const open = segment.acquireLog(context.files)
  try {
    const range = {
      fromPosition,
      endPosition: segment.writtenBytes,
      leastOffset: segment.baseOffset,
      checkCrcFrom: Number.POSITIVE_INFINITY,
    }
    const result = await scanBatches(open.file, context.readBuffers, range, (header, _buffer, _at, position) => {
      if (!accepts(header, position)) return true
      found = { header, segment, position }
      return false
    })
    problem = result.problem
  } finally {
    context.files.release(open)
  }
  if (problem !== null) throw new DamagedSegmentError(segment, problem)
  return found
}

async function firstRecord(
  context: LogContext,
  log: Log,
  batch: FoundBatch,
  timestampMs: number,
): Promise<TimestampOffset | null> {
  for (const record of await timestampsOf(context, log, batch)) {
    if (record.timestampMs >= timestampMs && record.offset >= log.logStartOffset) return record
  }
  return null
}

async function largestRecord(context: LogContext, log: Log, batch: FoundBatch): Promise<TimestampOffset> {
  let largest = NONE
  for (const record of await timestampsOf(context, log, batch)) {
    if (record.offset >= log.logStartOffset && record.timestampMs > largest.timestampMs) largest = record
  }
  return largest
}

/** Of the records of a batch, in order; under log append time the first one, where it is there, stands for all. */
async function timestampsOf(
  context: LogContext,
  log: Log,
  { header, segment, position }: FoundBatch,
): Promise<Iterable<TimestampOffset>> {
  const leaderEpoch = header.partitionLeaderEpoch
  const compacted = header.recordCount <= header.lastOffsetDelta
  if (isLogAppendTime(header.attributes) && !compacted) {
    const offset = Math.max(header.baseOffset, log.logStartOffset)
    return [{ timestampMs: header.maxTimestamp, offset, leaderEpoch }]
  }
  const batch = Buffer.allocUnsafe(header.sizeBytes)
  const open = segment.acquireLog(context.files)
  try {
    await open.file.read(batch, position)
  } finally {
    context.files.release(open)
  }
  const codec = codecOf(header.attributes)
  const payload = batchPayload(batch, 0)
  const plain =
    codec === CompressionCodec.NONE
      ? payload
      : await context.work.decompress(codec, payload, context.decompressedBatchLimitBytes)
  return timestampsIn(plain, header)
}

function* timestampsIn(plain: Buffer, header: BatchHeader): Generator<TimestampOffset, void, undefined> {
  for (const { timestamp, offset } of readRecords(plain, header)) {
    yield { timestampMs: timestamp, offset, leaderEpoch: header.partitionLeaderEpoch }
  }
}

function lastOffsetOf(header: BatchHeader): number {
  return header.baseOffset + header.lastOffsetDelta
}
