import { api, array, bool, bytes, int16, int32, type RequestOf, type ResponseOf, string } from '../codec/schema.ts'

/**
 * State, protocol and members of classic groups. Up to version 5 an unknown group is state Dead without an error; from
 * 6 it is GROUP_ID_NOT_FOUND. Metadata and assignments are the members' own bytes; they are there only while the group
 * is stable.
 */
export const DescribeGroups = api({
  key: 15,
  name: 'DescribeGroups',
  versions: '0-6', // 1 throttle · 3 authorized operations · 4 instance ids · 5 flexible · 6 GROUP_ID_NOT_FOUND
  flexible: '5+',
  request: { groups: array(string()), includeAuthorizedOperations: bool('3+') },
  response: {
    throttleTimeMs: int32('1+').ignorable(),
    groups: array({
      errorCode: int16(),
      errorMessage: string('6+').nullable().default(null),
      groupId: string(),
      groupState: string(),
      protocolType: string(),
      protocolData: string(),
      members: array({
        memberId: string(),
        groupInstanceId: string('4+').nullable().default(null).ignorable(),
        clientId: string(),
        clientHost: string(),
        memberMetadata: bytes(),
        memberAssignment: bytes(),
      }),
      authorizedOperations: int32('3+').default(-2147483648),
    }),
  },
})
export type DescribeGroupsRequest = RequestOf<typeof DescribeGroups>
export type DescribeGroupsResponse = ResponseOf<typeof DescribeGroups>
