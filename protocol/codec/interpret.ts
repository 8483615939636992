import {
  defaultValue,
  foreignTags,
  isOptional,
  minimumBytes,
  type Scope,
  type Slot,
  scopeOf,
  slotsOf,
  taggedSlots,
  tagOf,
} from './layout.ts'
import { ProtocolError, refuseMissing, refuseNull, refuseTag, refuseType, refuseVersion } from './protocol-error.ts'
import type { Reader } from './reader.ts'
import type { FieldList, FieldType, Message } from './schema.ts'
import { byteLength, type Writer } from './writer.ts'

/**
 * The plain reading of a schema, field by field: the fallback where `new Function` is forbidden, and the model that
 * the compiled code is tested against. Clear, not fast.
 */
export function interpretDecode(message: Message, version: number, reader: Reader): unknown {
  return decodeStruct(message.fields, scopeOf(message, version), message.name, reader)
}

export function interpretEncode(message: Message, version: number, writer: Writer, value: unknown): void {
  encodeStruct(message.fields, scopeOf(message, version), message.name, writer, value)
}

function decodeStruct(fields: FieldList, scope: Scope, path: string, reader: Reader): unknown {
  const slots = slotsOf(fields, scope, path)
  const values = new Map<string, unknown>()
  for (const slot of slots) if (slot.place === 'plain') values.set(slot.name, decodeSlot(slot, scope, reader))
  if (scope.flexible) {
    const own = new Map(taggedSlots(slots).map((slot) => [tagOf(slot), slot]))
    const foreign = foreignTags(slots)
    for (let count = reader.uvarint(); count > 0; count--) {
      const tag = reader.uvarint()
      const size = reader.uvarint()
      const stranger = foreign.get(tag)
      if (stranger) refuseTag(stranger.path, scope.version)
      const slot = own.get(tag)
      if (slot) {
        const outer = reader.enterTag(size)
        values.set(slot.name, decodeSlot(slot, scope, reader))
        reader.leaveTag(outer)
      } else {
        reader.skip(size)
      }
    }
  }
  const entry = ({ name, spec }: Slot) => [name, values.has(name) ? values.get(name) : defaultOf(spec)]
  return Object.fromEntries(slots.map(entry))
}

function defaultOf(spec: Slot['spec']): unknown {
  return defaultValue(spec.type, spec.default)
}

/** A null struct in a tagged field is a varint 0, elsewhere an int8 of -1: so Java's generated code has it. */
function isTaggedStruct(slot: Slot): boolean {
  return slot.place === 'tagged' && slot.nullable && slot.spec.type.kind === 'struct'
}

function decodeSlot(slot: Slot, scope: Scope, reader: Reader): unknown {
  if (isTaggedStruct(slot)) {
    if (reader.uvarint() === 0) return null
    return decodeValue(slot.spec.type, false, slot.compact, scope, slot.path, reader)
  }
  const value = decodeValue(slot.spec.type, slot.nullable, slot.compact, scope, slot.path, reader)
  if (value === null && !slot.nullable) refuseNull(slot.path)
  return value
}

function decodeValue(
  type: FieldType,
  nullable: boolean,
  compact: boolean,
  scope: Scope,
  path: string,
  reader: Reader,
): unknown {
  if (type.kind === 'struct') {
    if (nullable && reader.int8() < 0) return null
    return decodeStruct(type.fields, scope, path, reader)
  }
  if (type.kind === 'string') {
    const length = compact ? reader.uvarint() - 1 : reader.int16()
    return length === -1 ? null : reader.string(length)
  }
  if (type.kind === 'bytes' || type.kind === 'records') {
    const length = compact ? reader.uvarint() - 1 : reader.int32()
    return length === -1 ? null : reader.view(length)
  }
  if (type.kind !== 'array') return reader[type.kind]()
  const count = compact ? reader.uvarint() - 1 : reader.int32()
  if (count === -1) return null
  reader.elements(count, minimumBytes(type.element, scope))
  const values: unknown[] = []
  for (let i = 0; i < count; i++) {
    const value = decodeValue(type.element, false, compact, scope, path, reader)
    if (value === null) refuseNull(path)
    values.push(value)
  }
  return values
}

function encodeStruct(fields: FieldList, scope: Scope, path: string, writer: Writer, value: unknown): void {
  if (value === null || typeof value !== 'object') refuseType(path, 'an object')
  const given = value as Record<string, unknown>
  const slots = slotsOf(fields, scope, path)
  const travels = ({ name, spec }: Slot) =>
    given[name] !== undefined && !isDefault(spec.type, spec.default, given[name])
  for (const slot of slots) {
    if (slot.place === 'plain') {
      const present = given[slot.name]
      if (present === undefined && !isOptional(slot)) refuseMissing(slot.path)
      encodeSlot(slot, scope, writer, present === undefined ? defaultOf(slot.spec) : present)
    } else if (slot.place === 'absent' && !slot.spec.ignorable && travels(slot)) {
      refuseVersion(slot.path, scope.version)
    }
  }
  if (!scope.flexible) return
  const tagged = taggedSlots(slots).filter(travels)
  writer.uvarint(tagged.length)
  for (const slot of tagged) {
    const mark = writer.beginTag(tagOf(slot))
    encodeSlot(slot, scope, writer, given[slot.name])
    writer.endTag(mark)
  }
}

function encodeSlot(slot: Slot, scope: Scope, writer: Writer, value: unknown): void {
  if (value === null && !slot.nullable) refuseNull(slot.path)
  try {
    const tagged = isTaggedStruct(slot)
    if (tagged) writer.uvarint(value === null ? 0 : 1)
    if (tagged && value === null) return
    encodeValue(slot.spec.type, slot.nullable && !tagged, slot.compact, scope, slot.path, writer, value)
  } catch (error) {
    if (!(error instanceof ProtocolError) || error.message.startsWith(scope.message)) throw error
    throw new ProtocolError(`${slot.path}: ${error.message}`, { cause: error })
  }
}

function encodeValue(
  type: FieldType,
  nullable: boolean,
  compact: boolean,
  scope: Scope,
  path: string,
  writer: Writer,
  value: unknown,
): void {
  if (type.kind === 'struct') {
    if (nullable) writer.int8(value === null ? -1 : 1)
    if (value !== null) encodeStruct(type.fields, scope, path, writer, value)
  } else if (type.kind === 'string') {
    if (compact) writer.compactString(value as string | null)
    else writer.string(value as string | null)
  } else if (type.kind === 'bytes' || type.kind === 'records') {
    if (compact) writer.compactBytes(value as Buffer | null)
    else writer.sizedBytes(value as Buffer | null)
  } else if (type.kind === 'array') {
    if (value !== null && !Array.isArray(value)) refuseType(path, 'an array')
    const elements = value as readonly unknown[] | null
    if (compact) writer.uvarint(elements === null ? 0 : elements.length + 1)
    else writer.int32(elements === null ? -1 : elements.length)
    for (const element of elements ?? []) {
      if (element === null) refuseNull(path)
      encodeValue(type.element, false, compact, scope, path, writer, element)
    }
  } else if (type.kind === 'bool') {
    writer.bool(value as boolean)
  } else if (type.kind === 'uuid') {
    writer.uuid(value as string)
  } else {
    writer[type.kind](value as number)
  }
}

/** Whether a field need not be written: its value, given and not undefined, is what its absence would decode to. */
function isDefault(type: FieldType, stated: unknown, value: unknown): boolean {
  if (value === null || stated === null) return value === stated
  switch (type.kind) {
    case 'array':
      return (value as readonly unknown[]).length === 0
    case 'bytes':
    case 'records':
      return byteLength(value as Buffer) === 0
    case 'uuid':
      return value === defaultValue(type, stated) || (value === '' && stated === undefined)
    case 'struct':
      return type.fields.every(([name, spec]) => {
        const inner = (value as Record<string, unknown>)[name]
        return inner === undefined || isDefault(spec.type, spec.default, inner)
      })
    default:
      return value === defaultValue(type, stated)
  }
}
