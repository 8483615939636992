import type { BatchHeader } from '../../../protocol/records/batch.ts'
import type { File } from '../../io/file-system.ts'
import { BatchWalker } from './batch-walker.ts'
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
  if (!readIndexes(context, segment)) await rebuildOnce(context, log, segment)
  return usedIndexes(context, log, segment)
}

/** For indexes that turned out not to lead to batches. */
export async function remakeIndexes(context: LogContext, log: Log, segment: LogSegment): Promise<Indexes> {
  if (segment.deleted) throw new StorageError(`${segment.path('log')} was deleted`)
  // Those that are not in the files yet were made from the batches.
  if (log.files.isUnfinished(segment)) segment.remade = true
  else await rebuildOnce(context, log, segment)
  return usedIndexes(context, log, segment)
}

function rebuildOnce(context: LogContext, log: Log, segment: LogSegment): Promise<void> {
  segment.rebuilding ??= rebuildIndexes(context, log, segment).finally(() => {
    segment.rebuilding = null
  })
  return segment.rebuilding
}

function usedIndexes(context: LogContext, log: Log, segment: LogSegment): Indexes {
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
      gapsBelow: log.gapsBelow,
    }
    const { problem } = await scanBatches(open.file, context.readBuffers, range, (header) => {
      rebuilt.noteBatch(header, log.config['index.interval.bytes'])
      return true
    })
    if (problem !== null) {
      context.report('error', `${segment.path('log')}: ${problem}; indexes are made of what is whole`)
      rebuilt.resetForRebuild()
      await noteWholeBatches(rebuilt, open.file, segment.writtenBytes, log.config['index.interval.bytes'])
    }
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
  segment.remade = true
}

/**
 * Of a damaged segment: batches whose CRC is right and whose offsets, which it does not cover, fit those of a
 * neighbour. What lies behind the damage can then still be found.
 */
async function noteWholeBatches(
  rebuilt: LogSegment,
  file: File,
  endPosition: number,
  indexIntervalBytes: number,
): Promise<void> {
  let waiting: { readonly header: BatchHeader; readonly position: number; readonly fits: boolean } | null = null
  let expected = rebuilt.baseOffset
  const note = (fits: boolean) => {
    if (waiting === null || !(waiting.fits || fits)) return
    rebuilt.sizeBytes = waiting.position
    rebuilt.noteBatch(waiting.header, indexIntervalBytes)
  }
  await new BatchWalker(file, endPosition, rebuilt.baseOffset).walk({
    batch: (header, crcIsValid, position) => {
      const fits = header.baseOffset === expected
      note(fits)
      waiting = crcIsValid ? { header, position, fits } : null
      expected = header.baseOffset + header.lastOffsetDelta + 1
    },
    damage: () => {
      note(false)
      waiting = null
    },
  })
  note(false)
}
