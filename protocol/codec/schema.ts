/**
 * The declarative description of Kafka messages: what a field is, in which versions it exists, and the TypeScript
 * type that follows from it. One in-memory form serves all versions of a message; a field that a version lacks
 * decodes to its default. No bytes here: compile.ts and interpret.ts give the description its meaning.
 */

/** An inclusive range of versions; `max` is Infinity for `3+`. */
export interface VersionRange {
  readonly min: number
  readonly max: number
}

export type PrimitiveType =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'float64'
  | 'uuid'
  | 'string'
  | 'bytes'
  | 'records'

export type FieldType =
  | { readonly kind: PrimitiveType }
  | { readonly kind: 'array'; readonly element: FieldType }
  | { readonly kind: 'struct'; readonly fields: FieldList }

export interface FieldSpec {
  readonly type: FieldType
  /** Versions of the message in which the field exists. */
  readonly versions: VersionRange
  /** Versions in which null may be written, or null when never. */
  readonly nullable: VersionRange | null
  /** The value of an absent field. Undefined means the type's own: 0, false, '', the zero UUID, empty, null when nullable by declaration of `null`. */
  readonly default: unknown
  /** A non-default value is dropped, not refused, in versions without the field. */
  readonly ignorable: boolean
  /** Tag number and the versions in which the field travels in the tagged section. */
  readonly tag: { readonly number: number; readonly versions: VersionRange } | null
  /** Overrides the message's flexible versions; only the client id of the request header needs it. */
  readonly neverCompact: boolean
}

export type FieldList = readonly (readonly [name: string, spec: FieldSpec])[]

/** T: the decoded value. Optional: may be left out when encoding, because the schema states a default. */
export interface Field<T, Optional extends boolean = false> {
  readonly spec: FieldSpec
  /** Null is legal in these versions (all of the field's own when omitted). */
  nullable(versions?: string): Field<T | null, Optional>
  /** The value of an absent field, when it is not the zero of its type. */
  default(value: T): Field<T, true>
  ignorable(): Field<T, true>
  tag(number: number, versions: string): Field<T, true>
  neverCompact(): Field<T, Optional>
  /** Phantom: never present at run time. */
  readonly _value?: T
  readonly _optional?: Optional
}

export type Fields = Readonly<Record<string, Field<unknown, boolean>>>

type OptionalKeys<F extends Fields> = { [K in keyof F]: F[K] extends Field<infer _, true> ? K : never }[keyof F]
type ValueOfField<F> = F extends Field<infer T, boolean> ? T : never
type InputOfValue<T> =
  T extends Struct<infer F>
    ? InputOf<F>
    : T extends readonly (infer E)[]
      ? readonly InputOfValue<E>[]
      : T extends Buffer
        ? Buffer | readonly Buffer[]
        : T
type DecodedValue<T> = T extends Struct<infer F> ? ValueOf<F> : T extends readonly (infer E)[] ? DecodedValue<E>[] : T

/** Marks a nested struct in a field's type, so that both its decoded and its encodable form can be derived. */
export interface Struct<F extends Fields> {
  readonly _fields: F
}

/** The decoded form: every field present. */
export type ValueOf<F extends Fields> = { [K in keyof F]: DecodedValue<ValueOfField<F[K]>> }
/** The form that can be encoded: fields with a stated default may be left out. */
export type InputOf<F extends Fields> = {
  readonly [K in Exclude<keyof F, OptionalKeys<F>>]: InputOfValue<ValueOfField<F[K]>>
} & { readonly [K in OptionalKeys<F>]?: InputOfValue<ValueOfField<F[K]>> | undefined }

class FieldBuilder<T, Optional extends boolean> implements Field<T, Optional> {
  readonly spec: FieldSpec

  constructor(spec: FieldSpec) {
    this.spec = spec
  }

  nullable(versions?: string): Field<T | null, Optional> {
    return new FieldBuilder({ ...this.spec, nullable: versions ? parseVersions(versions) : this.spec.versions })
  }

  default(value: T): Field<T, true> {
    return new FieldBuilder({ ...this.spec, default: value })
  }

  ignorable(): Field<T, true> {
    return new FieldBuilder({ ...this.spec, ignorable: true })
  }

  tag(number: number, versions: string): Field<T, true> {
    return new FieldBuilder({ ...this.spec, tag: { number, versions: parseVersions(versions) } })
  }

  neverCompact(): Field<T, Optional> {
    return new FieldBuilder({ ...this.spec, neverCompact: true })
  }
}

/** `'3'`, `'3-13'` or `'3+'`. */
export function parseVersions(text: string): VersionRange {
  const match = /^(\d+)(?:(\+)|-(\d+))?$/.exec(text)
  if (!match) throw new TypeError(`versions must look like 3, 3-13 or 3+, not '${text}'`)
  const min = Number(match[1])
  const max = match[2] ? Number.POSITIVE_INFINITY : match[3] === undefined ? min : Number(match[3])
  if (max < min) throw new TypeError(`versions '${text}' end before they begin`)
  return { min, max }
}

export function inRange(range: VersionRange | null, version: number): boolean {
  return range !== null && version >= range.min && version <= range.max
}

function field<T, Optional extends boolean>(type: FieldType, versions: string): Field<T, Optional> {
  return new FieldBuilder<T, Optional>({
    type,
    versions: parseVersions(versions),
    nullable: null,
    default: undefined,
    ignorable: false,
    tag: null,
    neverCompact: false,
  })
}

/**
 * Given versions, a field may be left out when encoding: it does not exist everywhere. Without, it must be there unless
 * it has a default, so that no response forgets its error code.
 */
interface Builder<T> {
  (): Field<T>
  (versions: string): Field<T, true>
}

function primitive<T>(kind: PrimitiveType): Builder<T> {
  return (versions: string = '0+') => field<T, never>({ kind }, versions)
}

export const bool = primitive<boolean>('bool')
export const int8 = primitive<number>('int8')
export const int16 = primitive<number>('int16')
export const uint16 = primitive<number>('uint16')
export const int32 = primitive<number>('int32')
export const uint32 = primitive<number>('uint32')
/** A number, saturating: what is beyond ±(2^53 - 1) decodes to that bound, and the bound encodes as Long.MAX or MIN. */
export const int64 = primitive<number>('int64')
export const float64 = primitive<number>('float64')
/** Kafka's own text form: 22 characters of unpadded base64url. */
export const uuid = primitive<string>('uuid')
export const string = primitive<string>('string')
/** A view of the frame: copy what must outlive the request. */
export const bytes = primitive<Buffer>('bytes')
/** Record batches: a view when decoded; one buffer or several when encoded, attached without a copy when large. */
export const records = primitive<Buffer>('records')

export function struct<const F extends Fields>(fields: F): Field<Struct<F>>
export function struct<const F extends Fields>(fields: F, versions: string): Field<Struct<F>, true>
export function struct(fields: Fields, versions = '0+'): Field<Struct<Fields>, never> {
  return field({ kind: 'struct', fields: listOf(fields) }, versions)
}

/** An array of structs (given as fields) or of primitives (given as a field: only its type counts). */
export function array<T>(element: Field<T, boolean>): Field<T[]>
export function array<T>(element: Field<T, boolean>, versions: string): Field<T[], true>
export function array<const F extends Fields>(fields: F): Field<Struct<F>[]>
export function array<const F extends Fields>(fields: F, versions: string): Field<Struct<F>[], true>
export function array(element: Fields | Field<unknown, boolean>, versions = '0+'): Field<never, never> {
  const type: FieldType =
    element instanceof FieldBuilder ? element.spec.type : { kind: 'struct', fields: listOf(element as Fields) }
  return field({ kind: 'array', element: type }, versions)
}

function listOf(fields: Fields): FieldList {
  return Object.entries(fields).map(([name, { spec }]) => {
    if (!/^\w+$/.test(name)) throw new TypeError(`field name '${name}' is not a plain identifier`)
    return [name, spec] as const
  })
}

export const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA'

/** One direction of an API, or one record type: what codec.ts turns into an encoder and a decoder per version. */
export interface Message<F extends Fields = Fields> {
  readonly name: string
  readonly versions: VersionRange
  /** Null: no version is flexible. */
  readonly flexible: VersionRange | null
  readonly fields: FieldList
  readonly _fields?: F
}

export type Decoded<M> = M extends Message<infer F> ? ValueOf<F> : never
export type Encodable<M> = M extends Message<infer F> ? InputOf<F> : never

export interface Api<Q extends Fields = Fields, S extends Fields = Fields> {
  readonly key: number
  readonly name: string
  readonly versions: VersionRange
  readonly flexible: VersionRange | null
  /** The highest version may still change and must not be advertised. */
  readonly latestVersionUnstable: boolean
  readonly request: Message<Q>
  readonly response: Message<S>
}

export type RequestOf<A> = A extends Api<infer Q, infer _> ? ValueOf<Q> : never
export type RequestInputOf<A> = A extends Api<infer Q, infer _> ? InputOf<Q> : never
export type ResponseOf<A> = A extends Api<infer _, infer S> ? InputOf<S> : never
export type DecodedResponseOf<A> = A extends Api<infer _, infer S> ? ValueOf<S> : never

interface ApiDescription<Q extends Fields, S extends Fields> {
  readonly key: number
  readonly name: string
  readonly versions: string
  /** `'none'` when no version is flexible. */
  readonly flexible: string
  readonly latestVersionUnstable?: boolean
  readonly request: Q
  readonly response: S
}

export function api<const Q extends Fields, const S extends Fields>(description: ApiDescription<Q, S>): Api<Q, S> {
  const { key, name, request, response } = description
  if (!/^\w+$/.test(name)) throw new TypeError(`API name '${name}' is not a plain identifier`)
  const versions = parseVersions(description.versions)
  const flexible = description.flexible === 'none' ? null : parseVersions(description.flexible)
  return {
    key,
    name,
    versions,
    flexible,
    latestVersionUnstable: description.latestVersionUnstable ?? false,
    request: { name: `${name}Request`, versions, flexible, fields: listOf(request) },
    response: { name: `${name}Response`, versions, flexible, fields: listOf(response) },
  }
}

interface MessageDescription<F extends Fields> {
  readonly name: string
  readonly versions: string
  readonly flexible: string
  readonly fields: F
}

/** A message outside the request/response pairs: a record key or value, an embedded consumer protocol. */
export function message<const F extends Fields>(description: MessageDescription<F>): Message<F> {
  const { name, versions, flexible, fields } = description
  if (!/^\w+$/.test(name)) throw new TypeError(`message name '${name}' is not a plain identifier`)
  return {
    name,
    versions: parseVersions(versions),
    flexible: flexible === 'none' ? null : parseVersions(flexible),
    fields: listOf(fields),
  }
}
