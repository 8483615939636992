import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  CURRENT_MAGIC,
  magic,
  readBatchHeader,
} from '../../../protocol/records/batch.ts'
import type { LogContext } from './log-context.ts'
import type { LogSegment } from './log-segment.ts'
import { OffsetIndex } from './offset-index.ts'
import { TimeIndex } from './time-index.ts'

/** Reads the offset and time index of a segment into memory; false when they have to be rebuilt. */
export function readIndexes(context: LogContext, segment: LogSegment): boolean {
  if (segment.offsetIndex && segment.timeIndex) return true
  const offsets = context.fileSystem.readFile(segment.path('index')) ?? Buffer.alloc(0)
  const times = context.fileSystem.readFile(segment.path('timeindex'))
  if (times === null) return false
  const offsetIndex = new OffsetIndex(segment.baseOffset, offsets)
  const timeIndex = new TimeIndex(segment.baseOffset, times)
  const problem =
    offsetIndex.problem(offsets.length, segment.sizeBytes) ??
    timeIndex.problem(times.length) ??
    lastEntryProblem(context, segment, offsetIndex, timeIndex)
  if (problem !== null) {
    context.report('warn', `indexes of ${segment.path('log')} are rebuilt: ${problem}`)
    return false
  }
  segment.useIndexes(offsetIndex, timeIndex, true)
  return true
}

/**
 * Why the indexes cannot be those of this log, as far as the batch tells that their last entries stand for: an index
 * that lost its end is whole by itself, and a search that trusts it passes by records in silence.
 */
function lastEntryProblem(
  context: LogContext,
  segment: LogSegment,
  offsetIndex: OffsetIndex,
  timeIndex: TimeIndex,
): string | null {
  if (segment.sizeBytes < BATCH_HEADER_BYTES) return null
  const { last } = offsetIndex
  const header = readHeader(context, segment, last?.position ?? 0)
  if (header === null) return 'the last entry of the offset index stands for no batch'
  const lastOffset = header.baseOffset + header.lastOffsetDelta
  if (last !== null && (last.offset < lastOffset || header.baseOffset < segment.baseOffset))
    return `the last entry of the offset index has ${last.offset} for ${lastOffset}`
  if (header.recordCount > 0 && header.maxTimestamp > (timeIndex.last?.timestampMs ?? -1))
    return 'the time index ends before the offset index'
  return null
}

function readHeader(context: LogContext, segment: LogSegment, position: number): BatchHeader | null {
  const open = segment.acquireLog(context.files)
  try {
    const bytes = Buffer.alloc(BATCH_HEADER_BYTES)
    const filled = open.file.readSync(bytes, position)
    return filled < BATCH_HEADER_BYTES || magic(bytes, 0) !== CURRENT_MAGIC ? null : readBatchHeader(bytes, 0)
  } finally {
    context.files.release(open)
  }
}
