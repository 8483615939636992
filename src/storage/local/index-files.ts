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
  const problem = offsetIndex.problem(offsets.length, segment.sizeBytes) ?? timeIndex.problem(times.length)
  if (problem !== null) {
    context.report('warn', `indexes of ${segment.path('log')} are rebuilt: ${problem}`)
    return false
  }
  segment.useIndexes(offsetIndex, timeIndex, true)
  return true
}
