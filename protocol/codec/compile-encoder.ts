import { isOptional, type Scope, type Slot, scopeOf, slotsOf, taggedSlots, tagOf } from './layout.ts'
import type { FieldList, FieldType, Message } from './schema.ts'
import { indent, literalOf, pathLiteral } from './source-text.ts'

/** Source of the body of a function of `help` that returns the encoder: `(writer, value) => void`. */
export function encoderSource(message: Message, version: number): string {
  const scope = scopeOf(message, version)
  const functions: string[] = []
  const root = structFunction(message.fields, scope, message.name, functions)
  return [
    `'use strict'`,
    `const { EMPTY_BYTES, byteLength, refuseMissing, refuseNull, refuseType, refuseVersion } = help`,
    ...functions,
    `return ${root}`,
    `//# sourceURL=odradek-codec/${message.name}.v${version}.encode.js`,
  ].join('\n')
}

/** Emits one function per struct, inner ones first, and returns its name. */
function structFunction(fields: FieldList, scope: Scope, path: string, functions: string[]): string {
  const slots = slotsOf(fields, scope, path)
  const body = [`if (o === null || typeof o !== 'object') refuseType(${pathLiteral(path)}, 'an object')`]
  for (const slot of slots) {
    if (slot.place === 'plain') body.push(...writePlain(slot, scope, functions))
    else if (slot.place === 'absent' && !slot.spec.ignorable) {
      const refusal = `refuseVersion(${pathLiteral(slot.path)}, ${scope.version})`
      body.push(`{ const v = o.${slot.name}; if (${travels('v', slot, functions)}) ${refusal} }`)
    }
  }
  if (scope.flexible) body.push(...tagSection(taggedSlots(slots), scope, functions))
  const name = `write${functions.length}_${path.replaceAll('.', '_')}`
  functions.push(`function ${name}(w, o) {\n${indent(body)}\n}`)
  return name
}

function writePlain(slot: Slot, scope: Scope, functions: string[]): string[] {
  const absent = isOptional(slot)
    ? `v = ${literalOf(slot.spec.type, slot.spec.default)}`
    : `refuseMissing(${pathLiteral(slot.path)})`
  return [
    `{`,
    `  let v = o.${slot.name}`,
    `  if (v === undefined) ${absent}`,
    indent(writeSlot(slot, scope, functions)),
    `}`,
  ]
}

function tagSection(tagged: readonly Slot[], scope: Scope, functions: string[]): string[] {
  if (tagged.length === 0) return [`w.uvarint(0)`]
  const tests = tagged.map((slot, i) => [
    `const v${i} = o.${slot.name}`,
    `const t${i} = ${travels(`v${i}`, slot, functions)}`,
  ])
  const writes = tagged.map((slot, i) => [
    `  if (t${i}) {`,
    `    const v = v${i}`,
    `    const mark = w.beginTag(${tagOf(slot)})`,
    indent(indent(writeSlot(slot, scope, functions))),
    `    w.endTag(mark)`,
    `  }`,
  ])
  const count = tagged.map((_, i) => `(t${i} ? 1 : 0)`).join(' + ')
  return [...tests.flat(), `const tags = ${count}`, `w.uvarint(tags)`, `if (tags !== 0) {`, ...writes.flat(), `}`]
}

function writeSlot(slot: Slot, scope: Scope, functions: string[]): string[] {
  const write = writeValue('v', slot.spec.type, slot.nullable, slot, scope, functions)
  return slot.nullable ? write : [`if (v === null) refuseNull(${pathLiteral(slot.path)})`, ...write]
}

/** Statements that write `source`, which is neither undefined nor, unless nullable, null. */
function writeValue(
  source: string,
  type: FieldType,
  nullable: boolean,
  slot: Slot,
  scope: Scope,
  functions: string[],
): string[] {
  switch (type.kind) {
    case 'string':
      return [`w.${slot.compact ? 'compactString' : 'string'}(${source})`]
    case 'bytes':
    case 'records':
      return [`w.${slot.compact ? 'compactBytes' : 'sizedBytes'}(${source})`]
    case 'struct': {
      const inner = structFunction(type.fields, scope, slot.path, functions)
      if (!nullable) return [`${inner}(w, ${source})`]
      const [absent, present] = slot.place === 'tagged' ? ['w.uvarint(0)', 'w.uvarint(1)'] : ['w.int8(-1)', 'w.int8(1)']
      return [`if (${source} === null) ${absent}`, `else { ${present}; ${inner}(w, ${source}) }`]
    }
    case 'array': {
      const whenNull = slot.compact ? `w.uvarint(0)` : `w.int32(-1)`
      const loop = writeElements(source, type.element, slot, scope, functions)
      return nullable ? [`if (${source} === null) ${whenNull}`, `else {`, indent(loop), `}`] : loop
    }
    default:
      return [`w.${type.kind}(${source})`]
  }
}

function writeElements(source: string, element: FieldType, slot: Slot, scope: Scope, functions: string[]): string[] {
  return [
    `if (!Array.isArray(${source})) refuseType(${pathLiteral(slot.path)}, 'an array')`,
    slot.compact ? `w.uvarint(${source}.length + 1)` : `w.int32(${source}.length)`,
    `for (let i = 0, a = ${source}; i < a.length; i++) {`,
    `  const e = a[i]`,
    `  if (e === null) refuseNull(${pathLiteral(slot.path)})`,
    indent(writeValue('e', element, false, slot, scope, functions)),
    `}`,
  ]
}

/** An expression: the value is given and is not what its absence would decode to. */
function travels(source: string, slot: Slot, functions: string[]): string {
  return `${source} !== undefined && !(${isDefault(source, slot.spec.type, slot.spec.default, slot.path, functions)})`
}

function isDefault(source: string, type: FieldType, stated: unknown, path: string, functions: string[]): string {
  if (stated === null) return `${source} === null`
  switch (type.kind) {
    case 'array':
      return `${source} !== null && ${source}.length === 0`
    case 'bytes':
    case 'records':
      return `${source} !== null && byteLength(${source}) === 0`
    case 'uuid': {
      const literal = `${source} === ${literalOf(type, stated)}`
      return stated === undefined ? `${literal} || ${source} === ''` : literal
    }
    case 'struct': {
      const tests = type.fields.map(([name, spec]) => {
        const inner = isDefault(`o.${name}`, spec.type, spec.default, `${path}.${name}`, functions)
        return `(o.${name} === undefined || (${inner}))`
      })
      const name = `isDefault${functions.length}_${path.replaceAll('.', '_')}`
      functions.push(`function ${name}(o) {\n  return o !== null && ${['true', ...tests].join(' && ')}\n}`)
      return `${name}(${source})`
    }
    default:
      return `${source} === ${literalOf(type, stated)}`
  }
}
