import type { Timer } from '../../io/clock.ts'
import type { Log } from './log.ts'
import type { LogContext } from './log-context.ts'
import { type LogSegment, SEGMENT_FILES, segmentName } from './log-segment.ts'
import { errorText } from './storage-error.ts'

interface Retired {
  readonly log: Log
  readonly segments: readonly LogSegment[]
  readonly names: readonly string[]
  readonly timer: Timer
}

/**
 * Files of segments that are no longer part of a log: renamed at once, so that no restart takes them for data, and
 * removed after file.delete.delay.ms, or when the broker stops.
 */
export class RetiredFiles {
  readonly #context: LogContext
  readonly #waiting = new Set<Retired>()
  /** What lies under each name: of a segment that compaction replaces twice, the later files take the place of the first. */
  readonly #onDisk = new Map<string, LogSegment>()

  constructor(context: LogContext) {
    this.#context = context
  }

  /** Reads that have a file open go on reading it; later ones find that the segment is gone. */
  retire(log: Log, segments: readonly LogSegment[]): void {
    const names: string[] = []
    for (const segment of segments) {
      segment.deleted = true
      this.#forget(log, segment)
      this.#onDisk.set(keyOf(log, segment), segment)
      this.#context.indexCache.remove(segment)
      for (const suffix of SEGMENT_FILES) {
        const name = `${segmentName(segment.baseOffset)}.${suffix}`
        if (this.#rename(`${log.files.directory}/${name}`)) names.push(`${name}.deleted`)
      }
    }
    const delayMs = log.config['file.delete.delay.ms']
    const timer = this.#context.removals.schedule(log.topicId, delayMs, () => void this.#remove(retired))
    const retired = { log, segments, names, timer }
    this.#waiting.add(retired)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#waiting].map((retired) => this.#remove(retired)))
  }

  #rename(path: string): boolean {
    const { fileSystem, files } = this.#context
    files.forget(path)
    if (!fileSystem.exists(path)) return false
    fileSystem.rename(path, `${path}.deleted`)
    return true
  }

  async #remove(retired: Retired): Promise<void> {
    this.#waiting.delete(retired)
    retired.timer.cancel()
    let failed = false
    for (const name of retired.names) {
      // The directory may have a new name by now: that of a deleted topic.
      const path = `${retired.log.files.directory}/${name}`
      try {
        await this.#context.fileSystem.removeFile(path)
      } catch (error) {
        failed = true
        this.#context.report('warn', `${path} could not be removed: ${errorText(error)}`)
      }
    }
    if (!failed) for (const segment of retired.segments) this.#forget(retired.log, segment)
  }

  #forget(log: Log, segment: LogSegment): void {
    const onDisk = this.#onDisk.get(keyOf(log, segment))
    if (onDisk === undefined) return
    this.#onDisk.delete(keyOf(log, segment))
    this.#context.usage.gone(log.topicId, [onDisk])
  }
}

function keyOf({ topicId, partition }: Log, { baseOffset }: LogSegment): string {
  return `${topicId} ${partition} ${baseOffset}`
}
