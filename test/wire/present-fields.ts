import {
  type FieldList,
  type FieldSpec,
  type FieldType,
  inRange,
  type Message,
  ZERO_UUID,
} from '../../protocol/codec/schema.ts'
import { Matcher } from './matcher.ts'

/**
 * What a decoded message really carried in this version: fields of other versions, which decode to their defaults, are
 * taken out. With `expected` the same is done to an expectation, so that one literal serves all versions.
 */
export function presentFields(message: Message, version: number, value: unknown): unknown {
  return presentInStruct(message.fields, version, value)
}

function presentInStruct(fields: FieldList, version: number, value: unknown): unknown {
  if (!isPlainObject(value)) return value
  const known = new Map(fields)
  const present = Object.entries(value).flatMap(([name, member]) => {
    const spec = known.get(name)
    if (spec === undefined) throw new TypeError(`there is no field ${name}`)
    return inRange(spec.versions, version) ? [[name, presentInValue(spec.type, version, member)] as const] : []
  })
  return Object.fromEntries(present)
}

function presentInValue(type: FieldType, version: number, value: unknown): unknown {
  if (type.kind === 'struct') return presentInStruct(type.fields, version, value)
  if (type.kind === 'array') return overElements(value, (element) => presentInValue(type.element, version, element))
  return value
}

/** States what a case need not: a tagged field holds its default, nobody is throttled. */
export function completeExpectation(message: Message, version: number, expected: unknown): unknown {
  return completeStruct(message.fields, version, presentFields(message, version, expected))
}

function completeStruct(fields: FieldList, version: number, expected: unknown): unknown {
  if (!isPlainObject(expected)) return expected
  const complete: Record<string, unknown> = { ...expected }
  for (const [name, spec] of fields) {
    if (!inRange(spec.versions, version)) continue
    if (name in complete) complete[name] = completeValue(spec.type, version, complete[name])
    else if (spec.tag !== null || name === 'throttleTimeMs') complete[name] = defaultOf(spec)
  }
  return complete
}

function completeValue(type: FieldType, version: number, expected: unknown): unknown {
  if (type.kind === 'struct') return completeStruct(type.fields, version, expected)
  if (type.kind === 'array') return overElements(expected, (element) => completeValue(type.element, version, element))
  return expected
}

function overElements(value: unknown, change: (element: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map(change)
  return value instanceof Matcher && value.overElements !== undefined ? value.overElements(change) : value
}

function defaultOf(spec: FieldSpec): unknown {
  if (spec.default !== undefined) return spec.default
  const { type } = spec
  switch (type.kind) {
    case 'array':
      return []
    case 'struct':
      return Object.fromEntries(type.fields.map(([name, field]) => [name, defaultOf(field)]))
    case 'string':
      return ''
    case 'bool':
      return false
    case 'uuid':
      return ZERO_UUID
    case 'bytes':
    case 'records':
      return Buffer.alloc(0)
    default:
      return 0
  }
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}
