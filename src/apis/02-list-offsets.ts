import { ErrorCode } from '../../protocol/errors.ts'
import {
  ListOffsets,
  type ListOffsetsRequest,
  type ListOffsetsResponse,
} from '../../protocol/messages/02-list-offsets.ts'
import type { Isolation, LogHandle, TimestampOffset } from '../storage/storage.ts'
import { apiEntry } from './api-entry.ts'
import type { RequestContext } from './context.ts'

type AskedPartition = ListOffsetsRequest['topics'][number]['partitions'][number]
type PartitionResponse = ListOffsetsResponse['topics'][number]['partitions'][number]

/** Timestamps that are questions of their own, and the first version that may ask them. */
const LATEST = -1
const EARLIEST = -2
const MAX_TIMESTAMP = -3
const EARLIEST_LOCAL = -4
const LATEST_TIERED = -5
const EARLIEST_PENDING_UPLOAD = -6
const FIRST_VERSION = new Map([
  [LATEST, 1],
  [EARLIEST, 1],
  [MAX_TIMESTAMP, 7],
  [EARLIEST_LOCAL, 8],
  [LATEST_TIERED, 9],
  [EARLIEST_PENDING_UPLOAD, 11],
])
const LEADER_EPOCH_VERSION = 4
const NONE: TimestampOffset = { timestampMs: -1, offset: -1, leaderEpoch: -1 }

export const listOffsets = apiEntry(ListOffsets, { handle: handleListOffsets, fail: failListOffsets })

async function handleListOffsets(context: RequestContext, request: ListOffsetsRequest): Promise<ListOffsetsResponse> {
  const isolation = request.isolationLevel === 1 ? 'read_committed' : 'read_uncommitted'
  const repeated = repeatedPartitions(request)
  const topics = await Promise.all(
    request.topics.map(async ({ name, partitions }) => ({
      name,
      partitions: await Promise.all(
        onceEach(partitions).map((asked) =>
          repeated.has(`${name}:${asked.partitionIndex}`)
            ? failed(asked, ErrorCode.INVALID_REQUEST)
            : look(context, name, asked, isolation),
        ),
      ),
    })),
  )
  return { throttleTimeMs: 0, topics }
}

async function look(
  { broker, apiVersion }: RequestContext,
  name: string,
  asked: AskedPartition,
  isolation: Isolation,
): Promise<PartitionResponse> {
  const { timestamp, partitionIndex } = asked
  const firstVersion = timestamp >= 0 ? 1 : FIRST_VERSION.get(timestamp)
  if (firstVersion === undefined || apiVersion < firstVersion) return failed(asked, ErrorCode.UNSUPPORTED_VERSION)
  const topic = broker.metadata.image.topics.get(name)
  const located = broker.partitions.locate(topic, partitionIndex, asked.currentLeaderEpoch)
  if (located.log === null) return failed(asked, located.error)
  const { log, leaderEpoch } = located
  const found = await find(broker.store, log, timestamp, isolation, leaderEpoch)
  return {
    partitionIndex,
    errorCode: ErrorCode.NONE,
    timestamp: found.timestampMs,
    offset: found.offset,
    leaderEpoch: apiVersion >= LEADER_EPOCH_VERSION ? found.leaderEpoch : -1,
  }
}

async function find(
  store: RequestContext['broker']['store'],
  log: LogHandle,
  timestamp: number,
  isolation: Isolation,
  leaderEpoch: number,
): Promise<TimestampOffset> {
  const { logStartOffset, lastStableOffset, highWatermark } = log.offsets
  switch (timestamp) {
    case LATEST: {
      const offset = isolation === 'read_committed' ? lastStableOffset : highWatermark
      return { timestampMs: -1, offset, leaderEpoch }
    }
    // Without tiered storage everything local is everything there is.
    case EARLIEST:
    case EARLIEST_LOCAL:
      return { timestampMs: -1, offset: logStartOffset, leaderEpoch: store.epochAt(log, logStartOffset) }
    case LATEST_TIERED:
    case EARLIEST_PENDING_UPLOAD:
      return NONE
    case MAX_TIMESTAMP:
      return store.findMaxTimestamp(log)
    default:
      return store.findByTimestamp(log, timestamp, isolation)
  }
}

function failed({ partitionIndex }: AskedPartition, errorCode: ErrorCode): PartitionResponse {
  return { partitionIndex, errorCode, timestamp: -1, offset: -1, leaderEpoch: -1 }
}

/** Asking one partition twice is an error of that partition, answered once. */
function repeatedPartitions({ topics }: ListOffsetsRequest): Set<string> {
  const seen = new Set<string>()
  const repeated = new Set<string>()
  for (const { name, partitions } of topics) {
    for (const { partitionIndex } of partitions) {
      const key = `${name}:${partitionIndex}`
      if (seen.has(key)) repeated.add(key)
      seen.add(key)
    }
  }
  return repeated
}

function onceEach(partitions: readonly AskedPartition[]): AskedPartition[] {
  return [...new Map(partitions.map((partition) => [partition.partitionIndex, partition])).values()]
}

function failListOffsets({ topics }: ListOffsetsRequest, error: ErrorCode): ListOffsetsResponse {
  return {
    throttleTimeMs: 0,
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((asked) => failed(asked, error)),
    })),
  }
}
