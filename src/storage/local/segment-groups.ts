import type { Log } from './log.ts'
import type { LogContext } from './log-context.ts'
import type { LogSegment } from './log-segment.ts'

const MAX_RELATIVE_OFFSET = 2 ** 31 - 1

/**
 * Which neighbouring segments compaction makes one of: as many as fit into segment.bytes together with their indexes,
 * so that a log of which little stays does not end up as thousands of small files.
 */
export function groupSegments(
  context: LogContext,
  log: Log,
  segments: readonly LogSegment[],
  endOffset: number,
): LogSegment[][] {
  const groups: LogSegment[][] = []
  let sizes = { log: 0, index: 0, timeindex: 0 }
  segments.forEach((segment, position) => {
    const next = {
      log: segment.sizeBytes,
      index: fileBytes(context, segment, 'index'),
      timeindex: fileBytes(context, segment, 'timeindex'),
    }
    const group = groups.at(-1)
    const lastOffset = (segments[position + 1]?.baseOffset ?? endOffset) - 1
    const fits =
      group !== undefined &&
      sizes.log + next.log <= log.config['segment.bytes'] &&
      sizes.index + next.index <= log.config['segment.index.bytes'] &&
      sizes.timeindex + next.timeindex <= log.config['segment.index.bytes'] &&
      lastOffset - group[0]!.baseOffset <= MAX_RELATIVE_OFFSET
    if (fits) {
      group.push(segment)
      sizes = {
        log: sizes.log + next.log,
        index: sizes.index + next.index,
        timeindex: sizes.timeindex + next.timeindex,
      }
    } else {
      groups.push([segment])
      sizes = next
    }
  })
  return groups
}

function fileBytes(context: LogContext, segment: LogSegment, suffix: 'index' | 'timeindex'): number {
  return context.fileSystem.stat(segment.path(suffix))?.sizeBytes ?? 0
}
