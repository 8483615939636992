import { BATCH_HEADER_BYTES, MAX_TIMESTAMP_AT } from '../../../protocol/records/batch.ts'
import { readInt64 } from '../../../protocol/records/int64.ts'
import type { LogContext } from './log-context.ts'
import type { LogSegment } from './log-segment.ts'
import { TIME_INDEX_ENTRY_BYTES, TimeIndex } from './time-index.ts'

/**
 * The largest timestamp of a segment's records; of records without timestamps the time of the last write. Reads at most
 * one entry of the time index, and that once: ten thousand idle partitions are looked at every few minutes. Null when
 * that file is missing or damaged.
 */
export function largestTimestampMs(context: LogContext, segment: LogSegment): number | null {
  if (segment.maxTimestampMs < 0 && segment.timeIndex === null) {
    const last = readLastEntry(context, segment)
    if (last === 'damaged') return null
    if (last) {
      segment.maxTimestampMs = last.timestampMs
      segment.maxTimestampOffset = last.offset
    }
  }
  if (segment.maxTimestampMs >= 0) return segment.maxTimestampMs
  return context.fileSystem.stat(segment.path('log'))?.modifiedMs ?? segment.createdMs
}

function readLastEntry(context: LogContext, segment: LogSegment) {
  const path = segment.path('timeindex')
  const sizeBytes = context.fileSystem.stat(path)?.sizeBytes
  if (sizeBytes === undefined || sizeBytes % TIME_INDEX_ENTRY_BYTES !== 0) return 'damaged'
  if (sizeBytes === 0) return null
  const file = context.fileSystem.open(path, 'read')
  try {
    const entry = Buffer.alloc(TIME_INDEX_ENTRY_BYTES)
    file.readSync(entry, sizeBytes - TIME_INDEX_ENTRY_BYTES)
    const index = new TimeIndex(segment.baseOffset, entry)
    return index.problem(entry.length) === null ? index.last : 'damaged'
  } finally {
    file.close()
  }
}

/** Largest timestamp of the first batch of a segment, -1 when there is none. */
export function firstTimestampMs(context: LogContext, segment: LogSegment): number {
  if (segment.firstTimestampMs !== null) return segment.firstTimestampMs
  const open = segment.acquireLog(context.files)
  try {
    const header = Buffer.alloc(BATCH_HEADER_BYTES)
    const filled = open.file.readSync(header, 0)
    segment.firstTimestampMs = filled < BATCH_HEADER_BYTES ? -1 : readInt64(header, MAX_TIMESTAMP_AT)
  } finally {
    context.files.release(open)
  }
  return segment.firstTimestampMs
}
