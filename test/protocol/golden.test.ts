import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type Codec, codecOf, interpretedCodec } from '../../protocol/codec/codec.ts'
import { encodeResponseHeader, responseHeaderVersion } from '../../protocol/codec/header.ts'
import { defaultValue } from '../../protocol/codec/layout.ts'
import { Reader } from '../../protocol/codec/reader.ts'
import { type FieldList, type FieldType, inRange, type Message } from '../../protocol/codec/schema.ts'
import { Writer } from '../../protocol/codec/writer.ts'
import { ErrorCode, errorName, isRetriable, refreshesMetadata } from '../../protocol/errors.ts'
import { ApiVersions } from '../../protocol/messages/18-api-versions.ts'
import { apis } from '../../protocol/messages/all.ts'
import { messages } from './conformance-messages.ts'

/** What the Java classes of 4.3.1 printed: compat-tests/golden.ts captures it. */
interface Golden {
  readonly entries: readonly Entry[]
  /** Code and flags by name: R retriable, M refreshes metadata. */
  readonly errors: Readonly<Record<string, string>>
  /** Request and response header version of every version, by API key. */
  readonly headerVersions: Readonly<Record<string, string>>
}

interface Entry {
  readonly message: string
  readonly version: number
  readonly fill: 'full' | 'sparse' | 'empty' | 'unknown'
  readonly hex: string
  readonly value: JsonObject
}

type Json = string | number | boolean | null | readonly Json[] | JsonObject
interface JsonObject {
  readonly [key: string]: Json
}

const golden = JSON.parse(readFileSync(new URL('golden.json', import.meta.url), 'utf8')) as Golden

const byName = new Map(messages.map((message) => [message.name, message]))

/** Java leaves out of its JSON what the version lacks and tagged fields at their defaults. */
function expectedStruct(fields: FieldList, json: JsonObject): Record<string, unknown> {
  return Object.fromEntries(
    fields.map(([name, { type, default: stated }]) => {
      const value = json[name]
      return [name, value === undefined ? defaultValue(type, stated) : expectedValue(type, value)]
    }),
  )
}

function expectedValue(type: FieldType, json: Json): unknown {
  if (json === null) return null
  switch (type.kind) {
    case 'array':
      return (json as readonly Json[]).map((element) => expectedValue(type.element, element))
    case 'struct':
      return expectedStruct(type.fields, json as JsonObject)
    case 'bytes':
      return Buffer.from(json as string, 'base64')
    case 'int64':
      return Math.max(Math.min(json as number, Number.MAX_SAFE_INTEGER), Number.MIN_SAFE_INTEGER)
    default:
      return json
  }
}

/** Java's JSON holds nothing of record batches; they are checked for their magic byte and replaced by what it prints. */
function withoutRecords(value: unknown, type: FieldType): unknown {
  if (type.kind === 'records' && Buffer.isBuffer(value)) {
    if (value.length > 0 && value[16] !== 2) throw new Error(`no record batch: ${value.toString('hex')}`)
    return ''
  }
  if (type.kind === 'array' && Array.isArray(value))
    return value.map((element) => withoutRecords(element, type.element))
  if (type.kind !== 'struct' || value === null) return value
  const struct = value as Record<string, unknown>
  return Object.fromEntries(type.fields.map(([name, spec]) => [name, withoutRecords(struct[name], spec.type)]))
}

function decodeAll(codec: Codec<unknown, unknown>, bytes: Buffer): unknown {
  const reader = new Reader(bytes)
  const value = codec.decode(reader)
  expect(reader.remaining).toBe(0)
  return value
}

function encoded(codec: Codec<unknown, unknown>, value: unknown): Buffer {
  const writer = new Writer(64)
  codec.encode(writer, value)
  return writer.bytes()
}

/** Java wrote two tagged fields that nobody knows, 1000 of three bytes and 70000 of none; we skipped them. */
function checkSkipped(again: Buffer, bytes: Buffer): void {
  const unknown = Buffer.from('e80703010203f0a20400', 'hex')
  expect(bytes.subarray(again.length)).toEqual(unknown)
  const changed = [...again.keys()].filter((at) => again[at] !== bytes[at])
  expect(changed.map((at) => bytes[at]! - again[at]!)).toEqual([2])
}

function check(entry: Entry, message: Message, codec: Codec<unknown, unknown>): void {
  const bytes = Buffer.from(entry.hex, 'hex')
  const value = decodeAll(codec, bytes)
  const comparable = withoutRecords(value, { kind: 'struct', fields: message.fields })
  const struct = expectedStruct(message.fields, entry.value)
  expect(comparable).toEqual(withoutRecords(struct, { kind: 'struct', fields: message.fields }))
  const again = encoded(codec, value)
  if (entry.fill !== 'unknown') expect(again.toString('hex')).toBe(entry.hex)
  else checkSkipped(again, bytes)
}

describe('golden bytes of the Java classes of 4.3.1', () => {
  it.each(messages.map((message) => [message.name, message] as const))('%s in all its forms', (name, message) => {
    const entries = golden.entries.filter((entry) => entry.message === name)
    expect(entries.length).toBeGreaterThan(0)
    for (const entry of entries) {
      try {
        check(entry, message, codecOf(message, entry.version) as Codec<unknown, unknown>)
        check(entry, message, interpretedCodec(message, entry.version))
      } catch (error) {
        throw new Error(`${name} version ${entry.version}, ${entry.fill}: ${entry.hex}`, { cause: error })
      }
    }
  })

  it('cover every message in its lowest and highest version, flexible or not', () => {
    const covered = new Set(golden.entries.map(({ message, version }) => `${message} ${version}`))
    for (const { name, versions, flexible } of messages) {
      expect(covered).toContain(`${name} ${versions.min}`)
      expect(covered).toContain(`${name} ${versions.max}`)
      if (flexible && flexible.min > versions.min) expect(covered).toContain(`${name} ${flexible.min - 1}`)
      if (flexible && flexible.min > versions.min) expect(covered).toContain(`${name} ${flexible.min}`)
    }
    expect(golden.entries.every(({ message }) => byName.has(message))).toBe(true)
  })

  it('hold what is easily mistaken: nulls, empty lists, struct nulls, uuids, batches, 64-bit ends, unknown tags', () => {
    const text = JSON.stringify(golden.entries)
    const has = (pattern: RegExp) => expect(text).toMatch(pattern)
    has(/"DescribeTopicPartitionsRequest","version":0,"fill":"empty".*?"cursor":null/)
    has(/"DescribeTopicPartitionsRequest","version":0,"fill":"full".*?"cursor":\{/)
    has(/"MetadataRequest","version":13,"fill":"empty".*?"topics":null/)
    has(/"MetadataRequest","version":0,"fill":"full".*?"topics":\[\{/)
    has(/"ProduceRequest","version":13,"fill":"empty".*?"topicData":\[\]/)
    has(/"ProduceRequest","version":3,"fill":"full","hex":"\w*6b6579/)
    has(/:9223372036854776000/)
    has(/:-9223372036854776000/)
    has(/"topicId":"[\w-]{22}"/)
    has(/"fill":"unknown"/)
    has(/größe-€-😀/)
  })

  it('find a codec that swaps two fields of one type', () => {
    const entry = golden.entries.find(({ message, fill }) => message === 'JoinGroupRequest' && fill === 'full')
    const message = byName.get('JoinGroupRequest')
    if (!entry || !message) throw new Error('no JoinGroup request among the golden bytes')
    const swapped = { ...message, fields: message.fields.with(0, message.fields[3]!).with(3, message.fields[0]!) }
    expect(() => check(entry, swapped, interpretedCodec(swapped, entry.version))).toThrow()
  })
})

describe('tables of the Java classes of 4.3.1', () => {
  it('has the same error codes, and the same of them retriable', () => {
    const ours = Object.entries(ErrorCode).map(([name, code]) => {
      const flags = (isRetriable(code) ? 'R' : '') + (refreshesMetadata(code) ? 'M' : '')
      return [name, `${code}${flags}`]
    })
    expect(Object.fromEntries(ours)).toEqual(golden.errors)
    expect(errorName(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    expect(errorName(4711)).toBe('error 4711')
  })

  it('trap: the response header of ApiVersions stays at version 0; all others follow the flexible versions', () => {
    for (const api of apis) {
      const ours: string[] = []
      for (let version = api.versions.min; version <= api.versions.max; version++) {
        ours.push(`${inRange(api.flexible, version) ? 2 : 1}/${responseHeaderVersion(api, version)}`)
      }
      expect([api.name, ours.join(' ')]).toEqual([api.name, golden.headerVersions[api.key]])
    }
    const writer = new Writer(16)
    encodeResponseHeader(writer, ApiVersions, 4, 7)
    expect(writer.bytes().toString('hex')).toBe('00000007')
  })
})
