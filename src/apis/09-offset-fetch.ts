import { ZERO_UUID } from '../../protocol/codec/schema.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import {
  OffsetFetch,
  type OffsetFetchRequest,
  type OffsetFetchResponse,
} from '../../protocol/messages/09-offset-fetch.ts'
import type { FetchedOffset, FetchedTopic } from '../coordinator/group/group-calls.ts'
import type { MetadataImage } from '../metadata/metadata-image.ts'
import { apiEntry } from './api-entry.ts'
import type { RequestContext } from './context.ts'

type GroupRequest = OffsetFetchRequest['groups'][number]
type GroupResponse = NonNullable<OffsetFetchResponse['groups']>[number]

/** Up to here an error of the group has no field but that of each partition. */
const GROUP_ERROR_VERSION = 2
const BATCH_VERSION = 8
const TOPIC_IDS_VERSION = 10

export const offsetFetch = apiEntry(OffsetFetch, {
  handle: handleOffsetFetch,
  fail: (request, error, context) =>
    shape(
      context,
      groupsOf(context, request).map((group) => failed(context, group, error)),
    ),
})

async function handleOffsetFetch(context: RequestContext, request: OffsetFetchRequest): Promise<OffsetFetchResponse> {
  return shape(
    context,
    await Promise.all(groupsOf(context, request).map((group) => fetchGroup(context, group, request.requireStable))),
  )
}

/** Up to v7 the request asks for one group. Member id and epoch (v9) matter to other types of group only. */
function groupsOf(
  { apiVersion }: RequestContext,
  { groupId, topics, groups }: OffsetFetchRequest,
): readonly GroupRequest[] {
  if (apiVersion >= BATCH_VERSION) return groups
  const named = topics?.map((topic) => ({ ...topic, topicId: ZERO_UUID })) ?? null
  return [{ groupId, memberId: null, memberEpoch: -1, topics: named }]
}

async function fetchGroup(
  context: RequestContext,
  group: GroupRequest,
  requireStable: boolean,
): Promise<GroupResponse> {
  const { broker } = context
  const { image } = broker.metadata
  const asked = group.topics?.map((topic) => ({ ...topic, name: nameOf(context, image, topic) }))
  const known = asked?.filter(({ name }) => name !== null)
  const { error, topics } = await broker.groups.fetchOffsets({
    groupId: group.groupId,
    topics: known?.map(({ name, partitionIndexes }) => ({ topic: name!, partitions: partitionIndexes })) ?? null,
    requireStable,
  })
  if (error !== ErrorCode.NONE) return failed(context, group, error)
  if (!asked) return { groupId: group.groupId, topics: everything(context, image, topics), errorCode: error }

  const inOrder = topics[Symbol.iterator]()
  const answered = asked.map(({ name, topicId, partitionIndexes }) => {
    if (name === null) return { name: '', topicId, partitions: none(partitionIndexes, ErrorCode.UNKNOWN_TOPIC_ID) }
    return { name, topicId, partitions: inOrder.next().value!.partitions.map(found) }
  })
  return { groupId: group.groupId, topics: answered, errorCode: error }
}

/** Names are passed on as they are: what does not exist was never committed. Null for an id that nothing has. */
function nameOf(
  { apiVersion }: RequestContext,
  image: MetadataImage,
  { name, topicId }: { name: string; topicId: string },
): string | null {
  return apiVersion >= TOPIC_IDS_VERSION ? (image.topicsById.get(topicId)?.name ?? null) : name
}

/** By id a topic that is no longer there cannot be told of. */
function everything({ apiVersion }: RequestContext, image: MetadataImage, topics: readonly FetchedTopic[]) {
  return topics.flatMap(({ topic, partitions }) => {
    const topicId = image.topics.get(topic)?.id
    if (apiVersion >= TOPIC_IDS_VERSION && topicId === undefined) return []
    return [{ name: topic, topicId: topicId ?? ZERO_UUID, partitions: partitions.map(found) }]
  })
}

function found({ partition, offset, leaderEpoch, metadata, unstable }: FetchedOffset) {
  return {
    partitionIndex: partition,
    committedOffset: offset,
    committedLeaderEpoch: leaderEpoch,
    metadata,
    errorCode: unstable ? ErrorCode.UNSTABLE_OFFSET_COMMIT : ErrorCode.NONE,
  }
}

function none(partitionIndexes: readonly number[], errorCode: ErrorCode) {
  return partitionIndexes.map((partitionIndex) => {
    return { partitionIndex, committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode }
  })
}

function failed({ apiVersion }: RequestContext, { groupId, topics }: GroupRequest, error: ErrorCode): GroupResponse {
  if (apiVersion >= GROUP_ERROR_VERSION) return { groupId, topics: [], errorCode: error }
  const each = (topics ?? []).map(({ name, topicId, partitionIndexes }) => {
    return { name, topicId, partitions: none(partitionIndexes, error) }
  })
  return { groupId, topics: each, errorCode: error }
}

function shape({ apiVersion }: RequestContext, groups: readonly GroupResponse[]): OffsetFetchResponse {
  if (apiVersion >= BATCH_VERSION) return { throttleTimeMs: 0, groups }
  const { topics, errorCode } = groups[0]!
  return { throttleTimeMs: 0, topics: topics.map(({ name = '', partitions }) => ({ name, partitions })), errorCode }
}
