import { defaultValue } from './layout.ts'
import type { FieldType } from './schema.ts'

/**
 * Default values and paths as JavaScript source. What goes into generated code is asserted here: only words and
 * numbers of our own schemas, never anything a peer sent.
 */
export function literalOf(type: FieldType, stated: unknown): string {
  const value = defaultValue(type, stated)
  if (value === null) return 'null'
  switch (type.kind) {
    case 'bytes':
    case 'records':
      return 'EMPTY_BYTES'
    case 'array':
      return '[]'
    case 'struct': {
      const fields = type.fields.map(([name, spec]) => `${word(name)}: ${literalOf(spec.type, spec.default)}`)
      return `{ ${fields.join(', ')} }`
    }
    case 'bool':
      return value === true ? 'true' : 'false'
    case 'string':
    case 'uuid':
      if (typeof value !== 'string' || !/^[\w-]*$/.test(value))
        throw new TypeError(`not a plain word: ${String(value)}`)
      return `'${value}'`
    default:
      if (typeof value !== 'number' || !Number.isFinite(value)) throw new TypeError(`not a number: ${String(value)}`)
      return String(value)
  }
}

export function pathLiteral(path: string): string {
  return `'${path.split('.').map(word).join('.')}'`
}

/** Also refuses `__proto__`, which would not be a plain property of the decoded object. */
export function word(text: string): string {
  if (!/^\w+$/.test(text) || text.startsWith('__')) throw new TypeError(`'${text}' is not a plain identifier`)
  return text
}

export function indent(lines: readonly string[] | string): string {
  const text = typeof lines === 'string' ? lines : lines.join('\n')
  return text.replace(/^(?=.)/gm, '  ')
}
