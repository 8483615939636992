import { readIndexes } from './index-files.ts'
import type { Log } from './log.ts'
import type { LogContext } from './log-context.ts'
import { LogSegment } from './log-segment.ts'
import type { OffsetIndex } from './offset-index.ts'
import { scanBatches } from './segment-scanner.ts'
import { StorageError } from './storage-error.ts'
import type { TimeIndex } from './time-index.ts'

export interface Indexes {
  readonly offsetIndex: OffsetIndex
  readonly timeIndex: TimeIndex
}

/** The indexes of a segment, read from their files or made anew where those are missing or wrong. */
export async function ensureIndexes(context: LogContext, log: Log, segment: LogSegment): Promise<Indexes> {
  // Its names may be those of a compacted segment by now.
  if (segment.deleted) throw new StorageError(`${segment.path('log')} was deleted`)
  if (!readIndexes(context, segment)) {
    segment.rebuilding ??= rebuildIndexes(context, log, segment).finally(() => {
      segment.rebuilding = null
    })
    await segment.rebuilding
  }
  const indexes = { offsetIndex: segment.offsetIndex!, timeIndex: segment.timeIndex! }
  if (segment !== log.active && !log.files.isUnfinished(segment)) context.indexCache.use(segment)
  return indexes
}

async function rebuildIndexes(context: LogContext, log: Log, segment: LogSegment): Promise<void> {
  const state = {
    baseOffset: segment.baseOffset,
    sizeBytes: 0,
    createdMs: segment.createdMs,
    jitterMs: segment.jitterMs,
  }
  const rebuilt = new LogSegment(state, () => log.files.directory)
  const open = segment.acquireLog(context.files)
  try {
    const range = {
      fromPosition: 0,
      endPosition: segment.writtenBytes,
      leastOffset: segment.baseOffset,
      checkCrcFrom: Number.POSITIVE_INFINITY,
    }
    await scanBatches(open.file, context.readBuffers, range, (header) => {
      rebuilt.noteBatch(header, log.config['index.interval.bytes'])
      return true
    })
  } finally {
    context.files.release(open)
  }
  if (segment.deleted) throw new StorageError(`${segment.path('log')} was deleted`)
  rebuilt.finishTimeIndex()
  const offsetIndex = rebuilt.offsetIndex!
  const timeIndex = rebuilt.timeIndex!
  context.files.forget(segment.path('index'))
  context.files.forget(segment.path('timeindex'))
  // Whole or not at all: half of an index would be taken for a whole one after a crash.
  await context.fileSystem.replaceFile(segment.path('index'), offsetIndex.bytesFrom(0))
  await context.fileSystem.replaceFile(segment.path('timeindex'), timeIndex.bytesFrom(0))
  segment.useIndexes(offsetIndex, timeIndex, true)
}
