import { ProtocolError } from './protocol-error.ts'
import type { Reader } from './reader.ts'
import { type Api, inRange } from './schema.ts'
import type { Writer } from './writer.ts'

/** The one API whose version is negotiated by itself, and so has rules of its own. */
const API_VERSIONS_KEY = 18

export interface RequestHeader {
  readonly api: Api
  readonly version: number
  /** Echoed as it came: may be negative, may repeat. */
  readonly correlationId: number
  readonly clientId: string | null
  /**
   * False only for an ApiVersions request above our newest version. Its body and the rest of its header are then
   * unknown and unread; the answer is error 35 in the layout of version 0, not a closed connection (KIP-511).
   */
  readonly supported: boolean
}

/**
 * Reads the header and leaves the reader at the body. Throws ProtocolError for an API key that `apiByKey` does not
 * know and for a version it lacks: Kafka closes the connection on both.
 */
export function decodeRequestHeader(reader: Reader, apiByKey: (key: number) => Api | undefined): RequestHeader {
  const key = reader.int16()
  const version = reader.int16()
  const correlationId = reader.int32()
  const api = apiByKey(key)
  if (api === undefined) throw new ProtocolError(`unknown API key ${key}`)
  const newest = newestVersion(api)
  if (key === API_VERSIONS_KEY && version > newest) {
    return { api, version, correlationId, clientId: null, supported: false }
  }
  if (version < api.versions.min || version > newest) {
    throw new ProtocolError(`${api.name} version ${version} is not supported`)
  }
  const clientId = reader.nullableString()
  if (inRange(api.flexible, version)) reader.skipTags()
  return { api, version, correlationId, clientId, supported: true }
}

export function encodeRequestHeader(
  writer: Writer,
  api: Api,
  version: number,
  correlationId: number,
  clientId: string | null,
): void {
  writer.int16(api.key)
  writer.int16(version)
  writer.int32(correlationId)
  writer.string(clientId)
  if (inRange(api.flexible, version)) writer.uvarint(0)
}

/** 0 for ApiVersions at every version: a client must be able to read the answer before it knows the broker. */
export function responseHeaderVersion(api: Api, version: number): 0 | 1 {
  return api.key !== API_VERSIONS_KEY && inRange(api.flexible, version) ? 1 : 0
}

export function encodeResponseHeader(writer: Writer, api: Api, version: number, correlationId: number): void {
  writer.int32(correlationId)
  if (responseHeaderVersion(api, version) === 1) writer.uvarint(0)
}

/** Returns the correlation id and leaves the reader at the body. */
export function decodeResponseHeader(reader: Reader, api: Api, version: number): number {
  const correlationId = reader.int32()
  if (responseHeaderVersion(api, version) === 1) reader.skipTags()
  return correlationId
}

/** The newest version to accept and advertise: one still in development is neither. */
export function newestVersion(api: Api): number {
  return api.latestVersionUnstable ? api.versions.max - 1 : api.versions.max
}
