import type { LogContext } from './log-context.ts'
import { segmentName } from './log-segment.ts'
import { decodeProducerSnapshot, type ProducerState } from './producer-state.ts'

export interface Snapshot {
  readonly offset: number
  readonly producers: ProducerState
}

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

  /** The newest up to an offset that can be read, or null. */
  upTo(offset: number): Snapshot | null {
    for (const at of this.#offsets.filter((one) => one <= offset).reverse()) {
      const producers = this.#read(at)
      if (producers) return { offset: at, producers }
    }
    return null
  }

  /** The newest that can be read, or null; those that cannot are deleted. */
  newest(): Snapshot | null {
    const { fileSystem, report } = this.#context
    for (let offset = this.#offsets.at(-1); offset !== undefined; offset = this.#offsets.at(-1)) {
      const producers = this.#read(offset)
      if (producers) return { offset, producers }
      const path = this.#path(offset)
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

  #read(offset: number): ProducerState | null {
    const content = this.#context.fileSystem.readFile(this.#path(offset))
    return content && decodeProducerSnapshot(content, this.#context.clock.nowMs())
  }

  #path(offset: number): string {
    return `${this.#directory()}/${segmentName(offset)}.snapshot`
  }
}
