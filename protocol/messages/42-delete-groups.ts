import { api, array, int16, int32, type RequestOf, type ResponseOf, string } from '../codec/schema.ts'

/** Deletes empty groups with their offsets, of every kind; the others get NON_EMPTY_GROUP. */
export const DeleteGroups = api({
  key: 42,
  name: 'DeleteGroups',
  versions: '0-2', // 1 throttle · 2 flexible
  flexible: '2+',
  request: { groupsNames: array(string()) },
  response: {
    throttleTimeMs: int32(),
    results: array({ groupId: string(), errorCode: int16() }),
  },
})
export type DeleteGroupsRequest = RequestOf<typeof DeleteGroups>
export type DeleteGroupsResponse = ResponseOf<typeof DeleteGroups>
