import { ErrorCode } from '../../protocol/errors.ts'
import type { Decision, MetadataRecord } from './metadata.ts'
import type { MetadataImage, PartitionImage, TopicImage } from './metadata-image.ts'
import { partitionChangeRecord } from './metadata-record.ts'

/** preferred: the first replica leads again. unclean: any living replica leads what has no leader. */
export type ElectionType = 'preferred' | 'unclean'

export interface ElectionRequest {
  readonly topic: string
  readonly partitions: readonly number[]
}

export interface ElectionResult {
  readonly topic: string
  readonly partitionResult: readonly PartitionElection[]
}

export interface PartitionElection {
  readonly partitionId: number
  readonly errorCode: ErrorCode
  readonly errorMessage: string | null
}

interface Election {
  readonly errorCode: ErrorCode
  readonly errorMessage: string | null
  readonly leader?: number
}

/** Decides on each partition by itself. Of all (null) only those are told where there was something to elect. */
export function electLeaders(
  image: MetadataImage,
  type: ElectionType,
  asked: readonly ElectionRequest[] | null,
  liveIds: readonly number[],
): Decision<ElectionResult[]> {
  const records: MetadataRecord[] = []
  const elect = (name: string, topic: TopicImage | undefined, partitionId: number): PartitionElection => {
    const { leader, ...result } = decide(name, topic, partitionId, type, liveIds)
    if (leader !== undefined) {
      const { isr, replicas } = topic!.partitions[partitionId]!
      // The others follow the new leader at once: all of them have the same log.
      const next = isr.includes(leader) ? {} : { isr: replicas.filter((id) => liveIds.includes(id)) }
      records.push(partitionChangeRecord({ topicId: topic!.id, partitionId, leader, ...next }))
    }
    return { partitionId, ...result }
  }
  const result =
    asked === null
      ? [...image.topics.values()].map((topic) => ({
          topic: topic.name,
          partitionResult: topic.partitions
            .map(({ index }) => elect(topic.name, topic, index))
            .filter(({ errorCode }) => errorCode !== ErrorCode.ELECTION_NOT_NEEDED),
        }))
      : asked.map(({ topic, partitions }) => ({
          topic,
          partitionResult: partitions.map((partition) => elect(topic, image.topics.get(topic), partition)),
        }))
  return { records, result }
}

function decide(
  name: string,
  topic: TopicImage | undefined,
  index: number,
  type: ElectionType,
  liveIds: readonly number[],
): Election {
  if (topic === undefined) {
    return { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, errorMessage: `No such topic as ${name}` }
  }
  const partition = topic.partitions[index]
  if (partition === undefined) {
    return { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, errorMessage: `No such partition as ${name}-${index}` }
  }
  return type === 'preferred' ? preferred(partition, liveIds) : unclean(partition, liveIds)
}

function preferred({ leader, replicas, isr }: PartitionImage, liveIds: readonly number[]): Election {
  const first = replicas[0]!
  if (leader === first) return NOT_NEEDED
  if (isr.includes(first) && liveIds.includes(first)) return elected(first)
  const errorMessage = 'The preferred leader was not available.'
  return { errorCode: ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE, errorMessage }
}

function unclean({ leader, replicas, isr }: PartitionImage, liveIds: readonly number[]): Election {
  if (leader >= 0) return NOT_NEEDED
  const able = replicas.filter((id) => liveIds.includes(id))
  const next = able.find((id) => isr.includes(id)) ?? able[0]
  if (next !== undefined) return elected(next)
  const errorMessage = 'No eligible leaders were available.'
  return { errorCode: ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE, errorMessage }
}

const NOT_NEEDED: Election = {
  errorCode: ErrorCode.ELECTION_NOT_NEEDED,
  errorMessage: 'Leader election not needed for topic partition.',
}

function elected(leader: number): Election {
  return { errorCode: ErrorCode.NONE, errorMessage: null, leader }
}
