import type { ProducerIdentity, TransactionEnd } from './coordinator-log.ts'
import type { Outcome, Reply, TimerAction } from './shard-machine.ts'

/** Collects what one event causes, while the functions that decide it call each other. */
export class Effects<S, T, R, N = never> implements Outcome<S, T, R, N> {
  readonly records: R[] = []
  producer: ProducerIdentity | null = null
  transactionEnd: TransactionEnd | null = null
  readonly replies: Reply<S>[] = []
  readonly timers: TimerAction<T>[] = []
  readonly notes: N[] = []

  write(record: R): void {
    this.records.push(record)
  }

  reply(token: number, response: S): void {
    this.replies.push({ token, response })
  }

  note(note: N): void {
    this.notes.push(note)
  }

  schedule(key: string, delayMs: number, event: T): void {
    this.timers.push({ key, delayMs, event })
  }

  cancel(key: string): void {
    this.timers.push({ key, event: null, delayMs: 0 })
  }
}
