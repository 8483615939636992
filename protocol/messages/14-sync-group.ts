import { api, array, bytes, int16, int32, type RequestOf, type ResponseOf, string } from '../codec/schema.ts'

/** Second step of a classic rebalance: the leader hands in everybody's assignment, each member gets its own. */
export const SyncGroup = api({
  key: 14,
  name: 'SyncGroup',
  versions: '0-5', // 1 throttle · 3 static members · 4 flexible · 5 protocol type and name, checked by the broker
  flexible: '4+',
  request: {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string('3+').nullable().default(null),
    protocolType: string('5+').nullable().default(null).ignorable(),
    protocolName: string('5+').nullable().default(null).ignorable(),
    assignments: array({ memberId: string(), assignment: bytes() }),
  },
  response: {
    throttleTimeMs: int32('1+').ignorable(),
    errorCode: int16(),
    protocolType: string('5+').nullable().default(null).ignorable(),
    protocolName: string('5+').nullable().default(null).ignorable(),
    assignment: bytes(),
  },
})
export type SyncGroupRequest = RequestOf<typeof SyncGroup>
export type SyncGroupResponse = ResponseOf<typeof SyncGroup>
