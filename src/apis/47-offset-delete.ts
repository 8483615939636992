import { ErrorCode } from '../../protocol/errors.ts'
import {
  OffsetDelete,
  type OffsetDeleteRequest,
  type OffsetDeleteResponse,
} from '../../protocol/messages/47-offset-delete.ts'
import { apiEntry } from './api-entry.ts'
import type { RequestContext } from './context.ts'

export const offsetDelete = apiEntry(OffsetDelete, {
  handle: handleOffsetDelete,
  fail: (_request, errorCode) => ({ errorCode, throttleTimeMs: 0, topics: [] }),
})

async function handleOffsetDelete(
  { broker }: RequestContext,
  request: OffsetDeleteRequest,
): Promise<OffsetDeleteResponse> {
  const { image } = broker.metadata
  const exists = (topic: string, partition: number) => image.topics.get(topic)?.partitions[partition] !== undefined
  const topics = request.topics.map(({ name, partitions }) => ({
    topic: name,
    partitions: partitions.map(({ partitionIndex }) => partitionIndex).filter((index) => exists(name, index)),
  }))
  const { error, topicErrors } = await broker.groups.deleteOffsets({ groupId: request.groupId, topics })
  if (error !== ErrorCode.NONE) return { errorCode: error, throttleTimeMs: 0, topics: [] }
  return {
    errorCode: error,
    throttleTimeMs: 0,
    topics: request.topics.map(({ name, partitions }, at) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => {
        const known = exists(name, partitionIndex)
        return { partitionIndex, errorCode: known ? topicErrors[at]! : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }
      }),
    })),
  }
}
