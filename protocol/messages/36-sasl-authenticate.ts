import { api, bytes, int16, int64, type RequestOf, type ResponseOf, string } from '../codec/schema.ts'

/**
 * Carries one SASL token in each direction, after SaslHandshake version 1. With a session lifetime the client
 * authenticates again on the same connection (KIP-368).
 */
export const SaslAuthenticate = api({
  key: 36,
  name: 'SaslAuthenticate',
  versions: '0-2', // 1 session lifetime · 2 flexible
  flexible: '2+',
  request: { authBytes: bytes() },
  response: {
    errorCode: int16(),
    errorMessage: string().nullable(),
    authBytes: bytes(),
    sessionLifetimeMs: int64('1+').default(0).ignorable(),
  },
})
export type SaslAuthenticateRequest = RequestOf<typeof SaslAuthenticate>
export type SaslAuthenticateResponse = ResponseOf<typeof SaslAuthenticate>
