import { api, array, bool, bytes, int16, int32, type RequestOf, type ResponseOf, string } from '../codec/schema.ts'

/**
 * Enters a classic group, or re-enters it after a rebalance. The answer waits until all members have joined; only the
 * leader's carries the members. From version 4 a new dynamic member is first refused with MEMBER_ID_REQUIRED and the
 * id to come back with; up to 3 it is let in at once.
 */
export const JoinGroup = api({
  key: 11,
  name: 'JoinGroup',
  // 1 rebalance timeout · 2 throttle · 4 two steps · 5 static members · 6 flexible · 7 protocol type · 8 reason ·
  // 9 skipAssignment
  versions: '0-9',
  flexible: '6+',
  request: {
    groupId: string(),
    sessionTimeoutMs: int32(),
    rebalanceTimeoutMs: int32('1+').default(-1).ignorable(),
    memberId: string(),
    groupInstanceId: string('5+').nullable().default(null),
    protocolType: string(),
    protocols: array({ name: string(), metadata: bytes() }),
    reason: string('8+').nullable().default(null).ignorable(),
  },
  response: {
    throttleTimeMs: int32('2+').ignorable(),
    errorCode: int16(),
    generationId: int32().default(-1),
    protocolType: string('7+').nullable().default(null).ignorable(),
    protocolName: string().nullable('7+'),
    leader: string(),
    skipAssignment: bool('9+').default(false),
    memberId: string(),
    members: array({
      memberId: string(),
      groupInstanceId: string('5+').nullable().default(null).ignorable(),
      metadata: bytes(),
    }),
  },
})
export type JoinGroupRequest = RequestOf<typeof JoinGroup>
export type JoinGroupResponse = ResponseOf<typeof JoinGroup>
