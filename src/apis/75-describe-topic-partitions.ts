import { ZERO_UUID } from '../../protocol/codec/schema.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import {
  DescribeTopicPartitions,
  type DescribeTopicPartitionsRequest,
  type DescribeTopicPartitionsResponse,
} from '../../protocol/messages/75-describe-topic-partitions.ts'
import type { MetadataImage, TopicImage } from '../metadata/metadata-image.ts'
import { topicNameProblem } from '../metadata/topic-name.ts'
import { ALL_TOPIC_OPERATIONS, OPERATIONS_NOT_ASKED } from '../security/authorized-operations.ts'
import { apiEntry } from './api-entry.ts'
import type { RequestContext } from './context.ts'

type TopicResponse = DescribeTopicPartitionsResponse['topics'][number]
type PartitionResponse = TopicResponse['partitions'][number]

export const describeTopicPartitions = apiEntry(DescribeTopicPartitions, {
  handle: handleDescribeTopicPartitions,
  fail: ({ topics }, error) => ({
    throttleTimeMs: 0,
    topics: topics.map(({ name }) => failed(name, error)),
    nextCursor: null,
  }),
})

function handleDescribeTopicPartitions(
  context: RequestContext,
  request: DescribeTopicPartitionsRequest,
): DescribeTopicPartitionsResponse {
  const { config, metadata } = context.broker
  const { cursor } = request
  if (cursor !== null && cursor.partitionIndex < 0) return refuse(request)
  const names = namesOf(metadata.image, request)
  if (names === null) return refuse(request)

  let room = Math.max(1, Math.min(request.responsePartitionLimit, config['max.request.partition.size.limit']))
  const topics: TopicResponse[] = []
  for (const name of names) {
    const topic = metadata.image.topics.get(name)
    if (topic === undefined) {
      topics.push(unknown(name))
      continue
    }
    const first = cursor?.topicName === name ? cursor.partitionIndex : 0
    const end = Math.min(topic.partitions.length, first + room)
    if (room === 0) return { throttleTimeMs: 0, topics, nextCursor: { topicName: name, partitionIndex: first } }
    topics.push(describe(topic, first, end))
    room -= Math.max(0, end - first)
    if (end < topic.partitions.length) {
      return { throttleTimeMs: 0, topics, nextCursor: { topicName: name, partitionIndex: end } }
    }
  }
  return { throttleTimeMs: 0, topics, nextCursor: null }
}

/** In order, from the cursor on; null when the cursor's topic is not among those asked for. */
function namesOf(image: MetadataImage, { topics, cursor }: DescribeTopicPartitionsRequest): string[] | null {
  const all = topics.length === 0
  const names = all ? [...image.topics.keys()] : [...new Set(topics.map(({ name }) => name))]
  if (cursor === null) return names.sort()
  if (!all && !names.includes(cursor.topicName)) return null
  return names.filter((name) => name >= cursor.topicName).sort()
}

function describe(topic: TopicImage, first: number, end: number): TopicResponse {
  return {
    errorCode: ErrorCode.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: topic.internal,
    partitions: topic.partitions.slice(first, end).map(
      ({ index, leader, leaderEpoch, replicas, isr }): PartitionResponse => ({
        errorCode: leader < 0 ? ErrorCode.LEADER_NOT_AVAILABLE : ErrorCode.NONE,
        partitionIndex: index,
        leaderId: leader,
        leaderEpoch,
        replicaNodes: replicas,
        isrNodes: isr,
        eligibleLeaderReplicas: [],
        lastKnownElr: [],
        offlineReplicas: [],
      }),
    ),
    topicAuthorizedOperations: ALL_TOPIC_OPERATIONS,
  }
}

function refuse({ topics }: DescribeTopicPartitionsRequest): DescribeTopicPartitionsResponse {
  return {
    throttleTimeMs: 0,
    topics: topics.map(({ name }) => failed(name, ErrorCode.INVALID_REQUEST)),
    nextCursor: null,
  }
}

/** Everybody may do everything with a topic that does not exist. */
function unknown(name: string): TopicResponse {
  const legal = topicNameProblem(name) === null
  const error = legal ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.INVALID_TOPIC_EXCEPTION
  return { ...failed(name, error), topicAuthorizedOperations: ALL_TOPIC_OPERATIONS }
}

function failed(name: string, errorCode: ErrorCode): TopicResponse {
  return {
    errorCode,
    name,
    topicId: ZERO_UUID,
    partitions: [],
    topicAuthorizedOperations: OPERATIONS_NOT_ASKED,
  }
}
