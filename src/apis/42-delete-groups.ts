import {
  DeleteGroups,
  type DeleteGroupsRequest,
  type DeleteGroupsResponse,
} from '../../protocol/messages/42-delete-groups.ts'
import { apiEntry } from './api-entry.ts'
import type { RequestContext } from './context.ts'

export const deleteGroups = apiEntry(DeleteGroups, {
  handle: handleDeleteGroups,
  fail: ({ groupsNames }, errorCode) => {
    return { throttleTimeMs: 0, results: groupsNames.map((groupId) => ({ groupId, errorCode })) }
  },
})

async function handleDeleteGroups(
  { broker }: RequestContext,
  request: DeleteGroupsRequest,
): Promise<DeleteGroupsResponse> {
  // A name that comes twice is deleted, and answered, once.
  const results = await broker.groups.deleteGroups([...new Set(request.groupsNames)])
  return { throttleTimeMs: 0, results: results.map(({ groupId, error }) => ({ groupId, errorCode: error })) }
}
