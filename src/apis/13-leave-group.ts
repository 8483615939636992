import { ErrorCode } from '../../protocol/errors.ts'
import { LeaveGroup, type LeaveGroupRequest, type LeaveGroupResponse } from '../../protocol/messages/13-leave-group.ts'
import type { LeaveGroupResult, LeavingMember } from '../coordinator/group/group-calls.ts'
import { apiEntry } from './api-entry.ts'
import type { RequestContext } from './context.ts'

/** KIP-345: from here on several members leave together, each with an error of its own. */
const BATCH_VERSION = 3

export const leaveGroup = apiEntry(LeaveGroup, {
  handle: handleLeaveGroup,
  fail: (request, error, context) => {
    return respond(context, request, { error, memberErrors: leaving(context, request).map(() => error) })
  },
})

async function handleLeaveGroup(context: RequestContext, request: LeaveGroupRequest): Promise<LeaveGroupResponse> {
  const { groupId } = request
  const result = await context.broker.groups.leaveGroup({ groupId, members: leaving(context, request) })
  return respond(context, request, result)
}

function leaving({ apiVersion }: RequestContext, { memberId, members }: LeaveGroupRequest): readonly LeavingMember[] {
  return apiVersion >= BATCH_VERSION ? members : [{ memberId, groupInstanceId: null }]
}

function respond(
  context: RequestContext,
  request: LeaveGroupRequest,
  { error, memberErrors }: LeaveGroupResult,
): LeaveGroupResponse {
  if (context.apiVersion < BATCH_VERSION) {
    const errorCode = error === ErrorCode.NONE ? memberErrors[0]! : error
    return { throttleTimeMs: 0, errorCode, members: [] }
  }
  if (error !== ErrorCode.NONE) return { throttleTimeMs: 0, errorCode: error, members: [] }
  const members = leaving(context, request).map(({ memberId, groupInstanceId }, at) => {
    return { memberId, groupInstanceId, errorCode: memberErrors[at]! }
  })
  return { throttleTimeMs: 0, errorCode: error, members }
}
