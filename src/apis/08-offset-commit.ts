import { ErrorCode } from '../../protocol/errors.ts'
import {
  OffsetCommit,
  type OffsetCommitRequest,
  type OffsetCommitResponse,
} from '../../protocol/messages/08-offset-commit.ts'
import type { OffsetToCommit } from '../coordinator/group/group-calls.ts'
import type { TopicImage } from '../metadata/metadata-image.ts'
import { apiEntry } from './api-entry.ts'
import type { RequestContext } from './context.ts'

type TopicRequest = OffsetCommitRequest['topics'][number]

/** KIP-848 gave a missing group its own error. */
const GROUP_NOT_FOUND_VERSION = 9
const TOPIC_IDS_VERSION = 10

export const offsetCommit = apiEntry(OffsetCommit, {
  handle: handleOffsetCommit,
  fail: (request, error) => respond(request, () => error),
})

async function handleOffsetCommit(
  { apiVersion, broker }: RequestContext,
  request: OffsetCommitRequest,
): Promise<OffsetCommitResponse> {
  const { image } = broker.metadata
  const byId = apiVersion >= TOPIC_IDS_VERSION
  const offsets: OffsetToCommit[] = []
  /** In the order of the request: why the partition is refused, or its place among the offsets. */
  const places = request.topics.map((topic) => {
    const found = byId ? image.topicsById.get(topic.topicId) : image.topics.get(topic.name)
    const unknown = byId && !found ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    return topic.partitions.map((partition) => {
      if (!found || found.partitions[partition.partitionIndex] === undefined) return { refused: unknown, at: -1 }
      offsets.push(offsetOf(found, partition))
      return { refused: ErrorCode.NONE, at: offsets.length - 1 }
    })
  })
  const errors = offsets.length === 0 ? [] : await commit(apiVersion, broker.groups, request, offsets)
  return respond(request, (topic, partition) => {
    const { refused, at } = places[topic]![partition]!
    return at < 0 ? refused : errors[at]!
  })
}

function offsetOf({ name, id }: TopicImage, partition: TopicRequest['partitions'][number]): OffsetToCommit {
  return {
    topic: name,
    topicId: id,
    partition: partition.partitionIndex,
    offset: partition.committedOffset,
    leaderEpoch: partition.committedLeaderEpoch,
    metadata: partition.committedMetadata ?? '',
  }
}

async function commit(
  apiVersion: number,
  groups: RequestContext['broker']['groups'],
  request: OffsetCommitRequest,
  offsets: readonly OffsetToCommit[],
): Promise<readonly ErrorCode[]> {
  const { groupId, memberId, groupInstanceId, retentionTimeMs } = request
  const knowsMissingGroups = apiVersion >= GROUP_NOT_FOUND_VERSION
  const { errors } = await groups.commitOffsets({
    ...{ groupId, memberId, groupInstanceId, retentionTimeMs, offsets },
    generationId: request.generationIdOrMemberEpoch,
    missingGroupError: knowsMissingGroups ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.ILLEGAL_GENERATION,
  })
  return errors
}

function respond(
  { topics }: OffsetCommitRequest,
  errorOf: (topic: number, partition: number) => ErrorCode,
): OffsetCommitResponse {
  return {
    throttleTimeMs: 0,
    topics: topics.map(({ name, topicId, partitions }, topicAt) => ({
      ...{ name, topicId },
      partitions: partitions.map(({ partitionIndex }, at) => ({ partitionIndex, errorCode: errorOf(topicAt, at) })),
    })),
  }
}
