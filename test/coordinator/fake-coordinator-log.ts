import { ErrorCode } from '../../protocol/errors.ts'
import type { CoordinatorLog, CoordinatorRecord, LogReplay, LogWrite } from '../../src/coordinator/coordinator-log.ts'

interface Appending {
  readonly shard: number
  readonly records: readonly CoordinatorRecord[]
  readonly write: LogWrite
  readonly end: (error: ErrorCode) => void
}

/** A log whose appends end when the test says so. What failed is not in it. */
export class FakeCoordinatorLog implements CoordinatorLog {
  readonly #shards: LogWrite[][]
  readonly appending: Appending[] = []
  readonly fences: number[] = []
  /** Set: appends are durable at once. */
  isFast = false
  /** Set: loads wait for it, or fail with it. */
  loading: Promise<void> = Promise.resolve()
  loads = 0

  constructor(shards = 1) {
    this.#shards = Array.from({ length: shards }, () => [])
  }

  shardCount(): number {
    return this.#shards.length
  }

  producer(): undefined {
    return undefined
  }

  async load(shard: number, replay: LogReplay): Promise<void> {
    this.loads++
    await this.loading
    for (const { records, producer, transactionEnd } of this.#shards[shard]!) {
      for (const record of records) replay.record(record, producer)
      if (transactionEnd !== null) replay.transactionEnd(transactionEnd)
    }
  }

  append(shard: number, fence: number, write: LogWrite): Promise<ErrorCode> {
    this.fences.push(fence)
    if (this.isFast) {
      this.#shards[shard]!.push(write)
      return Promise.resolve(ErrorCode.NONE)
    }
    return new Promise((resolve) => {
      const end = (error: ErrorCode) => {
        if (error === ErrorCode.NONE) this.#shards[shard]!.push(write)
        resolve(error)
      }
      this.appending.push({ shard, records: write.records, write, end })
    })
  }

  /** The topic is deleted. */
  clear(): void {
    for (const shard of this.#shards) shard.length = 0
  }

  /** Ends the oldest append under way. */
  async end(error: ErrorCode = ErrorCode.NONE): Promise<void> {
    this.appending.shift()!.end(error)
    await settled()
  }
}

/** Records that count at once. */
export function plainWrite(records: readonly CoordinatorRecord[]): LogWrite {
  return { records, producer: null, transactionEnd: null }
}

/** Until nothing that is already decided is still on its way through promises. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}

/** Whether a promise has ended, without waiting for it. */
export async function isPending(promise: Promise<unknown>): Promise<boolean> {
  await settled()
  const pending = Symbol('pending')
  return (await Promise.race([promise, Promise.resolve(pending)])) === pending
}
