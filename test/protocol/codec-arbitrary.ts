import fc from 'fast-check'
import { type FieldList, type FieldSpec, type FieldType, inRange, type Message } from '../../protocol/codec/schema.ts'
import { apis } from '../../protocol/messages/all.ts'
import * as consumerProtocol from '../../protocol/messages/consumer-protocol.ts'
import * as consumerGroup from '../../protocol/messages/records/consumer-group.ts'
import * as group from '../../protocol/messages/records/group.ts'
import * as metadata from '../../protocol/messages/records/metadata.ts'
import * as share from '../../protocol/messages/records/share.ts'
import * as shareGroup from '../../protocol/messages/records/share-group.ts'
import * as streamsGroup from '../../protocol/messages/records/streams-group.ts'
import * as transaction from '../../protocol/messages/records/transaction.ts'

const recordFiles = [consumerProtocol, consumerGroup, group, metadata, share, shareGroup, streamsGroup, transaction]

/** Every message the repository describes: both sides of all APIs and all record types. */
export const allMessages: readonly Message[] = [
  ...apis.flatMap((api) => [api.request, api.response]),
  ...new Set(recordFiles.flatMap((file) => Object.values(file) as unknown[]).filter(isMessage)),
]

function isMessage(value: unknown): value is Message {
  return typeof value === 'object' && value !== null && 'fields' in value && 'flexible' in value
}

export function versionsOf(message: Message): number[] {
  const count = message.versions.max - message.versions.min + 1
  return Array.from({ length: count }, (_, index) => message.versions.min + index)
}

/** Values that the message can carry in the version; what may be left out sometimes is. */
export function arbitraryOf(message: Message, version: number): fc.Arbitrary<Record<string, unknown>> {
  return structOf(message.fields, version)
}

function structOf(fields: FieldList, version: number): fc.Arbitrary<Record<string, unknown>> {
  const present = fields.filter(([, spec]) => inRange(spec.versions, version))
  return fc.record(Object.fromEntries(present.map(([name, spec]) => [name, fieldOf(spec, version)])))
}

function fieldOf(spec: FieldSpec, version: number): fc.Arbitrary<unknown> {
  const choices = [{ arbitrary: arbitraryValue(spec.type, version), weight: 6 }]
  if (inRange(spec.nullable, version)) choices.push({ arbitrary: fc.constant(null), weight: 2 })
  const optional = spec.default !== undefined || spec.ignorable || spec.tag !== null
  if (optional) choices.push({ arbitrary: fc.constant(undefined), weight: 2 })
  if (spec.default !== undefined && (spec.default !== null || inRange(spec.nullable, version))) {
    choices.push({ arbitrary: fc.constant(spec.default), weight: 1 })
  }
  return fc.oneof(...choices)
}

const bounds = [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 2 ** 31, -(2 ** 31) - 1, 2 ** 32, 2 ** 53 - 2]
const oneBuffer = fc
  .oneof(
    { arbitrary: fc.uint8Array({ maxLength: 40 }), weight: 9 },
    { arbitrary: fc.constant(new Uint8Array(3000)), weight: 1 },
  )
  .map((bytes) => Buffer.from(bytes))

const primitives = {
  bool: fc.boolean(),
  int8: fc.integer({ min: -128, max: 127 }),
  int16: fc.integer({ min: -32768, max: 32767 }),
  uint16: fc.integer({ min: 0, max: 65535 }),
  int32: fc.integer(),
  uint32: fc.nat(0xffffffff),
  int64: fc.oneof(fc.maxSafeInteger(), fc.integer(), fc.constantFrom(...bounds)),
  float64: fc.double({ noNaN: true }).map((value) => value + 0),
  uuid: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
  string: fc.oneof(
    { arbitrary: fc.string({ unit: 'grapheme', maxLength: 12 }), weight: 8 },
    { arbitrary: fc.nat(3000).map((length) => 'n'.repeat(length)), weight: 1 },
    { arbitrary: fc.nat(300).map((length) => 'ü'.repeat(length)), weight: 1 },
  ),
  bytes: fc.oneof(oneBuffer, fc.array(oneBuffer, { maxLength: 3 })),
  records: fc.oneof(oneBuffer, fc.array(oneBuffer, { maxLength: 3 })),
}

function arbitraryValue(type: FieldType, version: number): fc.Arbitrary<unknown> {
  if (type.kind === 'struct') return structOf(type.fields, version)
  if (type.kind === 'array') return fc.array(arbitraryValue(type.element, version), { maxLength: 3 })
  return primitives[type.kind]
}

/** What a value decodes to: all fields in order, defaults filled in, buffers joined. Written without the codec. */
export function expectedOf(message: Message, given: Record<string, unknown>): Record<string, unknown> {
  return expectedStruct(message.fields, given)
}

function expectedStruct(fields: FieldList, given: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(fields.map(([name, spec]) => [name, expectedField(spec, given[name])]))
}

function expectedField(spec: FieldSpec, given: unknown): unknown {
  if (given !== undefined) return expectedValue(spec.type, given)
  if (spec.default !== undefined) return spec.default
  return expectedValue(spec.type, zeroOf(spec.type))
}

function zeroOf(type: FieldType): unknown {
  if (type.kind === 'struct') return {}
  if (type.kind === 'array') return []
  if (type.kind === 'bytes' || type.kind === 'records') return Buffer.alloc(0)
  if (type.kind === 'string') return ''
  if (type.kind === 'uuid') return 'A'.repeat(22)
  return type.kind === 'bool' ? false : 0
}

function expectedValue(type: FieldType, given: unknown): unknown {
  if (given === null) return null
  if (type.kind === 'struct') return expectedStruct(type.fields, given as Record<string, unknown>)
  if (type.kind === 'array') return (given as unknown[]).map((element) => expectedValue(type.element, element))
  if (type.kind === 'bytes' || type.kind === 'records') {
    return Buffer.concat(Array.isArray(given) ? (given as Buffer[]) : [given as Buffer])
  }
  return given
}
