import { ErrorCode, isRetriable } from '../../protocol/errors.ts'
import { ListOffsets } from '../../protocol/messages/02-list-offsets.ts'
import { Attempts } from './attempts.ts'
import { ClientError } from './client-error.ts'
import type { RequestRouter } from './request-router.ts'
import { byLeader, byTopic, type TopicLeaders, type TopicPartition } from './topic-leaders.ts'

export type Isolation = 'read_uncommitted' | 'read_committed'

/** A time in milliseconds since the epoch, one of Kafka's negative numbers, or a word for one. */
export type OffsetSpec = 'earliest' | 'latest' | 'max-timestamp' | number

export interface OffsetQuery extends TopicPartition {
  readonly at: OffsetSpec
}

export interface OffsetOptions {
  /** With read_committed the latest offset is the first of an open transaction. */
  readonly isolation?: Isolation
  readonly timeoutMs?: number
  /** Errors of single partitions stay in their rows; otherwise the first of them is thrown. */
  readonly keepErrors?: boolean
}

export interface FoundOffset extends TopicPartition {
  readonly errorCode: number
  /** -1 where there is no record so late. */
  readonly offset: number
  /** Of the record, -1 for earliest and latest. */
  readonly timestamp: number
  readonly leaderEpoch: number
}

const WORDS = { earliest: -2, latest: -1, 'max-timestamp': -3 } as const

/** Versions from which Kafka's special times exist. */
const NEEDED_VERSION: Readonly<Record<number, number>> = { [-3]: 7, [-4]: 8, [-5]: 9, [-6]: 11 }

export function isolationLevel(isolation: Isolation | undefined): 0 | 1 {
  return isolation === 'read_committed' ? 1 : 0
}

/** Asks every leader, in the order of the queries; leaders that have moved are found again. */
export async function listOffsets(
  router: RequestRouter,
  leaders: TopicLeaders,
  queries: readonly OffsetQuery[],
  options: OffsetOptions = {},
): Promise<FoundOffset[]> {
  const attempts = new Attempts(router.clock, options.timeoutMs ?? router.timeoutMs)
  const found = new Map<OffsetQuery, FoundOffset>()
  let again = false
  for (;;) {
    const open = queries.filter((query) => isOpen(found.get(query)))
    await leaders.learn(
      open.map(({ topic }) => topic),
      { again },
    )
    const { led, leaderless } = byLeader(leaders, open)
    await Promise.all(
      [...led].flatMap(([brokerId, part]) =>
        withoutRepetition(part).map((some) => askLeader(router, brokerId, some, options, found)),
      ),
    )
    for (const query of leaderless)
      found.set(query, failed(query, leaders.get(query.topic)?.errorCode || ErrorCode.LEADER_NOT_AVAILABLE))
    again = true
    if (!queries.some((query) => isOpen(found.get(query))) || !(await attempts.pause())) break
  }
  const rows = queries.map((query) => found.get(query)!)
  const wrong = rows.find(({ errorCode }) => errorCode !== 0)
  if (wrong !== undefined && options.keepErrors !== true) {
    throw ClientError.refused(`offsets of ${wrong.topic}-${wrong.partition}`, wrong.errorCode)
  }
  return rows
}

function isOpen(row: FoundOffset | undefined): boolean {
  return row === undefined || (row.errorCode !== 0 && isRetriable(row.errorCode))
}

/** A request may name a partition once. */
function withoutRepetition(queries: readonly OffsetQuery[]): OffsetQuery[][] {
  const rounds: OffsetQuery[][] = []
  const named = new Map<string, number>()
  for (const query of queries) {
    const name = `${query.topic}-${query.partition}`
    const round = named.get(name) ?? 0
    named.set(name, round + 1)
    const free = rounds[round]
    if (free === undefined) rounds.push([query])
    else free.push(query)
  }
  return rounds
}

function failed({ topic, partition }: OffsetQuery, errorCode: number): FoundOffset {
  return { topic, partition, errorCode, offset: -1, timestamp: -1, leaderEpoch: -1 }
}

async function askLeader(
  router: RequestRouter,
  brokerId: number,
  queries: readonly OffsetQuery[],
  options: OffsetOptions,
  found: Map<OffsetQuery, FoundOffset>,
): Promise<void> {
  const times = queries.map(({ at }) => (typeof at === 'number' ? at : WORDS[at]))
  const connection = await router.connectionFor({ brokerId })
  const needed = times.reduce((most, time) => Math.max(most, NEEDED_VERSION[time] ?? 0), 0)
  if (connection.versionOf(ListOffsets) < needed) {
    throw new ClientError('unsupported', `the broker is too old to find ${describe(queries, needed)}`)
  }
  const topics = [...byTopic(queries)].map(([name, part]) => ({
    name,
    partitions: part.map((query) => ({ partitionIndex: query.partition, timestamp: times[queries.indexOf(query)]! })),
  }))
  const request = { replicaId: -1, isolationLevel: isolationLevel(options.isolation), topics, timeoutMs: 10_000 }
  const answer = await router.send(ListOffsets, request, { brokerId })
  for (const query of queries) {
    const row = answer.topics
      .find(({ name }) => name === query.topic)
      ?.partitions.find(({ partitionIndex }) => partitionIndex === query.partition)
    if (row === undefined) throw new ClientError('protocol', `no answer for ${query.topic}-${query.partition}`)
    const { errorCode, offset, timestamp, leaderEpoch } = row
    found.set(query, { topic: query.topic, partition: query.partition, errorCode, offset, timestamp, leaderEpoch })
  }
}

function describe(queries: readonly OffsetQuery[], needed: number): string {
  const at = queries.find(({ at }) => (NEEDED_VERSION[typeof at === 'number' ? at : WORDS[at]] ?? 0) === needed)!.at
  return `the offset of ${at} (ListOffsets ${needed} is needed)`
}
