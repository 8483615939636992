import { int16, int32, message, string } from '../codec/schema.ts'

/**
 * What precedes every request. Version 1 unless the request's version is flexible, then 2 (tagged fields). The client
 * id keeps its two-byte length in both: a broker must be able to read it before it knows the version.
 */
export const RequestHeader = message({
  name: 'RequestHeader',
  versions: '1-2',
  flexible: '2+',
  fields: {
    requestApiKey: int16(),
    requestApiVersion: int16(),
    correlationId: int32(),
    clientId: string().nullable().neverCompact(),
  },
})

/** What precedes every response: version 1 when the request's version is flexible, else 0. For ApiVersions always 0. */
export const ResponseHeader = message({
  name: 'ResponseHeader',
  versions: '0-1',
  flexible: '1+',
  fields: { correlationId: int32() },
})
