import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { FieldList, FieldSpec, Message, VersionRange } from '../../protocol/codec/schema.ts'
import { apiByKey, apis } from '../../protocol/messages/all.ts'
import { groupRecords } from '../../protocol/messages/records/group.ts'
import { metadataRecords } from '../../protocol/messages/records/metadata.ts'
import { shareRecords } from '../../protocol/messages/records/share.ts'
import { transactionRecords } from '../../protocol/messages/records/transaction.ts'
import { cut, differences, factsOfSchema, loadDigest } from './conformance.ts'
import { keyedRecords, messages } from './conformance-messages.ts'

const digest = loadDigest(readFileSync(new URL('official-4.3.1.json', import.meta.url), 'utf8'))

/** Only brokers and controllers send these, so no client-facing schema is wanted for them. */
const NOT_FOR_CLIENTS = [80, 81, 83, 84, 85, 86, 87]
/** What a principal looks like inside an envelope between brokers. */
const NOT_ON_THE_WIRE = ['DefaultPrincipalData']

describe('conformance with the definitions of Kafka 4.3.1', () => {
  it.each(messages.map((message) => [message.name, message] as const))('%s has no difference', (name, message) => {
    expect(differences(message, digest[name])).toEqual([])
  })

  it('leaves out no message that a client or a log can hold', () => {
    const described = new Set(messages.map((message) => message.name))
    const missing = Object.entries(digest).filter(([name, { key }]) => {
      const ofBrokers = /(Request|Response)$/.test(name) && NOT_FOR_CLIENTS.includes(key ?? -1)
      return !described.has(name) && !ofBrokers && !NOT_ON_THE_WIRE.includes(name)
    })
    expect(missing.map(([name]) => name)).toEqual([])
    expect(described.size).toBe(messages.length)
  })

  it('gives every API its key and says which is unstable', () => {
    for (const api of apis) {
      const official = digest[`${api.name}Request`]
      expect([api.name, official?.key]).toEqual([api.name, api.key])
      expect([api.name, official?.unstable ?? false]).toEqual([api.name, api.latestVersionUnstable])
      expect(apiByKey(api.key)).toBe(api)
    }
    expect(apis.map((api) => api.key)).toEqual(apis.map((api) => api.key).toSorted((a, b) => a - b))
    expect(apis).toHaveLength(70)
    expect(apiByKey(4)).toBeUndefined()
    expect(apiByKey(-1)).toBeUndefined()
  })

  it('gives every record type its id, and no id to two', () => {
    for (const { id, schema } of metadataRecords)
      expect([schema.name, digest[schema.name]?.key]).toEqual([schema.name, id])
    for (const { id, key, value } of keyedRecords) {
      expect([key.name, digest[key.name]?.key]).toEqual([key.name, id])
      expect([value.name, digest[value.name]?.key]).toEqual([value.name, id])
    }
    for (const table of [groupRecords, transactionRecords, shareRecords, metadataRecords]) {
      expect(new Set(table.map(({ id }) => id)).size).toBe(table.length)
    }
  })
})

describe('the conformance check itself', () => {
  /** Each returns a field that differs in one fact. */
  const mutations: Readonly<Record<string, (spec: FieldSpec, effective: VersionRange) => FieldSpec>> = {
    type: (spec) => ({ ...spec, type: { kind: spec.type.kind === 'float64' ? 'int8' : 'float64' } }),
    'last version': (spec, { min, max }) => ({ ...spec, versions: { min, max: max - 1 } }),
    nullability: (spec) => ({ ...spec, nullable: spec.nullable ? null : spec.versions }),
    tag: (spec) => ({ ...spec, tag: { number: (spec.tag?.number ?? 0) + 1, versions: spec.versions } }),
    ignorable: (spec) => ({ ...spec, ignorable: !spec.ignorable }),
    'length of a string': (spec) => ({ ...spec, neverCompact: !spec.neverCompact }),
    default: (spec) => ({ ...spec, default: spec.default === null ? undefined : otherDefault(spec) }),
  }

  function otherDefault(spec: FieldSpec): unknown {
    if (spec.type.kind === 'struct' || spec.type.kind === 'array') return null
    if (spec.type.kind === 'bool') return spec.default !== true
    if (typeof spec.default === 'number' || /int|float/.test(spec.type.kind)) return Number(spec.default ?? 0) - 1
    return spec.type.kind === 'uuid' ? 'AAAAAAAAAAAAAAAAAAAAAQ' : null
  }

  const changed = (message: Message, fields: FieldList): Message => ({ ...message, fields })

  interface Site {
    readonly fields: FieldList
    /** The versions in which the list exists. */
    readonly within: VersionRange
    readonly put: (replacement: FieldList) => FieldList
  }

  /** Every field list of the message, nested ones included, with a way to put another in its place. */
  function sites(fields: FieldList, within: VersionRange): Site[] {
    const nested = fields.flatMap(([name, spec], index) => {
      const element = spec.type.kind === 'array' ? spec.type.element : spec.type
      if (element.kind !== 'struct') return []
      return sites(element.fields, cut(spec.versions, within)!).map((site) => ({
        ...site,
        put: (replacement: FieldList) => {
          const struct = { kind: 'struct', fields: site.put(replacement) } as const
          const type = spec.type.kind === 'array' ? ({ kind: 'array', element: struct } as const) : struct
          return fields.with(index, [name, { ...spec, type }])
        },
      }))
    })
    return [{ fields, within, put: (replacement) => replacement }, ...nested]
  }

  it.each(Object.keys(mutations))('finds a wrong %s in any field of any message', (what) => {
    for (const message of messages) {
      for (const { fields, within, put } of sites(message.fields, message.versions)) {
        for (const [index, [name, spec]] of fields.entries()) {
          const mutant = changed(
            message,
            put(fields.with(index, [name, mutations[what]!(spec, cut(spec.versions, within)!)])),
          )
          expect(differences(mutant, digest[message.name]), `${message.name} ${name}`).not.toEqual([])
        }
      }
    }
  })

  it('finds a missing, an added, a renamed and a moved field', () => {
    for (const message of messages) {
      for (const { fields, put } of sites(message.fields, message.versions)) {
        const first = fields[0]
        if (first === undefined) continue
        const official = digest[message.name]
        expect(differences(changed(message, put(fields.slice(1))), official)).not.toEqual([])
        expect(differences(changed(message, put([...fields, ['extra', first[1]]])), official)).not.toEqual([])
        expect(differences(changed(message, put(fields.with(0, ['renamed', first[1]]))), official)).not.toEqual([])
        if (fields.length > 1) {
          expect(differences(changed(message, put(fields.toReversed())), official)).not.toEqual([])
        }
      }
    }
  })

  it('finds wrong versions of a message', () => {
    for (const message of messages) {
      const official = digest[message.name]
      const { min, max } = message.versions
      expect(differences({ ...message, versions: { min, max: max + 1 } }, official)).not.toEqual([])
      const flexible = message.flexible ? null : { min: 0, max: Number.POSITIVE_INFINITY }
      expect(differences({ ...message, flexible }, official)).not.toEqual([])
    }
  })

  it('compares as many fields as there are', () => {
    const count = messages.reduce((sum, message) => sum + factsOfSchema(message.fields, message.versions).size, 0)
    expect(count).toBeGreaterThan(1300)
  })
})
