import { ErrorCode } from '../../protocol/errors.ts'
import { ClientError } from './client-error.ts'
import type { ConsumedRecord } from './fetched-records.ts'
import { GroupMember, type GroupMemberOptions } from './group-member.ts'
import { fetchOffsets } from './group-offsets.ts'
import { listOffsets } from './list-offsets.ts'
import { type ReadOptions, type ReadPosition, readRecordBatches } from './record-stream.ts'
import type { RequestRouter } from './request-router.ts'
import type { TopicLeaders, TopicPartition } from './topic-leaders.ts'

export interface GroupConsumerOptions extends GroupMemberOptions, Pick<ReadOptions, 'isolation' | 'signal'> {
  /** Where the group has committed nothing, or what is no longer there. */
  readonly from: 'earliest' | 'latest'
  /** Ends where the log ended when the assignment was made; otherwise only the signal ends it. */
  readonly untilEnd?: boolean
}

const COMMIT_INTERVAL_MS = 5000

/** Others have taken over: what was not committed is theirs to read again. */
const TAKEN_OVER: ReadonlySet<number> = new Set([
  ErrorCode.REBALANCE_IN_PROGRESS,
  ErrorCode.ILLEGAL_GENERATION,
  ErrorCode.UNKNOWN_MEMBER_ID,
])

/**
 * Reads as a member of a group. What is said to be done is committed now and then, before a rebalance and at the end;
 * what is not is read again by whoever comes next.
 */
export class GroupConsumer {
  readonly #router: RequestRouter
  readonly #leaders: TopicLeaders
  readonly #options: GroupConsumerOptions
  readonly #member: GroupMember
  readonly #done = new Map<string, TopicPartition & { readonly offset: number }>()
  #committedAtMs = 0

  constructor(router: RequestRouter, leaders: TopicLeaders, options: GroupConsumerOptions) {
    this.#router = router
    this.#leaders = leaders
    this.#options = options
    this.#member = new GroupMember(router, options)
  }

  /** Whoever iterates calls `done` for what is dealt with, and `close` at the end. */
  async *batches(): AsyncGenerator<readonly ConsumedRecord[], void, undefined> {
    const { signal, isolation, from } = this.#options
    while (!signal?.aborted) {
      const positions = await this.#positionsOf(await this.#member.join())
      this.#done.clear()
      const { rebalanced } = this.#member
      const stop = signal === undefined ? rebalanced : AbortSignal.any([signal, rebalanced])
      const reading = { signal: stop, outOfRange: from, ...(isolation === undefined ? {} : { isolation }) }
      for await (const batch of readRecordBatches(this.#router, this.#leaders, positions, reading)) {
        yield batch
        if (this.#router.clock.monotonicMs() - this.#committedAtMs >= COMMIT_INTERVAL_MS) await this.commit()
      }
      if (!stop.aborted && this.#options.untilEnd === true) return
      // With more members than partitions there is nothing to read until somebody leaves.
      if (!stop.aborted) await fired(stop)
      if (rebalanced.reason instanceof ClientError) throw rebalanced.reason
      await this.commit()
    }
  }

  done({ topic, partition, offset }: ConsumedRecord): void {
    this.#done.set(`${topic}-${partition}`, { topic, partition, offset: offset + 1 })
  }

  async commit(): Promise<void> {
    this.#committedAtMs = this.#router.clock.monotonicMs()
    const offsets = [...this.#done.values()]
    this.#done.clear()
    try {
      await this.#member.commit(offsets)
    } catch (error) {
      if (!(error instanceof ClientError) || !TAKEN_OVER.has(error.errorCode ?? 0)) throw error
    }
  }

  /** Commits and leaves the group. */
  async close(): Promise<void> {
    try {
      await this.commit()
    } finally {
      await this.#member.leave()
    }
  }

  async #positionsOf(assigned: readonly TopicPartition[]): Promise<ReadPosition[]> {
    const { group, from, isolation, untilEnd } = this.#options
    const committed = await fetchOffsets(this.#router, group, assigned)
    const queries = (at: 'earliest' | 'latest', some: readonly TopicPartition[]) => {
      return listOffsets(
        this.#router,
        this.#leaders,
        some.map(({ topic, partition }) => ({ topic, partition, at })),
        isolation === undefined ? {} : { isolation },
      )
    }
    const known = (one: TopicPartition) => committed.find((other) => isSame(one, other))
    const first = await queries(
      from,
      assigned.filter((one) => known(one) === undefined),
    )
    const ends = untilEnd === true ? await queries('latest', assigned) : []
    return assigned.map((one) => {
      const { offset } = known(one) ?? first.find((other) => isSame(one, other))!
      const end = ends.find((other) => isSame(one, other))
      return { ...one, offset, ...(end === undefined ? {} : { endOffset: end.offset }) }
    })
  }
}

function isSame(one: TopicPartition, other: TopicPartition): boolean {
  return one.topic === other.topic && one.partition === other.partition
}

function fired(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
