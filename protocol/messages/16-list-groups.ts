import { api, array, int16, int32, type RequestOf, type ResponseOf, string } from '../codec/schema.ts'

/** The groups that this broker coordinates, of every kind. Empty filters mean all. */
export const ListGroups = api({
  key: 16,
  name: 'ListGroups',
  versions: '0-5', // 1 throttle · 3 flexible · 4 state filter · 5 type filter
  flexible: '3+',
  request: { statesFilter: array(string(), '4+'), typesFilter: array(string(), '5+') },
  response: {
    throttleTimeMs: int32('1+').ignorable(),
    errorCode: int16(),
    groups: array({
      groupId: string(),
      protocolType: string(),
      groupState: string('4+').ignorable(),
      groupType: string('5+').ignorable(),
    }),
  },
})
export type ListGroupsRequest = RequestOf<typeof ListGroups>
export type ListGroupsResponse = ResponseOf<typeof ListGroups>
