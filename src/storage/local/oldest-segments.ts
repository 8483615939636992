import type { DeletedSegments, OldestRequest } from '../disk-use.ts'
import type { Log } from './log.ts'
import type { LogContext } from './log-context.ts'
import { type LogRetention, mayGo } from './log-retention.ts'
import type { LogSegment } from './log-segment.ts'
import { largestTimestampMs } from './segment-times.ts'
import type { TimeSlice } from './time-slice.ts'

/** The first segment of a log, with the time of its newest record: what retention by time goes by as well. */
interface Head {
  readonly log: Log
  readonly segment: LogSegment
  readonly timestampMs: number
}

/** Closed segments over many logs, the oldest first; within a log they go in the order of their offsets. */
class OldestFirst {
  readonly #context: LogContext
  readonly #request: OldestRequest
  /** The oldest at the end. */
  #heads: Head[] = []
  #collected = false

  constructor(context: LogContext, request: OldestRequest) {
    this.#context = context
    this.#request = request
  }

  /** The log whose first segment is to go next. */
  async next(logs: Iterable<Log>, slice: TimeSlice): Promise<Log | null> {
    if (!this.#collected) await this.#collect(logs, slice)
    while (this.#request.excessBytes() > 0) {
      const head = this.#heads.pop()
      if (head === undefined) return null
      const { log, segment } = head
      if (log.segments[0] === segment && this.#headOf(log) !== null) return log
      this.offer(log)
    }
    return null
  }

  /** Its first segment is another one by now. */
  offer(log: Log): void {
    const head = this.#headOf(log)
    if (head === null) return
    let low = 0
    let high = this.#heads.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (isYounger(this.#heads[middle]!, head)) low = middle + 1
      else high = middle
    }
    this.#heads.splice(low, 0, head)
  }

  async #collect(logs: Iterable<Log>, slice: TimeSlice): Promise<void> {
    this.#collected = true
    for (const log of [...logs]) {
      const head = this.#headOf(log)
      if (head !== null) this.#heads.push(head)
      if (slice.isOver) await slice.next()
    }
    this.#heads.sort((one, other) => (isYounger(one, other) ? -1 : 1))
  }

  #headOf(log: Log): Head | null {
    const { topicId, mayDelete } = this.#request
    const [segment, next] = log.segments
    if (segment === undefined || next === undefined || log.state !== 'online') return null
    if (topicId !== null && log.topicId !== topicId) return null
    if (log.config['odradek.disk.budget.action'] !== 'delete') return null
    if (!log.config['cleanup.policy'].includes('delete') || !mayDelete(log.topic) || !mayGo(log, 0)) return null
    return { log, segment, timestampMs: largestTimestampMs(this.#context, segment) ?? segment.createdMs }
  }
}

/** One of two segments of the same age must come first, whatever the order in which the logs were opened. */
function isYounger(one: Head, other: Head): boolean {
  if (one.timestampMs !== other.timestampMs) return one.timestampMs > other.timestampMs
  return one.log.name === other.log.name
    ? one.segment.baseOffset > other.segment.baseOffset
    : one.log.name > other.log.name
}

export async function deleteOldest(
  context: LogContext,
  logs: Iterable<Log>,
  retention: LogRetention,
  request: OldestRequest,
): Promise<DeletedSegments[]> {
  const oldest = new OldestFirst(context, request)
  const deleted = new Map<Log, { segments: number; bytes: number }>()
  let taken: Log | null = null
  await retention.removeOldest(async (slice) => {
    if (taken !== null) oldest.offer(taken)
    if (slice.isOver) await slice.next()
    taken = await oldest.next(logs, slice)
    if (taken === null) return null
    const { segments, bytes } = deleted.get(taken) ?? { segments: 0, bytes: 0 }
    deleted.set(taken, { segments: segments + 1, bytes: bytes + taken.segments[0]!.writtenBytes })
    return taken
  })
  return [...deleted].map(([{ topic, partition, logStartOffset }, lost]) => ({
    topic,
    partition,
    ...lost,
    logStartOffset,
  }))
}
