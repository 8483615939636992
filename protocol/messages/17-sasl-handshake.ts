import { api, array, int16, type RequestOf, type ResponseOf, string } from '../codec/schema.ts'

/**
 * Chooses the SASL mechanism. After version 0 raw tokens follow, each a length and bytes; after version 1
 * SaslAuthenticate requests. Never flexible: old clients negotiate this version before they know the broker's.
 */
export const SaslHandshake = api({
  key: 17,
  name: 'SaslHandshake',
  versions: '0-1', // 1 SaslAuthenticate follows
  flexible: 'none',
  request: { mechanism: string() },
  response: { errorCode: int16(), mechanisms: array(string()) },
})
export type SaslHandshakeRequest = RequestOf<typeof SaslHandshake>
export type SaslHandshakeResponse = ResponseOf<typeof SaslHandshake>
