import { ErrorCode } from '../../protocol/errors.ts'
import {
  OffsetForLeaderEpoch,
  type OffsetForLeaderEpochRequest,
  type OffsetForLeaderEpochResponse,
} from '../../protocol/messages/23-offset-for-leader-epoch.ts'
import { apiEntry } from './api-entry.ts'
import type { RequestContext } from './context.ts'

type AskedPartition = OffsetForLeaderEpochRequest['topics'][number]['partitions'][number]
type PartitionResponse = OffsetForLeaderEpochResponse['topics'][number]['partitions'][number]

export const offsetForLeaderEpoch = apiEntry(OffsetForLeaderEpoch, {
  handle: (context, { topics }) => ({
    throttleTimeMs: 0,
    topics: topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map((asked) => endOf(context, topic, asked)),
    })),
  }),
  fail: ({ topics }, error) => ({
    throttleTimeMs: 0,
    topics: topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map((asked) => failed(asked, error)),
    })),
  }),
})

/** Where the records of the largest known epoch up to the one asked end (KIP-101, KIP-320). */
function endOf({ broker }: RequestContext, topic: string, asked: AskedPartition): PartitionResponse {
  const image = broker.metadata.image.topics.get(topic)
  const located = broker.partitions.locate(image, asked.partition, asked.currentLeaderEpoch)
  if (located.log === null) return failed(asked, located.error)
  const { leaderEpoch, endOffset } = broker.store.endOffsetForEpoch(located.log, asked.leaderEpoch)
  return { errorCode: ErrorCode.NONE, partition: asked.partition, leaderEpoch, endOffset }
}

function failed({ partition }: AskedPartition, errorCode: ErrorCode): PartitionResponse {
  return { errorCode, partition, leaderEpoch: -1, endOffset: -1 }
}
