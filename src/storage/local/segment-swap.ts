import { lastOffset } from '../../../protocol/records/batch.ts'
import { readBatchChunks } from './batch-chunks.ts'
import type { Log } from './log.ts'
import type { LogContext } from './log-context.ts'
import { LogSegment, SEGMENT_FILES, segmentName } from './log-segment.ts'
import type { RetiredFiles } from './retired-files.ts'
import { errorText } from './storage-error.ts'

/**
 * How one segment takes the place of several, so that a crash at any moment leaves either the old ones or the new one:
 *
 *   1. The indexes of the new one go from `.cleaned` to `.swap`, then its log does: from now on it counts.
 *   2. The old ones go to `.deleted`.
 *   3. All of the new one goes from `.swap` to its final names.
 *
 * Each step is on the disk before the next begins. The names are Kafka's; a start finishes what it finds at step 2 or 3
 * and forgets what is at step 1. Which segments the new one stands for is said by its offsets: the last batch of the
 * last source is always kept.
 */

const INDEX_FILES = ['index', 'timeindex', 'txnindex'] as const
const SWAP_FILE = /^(\d{20})\.(log|index|timeindex|txnindex)\.swap$/

/** Whether all sources are still in the log as they were, one behind the other. */
export function areCurrent(log: Log, sources: readonly LogSegment[]): boolean {
  const first = log.segments.indexOf(sources[0]!)
  return (
    log.state === 'online' && first >= 0 && sources.every((source, index) => log.segments[first + index] === source)
  )
}

/**
 * Puts a segment whose files end in `.cleaned` in the place of its sources; nothing else may rename files of the log
 * meanwhile. False when the sources were taken away before it could; the log then is as it was. A failure after which
 * names are left that the next start would act on takes the log offline.
 */
export async function swapSegment(
  context: LogContext,
  log: Log,
  replacement: LogSegment,
  sources: readonly LogSegment[],
  retired: RetiredFiles,
): Promise<boolean> {
  let counts = false
  try {
    await stage(context, log, replacement)
    // Whoever makes an index anew writes it under a name that is about to mean another segment.
    for (let busy = rebuildingOf(sources); busy; busy = rebuildingOf(sources)) await busy.catch(() => {})
    counts = areCurrent(log, sources)
    if (counts) await exchange(context, log, replacement, sources, retired)
  } catch (error) {
    if (counts) log.failed(error, false)
    else await takeBack(context, log, replacement)
    throw error
  }
  if (!counts) await takeBack(context, log, replacement)
  return counts
}

/** Step 1. */
async function stage(context: LogContext, log: Log, replacement: LogSegment): Promise<void> {
  rename(context, log, replacement, INDEX_FILES, '.cleaned', '.swap')
  await context.fileSystem.syncDirectory(log.files.directory)
  rename(context, log, replacement, ['log'], '.cleaned', '.swap')
  await context.fileSystem.syncDirectory(log.files.directory)
}

/** Steps 2 and 3. */
async function exchange(
  context: LogContext,
  log: Log,
  replacement: LogSegment,
  sources: readonly LogSegment[],
  retired: RetiredFiles,
): Promise<void> {
  const { fileSystem } = context
  replacement.pathSuffix = '.swap'
  log.replaceSegments(sources, replacement)
  context.usage.leave(log.topicId, sources)
  retired.retire(log, sources)
  await fileSystem.syncDirectory(log.files.directory)
  for (let busy = replacement.rebuilding; busy; busy = replacement.rebuilding) await busy.catch(() => {})
  rename(context, log, replacement, SEGMENT_FILES, '.swap', '')
  replacement.pathSuffix = ''
  if (replacement.transactions.entries.length === 0) fileSystem.unlink(replacement.path('txnindex'))
  await fileSystem.syncDirectory(log.files.directory)
}

/** Back to before step 1, so that a start forgets it: the log first. */
async function takeBack(context: LogContext, log: Log, segment: LogSegment): Promise<void> {
  if (log.state === 'dropped') return
  try {
    for (const suffixes of [['log'], INDEX_FILES] as const) {
      const left = suffixes.filter((suffix) => {
        return context.fileSystem.exists(`${log.files.directory}/${segmentName(segment.baseOffset)}.${suffix}.swap`)
      })
      rename(context, log, segment, left, '.swap', '.cleaned')
      await context.fileSystem.syncDirectory(log.files.directory)
    }
  } catch (error) {
    log.failed(error, false)
  }
}

function rebuildingOf(segments: readonly LogSegment[]): Promise<void> | null {
  return segments.find((segment) => segment.rebuilding)?.rebuilding ?? null
}

function rename(
  context: LogContext,
  log: Log,
  segment: LogSegment,
  suffixes: readonly (typeof SEGMENT_FILES)[number][],
  from: string,
  to: string,
): void {
  for (const suffix of suffixes) {
    const path = `${log.files.directory}/${segmentName(segment.baseOffset)}.${suffix}`
    context.files.forget(`${path}${from}`)
    context.fileSystem.rename(`${path}${from}`, `${path}${to}`)
  }
}

export function isSwapFile(name: string): boolean {
  return SWAP_FILE.test(name)
}

/** Brings exchanges of segments to their end that a crash interrupted, before the directory is read. */
export async function finishSwaps(context: LogContext, directory: string): Promise<void> {
  const { fileSystem } = context
  forgetUnfinished(context, directory, fileSystem.list(directory))
  await fileSystem.syncDirectory(directory)
  for (const name of fileSystem.list(directory)) {
    const match = SWAP_FILE.exec(name)
    if (match?.[2] === 'log') await deleteReplaced(context, directory, Number(match[1]))
  }
  await fileSystem.syncDirectory(directory)
  for (const name of fileSystem.list(directory)) {
    if (!SWAP_FILE.test(name)) continue
    fileSystem.rename(`${directory}/${name}`, `${directory}/${name.slice(0, -'.swap'.length)}`)
    context.report('info', `${directory}/${name}: compaction was interrupted here and is now complete`)
  }
  await fileSystem.syncDirectory(directory)
}

/** Indexes whose log did not get as far: the old segments are all there. */
function forgetUnfinished(context: LogContext, directory: string, names: readonly string[]): void {
  for (const name of names) {
    const match = SWAP_FILE.exec(name)
    if (match && match[2] !== 'log' && names.includes(`${match[1]}.log.cleaned`)) {
      context.fileSystem.unlink(`${directory}/${name}`)
    }
  }
}

/** The segments within the offsets of the new one; of the one with its name the new files take the place. */
async function deleteReplaced(context: LogContext, directory: string, base: number): Promise<void> {
  const endOffset = await endOfSwap(context, directory, base)
  for (const name of context.fileSystem.list(directory)) {
    const match = /^(\d{20})\.(?:log|index|timeindex|txnindex)$/.exec(name)
    if (!match) continue
    const offset = Number(match[1])
    if (offset > base && offset < endOffset) context.fileSystem.unlink(`${directory}/${name}`)
  }
}

async function endOfSwap(context: LogContext, directory: string, base: number): Promise<number> {
  const path = `${directory}/${segmentName(base)}.log.swap`
  const sizeBytes = context.fileSystem.stat(path)?.sizeBytes ?? 0
  const segment = new LogSegment({ baseOffset: base, sizeBytes, createdMs: 0, jitterMs: 0 }, () => directory)
  segment.pathSuffix = '.swap'
  let endOffset = base
  try {
    for await (const { lastAt, buffer } of readBatchChunks(context, segment)) endOffset = lastOffset(buffer, lastAt) + 1
  } catch (error) {
    // It was synced before it got this name. What follows the damage is not known; older segments there may stay.
    context.report('warn', `${path}: ${errorText(error)}`)
  }
  context.files.forget(path)
  return endOffset
}
