import { api, int16, int32, type RequestOf, type ResponseOf, string } from '../codec/schema.ts'

/** Keeps a member of a classic group alive; REBALANCE_IN_PROGRESS is how it learns that it must join again. */
export const Heartbeat = api({
  key: 12,
  name: 'Heartbeat',
  versions: '0-4', // 1 throttle · 3 static members · 4 flexible
  flexible: '4+',
  request: {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string('3+').nullable().default(null),
  },
  response: { throttleTimeMs: int32('1+').ignorable(), errorCode: int16() },
})
export type HeartbeatRequest = RequestOf<typeof Heartbeat>
export type HeartbeatResponse = ResponseOf<typeof Heartbeat>
