import { ErrorCode } from '../../protocol/errors.ts'
import {
  DescribeGroups,
  type DescribeGroupsRequest,
  type DescribeGroupsResponse,
} from '../../protocol/messages/15-describe-groups.ts'
import type { DescribedGroup } from '../coordinator/group/group-calls.ts'
import { ALL_GROUP_OPERATIONS, OPERATIONS_NOT_ASKED } from '../security/authorized-operations.ts'
import { apiEntry } from './api-entry.ts'
import type { RequestContext } from './context.ts'

type GroupResponse = DescribeGroupsResponse['groups'][number]

/** Before this version a group that does not exist is a dead one, not an error: Java below 4 relies on it. */
const GROUP_NOT_FOUND_VERSION = 6

export const describeGroups = apiEntry(DescribeGroups, {
  handle: handleDescribeGroups,
  fail: ({ groups }, error) => ({ throttleTimeMs: 0, groups: groups.map((groupId) => failed(groupId, error)) }),
})

async function handleDescribeGroups(
  { apiVersion, broker }: RequestContext,
  request: DescribeGroupsRequest,
): Promise<DescribeGroupsResponse> {
  const described = await broker.groups.describeGroups(request.groups)
  const groups = described.map((group) => respond(group, apiVersion, request.includeAuthorizedOperations))
  return { throttleTimeMs: 0, groups }
}

function respond(group: DescribedGroup, apiVersion: number, includeOperations: boolean): GroupResponse {
  const isDead = group.error === ErrorCode.GROUP_ID_NOT_FOUND && apiVersion < GROUP_NOT_FOUND_VERSION
  const errorCode = isDead ? ErrorCode.NONE : group.error
  const operations = includeOperations && errorCode === ErrorCode.NONE ? ALL_GROUP_OPERATIONS : OPERATIONS_NOT_ASKED
  return {
    errorCode,
    ...(apiVersion >= GROUP_NOT_FOUND_VERSION ? { errorMessage: group.message } : {}),
    groupId: group.groupId,
    groupState: group.state,
    protocolType: group.protocolType,
    protocolData: group.protocol,
    members: group.members.map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: member.metadata,
      memberAssignment: member.assignment,
    })),
    authorizedOperations: operations,
  }
}

function failed(groupId: string, errorCode: ErrorCode): GroupResponse {
  return { errorCode, groupId, groupState: '', protocolType: '', protocolData: '', members: [] }
}
