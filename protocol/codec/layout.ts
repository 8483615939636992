import { type FieldList, type FieldSpec, type FieldType, inRange, type Message, ZERO_UUID } from './schema.ts'

/** What a schema means in one version of its message: shared by the compiler and the interpreter. */
export interface Scope {
  readonly message: string
  readonly version: number
  readonly flexible: boolean
}

/** One field of a struct in one version. */
export interface Slot {
  readonly name: string
  /** `ProduceRequest.topicData.name`, for errors. */
  readonly path: string
  readonly spec: FieldSpec
  readonly place: 'absent' | 'plain' | 'tagged'
  readonly nullable: boolean
  /** Lengths are uvarint(n + 1) instead of int16 or int32. */
  readonly compact: boolean
}

/** In place of every absent or empty `bytes`; nothing can be written to it. */
export const EMPTY_BYTES: Buffer = Buffer.alloc(0)

export function scopeOf(message: Message, version: number): Scope {
  if (!inRange(message.versions, version)) throw new RangeError(`${message.name} has no version ${version}`)
  return { message: message.name, version, flexible: inRange(message.flexible, version) }
}

export function slotsOf(fields: FieldList, scope: Scope, path: string): Slot[] {
  return fields.map(([name, spec]) => {
    if (!/^[A-Za-z]\w*$/.test(name)) throw new TypeError(`field name '${name}' is not a plain identifier`)
    const tagged = scope.flexible && spec.tag !== null && inRange(spec.tag.versions, scope.version)
    const present = inRange(spec.versions, scope.version)
    return {
      name,
      path: `${path}.${name}`,
      spec,
      place: present ? (tagged ? 'tagged' : 'plain') : 'absent',
      nullable: inRange(spec.nullable, scope.version),
      compact: scope.flexible && !spec.neverCompact,
    }
  })
}

/** Tagged slots in the order in which they are written. */
export function taggedSlots(slots: readonly Slot[]): Slot[] {
  return slots.filter((slot) => slot.place === 'tagged').sort((a, b) => tagOf(a) - tagOf(b))
}

/** Tags that other versions of the message define: their presence in this one is an error. */
export function foreignTags(slots: readonly Slot[]): Map<number, Slot> {
  const own = new Set(taggedSlots(slots).map(tagOf))
  const foreign = slots.filter((slot) => slot.spec.tag !== null && !own.has(tagOf(slot)))
  return new Map(foreign.map((slot) => [tagOf(slot), slot]))
}

export function tagOf(slot: Slot): number {
  const tag = slot.spec.tag
  if (tag === null) throw new TypeError(`${slot.path} has no tag`)
  return tag.number
}

/** The encoder may leave the field out. */
export function isOptional({ spec }: Slot): boolean {
  return spec.default !== undefined || spec.ignorable || spec.tag !== null
}

/** The fewest bytes a value can take: what bounds an array's length before anything is allocated. */
export function minimumBytes(type: FieldType, scope: Scope): number {
  switch (type.kind) {
    case 'bool':
    case 'int8':
      return 1
    case 'int16':
    case 'uint16':
      return 2
    case 'int32':
    case 'uint32':
      return 4
    case 'int64':
    case 'float64':
      return 8
    case 'uuid':
      return 16
    case 'string':
      return scope.flexible ? 1 : 2
    case 'bytes':
    case 'records':
    case 'array':
      return scope.flexible ? 1 : 4
    case 'struct': {
      let total = scope.flexible ? 1 : 0
      for (const { spec, place, nullable, compact } of slotsOf(type.fields, scope, scope.message)) {
        if (place !== 'plain') continue
        const flexible = compact
        total += nullable && spec.type.kind === 'struct' ? 1 : minimumBytes(spec.type, { ...scope, flexible })
      }
      return total
    }
  }
}

/** The value of an absent field; arrays and structs are fresh. `stated` is the schema's default, if it states one. */
export function defaultValue(type: FieldType, stated: unknown): unknown {
  if (stated === null) return null
  switch (type.kind) {
    case 'bool':
      return stated ?? false
    case 'string':
      return stated ?? ''
    case 'uuid':
      return stated ?? ZERO_UUID
    case 'bytes':
    case 'records':
      return EMPTY_BYTES
    case 'array':
      return []
    case 'struct':
      return Object.fromEntries(type.fields.map(([name, spec]) => [name, defaultValue(spec.type, spec.default)]))
    case 'int64':
      return Math.min(Math.max(Number(stated ?? 0), Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER)
    default:
      return stated ?? 0
  }
}
