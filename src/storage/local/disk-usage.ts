import type { Log } from './log.ts'
import type { LogSegment } from './log-segment.ts'

/**
 * Bytes of segments on the disk, kept up with every write and every removal, so that nobody has to walk a directory:
 * those of the logs, and those that left their log and whose files are still there. Indexes, about half a percent of
 * what they index, are not counted.
 */
export class DiskUsage {
  readonly #logs = new Map<Log, number>()
  /** By topic id. */
  readonly #topics = new Map<string, number>()
  readonly #leaving = new Map<string, number>()
  #logBytes = 0
  #leavingBytes = 0

  /** On the disk, leaving or not. */
  get usedBytes(): number {
    return this.#logBytes + this.#leavingBytes
  }

  get leavingBytes(): number {
    return this.#leavingBytes
  }

  topicUsedBytes(topicId: string): number {
    return (this.#topics.get(topicId) ?? 0) + this.topicLeavingBytes(topicId)
  }

  topicLeavingBytes(topicId: string): number {
    return this.#leaving.get(topicId) ?? 0
  }

  /** A log that was opened, with whatever it holds. */
  track(log: Log): void {
    this.#logs.set(log, 0)
    this.recount(log)
  }

  wrote(log: Log, bytes: number): void {
    this.#set(log, (this.#logs.get(log) ?? 0) + bytes)
  }

  /** Segments were taken out or replaced, or the log was read anew. */
  recount(log: Log): void {
    if (this.#logs.has(log)) this.#set(log, writtenBytesOf(log.segments))
  }

  /** Segments are out of their log: the disk has them until `gone`. */
  leave(topicId: string, segments: readonly LogSegment[]): void {
    this.#addLeaving(topicId, writtenBytesOf(segments))
  }

  gone(topicId: string, segments: readonly LogSegment[]): void {
    this.#addLeaving(topicId, -writtenBytesOf(segments))
  }

  /** A whole log is on its way out; its segments are `gone` later. */
  drop(log: Log): void {
    if (!this.#logs.has(log)) return
    this.#set(log, 0)
    this.#logs.delete(log)
    this.leave(log.topicId, log.segments)
  }

  #set(log: Log, bytes: number): void {
    const before = this.#logs.get(log)
    if (before === undefined) return
    this.#logs.set(log, bytes)
    this.#logBytes += bytes - before
    add(this.#topics, log.topicId, bytes - before)
  }

  #addLeaving(topicId: string, bytes: number): void {
    this.#leavingBytes += bytes
    add(this.#leaving, topicId, bytes)
  }
}

export function writtenBytesOf(segments: readonly LogSegment[]): number {
  let total = 0
  for (const segment of segments) total += segment.writtenBytes
  return total
}

function add(counts: Map<string, number>, key: string, amount: number): void {
  const total = (counts.get(key) ?? 0) + amount
  if (total === 0) counts.delete(key)
  else counts.set(key, total)
}
