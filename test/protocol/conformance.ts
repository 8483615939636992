/**
 * Compares our schemas with the digest of Kafka's definitions, field by field.
 *
 * Both sides are reduced to what holds in the valid versions: a field's versions are cut to those of its parents and of
 * the message (our schemas leave out what goes without saying), and what exists in none of them, like the partition
 * limit of the share fetch that was never released, is nothing.
 */

import type { Digest, MessageFacts } from '../../compat-tests/conformance.ts'
import { defaultValue } from '../../protocol/codec/layout.ts'
import {
  type FieldList,
  type FieldType,
  type Message,
  parseVersions,
  type VersionRange,
} from '../../protocol/codec/schema.ts'

/** Everything a field says about the bytes, by its path. */
export type FieldFacts = Map<string, Readonly<Record<string, string>>>

const NOTHING = 'never'

export function cut(range: VersionRange | null, within: VersionRange): VersionRange | null {
  if (range === null) return null
  const both = { min: Math.max(range.min, within.min), max: Math.min(range.max, within.max) }
  return both.min <= both.max ? both : null
}

function textOf(range: VersionRange | null): string {
  return range === null ? NOTHING : `${range.min}-${range.max}`
}

function rangeOf(text: string | undefined): VersionRange | null {
  return text === undefined || text === 'none' ? null : parseVersions(text)
}

export function factsOfSchema(
  fields: FieldList,
  within: VersionRange,
  path = '',
  facts: FieldFacts = new Map(),
): FieldFacts {
  for (const [name, spec] of fields) {
    const versions = cut(spec.versions, within)
    if (versions === null) continue
    facts.set(path + name, {
      position: String(facts.size),
      type: typeName(spec.type),
      versions: textOf(versions),
      nullable: textOf(cut(spec.nullable, versions)),
      default: canonical(defaultValue(spec.type, spec.default)),
      tag: spec.tag ? `${spec.tag.number} in ${textOf(cut(spec.tag.versions, versions))}` : NOTHING,
      ignorable: String(spec.ignorable),
      neverCompact: String(spec.neverCompact),
    })
    const element = spec.type.kind === 'array' ? spec.type.element : spec.type
    if (element.kind === 'struct') factsOfSchema(element.fields, versions, `${path}${name}.`, facts)
  }
  return facts
}

function typeName(type: FieldType): string {
  return type.kind === 'array' ? `[]${type.element.kind}` : type.kind
}

/** A struct's default is its fields' defaults, which are compared on their own. */
function canonical(value: unknown): string {
  if (value === null) return 'null'
  if (Buffer.isBuffer(value)) return value.length === 0 ? 'empty' : value.toString('hex')
  if (Array.isArray(value)) return value.length === 0 ? 'empty' : JSON.stringify(value)
  if (typeof value === 'object') return 'fields'
  return String(value)
}

export function factsOfDigest(message: MessageFacts): FieldFacts {
  const facts: FieldFacts = new Map()
  const parents: { path: string; versions: VersionRange | null }[] = [
    { path: '', versions: parseVersions(message.versions) },
  ]
  for (const line of message.fields) {
    const [, dots = '', name = '', type = '', versionText, rest = ''] =
      /^(\.*)(\w+) (\S+) (\S+) ?(.*)$/.exec(line) ?? []
    const depth = dots.length
    const parent = parents[depth]
    if (parent === undefined) throw new Error(`'${line}' is nested too deep`)
    const path = `${parent.path}${name.charAt(0).toLowerCase()}${name.slice(1)}`
    const versions = parent.versions && cut(rangeOf(versionText), parent.versions)
    parents.length = depth + 1
    parents.push({ path: `${path}.`, versions })
    if (versions !== null) facts.set(path, { position: String(facts.size), ...factsOfWords(type, versions, rest) })
  }
  return facts
}

function factsOfWords(type: string, versions: VersionRange, rest: string): Readonly<Record<string, string>> {
  const words = new Map(rest.split(' ').map((text) => text.split(/=(.*)/) as [string, string | undefined]))
  const tag = words.get('tag')?.split('@')
  return {
    type,
    versions: textOf(versions),
    nullable: textOf(cut(rangeOf(words.get('null')), versions)),
    default: officialDefault(type, words.get('default')),
    tag: tag ? `${tag[0]} in ${textOf(cut(rangeOf(tag[1]), versions))}` : NOTHING,
    ignorable: String(words.has('ignorable')),
    neverCompact: String(words.get('flexible') === 'none'),
  }
}

function officialDefault(type: string, stated: string | undefined): string {
  if (stated === 'null') return 'null'
  if (type.startsWith('[]') || type === 'bytes' || type === 'records') return 'empty'
  if (type === 'struct') return 'fields'
  if (type === 'string') return stated ?? ''
  if (type === 'uuid') return 'AAAAAAAAAAAAAAAAAAAAAA'
  if (type === 'bool') return stated?.toLowerCase() ?? 'false'
  const value = Number(stated ?? 0)
  return String(Math.max(Math.min(value, Number.MAX_SAFE_INTEGER), Number.MIN_SAFE_INTEGER))
}

/** Every difference of one message, as a sentence. */
export function differences(message: Message, official: MessageFacts | undefined): string[] {
  if (official === undefined) return [`${message.name}: Kafka has no such message`]
  const found: string[] = []
  const compare = (what: string, ours: string | undefined, theirs: string | undefined) => {
    if (ours !== theirs) found.push(`${message.name}${what}: ours ${ours}, Kafka's ${theirs}`)
  }
  const valid = parseVersions(official.versions)
  compare(' versions', textOf(message.versions), textOf(valid))
  compare(' flexible', textOf(cut(message.flexible, valid)), textOf(cut(rangeOf(official.flexible), valid)))
  const ours = factsOfSchema(message.fields, message.versions)
  const theirs = factsOfDigest(official)
  for (const path of new Set([...ours.keys(), ...theirs.keys()])) {
    const [mine, other] = [ours.get(path), theirs.get(path)]
    if (!mine || !other) compare(`.${path}`, mine && 'present', other && 'present')
    else for (const fact of Object.keys(mine)) compare(`.${path} ${fact}`, mine[fact], other[fact])
  }
  return found
}

export function loadDigest(text: string): Digest {
  return JSON.parse(text) as Digest
}
