import { ErrorCode, errorName, isRetriable } from '../../protocol/errors.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { Attempts } from './attempts.ts'
import { ClientError, refuseError } from './client-error.ts'
import { type ConsumedRecord, fetchedRecords } from './fetched-records.ts'
import { type Isolation, isolationLevel, listOffsets } from './list-offsets.ts'
import type { RequestRouter } from './request-router.ts'
import { byLeader, byTopic, type TopicLeaders, type TopicPartition } from './topic-leaders.ts'

/** Where reading begins, and where it ends if it ends. */
export interface ReadPosition extends TopicPartition {
  readonly offset: number
  /** Reading goes up to here and not to it; without one it goes on for ever. */
  readonly endOffset?: number
}

export interface ReadOptions {
  readonly isolation?: Isolation
  /** How long the broker waits for records; 500 by default. */
  readonly maxWaitMs?: number
  /** Of one answer; 8 MiB by default. A single batch may be larger. */
  readonly maxBytes?: number
  /** Ends the reading in good order. */
  readonly signal?: AbortSignal
  /** What to do where the offset is not, or no longer, in the log; `fail` by default. */
  readonly outOfRange?: 'earliest' | 'latest' | 'fail'
}

interface Reading {
  readonly topic: string
  readonly partition: number
  offset: number
  readonly endOffset: number
}

interface Fetched {
  readonly brokerId: number
  readonly records: readonly ConsumedRecord[]
  /** A partition could not be read, and it may be otherwise later. */
  readonly trouble: ClientError | null
}

/** Newer ones name topics by id. */
const NAMED_TOPICS_VERSION = 12
const MAX_WAIT_MS = 500
const MAX_BYTES = 8 * 1024 * 1024

/**
 * Records as they come: in order within a partition. Ends when every position has reached its end, or with the signal.
 * Each leader is asked by itself, so that an idle one holds up nobody. Throws ClientError when a partition cannot be
 * read for as long as the client waits for an answer.
 */
export async function* readRecordBatches(
  router: RequestRouter,
  leaders: TopicLeaders,
  positions: readonly ReadPosition[],
  options: ReadOptions = {},
): AsyncGenerator<readonly ConsumedRecord[], void, undefined> {
  const reader = new RecordReader(router, leaders, positions, options)
  const stopped = new Promise<null>((resolve) => {
    options.signal?.addEventListener('abort', () => resolve(null), { once: true })
  })
  const underWay = new Map<number, Promise<Fetched>>()
  let patience: Attempts | null = null
  while (!options.signal?.aborted && !reader.hasEnded) {
    const { led, leaderless } = await reader.assign()
    for (const [brokerId, part] of led) {
      if (underWay.has(brokerId)) continue
      const fetching = reader.fetch(brokerId, part)
      // Nobody may be waiting any more when it fails.
      fetching.catch(() => {})
      underWay.set(brokerId, fetching)
    }
    const fetched = underWay.size === 0 ? null : await Promise.race([stopped, ...underWay.values()])
    if (fetched !== null) underWay.delete(fetched.brokerId)
    if (options.signal?.aborted) return
    const trouble = fetched?.trouble ?? (leaderless.length === 0 ? null : noLeader(leaderless[0]!))
    if (fetched !== null && fetched.records.length > 0) {
      yield fetched.records
    }
    if (trouble === null) {
      patience = null
      continue
    }
    patience ??= new Attempts(router.clock, router.timeoutMs)
    if (!(await patience.pause())) throw trouble
    await reader.refresh()
  }
}

function noLeader({ topic, partition }: TopicPartition): ClientError {
  return ClientError.refused(`reading ${topic}-${partition}`, ErrorCode.LEADER_NOT_AVAILABLE)
}

class RecordReader {
  readonly #router: RequestRouter
  readonly #leaders: TopicLeaders
  readonly #options: ReadOptions
  #readings: Reading[]

  constructor(router: RequestRouter, leaders: TopicLeaders, positions: readonly ReadPosition[], options: ReadOptions) {
    this.#router = router
    this.#leaders = leaders
    this.#options = options
    this.#readings = positions.map((position) => ({ endOffset: Number.POSITIVE_INFINITY, ...position }))
    this.#dropFinished()
  }

  get hasEnded(): boolean {
    return this.#readings.length === 0
  }

  async assign(): Promise<{ readonly led: ReadonlyMap<number, Reading[]>; readonly leaderless: Reading[] }> {
    await this.#leaders.learn(this.#readings.map(({ topic }) => topic))
    return byLeader(this.#leaders, this.#readings)
  }

  async refresh(): Promise<void> {
    const names = this.#readings.map(({ topic }) => topic)
    await this.#leaders.learn(names, { again: true })
  }

  async fetch(brokerId: number, readings: readonly Reading[]): Promise<Fetched> {
    const { maxWaitMs = MAX_WAIT_MS, maxBytes = MAX_BYTES, isolation } = this.#options
    const topics = [...byTopic(readings)].map(([topic, part]) => ({
      topic,
      partitions: part.map(({ partition, offset }) => {
        return { partition, fetchOffset: offset, partitionMaxBytes: maxBytes }
      }),
    }))
    const level = isolationLevel(isolation)
    const request = { maxWaitMs, minBytes: 1, maxBytes, isolationLevel: level, topics, forgottenTopicsData: [] }
    const sending = {
      maxVersion: NAMED_TOPICS_VERSION,
      channel: 'fetch',
      timeoutMs: this.#router.timeoutMs + maxWaitMs,
    }
    const answer = await this.#router.send(Fetch, request, { brokerId }, sending)
    refuseError('reading', answer.errorCode)
    const records: ConsumedRecord[] = []
    let trouble: ClientError | null = null
    for (const { topic, partitions } of answer.responses) {
      for (const row of partitions) {
        const reading = readings.find((one) => one.topic === topic && one.partition === row.partitionIndex)
        if (reading === undefined) throw new ClientError('protocol', 'an answer about a partition nobody asked for')
        if (row.errorCode !== 0) {
          trouble = (await this.#recover(reading, row.errorCode)) ?? trouble
        } else {
          const aborted = level === 1 ? (row.abortedTransactions ?? []) : null
          for (const record of this.#take(reading, row.records ?? EMPTY, aborted)) records.push(record)
        }
      }
    }
    this.#dropFinished()
    this.#rotate(readings)
    return { brokerId, records, trouble }
  }

  #take(reading: Reading, bytes: Buffer, aborted: Parameters<typeof fetchedRecords>[3]): readonly ConsumedRecord[] {
    const { records, nextOffset } = fetchedRecords(reading, bytes, reading.offset, aborted)
    reading.offset = nextOffset
    if (records.length === 0 || records.at(-1)!.offset < reading.endOffset) return records
    return records.filter(({ offset }) => offset < reading.endOffset)
  }

  async #recover(reading: Reading, errorCode: number): Promise<ClientError | null> {
    const { topic, partition, offset } = reading
    const { outOfRange = 'fail', isolation } = this.#options
    if (errorCode === ErrorCode.OFFSET_OUT_OF_RANGE && outOfRange !== 'fail') {
      const options = isolation === undefined ? {} : { isolation }
      const [found] = await listOffsets(this.#router, this.#leaders, [{ topic, partition, at: outOfRange }], options)
      reading.offset = found!.offset
      return null
    }
    const error = new ClientError('refused', `reading ${topic}-${partition} at ${offset}: ${errorName(errorCode)}`, {
      errorCode,
    })
    if (!isRetriable(errorCode)) throw error
    return error
  }

  #dropFinished(): void {
    this.#readings = this.#readings.filter(({ offset, endOffset }) => offset < endOffset)
  }

  /** Whoever was served goes to the end of the queue: an answer that is full has room for the first alone. */
  #rotate(served: readonly Reading[]): void {
    const first = this.#readings.find((reading) => served.includes(reading))
    if (first !== undefined) this.#readings = [...this.#readings.filter((one) => one !== first), first]
  }
}

const EMPTY = Buffer.alloc(0)
