import { ErrorCode } from '../../protocol/errors.ts'
import { JoinGroup, type JoinGroupRequest, type JoinGroupResponse } from '../../protocol/messages/11-join-group.ts'
import type { JoinGroupResult } from '../coordinator/group/group-calls.ts'
import { apiEntry } from './api-entry.ts'
import type { RequestContext } from './context.ts'

/** KIP-394. Older clients, kafka-go's v1 and v2 among them, do not know MEMBER_ID_REQUIRED. */
const KNOWN_MEMBER_ID_VERSION = 4
/** Only from here on may the protocol name be null. */
const NULLABLE_PROTOCOL_VERSION = 7
/** KIP-814. */
const SKIP_ASSIGNMENT_VERSION = 9

export const joinGroup = apiEntry(JoinGroup, {
  handle: handleJoinGroup,
  fail: ({ memberId }, error, context) => respond(context, { ...FAILED, error, memberId }),
  // kafkajs commits with the member id of before behind a JoinGroup: done at once, it would keep the old member alive.
  holdsBack: 'everything',
})

const FAILED: JoinGroupResult = {
  error: ErrorCode.UNKNOWN_SERVER_ERROR,
  generationId: -1,
  protocolType: null,
  protocolName: null,
  leader: '',
  skipAssignment: false,
  memberId: '',
  members: [],
}

/** The answer comes when all members have joined. */
async function handleJoinGroup(context: RequestContext, request: JoinGroupRequest): Promise<JoinGroupResponse> {
  const { apiVersion, broker, clientId, connection } = context
  const { groupId, memberId, groupInstanceId, sessionTimeoutMs, rebalanceTimeoutMs, protocolType, protocols } = request
  const result = await broker.groups.joinGroup({
    ...{ groupId, memberId, groupInstanceId, sessionTimeoutMs, rebalanceTimeoutMs, protocolType, protocols },
    clientId: clientId ?? '',
    clientHost: `/${connection.clientAddress}`,
    requiresKnownMemberId: apiVersion >= KNOWN_MEMBER_ID_VERSION,
    canSkipAssignment: apiVersion >= SKIP_ASSIGNMENT_VERSION,
  })
  return respond(context, result)
}

function respond({ apiVersion }: RequestContext, result: JoinGroupResult): JoinGroupResponse {
  const { generationId, protocolType, leader, skipAssignment, memberId, members } = result
  const protocolName = result.protocolName ?? (apiVersion >= NULLABLE_PROTOCOL_VERSION ? null : '')
  return {
    ...{ throttleTimeMs: 0, generationId, protocolType, protocolName, leader, skipAssignment, memberId, members },
    errorCode: result.error,
  }
}
