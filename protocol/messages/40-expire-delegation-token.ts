import { api, bytes, int16, int32, int64, type RequestOf, type ResponseOf } from '../codec/schema.ts'

/** Sets a delegation token's expiry; a negative period ends it at once. */
export const ExpireDelegationToken = api({
  key: 40,
  name: 'ExpireDelegationToken',
  versions: '1-2', // 2 flexible
  flexible: '2+',
  request: { hmac: bytes(), expiryTimePeriodMs: int64() },
  response: { errorCode: int16(), expiryTimestampMs: int64(), throttleTimeMs: int32() },
})
export type ExpireDelegationTokenRequest = RequestOf<typeof ExpireDelegationToken>
export type ExpireDelegationTokenResponse = ResponseOf<typeof ExpireDelegationToken>
