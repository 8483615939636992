import { ErrorCode } from '../../../protocol/errors.ts'
import { undescribed } from './group-queries.ts'
import { type GroupRequest, type GroupResponse, joinError, syncError } from './group-scope.ts'

/** The answer to a request that no shard has dealt with, in the shape its caller expects. */
export function refuseRequest(request: GroupRequest, error: ErrorCode): GroupResponse {
  switch (request.type) {
    case 'joinGroup':
      return joinError(request.call.memberId, error)
    case 'syncGroup':
      return syncError(syncRefusal(error))
    case 'heartbeat':
      // A member whose coordinator is loading has done its part; it must not lose its place for that.
      return { error: error === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS ? ErrorCode.NONE : error }
    case 'leaveGroup':
      return { error, memberErrors: request.call.members.map(() => error) }
    case 'commitOffsets':
    case 'commitOffsetsInTransaction':
      return { errors: request.call.offsets.map(() => error) }
    case 'fetchOffsets':
      return { error, topics: [] }
    case 'describeGroup':
      return undescribed(request.call, error, null)
    case 'listGroups':
      return { error, groups: [] }
    case 'deleteGroup':
      return { groupId: request.call, error }
    case 'deleteOffsets':
      return { error, topicErrors: request.call.topics.map(() => error) }
    case 'endTransaction':
    case 'forgetTopics':
    case 'expireOffsets':
      return error
  }
}

/** Java's consumer gives up on COORDINATOR_LOAD_IN_PROGRESS in a SyncGroup answer; told to rejoin, it does. */
function syncRefusal(error: ErrorCode): ErrorCode {
  return error === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS ? ErrorCode.REBALANCE_IN_PROGRESS : error
}
