import { ErrorCode } from '../../protocol/errors.ts'
import {
  ElectLeaders,
  type ElectLeadersRequest,
  type ElectLeadersResponse,
} from '../../protocol/messages/43-elect-leaders.ts'
import { electLeaders as decideElections, type ElectionType } from '../metadata/elect-leaders.ts'
import { apiEntry } from './api-entry.ts'
import type { RequestContext } from './context.ts'

/** By wire value. */
const ELECTION_TYPES: readonly ElectionType[] = ['preferred', 'unclean']

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

async function handleElectLeaders(
  { broker }: RequestContext,
  { electionType, topicPartitions }: ElectLeadersRequest,
): Promise<ElectLeadersResponse> {
  const type = ELECTION_TYPES[electionType]
  if (type === undefined) {
    return { throttleTimeMs: 0, errorCode: ErrorCode.INVALID_REQUEST, replicaElectionResults: [] }
  }
  const { metadata, membership } = broker
  const replicaElectionResults = await metadata.change((image) =>
    decideElections(image, type, topicPartitions, membership.liveIds),
  )
  return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, replicaElectionResults }
}
