import { ErrorCode } from '../../../protocol/errors.ts'
import {
  BATCH_HEADER_BYTES,
  baseOffset,
  batchSizeBytes,
  lastOffset,
  recordCount,
} from '../../../protocol/records/batch.ts'
import type { AbortedTransaction, Isolation, ReadResult } from '../storage.ts'
import { BatchOrder, DamagedSegmentError } from './batch-order.ts'
import type { Log } from './log.ts'
import type { LogContext } from './log-context.ts'
import type { LogSegment } from './log-segment.ts'
import type { OffsetIndexEntry } from './offset-index.ts'
import { LARGEST_READ_BYTES } from './read-buffers.ts'
import { ensureIndexes, remakeIndexes } from './segment-indexes.ts'
import { errorText, StorageError } from './storage-error.ts'
import type { TailSlice } from './tail-cache.ts'

/** Bytes written in the last moments lie in the page cache: reading them does not wait for a disk. */
const RECENT_BYTES = 32 * 1024 * 1024
const SMALLEST_READ_BYTES = 65_536
const NO_CHUNKS: readonly Buffer[] = Object.freeze([])
const NO_ABORTED: readonly AbortedTransaction[] = Object.freeze([])

export interface ReadRequest {
  readonly log: Log
  readonly offset: number
  readonly maxBytes: number
  readonly isolation: Isolation
  /** The first batch is returned also when it is larger than maxBytes. */
  readonly firstIsExempt: boolean
}

/** Whole batches from the one that holds the offset; at once when memory has them or there is nothing to read. */
export function readLog(context: LogContext, request: ReadRequest): ReadResult | Promise<ReadResult> {
  const { log, offset } = request
  const error = readError(log, offset)
  if (error !== ErrorCode.NONE) return emptyRead(log, error, request.isolation)
  const bound = boundOf(log, request.isolation)
  if (offset >= bound) return emptyRead(log, ErrorCode.NONE, request.isolation)
  if (offset < log.tail.baseOffset) return readFiles(context, request, bound)
  const slices = log.tail.read(offset, bound, request.maxBytes, request.firstIsExempt)
  return slices.length === 0 ? emptyRead(log, ErrorCode.NONE, request.isolation) : tailRead(context, request, slices)
}

/** The first offset that a reader may not see. */
export function boundOf(log: Log, isolation: Isolation): number {
  return isolation === 'read_committed' ? log.lastStableOffset : log.highWatermark
}

export function readError(log: Log, offset: number): ErrorCode {
  if (log.state === 'dropped') return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  if (log.state === 'offline') return ErrorCode.KAFKA_STORAGE_ERROR
  return offset < log.logStartOffset || offset > log.logEndOffset ? ErrorCode.OFFSET_OUT_OF_RANGE : ErrorCode.NONE
}

function nothingToRelease(): void {
  // Results without bytes pin nothing.
}

function emptyRead(log: Log, error: ErrorCode, isolation: Isolation): ReadResult {
  return {
    error,
    ...log.offsets,
    chunks: NO_CHUNKS,
    sizeBytes: 0,
    abortedTransactions: isolation === 'read_committed' ? NO_ABORTED : null,
    release: nothingToRelease,
  }
}

function tailRead(context: LogContext, request: ReadRequest, slices: TailSlice[]): ReadResult {
  const { log } = request
  const last = slices[slices.length - 1]!
  const endIndex = last.block.ends.indexOf(last.end)
  let sizeBytes = 0
  const chunks = slices.map(({ block, start, end }) => {
    sizeBytes += end - start
    return block.buffer.subarray(start, end)
  })
  let released = false
  return {
    error: ErrorCode.NONE,
    ...log.offsets,
    chunks,
    sizeBytes,
    abortedTransactions: aborted(request, last.block.lastOffsets[endIndex]! + 1),
    release() {
      if (released) return
      released = true
      for (const { block } of slices) context.tailCache.unpin(block)
    },
  }
}

/** Reads from the segment that holds the offset, or from the next one that has batches at or behind it. */
async function readFiles(context: LogContext, request: ReadRequest, bound: number): Promise<ReadResult> {
  const { log, offset } = request
  for (;;) {
    const { reshaped } = log
    try {
      const found = await readSegments(context, request, bound)
      if (found !== 'reshaped') return found
    } catch (error) {
      if (reshaped === log.reshaped) {
        const now = readError(log, offset)
        if (now !== ErrorCode.NONE) return emptyRead(log, now, request.isolation)
        context.report('error', `${log.name}: offset ${offset} cannot be read: ${errorText(error)}`)
        return emptyRead(log, ErrorCode.KAFKA_STORAGE_ERROR, request.isolation)
      }
    }
    // Retention or compaction took segments away meanwhile, and their aborted transactions with them: once more.
    const error = readError(log, offset)
    if (error !== ErrorCode.NONE) return emptyRead(log, error, request.isolation)
  }
}

/** The batches without records that were passed over. */
interface Passed {
  /** Copy of the last one. */
  last: Buffer | null
}

async function readSegments(
  context: LogContext,
  request: ReadRequest,
  bound: number,
): Promise<ReadResult | 'reshaped'> {
  const { log, offset } = request
  const { reshaped } = log
  const passed: Passed = { last: null }
  for (let index = log.segmentIndexFor(offset); index < log.segments.length; index++) {
    const segment = log.segments[index]!
    if (segment.baseOffset >= bound) break
    const found = await readSegment(context, request, segment, bound, passed)
    if (found === 'nothing') return emptyRead(log, readError(log, offset), request.isolation)
    if (found === 'end') break
    if (found !== 'next') return found
    if (reshaped !== log.reshaped) return 'reshaped'
  }
  if (passed.last === null || (passed.last.length > request.maxBytes && !request.firstIsExempt)) {
    return emptyRead(log, readError(log, offset), request.isolation)
  }
  return fileRead(context, request, passed.last, 0, passed.last.length, bound, () => false)
}

/**
 * 'next': all batches here end before the offset, or have no records. 'end': what follows may not be seen. 'nothing':
 * what follows does not fit.
 */
async function readSegment(
  context: LogContext,
  request: ReadRequest,
  segment: LogSegment,
  bound: number,
  passed: Passed,
): Promise<ReadResult | 'next' | 'end' | 'nothing' | 'reshaped'> {
  const { offsetIndex } = await ensureIndexes(context, request.log, segment)
  const { reshaped } = request.log
  try {
    return await readFrom(context, request, segment, offsetIndex.entryBefore(request.offset), bound, passed)
  } catch (error) {
    if (!(error instanceof DamagedSegmentError) || segment.remade || reshaped !== request.log.reshaped) throw error
    // It may be the index that is wrong.
    context.report('warn', `${error.message}; its indexes are made anew`)
    const remade = await remakeIndexes(context, request.log, segment)
    return readFrom(context, request, segment, remade.offsetIndex.entryBefore(request.offset), bound, passed)
  }
}

async function readFrom(
  context: LogContext,
  request: ReadRequest,
  segment: LogSegment,
  entry: OffsetIndexEntry | null,
  bound: number,
  passed: Passed,
): Promise<ReadResult | 'next' | 'end' | 'nothing' | 'reshaped'> {
  const { log, offset, maxBytes } = request
  const { reshaped } = log
  const order = new BatchOrder(log, segment, entry, offset)
  let position = entry?.position ?? 0
  let wantedBytes = Math.min(Math.max(maxBytes, SMALLEST_READ_BYTES), LARGEST_READ_BYTES)
  while (position < segment.writtenBytes) {
    const lengthBytes = Math.min(wantedBytes, segment.writtenBytes - position)
    const buffer = context.readBuffers.take(lengthBytes)
    const filled = await readAt(context, log, segment, buffer.subarray(0, lengthBytes), position)
    if (reshaped !== log.reshaped) {
      context.readBuffers.give(buffer)
      return 'reshaped'
    }
    if (filled < lengthBytes)
      throw new StorageError(`${segment.path('log')} is shorter than ${position + lengthBytes} bytes`)
    const skipped = skipTo({ buffer, filled, order, position }, offset, bound, passed)
    const complete = filled - skipped >= BATCH_HEADER_BYTES
    const sizeBytes = complete ? batchSizeBytes(buffer, skipped) : BATCH_HEADER_BYTES
    if (complete) {
      const outOfBounds = baseOffset(buffer, skipped) >= bound
      if (outOfBounds || (sizeBytes > maxBytes && !request.firstIsExempt)) {
        context.readBuffers.give(buffer)
        return outOfBounds ? 'end' : 'nothing'
      }
      if (skipped + sizeBytes <= filled) {
        order.confirm(buffer, filled, skipped, position)
        const at = position
        return fileRead(context, request, buffer, skipped, filled, bound, (next) => order.takes(buffer, next, at))
      }
    }
    context.readBuffers.give(buffer)
    position += skipped
    wantedBytes = Math.max(wantedBytes, sizeBytes)
  }
  order.finish()
  return 'next'
}

function readAt(
  context: LogContext,
  log: Log,
  segment: LogSegment,
  target: Buffer,
  position: number,
): number | Promise<number> {
  const open = segment.acquireLog(context.files)
  const recent = segment === log.active && segment.writtenBytes - position <= RECENT_BYTES
  if (!recent) return open.file.read(target, position).finally(() => context.files.release(open))
  try {
    return open.file.readSync(target, position)
  } finally {
    context.files.release(open)
  }
}

interface ReadBytes {
  readonly buffer: Buffer
  readonly filled: number
  readonly order: BatchOrder
  /** Of the first byte in the file. */
  readonly position: number
}

/**
 * Where in the buffer the batch begins that holds the offset or follows it; may lie behind the end of the buffer.
 * Batches that compaction left without records are passed over as long as something follows: kafkajs does not get past
 * a response that holds nothing else.
 */
function skipTo({ buffer, filled, order, position }: ReadBytes, offset: number, bound: number, passed: Passed): number {
  let at = 0
  while (filled - at >= BATCH_HEADER_BYTES) {
    const sizeBytes = batchSizeBytes(buffer, at)
    order.take(buffer, at, position)
    if (lastOffset(buffer, at) >= offset) {
      if (recordCount(buffer, at) > 0 || sizeBytes > BATCH_HEADER_BYTES || lastOffset(buffer, at) >= bound) break
      passed.last = Buffer.from(buffer.subarray(at, at + sizeBytes))
    }
    at += sizeBytes
  }
  return at
}

function fileRead(
  context: LogContext,
  request: ReadRequest,
  buffer: Buffer,
  start: number,
  filled: number,
  bound: number,
  follows: (at: number) => boolean,
): ReadResult {
  const { log, maxBytes } = request
  let end = start + batchSizeBytes(buffer, start)
  let last = lastOffset(buffer, start)
  while (filled - end >= BATCH_HEADER_BYTES) {
    const sizeBytes = batchSizeBytes(buffer, end)
    if (sizeBytes < BATCH_HEADER_BYTES || end + sizeBytes > filled || end + sizeBytes - start > maxBytes) break
    if (lastOffset(buffer, end) >= bound || !follows(end)) break
    last = lastOffset(buffer, end)
    end += sizeBytes
  }
  let released = false
  return {
    error: ErrorCode.NONE,
    ...log.offsets,
    chunks: [buffer.subarray(start, end)],
    sizeBytes: end - start,
    abortedTransactions: aborted(request, last + 1),
    release() {
      if (released) return
      released = true
      context.readBuffers.give(buffer)
    },
  }
}

/** The aborted transactions that have records between the offset asked for and the end of what is returned. */
function aborted(request: ReadRequest, endOffset: number): readonly AbortedTransaction[] | null {
  if (request.isolation !== 'read_committed') return null
  const { log, offset } = request
  const found: AbortedTransaction[] = []
  for (let index = log.segmentIndexFor(offset); index < log.segments.length; index++) {
    for (const range of log.segments[index]!.transactions.entries) {
      if (range.lastOffset >= offset && range.firstOffset < endOffset) {
        found.push({ producerId: range.producerId, firstOffset: range.firstOffset })
      }
      // Transactions that end later began at or behind the point that was stable then.
      if (range.lastStableOffset >= endOffset) return found.sort(byFirstOffset)
    }
  }
  return found.sort(byFirstOffset)
}

function byFirstOffset(a: AbortedTransaction, b: AbortedTransaction): number {
  return a.firstOffset - b.firstOffset
}
