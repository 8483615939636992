import { foreignTags, minimumBytes, type Scope, type Slot, scopeOf, slotsOf, taggedSlots, tagOf } from './layout.ts'
import type { FieldList, FieldType, Message } from './schema.ts'
import { indent, literalOf, pathLiteral } from './source-text.ts'

/** Source of the body of a function of `help` that returns the decoder: `(reader) => value`. */
export function decoderSource(message: Message, version: number): string {
  const scope = scopeOf(message, version)
  const functions: string[] = []
  const root = structFunction(message.fields, scope, message.name, functions)
  return [
    `'use strict'`,
    `const { EMPTY_BYTES, refuseNull, refuseTag } = help`,
    ...functions,
    `return ${root}`,
    `//# sourceURL=odradek-codec/${message.name}.v${version}.decode.js`,
  ].join('\n')
}

/** Emits one function per struct, inner ones first, and returns its name: V8 inlines them where it pays. */
function structFunction(fields: FieldList, scope: Scope, path: string, functions: string[]): string {
  const slots = slotsOf(fields, scope, path)
  const variables = new Map(slots.map((slot, index) => [slot, `v${index}`]))
  const variable = (slot: Slot) => variables.get(slot) ?? ''
  const body: string[] = []
  for (const slot of slots) {
    if (slot.place === 'plain') {
      body.push(`let ${variable(slot)}`, ...readSlot(variable(slot), slot, scope, functions))
    } else {
      body.push(`let ${variable(slot)} = ${literalOf(slot.spec.type, slot.spec.default)}`)
    }
  }
  if (scope.flexible) body.push(...tagSection(slots, variable, scope, functions))
  body.push(`return { ${slots.map((slot) => `${slot.name}: ${variable(slot)}`).join(', ')} }`)
  const name = `read${functions.length}_${path.replaceAll('.', '_')}`
  functions.push(`function ${name}(r) {\n${indent(body)}\n}`)
  return name
}

function tagSection(
  slots: readonly Slot[],
  variable: (slot: Slot) => string,
  scope: Scope,
  functions: string[],
): string[] {
  const own = taggedSlots(slots)
  const foreign = [...foreignTags(slots)]
  if (own.length === 0 && foreign.length === 0) return [`r.skipTags()`]
  const known = own.map((slot) => [
    `case ${tagOf(slot)}: {`,
    `  const outer = r.enterTag(size)`,
    indent(readSlot(variable(slot), slot, scope, functions)),
    `  r.leaveTag(outer)`,
    `  break`,
    `}`,
  ])
  const refused = foreign.map(([tag, slot]) => `case ${tag}: refuseTag(${pathLiteral(slot.path)}, ${scope.version})`)
  return [
    `for (let tags = r.uvarint(); tags > 0; tags--) {`,
    `  const tag = r.uvarint()`,
    `  const size = r.uvarint()`,
    `  switch (tag) {`,
    indent(indent([...known.flat(), ...refused, `default: r.skip(size)`])),
    `  }`,
    `}`,
  ]
}

function readSlot(target: string, slot: Slot, scope: Scope, functions: string[]): string[] {
  return readValue(target, slot.spec.type, slot.nullable, slot, scope, functions)
}

/** Statements that assign the value to `target`; each opens its own block, so that names may repeat. */
function readValue(
  target: string,
  type: FieldType,
  nullable: boolean,
  slot: Slot,
  scope: Scope,
  functions: string[],
): string[] {
  const whenNull = nullable ? 'null' : `refuseNull(${pathLiteral(slot.path)})`
  const length = slot.compact ? 'r.uvarint() - 1' : type.kind === 'string' ? 'r.int16()' : 'r.int32()'
  switch (type.kind) {
    case 'string':
      return [`{ const n = ${length}; ${target} = n === -1 ? ${whenNull} : r.string(n) }`]
    case 'bytes':
    case 'records':
      return [`{ const n = ${length}; ${target} = n === -1 ? ${whenNull} : r.view(n) }`]
    case 'struct': {
      const inner = structFunction(type.fields, scope, slot.path, functions)
      // Java's generated code marks a null struct in a tagged field with a varint, elsewhere with an int8.
      const isNull = slot.place === 'tagged' ? 'r.uvarint() === 0' : 'r.int8() < 0'
      return [nullable ? `${target} = ${isNull} ? null : ${inner}(r)` : `${target} = ${inner}(r)`]
    }
    case 'array':
      return [
        `{`,
        `  const n = ${length}`,
        `  if (n === -1) ${target} = ${whenNull}`,
        `  else {`,
        `    r.elements(n, ${minimumBytes(type.element, scope)})`,
        `    const a = new Array(n)`,
        `    for (let i = 0; i < n; i++) {`,
        indent(indent(indent(readElement(type.element, slot, scope, functions)))),
        `    }`,
        `    ${target} = a`,
        `  }`,
        `}`,
      ]
    default:
      return [`${target} = r.${type.kind}()`]
  }
}

function readElement(type: FieldType, slot: Slot, scope: Scope, functions: string[]): string[] {
  if (type.kind === 'array') {
    return [`let e`, ...readValue('e', type, false, slot, scope, functions), `a[i] = e`]
  }
  return readValue('a[i]', type, false, slot, scope, functions)
}
