import { ListGroups, type ListGroupsRequest, type ListGroupsResponse } from '../../protocol/messages/16-list-groups.ts'
import { apiEntry } from './api-entry.ts'
import type { RequestContext } from './context.ts'

export const listGroups = apiEntry(ListGroups, {
  handle: handleListGroups,
  fail: (_request, errorCode) => ({ throttleTimeMs: 0, errorCode, groups: [] }),
})

async function handleListGroups({ broker }: RequestContext, request: ListGroupsRequest): Promise<ListGroupsResponse> {
  const { error, groups } = await broker.groups.listGroups({ states: request.statesFilter, types: request.typesFilter })
  return {
    throttleTimeMs: 0,
    errorCode: error,
    groups: groups.map(({ groupId, protocolType, state, type }) => {
      return { groupId, protocolType, groupState: state, groupType: type }
    }),
  }
}
