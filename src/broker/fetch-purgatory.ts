import type { Clock, Timer } from '../io/clock.ts'
import type { Isolation, LogHandle, LogOffsets } from '../storage/storage.ts'

export interface FetchWait {
  /** What the request reads, each with its offset and the log's offsets as the last read saw them. */
  readonly positions: readonly { readonly log: LogHandle; readonly offset: number; readonly seen: LogOffsets }[]
  readonly isolation: Isolation
  /** Bytes still missing until the request may be answered. */
  readonly missingBytes: number
  readonly maxWaitMs: number
}

class Waiter {
  readonly wait: FetchWait
  readonly resolve: () => void
  missingBytes: number
  timer: Timer | null = null
  forgetClose: () => void = () => {}

  constructor(wait: FetchWait, resolve: () => void) {
    this.wait = wait
    this.resolve = resolve
    this.missingBytes = wait.missingBytes
  }
}

/** Where fetches wait for data: woken by appends, by the end of a transaction, by a removed topic, or by time. */
export class FetchPurgatory {
  readonly #clock: Clock
  readonly #waiters = new Map<LogHandle, Set<Waiter>>()
  #closed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Logs that somebody waits on. */
  get size(): number {
    return this.#waiters.size
  }

  /** True once the broker is stopping: nothing waits any more. */
  get closed(): boolean {
    return this.#closed
  }

  /**
   * Resolves when enough arrived or the time is up; at once when a log moved since it was read. `onClose` ends the wait
   * when the client is gone.
   */
  wait(wait: FetchWait, onClose: (callback: () => void) => () => void): Promise<void> {
    if (this.#closed || wait.positions.some(hasMoved)) return Promise.resolve()
    return new Promise((resolve) => {
      const waiter = new Waiter(wait, resolve)
      for (const { log } of wait.positions) {
        const waiting = this.#waiters.get(log)
        if (waiting) waiting.add(waiter)
        else this.#waiters.set(log, new Set([waiter]))
      }
      waiter.timer = this.#clock.schedule(wait.maxWaitMs, () => this.#complete(waiter))
      waiter.forgetClose = onClose(() => this.#complete(waiter))
    })
  }

  /** Answers everything that waits on a topic, because its logs are gone or led elsewhere. */
  completeTopic(topicId: string): void {
    for (const [log, waiting] of [...this.#waiters]) {
      if (log.topicId === topicId) for (const waiter of [...waiting]) this.#complete(waiter)
    }
  }

  /** Answers everybody with what there is; later waits end at once. */
  close(): void {
    this.#closed = true
    for (const waiting of [...this.#waiters.values()]) for (const waiter of [...waiting]) this.#complete(waiter)
  }

  /** A log has more to read: wakes whom it is enough for. */
  advance(log: LogHandle, appendedBytes: number): void {
    const waiting = this.#waiters.get(log)
    if (waiting === undefined) return
    for (const waiter of [...waiting]) {
      waiter.missingBytes -= appendedBytes
      if (waiter.missingBytes <= 0 && readable(waiter.wait, log)) this.#complete(waiter)
    }
  }

  #complete(waiter: Waiter): void {
    if (waiter.timer === null) return
    waiter.timer.cancel()
    waiter.timer = null
    waiter.forgetClose()
    for (const { log } of waiter.wait.positions) {
      const waiting = this.#waiters.get(log)
      waiting?.delete(waiter)
      if (waiting?.size === 0) this.#waiters.delete(log)
    }
    waiter.resolve()
  }
}

function hasMoved({ log, seen }: FetchWait['positions'][number]): boolean {
  const now = log.offsets
  return now.highWatermark !== seen.highWatermark || now.lastStableOffset !== seen.lastStableOffset
}

/** A read_committed fetch must not wake for bytes that an open transaction still hides. */
function readable(wait: FetchWait, log: LogHandle): boolean {
  if (wait.isolation === 'read_uncommitted') return true
  return wait.positions.some((position) => position.log === log && position.offset < log.offsets.lastStableOffset)
}
