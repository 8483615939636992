import { AppendGroup } from './append-group.ts'
import type { Log } from './log.ts'
import type { LogContext } from './log-context.ts'

/** What comes goes into a new segment. Resolves when everything before is on the disk, with its indexes. */
export async function closeActiveSegment(context: LogContext, log: Log): Promise<void> {
  if (log.state !== 'online' || log.active.baseOffset === log.logEndOffset) return
  log.roll(log.logEndOffset, context.clock.nowMs())
  const whenSynced = new AppendGroup(1)
  log.writer.wait(log.logEndOffset, 'disk', whenSynced, 0)
  context.scheduleFlush(log)
  await whenSynced.whenSettled()
  await log.files.whenFinished()
}
