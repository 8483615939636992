import { ErrorCode } from '../../protocol/errors.ts'
import { SyncGroup, type SyncGroupRequest, type SyncGroupResponse } from '../../protocol/messages/14-sync-group.ts'
import { apiEntry } from './api-entry.ts'
import type { RequestContext } from './context.ts'

/** KIP-559: from here on the member says which protocol it believes was chosen. */
const PROTOCOL_VERSION = 5
const NO_ASSIGNMENT = Buffer.alloc(0)

export const syncGroup = apiEntry(SyncGroup, {
  handle: handleSyncGroup,
  fail: (_request, error) => failed(error),
  holdsBack: 'everything',
})

/** The answer comes when the leader has sent everybody's assignment. */
async function handleSyncGroup(
  { apiVersion, broker }: RequestContext,
  request: SyncGroupRequest,
): Promise<SyncGroupResponse> {
  const { protocolType: askedType, protocolName: askedName } = request
  if (apiVersion >= PROTOCOL_VERSION && (askedType === null || askedName === null)) {
    return failed(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
  }
  const { error, protocolType, protocolName, assignment } = await broker.groups.syncGroup(request)
  return { throttleTimeMs: 0, errorCode: error, protocolType, protocolName, assignment }
}

function failed(errorCode: ErrorCode): SyncGroupResponse {
  return { throttleTimeMs: 0, errorCode, protocolType: null, protocolName: null, assignment: NO_ASSIGNMENT }
}
