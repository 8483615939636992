import type { TopicPartition } from './topic-leaders.ts'

export interface GroupSubscription {
  readonly memberId: string
  readonly topics: readonly string[]
}

/**
 * Kafka's `range`: of each topic every subscriber gets a run of partitions, the first ones one more where they do not
 * divide. The members in the order of their ids.
 */
export function assignRanges(
  members: readonly GroupSubscription[],
  partitionCounts: ReadonlyMap<string, number>,
): Map<string, TopicPartition[]> {
  const assigned = new Map<string, TopicPartition[]>(members.map(({ memberId }) => [memberId, []]))
  const inOrder = [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1))
  for (const topic of new Set(members.flatMap(({ topics }) => topics))) {
    const subscribers = inOrder.filter(({ topics }) => topics.includes(topic))
    const count = partitionCounts.get(topic) ?? 0
    const share = Math.floor(count / subscribers.length)
    const larger = count % subscribers.length
    let next = 0
    subscribers.forEach(({ memberId }, at) => {
      const end = next + share + (at < larger ? 1 : 0)
      for (; next < end; next++) assigned.get(memberId)!.push({ topic, partition: next })
    })
  }
  return assigned
}
