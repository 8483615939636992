import { api, array, int16, int32, type RequestOf, type ResponseOf, string } from '../codec/schema.ts'

/**
 * Takes one member (to 2) or several (from 3) out of a classic group. From 3 on, an administrator may name a static
 * member by its instance id alone.
 */
export const LeaveGroup = api({
  key: 13,
  name: 'LeaveGroup',
  versions: '0-5', // 1 throttle · 3 several members · 4 flexible · 5 reason
  flexible: '4+',
  request: {
    groupId: string(),
    memberId: string('0-2'),
    members: array(
      {
        memberId: string(),
        groupInstanceId: string().nullable().default(null),
        reason: string('5+').nullable().default(null).ignorable(),
      },
      '3+',
    ),
  },
  response: {
    throttleTimeMs: int32('1+').ignorable(),
    errorCode: int16(),
    members: array({ memberId: string(), groupInstanceId: string().nullable(), errorCode: int16() }, '3+'),
  },
})
export type LeaveGroupRequest = RequestOf<typeof LeaveGroup>
export type LeaveGroupResponse = ResponseOf<typeof LeaveGroup>
