import type { Log } from './log.ts'
import type { LogContext } from './log-context.ts'
import type { LogSegment } from './log-segment.ts'
import { ensureIndexes } from './segment-indexes.ts'
import { firstTimestampMs, largestTimestampMs } from './segment-times.ts'

/** A log that is worth a round of compaction. */
export interface CleanableLog {
  readonly log: Log
  /** Everything below was cleaned before. */
  readonly fromOffset: number
  /** Where the last segment of the round ends. */
  readonly endOffset: number
  /** Bytes not yet cleaned among all that the round reads. */
  readonly dirtyRatio: number
}

/**
 * What is worth a round: `dirty`, as Kafka sees it, when enough is new or something waits for too long; `all` when
 * there is anything that compaction may touch.
 */
export type Worth = 'dirty' | 'all'

/**
 * Null when a round is not worth it. Left alone are the active segment, segments with a record of a transaction that is
 * still open, those with a record younger than min.compaction.lag.ms, and what would have to be checked after a crash.
 */
export async function findCleanable(
  context: LogContext,
  log: Log,
  cleanedOffset: number | undefined,
  worth: Worth = 'dirty',
): Promise<CleanableLog | null> {
  const { config } = log
  if (log.state !== 'online' || !config['cleanup.policy'].includes('compact') || log.segments.length === 1) return null
  const known = cleanedOffset ?? 0
  const fromOffset = known < log.logStartOffset || known > log.logEndOffset ? log.logStartOffset : known
  // Of the array as it is now: while the age of a segment is read, segments may be taken away.
  const { segments } = log
  const stableEnd = Math.min(log.lastStableOffset, log.recoveryPoint)
  const firstDirty = countUntil(segments, (end) => end > fromOffset)
  const stable = countUntil(segments, (end) => end > stableEnd)
  const end = await findYoung(context, log, segments.slice(0, stable), firstDirty)
  if (worth === 'all' && end > 0) return { log, fromOffset, endOffset: segments[end]!.baseOffset, dirtyRatio: 1 }
  const dirty = segments.slice(firstDirty, end)
  const dirtyBytes = sizeOf(dirty)
  if (dirtyBytes === 0) return null
  const dirtyRatio = dirtyBytes / sizeOf(segments.slice(0, end))
  if (dirtyRatio <= config['min.cleanable.dirty.ratio'] && !isOverdue(context, log, dirty)) return null
  return { log, fromOffset, endOffset: segments[end]!.baseOffset, dirtyRatio }
}

/** How many full segments there are before the first whose end the test accepts. */
function countUntil(segments: readonly LogSegment[], test: (endOffset: number) => boolean): number {
  let count = 0
  while (count < segments.length - 1 && !test(segments[count + 1]!.baseOffset)) count++
  return count
}

/** Index of the first segment that min.compaction.lag.ms still protects. */
async function findYoung(
  context: LogContext,
  log: Log,
  segments: readonly LogSegment[],
  from: number,
): Promise<number> {
  const lagMs = log.config['min.compaction.lag.ms']
  if (lagMs <= 0) return segments.length
  const youngerThanMs = context.clock.nowMs() - lagMs
  for (let index = from; index < segments.length; index++) {
    const segment = segments[index]!
    if (largestTimestampMs(context, segment) === null) await ensureIndexes(context, log, segment)
    if ((largestTimestampMs(context, segment) ?? Number.POSITIVE_INFINITY) > youngerThanMs) return index
  }
  return segments.length
}

/** Whether a record waits for longer than max.compaction.lag.ms. */
function isOverdue(context: LogContext, log: Log, dirty: readonly LogSegment[]): boolean {
  const lagMs = log.config['max.compaction.lag.ms']
  if (lagMs >= Number.MAX_SAFE_INTEGER) return false
  const beforeMs = context.clock.nowMs() - lagMs
  return dirty.some((segment) => {
    const firstMs = firstTimestampMs(context, segment)
    return firstMs > 0 && firstMs < beforeMs
  })
}

function sizeOf(segments: readonly LogSegment[]): number {
  return segments.reduce((total, { sizeBytes }) => total + sizeBytes, 0)
}
