import kafkajs from 'kafkajs'
import type { ScenarioContext } from '../scenario.ts'

const { Kafka, logLevel } = kafkajs

export const GROUPS_TOPIC = '__consumer_offsets'
export const TRANSACTIONS_TOPIC = '__transaction_state'

/** Java's String.hashCode decides which partition holds a group or a transactional id; its leader coordinates. */
export function partitionOf(key: string, partitions: number): number {
  let hash = 0
  for (let at = 0; at < key.length; at++) hash = (Math.imul(hash, 31) + key.charCodeAt(at)) | 0
  return (hash & 0x7fffffff) % partitions
}

/** Leaders of the partitions of an internal topic: not every client shows those. */
export async function coordinators({ bootstrap }: ScenarioContext, topic: string): Promise<number[]> {
  const admin = new Kafka({ brokers: bootstrap.split(','), logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    const partitions = topics[0]?.partitions ?? []
    return partitions.sort((a, b) => a.partitionId - b.partitionId).map(({ leader }) => leader)
  } finally {
    await admin.disconnect()
  }
}

export async function coordinatorOf(context: ScenarioContext, topic: string, key: string): Promise<number> {
  const leaders = await coordinators(context, topic)
  return leaders[partitionOf(key, leaders.length)] ?? -1
}
