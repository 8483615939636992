import { type CommittedOffset, committedOffsets, type GroupDescription, type TopicPartition } from './group-queries.ts'
import type { ToolClient } from './tool-io.ts'

/** A partition and how far a group is with it; null where there is nothing to say. */
export interface LagRow {
  readonly topic: string | null
  readonly partition: number | null
  readonly leaderEpoch: number | null
  readonly offset: number | null
  readonly endOffset: number | null
  readonly lag: number | null
  readonly memberId: string | null
  readonly host: string | null
  readonly clientId: string | null
}

type Holder = Pick<LagRow, 'memberId' | 'host' | 'clientId'>

const NOBODY: Holder = { memberId: null, host: null, clientId: null }

/**
 * First what members hold, the member with the most partitions first, then what nobody holds; members without a partition
 * come last.
 */
export async function groupLag(client: ToolClient, { groupId, members }: GroupDescription): Promise<LagRow[]> {
  const committed = await committedOffsets(client, groupId)
  const held = members.flatMap(({ partitions }) => partitions)
  const orphans = committed.filter((one) => !held.some((other) => isSame(one, other)))
  const ends = await endOffsets(client, [...held, ...orphans])
  const rowsOf = (partitions: readonly TopicPartition[], holder: Holder) =>
    [...partitions].sort(byName).map((partition) => lagRow(partition, holder, committed, ends))
  const busy = members
    .filter(({ partitions }) => partitions.length > 0)
    .sort((a, b) => b.partitions.length - a.partitions.length)
  const idle = members.filter(({ partitions }) => partitions.length === 0)
  return [
    ...busy.flatMap((member) => rowsOf(member.partitions, holderOf(member))),
    ...rowsOf(orphans, NOBODY),
    ...idle.map((member) => ({ ...EMPTY, ...holderOf(member) })),
  ]
}

const EMPTY = { topic: null, partition: null, leaderEpoch: null, offset: null, endOffset: null, lag: null }

function holderOf({ memberId, host, clientId }: GroupDescription['members'][number]): Holder {
  return { memberId, host, clientId }
}

function lagRow(
  { topic, partition }: TopicPartition,
  holder: Holder,
  committed: readonly CommittedOffset[],
  ends: ReadonlyMap<string, number>,
): LagRow {
  const found = committed.find((one) => isSame(one, { topic, partition }))
  const offset = found?.offset ?? null
  const endOffset = ends.get(keyOf({ topic, partition })) ?? null
  const lag = offset === null || endOffset === null ? null : endOffset - offset
  const leaderEpoch = found === undefined || found.leaderEpoch < 0 ? null : found.leaderEpoch
  return { topic, partition, leaderEpoch, offset, endOffset, lag, ...holder }
}

/** The ends of the partitions that have a leader. */
async function endOffsets(client: ToolClient, partitions: readonly TopicPartition[]): Promise<Map<string, number>> {
  if (partitions.length === 0) return new Map()
  const topics = await client.topics([...new Set(partitions.map(({ topic }) => topic))])
  const led = partitions.filter(({ topic, partition }) => {
    const row = topics.find(({ name }) => name === topic)?.partitions.find((one) => one.partition === partition)
    return row !== undefined && row.leader >= 0
  })
  const found = await client.offsets(
    led.map(({ topic, partition }) => ({ topic, partition, at: 'latest' })),
    { keepErrors: true },
  )
  return new Map(found.filter(({ errorCode }) => errorCode === 0).map((row) => [keyOf(row), row.offset]))
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}

function isSame(a: TopicPartition, b: TopicPartition): boolean {
  return a.topic === b.topic && a.partition === b.partition
}

export function byName(a: TopicPartition, b: TopicPartition): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1
  return a.partition - b.partition
}
