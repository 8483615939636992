import type { TopicMetadata } from '../../client/cluster-metadata.ts'
import type { KafkaClient } from '../../client/kafka-client.ts'

export interface PartitionOffsets {
  readonly topic: string
  readonly partition: number
  /** Null where the leader cannot be asked. */
  readonly start: number | null
  readonly end: number | null
}

/** Where every partition of some topics begins and ends. */
export async function topicOffsets(client: KafkaClient, topics: readonly TopicMetadata[]): Promise<PartitionOffsets[]> {
  const led = topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partition, leader }) => ({ topic: name, partition, hasLeader: leader >= 0 })),
  )
  const asked = led.filter(({ hasLeader }) => hasLeader)
  const queries = (['earliest', 'latest'] as const).flatMap((at) =>
    asked.map(({ topic, partition }) => ({ topic, partition, at })),
  )
  const found = await client.offsets(queries, { keepErrors: true })
  const offsets = new Map(found.map((row, at) => [queries[at]!, row.errorCode === 0 ? row.offset : null]))
  const byKey = new Map(queries.map((query) => [`${query.at} ${query.topic} ${query.partition}`, offsets.get(query)]))
  return led.map(({ topic, partition }) => ({
    topic,
    partition,
    start: byKey.get(`earliest ${topic} ${partition}`) ?? null,
    end: byKey.get(`latest ${topic} ${partition}`) ?? null,
  }))
}

/** Offsets between start and end: records, and in a compacted or transactional topic fewer than that. */
export function spanOf({ start, end }: PartitionOffsets): number | null {
  return start === null || end === null ? null : end - start
}

/** Null when one of them is not known. */
export function totalOf(offsets: readonly PartitionOffsets[]): number | null {
  return offsets.reduce<number | null>((sum, one) => {
    const span = spanOf(one)
    return sum === null || span === null ? null : sum + span
  }, 0)
}
