import { type DecodedResponseOf, ZERO_UUID } from '../../protocol/codec/schema.ts'
import type { Metadata } from '../../protocol/messages/03-metadata.ts'

export interface ClusterBroker {
  readonly id: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
}

export interface Cluster {
  readonly clusterId: string | null
  /** -1 where there is none. */
  readonly controllerId: number
  readonly brokers: readonly ClusterBroker[]
}

export interface PartitionMetadata {
  readonly partition: number
  /** LEADER_NOT_AVAILABLE where there is no leader. */
  readonly errorCode: number
  /** -1 where there is none. */
  readonly leader: number
  readonly leaderEpoch: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  readonly offlineReplicas: readonly number[]
}

export interface TopicMetadata {
  readonly name: string
  /** Null from brokers that have none (before 2.8). */
  readonly topicId: string | null
  readonly internal: boolean
  /** Not 0 where the topic does not exist or may not be seen: it then has no partitions. */
  readonly errorCode: number
  /** In order. */
  readonly partitions: readonly PartitionMetadata[]
}

type MetadataAnswer = DecodedResponseOf<typeof Metadata>

export function clusterOf(answer: MetadataAnswer): Cluster {
  return {
    clusterId: answer.clusterId,
    controllerId: answer.controllerId,
    brokers: answer.brokers
      .map(({ nodeId, host, port, rack }) => ({ id: nodeId, host, port, rack }))
      .sort((a, b) => a.id - b.id),
  }
}

/** By name. */
export function topicsOf(answer: MetadataAnswer): TopicMetadata[] {
  return answer.topics
    .map((topic) => ({
      name: topic.name ?? '',
      topicId: topic.topicId === ZERO_UUID ? null : topic.topicId,
      internal: topic.isInternal,
      errorCode: topic.errorCode,
      partitions: topic.partitions.map(partitionOf).sort((a, b) => a.partition - b.partition),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

function partitionOf(partition: MetadataAnswer['topics'][number]['partitions'][number]): PartitionMetadata {
  return {
    partition: partition.partitionIndex,
    errorCode: partition.errorCode,
    leader: partition.leaderId,
    leaderEpoch: partition.leaderEpoch,
    replicas: partition.replicaNodes,
    isr: partition.isrNodes,
    offlineReplicas: partition.offlineReplicas,
  }
}
