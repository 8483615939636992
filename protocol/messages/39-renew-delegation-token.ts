import { api, bytes, int16, int32, int64, type RequestOf, type ResponseOf } from '../codec/schema.ts'

/** Extends a delegation token's expiry, never beyond its maximum lifetime. renewPeriodMs -1 means the broker's default. */
export const RenewDelegationToken = api({
  key: 39,
  name: 'RenewDelegationToken',
  versions: '1-2', // 2 flexible
  flexible: '2+',
  request: { hmac: bytes(), renewPeriodMs: int64() },
  response: { errorCode: int16(), expiryTimestampMs: int64(), throttleTimeMs: int32() },
})
export type RenewDelegationTokenRequest = RequestOf<typeof RenewDelegationToken>
export type RenewDelegationTokenResponse = ResponseOf<typeof RenewDelegationToken>
