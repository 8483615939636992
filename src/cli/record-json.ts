import { isUtf8 } from 'node:buffer'
import type { ConsumedRecord } from '../client/fetched-records.ts'
import type { ProducedRecord } from '../client/producer.ts'
import { UsageError } from './usage-error.ts'

/** What a line of `consume --json` is, and of `produce --json`. */
export const RECORD_JSON =
  '{ topic: string, partition: number, offset: number, timestamp: number, key: string | null, value: string | null, headers: { key: string, value: string | null }[] }'

type Json = Readonly<Record<string, unknown>>

/** Bytes that are no UTF-8 are in `keyBase64` and `valueBase64` instead of `key` and `value`. */
export function recordToJson({ topic, partition, offset, timestamp, key, value, headers }: ConsumedRecord): string {
  return JSON.stringify({
    topic,
    partition,
    offset,
    timestamp,
    ...bytesToJson('key', key),
    ...bytesToJson('value', value),
    headers: headers.map((header) => ({ key: header.key, ...bytesToJson('value', header.value) })),
  })
}

function bytesToJson(name: string, bytes: Buffer | null): Json {
  if (bytes === null) return { [name]: null }
  return isUtf8(bytes) ? { [name]: bytes.toString('utf8') } : { [`${name}Base64`]: bytes.toString('base64') }
}

/**
 * The same the other way. Only `value` is needed; a key or value that is no string is sent as its JSON text. Throws
 * UsageError that says what is wrong.
 */
export function recordFromJson(text: string): ProducedRecord {
  const json = parse(text)
  const { partition, timestamp, headers = [] } = json
  if (partition !== undefined && !Number.isSafeInteger(partition)) throw new UsageError('partition is no whole number')
  if (timestamp !== undefined && !Number.isSafeInteger(timestamp)) throw new UsageError('timestamp is no whole number')
  if (!('value' in json) && !('valueBase64' in json)) throw new UsageError('value is missing; null is a tombstone')
  return {
    key: bytesFromJson(json, 'key'),
    value: bytesFromJson(json, 'value'),
    headers: headersFromJson(headers),
    ...(partition === undefined ? {} : { partition: partition as number }),
    ...(timestamp === undefined ? {} : { timestamp: timestamp as number }),
  }
}

function parse(text: string): Json {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw new UsageError(`no JSON: ${(error as Error).message}`)
  }
  if (isObject(json)) return json
  throw new UsageError('no JSON object: a record is {"value": …}')
}

function isObject(json: unknown): json is Json {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}

function bytesFromJson(json: Json, name: string): Buffer | null {
  const base64 = json[`${name}Base64`]
  if (typeof base64 === 'string') return Buffer.from(base64, 'base64')
  const value = json[name]
  if (value === undefined || value === null) return null
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
}

/** A list as it is printed, or an object for those who write it by hand. */
function headersFromJson(headers: unknown): { key: string; value: Buffer | null }[] {
  const list = isObject(headers) ? Object.entries(headers).map(([key, value]) => ({ key, value })) : headers
  if (!Array.isArray(list)) throw new UsageError('headers are a list or an object')
  return list.map((header: unknown) => {
    if (!isObject(header) || typeof header['key'] !== 'string') throw new UsageError('a header has no key')
    return { key: header['key'], value: bytesFromJson(header, 'value') }
  })
}
