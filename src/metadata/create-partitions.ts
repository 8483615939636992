import { ErrorCode } from '../../protocol/errors.ts'
import {
  assignmentProblem,
  MAX_PARTITIONS_PER_REQUEST,
  newPartitionRecord,
  type Placement,
  placeReplicas,
} from './create-topics.ts'
import type { Decision, MetadataRecord } from './metadata.ts'
import type { MetadataImage, TopicImage } from './metadata-image.ts'

export interface MorePartitions {
  readonly name: string
  /** How many there shall be in all. */
  readonly count: number
  /** Replicas of each new partition, or null to leave it to the broker. */
  readonly assignments: readonly { readonly brokerIds: readonly number[] }[] | null
}

export interface MorePartitionsResult {
  readonly name: string
  readonly error: ErrorCode
  readonly message: string | null
}

/** Decides on each topic by itself; existing partitions keep their data and the topic its id. */
export function createPartitions(
  image: MetadataImage,
  asked: readonly MorePartitions[],
  placement: Placement,
  validateOnly: boolean,
): Decision<MorePartitionsResult[]> {
  const times = new Map<string, number>()
  for (const { name } of asked) times.set(name, (times.get(name) ?? 0) + 1)
  const records: MetadataRecord[] = []
  const once = [...new Map(asked.map((topic) => [topic.name, topic])).values()]
  const result = once.map((topic): MorePartitionsResult => {
    const { name } = topic
    if (times.get(name)! > 1) {
      return { name, error: ErrorCode.INVALID_REQUEST, message: 'Duplicate topic name.' }
    }
    const known = image.topics.get(name)
    if (known === undefined) return { name, error: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, message: null }
    const refusal = refuse(known, topic, placement)
    if (refusal !== null) return { name, ...refusal }
    if (!validateOnly) records.push(...newPartitions(known, topic, placement))
    return { name, error: ErrorCode.NONE, message: null }
  })
  return { records, result }
}

function refuse(topic: TopicImage, { count, assignments }: MorePartitions, placement: Placement) {
  const have = topic.partitions.length
  if (count === have) {
    return { error: ErrorCode.INVALID_PARTITIONS, message: `Topic already has ${have} partition(s).` }
  }
  if (count < have) {
    const message = `The topic ${topic.name} currently has ${have} partition(s); ${count} would not be an increase.`
    return { error: ErrorCode.INVALID_PARTITIONS, message }
  }
  const more = count - have
  if (more > MAX_PARTITIONS_PER_REQUEST) {
    const message = 'Excessively large number of partitions per request.'
    return { error: ErrorCode.POLICY_VIOLATION, message }
  }
  if (assignments === null) return null
  if (assignments.length !== more) {
    const message = `Attempted to add ${more} additional partition(s), but only ${assignments.length} assignment(s) were specified.`
    return { error: ErrorCode.INVALID_REPLICA_ASSIGNMENT, message }
  }
  for (const [at, { brokerIds: replicas }] of assignments.entries()) {
    const problem = assignmentProblem(have + at, replicas, placement)
    if (problem !== null) return { error: ErrorCode.INVALID_REPLICA_ASSIGNMENT, message: problem }
    const factor = topic.partitions[0]!.replicas.length
    if (replicas.length === factor) continue
    const message = `The manual partition assignment includes a partition with ${replicas.length} replica(s), but this is not consistent with previous partitions, which have ${factor} replica(s).`
    return { error: ErrorCode.INVALID_REPLICA_ASSIGNMENT, message }
  }
  return null
}

function newPartitions(topic: TopicImage, { count, assignments }: MorePartitions, placement: Placement) {
  const have = topic.partitions.length
  const factor = topic.partitions[0]!.replicas.length
  return Array.from({ length: count - have }, (_, at) => {
    const index = have + at
    const replicas = assignments?.[at]?.brokerIds ?? placeReplicas(index, factor, placement)
    return newPartitionRecord(topic.id, index, replicas, placement)
  })
}
