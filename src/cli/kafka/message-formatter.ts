import type { ConsumedRecord } from '../../client/fetched-records.ts'
import { ToolFailure } from './tool-failure.ts'

/** Turns a record into what is printed of it. */
export type MessageFormatter = (record: ConsumedRecord) => Buffer | null

const PACKAGES = ['org.apache.kafka.tools.consumer.', 'kafka.tools.', '']

/** By the names of Kafka's classes. Throws ToolFailure for others. */
export function messageFormatter(className: string | null, properties: ReadonlyMap<string, string>): MessageFormatter {
  const name = className ?? 'DefaultMessageFormatter'
  const known = (short: string) => PACKAGES.some((prefix) => name === `${prefix}${short}`)
  if (known('DefaultMessageFormatter')) return defaultFormatter(properties)
  if (known('NoOpMessageFormatter')) return () => null
  if (known('LoggingMessageFormatter')) return loggingFormatter(properties)
  throw new ToolFailure(
    `${name}: only Default-, Logging- and NoOpMessageFormatter are here`,
    'java.lang.ClassNotFoundException',
  )
}

/** Fields in Kafka's order with `key.separator` between them and `line.separator` behind. */
export function defaultFormatter(properties: ReadonlyMap<string, string>): MessageFormatter {
  const flag = (name: string) => properties.get(name)?.trim().toLowerCase() === 'true'
  const separator = Buffer.from(properties.get('key.separator') ?? '\t')
  const lineSeparator = Buffer.from(properties.get('line.separator') ?? '\n')
  const headersSeparator = properties.get('headers.separator') ?? ','
  const nullLiteral = Buffer.from(properties.get('null.literal') ?? 'null')
  const keyBytes = deserializer(properties.get('key.deserializer'), nullLiteral)
  const valueBytes = deserializer(properties.get('value.deserializer'), nullLiteral)
  const headerBytes = deserializer(properties.get('headers.deserializer'), nullLiteral)
  const headersText = ({ headers }: ConsumedRecord) =>
    Buffer.from(
      headers.length === 0
        ? 'NO_HEADERS'
        : headers.map(({ key, value }) => `${key}:${headerBytes(value)}`).join(headersSeparator),
    )
  const fields: ((record: ConsumedRecord) => Buffer)[] = []
  const field = (name: string, write: (record: ConsumedRecord) => Buffer | string) => {
    if (flag(name)) fields.push((record) => Buffer.from(write(record) as string))
  }
  field('print.timestamp', ({ timestamp, timestampType }) =>
    timestamp < 0 ? 'NO_TIMESTAMP' : `${timestampType}:${timestamp}`,
  )
  field('print.partition', ({ partition }) => `Partition:${partition}`)
  field('print.delivery', () => 'Delivery:NOT_PRESENT')
  field('print.epoch', ({ leaderEpoch }) => `Epoch:${leaderEpoch < 0 ? 'NOT_PRESENT' : leaderEpoch}`)
  field('print.offset', ({ offset }) => `Offset:${offset}`)
  if (flag('print.headers')) fields.push(headersText)
  if (flag('print.key')) fields.push(({ key }) => keyBytes(key))
  if (properties.get('print.value')?.trim().toLowerCase() !== 'false') fields.push(({ value }) => valueBytes(value))
  return (record) => {
    const parts = fields.flatMap((write, at) => (at === 0 ? [write(record)] : [separator, write(record)]))
    return Buffer.concat([...parts, lineSeparator])
  }
}

function loggingFormatter(properties: ReadonlyMap<string, string>): MessageFormatter {
  const format = defaultFormatter(properties)
  return (record) => {
    const time = record.timestamp < 0 ? '' : `${record.timestampType}:${record.timestamp}, `
    const key = record.key === null ? 'null' : record.key.toString()
    const value = record.value === null ? 'null' : record.value.toString()
    return Buffer.concat([format(record)!, Buffer.from(`${time}key:${key}, value:${value}\n`)])
  }
}

const SERIALIZATION = 'org.apache.kafka.common.serialization.'

/** How bytes are shown, by the names of Kafka's deserializers; as they are without one. */
const DESERIALIZERS: Readonly<Record<string, (bytes: Buffer) => string>> = {
  IntegerDeserializer: (bytes) => String(bytes.readInt32BE()),
  LongDeserializer: (bytes) => String(bytes.readBigInt64BE()),
  ShortDeserializer: (bytes) => String(bytes.readInt16BE()),
  DoubleDeserializer: (bytes) => javaDouble(bytes.readDoubleBE()),
  FloatDeserializer: (bytes) => javaDouble(Number(bytes.readFloatBE().toPrecision(7))),
  BooleanDeserializer: (bytes) => String(bytes[0] === 1),
}
const AS_THEY_ARE = ['StringDeserializer', 'BytesDeserializer', 'ByteArrayDeserializer', 'UUIDDeserializer']

function javaDouble(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : String(value)
}

function deserializer(className: string | undefined, nullLiteral: Buffer): (bytes: Buffer | null) => Buffer {
  const short = className?.replace(SERIALIZATION, '')
  if (short === undefined || AS_THEY_ARE.includes(short)) return (bytes) => bytes ?? nullLiteral
  const show = Object.hasOwn(DESERIALIZERS, short) ? DESERIALIZERS[short] : undefined
  if (show === undefined) {
    const known = [...Object.keys(DESERIALIZERS), ...AS_THEY_ARE].join(', ')
    throw new ToolFailure(
      `${className}: only these deserializers are here: ${known}`,
      'java.lang.ClassNotFoundException',
    )
  }
  return (bytes) => {
    if (bytes === null) return nullLiteral
    try {
      return Buffer.from(show(bytes))
    } catch {
      throw new ToolFailure(
        `Size of data received by ${short} is not what it reads: ${bytes.length} bytes`,
        'org.apache.kafka.common.errors.SerializationException',
      )
    }
  }
}
