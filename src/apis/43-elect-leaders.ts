import { ErrorCode } from '../../protocol/errors.ts'
import {
  ElectLeaders,
  type ElectLeadersRequest,
  type ElectLeadersResponse,
} from '../../protocol/messages/43-elect-leaders.ts'
import type { TopicImage } from '../metadata/metadata-image.ts'
import { apiEntry } from './api-entry.ts'
import type { RequestContext } from './context.ts'

type TopicResult = ElectLeadersResponse['replicaElectionResults'][number]

const PREFERRED = 0
const UNCLEAN = 1

export const electLeaders = apiEntry(ElectLeaders, {
  handle: handleElectLeaders,
  fail: ({ topicPartitions }, errorCode) => ({
    throttleTimeMs: 0,
    errorCode,
    replicaElectionResults: (topicPartitions ?? []).map(({ topic, partitions }) => ({
      topic,
      partitionResult: partitions.map((partitionId) => ({ partitionId, errorCode, errorMessage: null })),
    })),
  }),
})

/** A partition has one replica and it leads: there is never anything to elect, but there is much to get wrong. */
function handleElectLeaders(context: RequestContext, request: ElectLeadersRequest): ElectLeadersResponse {
  if (request.electionType !== PREFERRED && request.electionType !== UNCLEAN) {
    return { throttleTimeMs: 0, errorCode: ErrorCode.INVALID_REQUEST, replicaElectionResults: [] }
  }
  const { topics } = context.broker.metadata.image
  const replicaElectionResults =
    request.topicPartitions === null
      ? [...topics.keys()].map((topic): TopicResult => ({ topic, partitionResult: [] }))
      : request.topicPartitions.map(({ topic, partitions }) => ({
          topic,
          partitionResult: partitions.map((partitionId) => ({
            partitionId,
            ...outcome(topic, topics.get(topic), partitionId),
          })),
        }))
  return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, replicaElectionResults }
}

function outcome(name: string, topic: TopicImage | undefined, partition: number) {
  if (topic === undefined) {
    return { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, errorMessage: `No such topic as ${name}` }
  }
  if (topic.partitions[partition] === undefined) {
    return {
      errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      errorMessage: `No such partition as ${name}-${partition}`,
    }
  }
  const errorMessage = 'Leader election not needed for topic partition.'
  return { errorCode: ErrorCode.ELECTION_NOT_NEEDED, errorMessage }
}
