import { api, array, bytes, int16, int32, int64, type RequestOf, type ResponseOf, string } from '../codec/schema.ts'

/** Issues a delegation token, whose HMAC is then a SCRAM password. maxLifetimeMs -1 means the broker's maximum. */
export const CreateDelegationToken = api({
  key: 38,
  name: 'CreateDelegationToken',
  versions: '1-3', // 2 flexible · 3 owner and requester
  flexible: '2+',
  request: {
    ownerPrincipalType: string('3+').nullable(),
    ownerPrincipalName: string('3+').nullable(),
    renewers: array({ principalType: string(), principalName: string() }),
    maxLifetimeMs: int64(),
  },
  response: {
    errorCode: int16(),
    principalType: string(),
    principalName: string(),
    tokenRequesterPrincipalType: string('3+'),
    tokenRequesterPrincipalName: string('3+'),
    issueTimestampMs: int64(),
    expiryTimestampMs: int64(),
    maxTimestampMs: int64(),
    tokenId: string(),
    hmac: bytes(),
    throttleTimeMs: int32(),
  },
})
export type CreateDelegationTokenRequest = RequestOf<typeof CreateDelegationToken>
export type CreateDelegationTokenResponse = ResponseOf<typeof CreateDelegationToken>
