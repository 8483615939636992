import type { Outcome, Reply, TimerAction } from './shard-machine.ts'

/** Collects what one event causes, while the functions that decide it call each other. */
export class Effects<S, T, R> implements Outcome<S, T, R> {
  readonly records: R[] = []
  readonly replies: Reply<S>[] = []
  readonly timers: TimerAction<T>[] = []

  write(record: R): void {
    this.records.push(record)
  }

  reply(token: number, response: S): void {
    this.replies.push({ token, response })
  }

  schedule(key: string, delayMs: number, event: T): void {
    this.timers.push({ key, delayMs, event })
  }

  cancel(key: string): void {
    this.timers.push({ key, event: null, delayMs: 0 })
  }
}
