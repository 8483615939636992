import { ErrorCode } from '../../protocol/errors.ts'
import {
  DeleteRecords,
  type DeleteRecordsRequest,
  type DeleteRecordsResponse,
} from '../../protocol/messages/21-delete-records.ts'
import { isInternalTopic } from '../metadata/internal-topics.ts'
import { apiEntry } from './api-entry.ts'
import type { RequestContext } from './context.ts'

type AskedPartition = DeleteRecordsRequest['topics'][number]['partitions'][number]
type PartitionResponse = DeleteRecordsResponse['topics'][number]['partitions'][number]

/** Means: everything that consumers can see now. */
const HIGH_WATERMARK = -1

export const deleteRecords = apiEntry(DeleteRecords, {
  handle: handleDeleteRecords,
  fail: ({ topics }, error) => ({
    throttleTimeMs: 0,
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((asked) => failed(asked, error)),
    })),
  }),
})

async function handleDeleteRecords(
  context: RequestContext,
  request: DeleteRecordsRequest,
): Promise<DeleteRecordsResponse> {
  const topics = await Promise.all(
    request.topics.map(async ({ name, partitions }) => ({
      name,
      partitions: await Promise.all(partitions.map((asked) => deleteUpTo(context, name, asked))),
    })),
  )
  return { throttleTimeMs: 0, topics }
}

async function deleteUpTo({ broker }: RequestContext, name: string, asked: AskedPartition): Promise<PartitionResponse> {
  const { image } = broker.metadata
  if (isInternalTopic(name)) return failed(asked, ErrorCode.INVALID_TOPIC_EXCEPTION)
  const located = broker.partitions.locate(image.topics.get(name), asked.partitionIndex)
  if (located.log === null) return failed(asked, located.error)
  // Compaction decides what leaves such a topic; deleting its head would lose the newest value of some keys.
  const policy = broker.topicConfigs.of(image, name)['cleanup.policy']
  if (!policy.includes('delete')) return failed(asked, ErrorCode.POLICY_VIOLATION)
  const { highWatermark } = located.log.offsets
  const offset = asked.offset === HIGH_WATERMARK ? highWatermark : asked.offset
  if (offset < 0 || offset > highWatermark) return failed(asked, ErrorCode.OFFSET_OUT_OF_RANGE)
  const { logStartOffset } = await broker.store.deleteRecords(located.log, offset)
  return { partitionIndex: asked.partitionIndex, lowWatermark: logStartOffset, errorCode: ErrorCode.NONE }
}

function failed({ partitionIndex }: AskedPartition, errorCode: ErrorCode): PartitionResponse {
  return { partitionIndex, lowWatermark: -1, errorCode }
}
