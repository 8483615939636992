import type { LogContext } from './log-context.ts'
import { segmentName } from './log-segment.ts'
import { decodeProducerSnapshot, type ProducerState } from './producer-state.ts'

/** The producer snapshots that lie in the directory of a log while it is loaded. */
export class ProducerSnapshots {
  readonly #context: Pick<LogContext, 'fileSystem' | 'clock' | 'report'>
  readonly #directory: () => string
  #offsets: number[] = []

  constructor(context: Pick<LogContext, 'fileSystem' | 'clock' | 'report'>, directory: () => string) {
    this.#context = context
    this.#directory = directory
  }

  /** Ascending. */
  get offsets(): number[] {
    return this.#offsets
  }

  add(offsets: readonly number[]): void {
    this.#offsets = [...this.#offsets, ...offsets].sort((a, b) => a - b)
  }

  /** The newest that can be read, or null; those that cannot are deleted. */
  newest(): { readonly offset: number; readonly producers: ProducerState } | null {
    const { fileSystem, clock, report } = this.#context
    for (let offset = this.#offsets.at(-1); offset !== undefined; offset = this.#offsets.at(-1)) {
      const path = this.#path(offset)
      const content = fileSystem.readFile(path)
      const producers = content && decodeProducerSnapshot(content, clock.nowMs())
      if (producers) return { offset, producers }
      report('warn', `${path} is damaged; producers are taken from the log`)
      fileSystem.unlink(path)
      this.#offsets.pop()
    }
    return null
  }

  dropAbove(offset: number): void {
    while ((this.#offsets.at(-1) ?? -1) > offset) {
      this.#context.fileSystem.unlink(this.#path(this.#offsets.pop()!))
    }
  }

  #path(offset: number): string {
    return `${this.#directory()}/${segmentName(offset)}.snapshot`
  }
}
