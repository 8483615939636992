import { ZERO_UUID } from '../../protocol/codec/schema.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { Metadata, type MetadataRequest, type MetadataResponse } from '../../protocol/messages/03-metadata.ts'
import { autoCreateTopics } from '../broker/auto-create-topics.ts'
import type { TopicImage } from '../metadata/metadata-image.ts'
import { topicNameProblem } from '../metadata/topic-name.ts'
import {
  ALL_CLUSTER_OPERATIONS,
  ALL_TOPIC_OPERATIONS,
  OPERATIONS_NOT_ASKED,
} from '../security/authorized-operations.ts'
import { apiEntry } from './api-entry.ts'
import type { RequestContext } from './context.ts'
import { reachableBrokers } from './node-endpoints.ts'

type TopicResponse = MetadataResponse['topics'][number]

/** From this version on topics may be asked for by id; v10 and v11 have the field but no use for it. */
const TOPIC_ID_QUERY_VERSION = 12

export const metadata = apiEntry(Metadata, {
  handle: handleMetadata,
  fail: (request, errorCode) => ({
    ...nothing(errorCode),
    topics: (request.topics ?? []).map(({ name, topicId }) => failed(name, topicId, errorCode)),
  }),
})

async function handleMetadata(context: RequestContext, request: MetadataRequest): Promise<MetadataResponse> {
  const { broker, apiVersion } = context
  const wanted = request.topics ?? []
  if (
    apiVersion < TOPIC_ID_QUERY_VERSION &&
    wanted.some(({ topicId, name }) => topicId !== ZERO_UUID || name === null)
  ) {
    return {
      ...nothing(ErrorCode.NONE),
      topics: wanted.map(({ name, topicId }) => failed(name ?? '', topicId, ErrorCode.INVALID_REQUEST)),
    }
  }
  const byId = wanted.some(({ topicId }) => topicId !== ZERO_UUID)
  const names = byId ? [] : [...new Set(wanted.map(({ name }) => name ?? ''))]
  const refusals = request.allowAutoTopicCreation ? await autoCreateTopics(broker, names) : null

  const { image } = broker.metadata
  const { liveIds } = broker.membership
  const asksForAll = request.topics === null || (apiVersion === 0 && wanted.length === 0)
  const topics: TopicResponse[] = []
  if (asksForAll) {
    for (const topic of image.topics.values()) topics.push(describe(topic, request, liveIds))
  } else if (byId) {
    for (const id of new Set(wanted.map(({ topicId }) => topicId))) {
      if (id === ZERO_UUID) continue
      const topic = image.topicsById.get(id)
      topics.push(topic ? describe(topic, request, liveIds) : failed(null, id, ErrorCode.UNKNOWN_TOPIC_ID))
    }
  } else {
    for (const name of names) {
      const topic = image.topics.get(name)
      topics.push(
        topic ? describe(topic, request, liveIds) : failed(name, ZERO_UUID, refusals?.get(name) ?? unknown(name)),
      )
    }
  }
  return {
    throttleTimeMs: 0,
    brokers: reachableBrokers(context).map(({ id, host, port, rack }) => ({ nodeId: id, host, port, rack })),
    clusterId: image.clusterId,
    controllerId: broker.membership.controllerId,
    topics,
    clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
      ? ALL_CLUSTER_OPERATIONS
      : OPERATIONS_NOT_ASKED,
    errorCode: ErrorCode.NONE,
  }
}

function describe(
  topic: TopicImage,
  { includeTopicAuthorizedOperations }: MetadataRequest,
  liveIds: readonly number[],
): TopicResponse {
  return {
    errorCode: ErrorCode.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: topic.internal,
    partitions: topic.partitions.map(({ index, leader, leaderEpoch, replicas, isr }) => ({
      errorCode: leader < 0 ? ErrorCode.LEADER_NOT_AVAILABLE : ErrorCode.NONE,
      partitionIndex: index,
      leaderId: leader,
      leaderEpoch,
      replicaNodes: replicas,
      isrNodes: isr,
      offlineReplicas: replicas.filter((id) => !liveIds.includes(id)),
    })),
    topicAuthorizedOperations: includeTopicAuthorizedOperations ? ALL_TOPIC_OPERATIONS : OPERATIONS_NOT_ASKED,
  }
}

function unknown(name: string): ErrorCode {
  const legal = topicNameProblem(name) === null
  return legal ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.INVALID_TOPIC_EXCEPTION
}

function failed(name: string | null, topicId: string, errorCode: ErrorCode): TopicResponse {
  return {
    errorCode,
    name,
    topicId,
    isInternal: false,
    partitions: [],
    topicAuthorizedOperations: OPERATIONS_NOT_ASKED,
  }
}

function nothing(errorCode: ErrorCode): MetadataResponse {
  return { throttleTimeMs: 0, brokers: [], clusterId: null, controllerId: -1, topics: [], errorCode }
}
