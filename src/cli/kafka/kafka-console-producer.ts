import { ClientError } from '../../client/client-error.ts'
import type { Compression, ProduceOptions } from '../../client/producer.ts'
import { BOOTSTRAP, readProperties } from './admin-properties.ts'
import { connect, logTime } from './connect.ts'
import { type LineFormat, lineFormat, linesOf, recordFromLine } from './console-reader.ts'
import { failureOf } from './java-errors.ts'
import { keyValues, requireArguments } from './option-rules.ts'
import type { Options } from './option-table.ts'
import { ToolFailure, UsageExit } from './tool-failure.ts'
import { describeTool, runTool, type ToolClient, type ToolIo } from './tool-io.ts'

const WITHOUT_EFFECT = { kind: 'value', integer: true, value: 'N', about: 'Accepted without effect.' } as const
const PROPERTY = { kind: 'value', value: 'NAME=VALUE' } as const

export const KAFKA_CONSOLE_PRODUCER = describeTool(
  'kafka-console-producer',
  'Send each line of standard input as a record.',
  {
    'bootstrap-server': BOOTSTRAP,
    'broker-list': { ...BOOTSTRAP, about: 'An older name of --bootstrap-server.' },
    topic: { kind: 'value', value: 'TOPIC', about: 'Where the records go.' },
    sync: { kind: 'none', about: 'End with exit code 1 at the first line that is refused.' },
    'compression-codec': {
      kind: 'optional',
      value: 'CODEC',
      about: 'none, gzip (without a value), snappy, lz4 or zstd.',
    },
    'request-required-acks': { kind: 'value', value: 'ACKS', about: '0, 1 or all (default).' },
    'request-timeout-ms': { kind: 'value', integer: true, value: 'MS', about: 'How long to wait for an answer.' },
    'reader-property': {
      ...PROPERTY,
      about:
        'How lines are read: parse.key, key.separator, parse.headers, headers.delimiter, headers.separator, ' +
        'headers.key.separator, ignore.error, null.marker. May be repeated.',
    },
    property: { ...PROPERTY, about: 'An older name of --reader-property.' },
    'reader-config': { kind: 'value', value: 'FILE', about: 'The same properties in a file.' },
    'line-reader': { kind: 'value', value: 'CLASS', about: 'Only LineMessageReader.' },
    'command-property': { ...PROPERTY, about: 'acks, compression.type, client.id; others are accepted.' },
    'producer-property': { ...PROPERTY, about: 'An older name of --command-property.' },
    'command-config': { kind: 'value', value: 'FILE', about: 'The same properties in a file.' },
    'producer.config': { kind: 'value', value: 'FILE', about: 'An older name of --command-config.' },
    'batch-size': WITHOUT_EFFECT,
    'max-block-ms': WITHOUT_EFFECT,
    'max-memory-bytes': WITHOUT_EFFECT,
    'max-partition-memory-bytes': WITHOUT_EFFECT,
    'message-send-max-retries': WITHOUT_EFFECT,
    'metadata-expiry-ms': WITHOUT_EFFECT,
    'retry-backoff-ms': WITHOUT_EFFECT,
    'socket-buffer-size': WITHOUT_EFFECT,
    timeout: WITHOUT_EFFECT,
  },
)

type ProducerOptions = Options<keyof typeof KAFKA_CONSOLE_PRODUCER.options>

export function kafkaConsoleProducer(args: readonly string[], io: ToolIo): Promise<number> {
  return runTool(
    KAFKA_CONSOLE_PRODUCER,
    args,
    io,
    async ({ options }) => {
      requireArguments(options, 'topic')
      const bootstrap = options.value('bootstrap-server') ?? options.value('broker-list')
      if (bootstrap === null) throw new UsageExit('Error while validating the bootstrap address\n')
      return produceLines(bootstrap, options, io)
    },
    'usage',
  )
}

async function produceLines(bootstrap: string, options: ProducerOptions, io: ToolIo): Promise<number> {
  warnOfOldNames(options, io)
  try {
    const format = readerFormat(options, io)
    const properties = producerProperties(options, io)
    const sending = produceOptions(options, properties)
    const client = await connect(io, { bootstrap, properties, clientId: 'console-producer', call: 'metadata' })
    try {
      return await produceInput(client, options, format, sending, io)
    } finally {
      await client.close()
    }
  } catch (error) {
    if (!(error instanceof ToolFailure)) throw error
    io.err(`${error.text}\n`)
    return 1
  }
}

function warnOfOldNames(options: ProducerOptions, io: ToolIo): void {
  const names = [
    ['property', 'reader-property'],
    ['producer-property', 'command-property'],
    ['producer.config', 'command-config'],
  ] as const
  for (const [old, current] of names) {
    if (options.has(old)) {
      io.err(`Warning: --${old} is deprecated and will be removed in a future version. Use --${current} instead.\n`)
    }
  }
}

function readerFormat(options: ProducerOptions, io: ToolIo): LineFormat {
  const reader = options.value('line-reader')
  if (reader !== null && !reader.endsWith('LineMessageReader')) {
    throw new ToolFailure(`${reader}: only LineMessageReader is here`, 'java.lang.ClassNotFoundException')
  }
  return lineFormat(
    new Map([
      ...readProperties(io, options.value('reader-config')),
      ...keyValues([...options.values('property'), ...options.values('reader-property')]),
    ]),
  )
}

function producerProperties(options: ProducerOptions, io: ToolIo): Map<string, string> {
  return new Map([
    ...readProperties(io, options.value('command-config') ?? options.value('producer.config')),
    ...keyValues([...options.values('producer-property'), ...options.values('command-property')]),
  ])
}

const CODECS: readonly Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
const ACKS: ReadonlyMap<string, -1 | 0 | 1> = new Map([
  ['all', -1],
  ['-1', -1],
  ['0', 0],
  ['1', 1],
])

function produceOptions(options: ProducerOptions, properties: ReadonlyMap<string, string>): ProduceOptions {
  const codec = options.has('compression-codec')
    ? (options.value('compression-codec') ?? 'gzip')
    : (properties.get('compression.type') ?? 'none')
  const compression = CODECS.find((one) => one === codec)
  if (compression === undefined) throw invalidValue(codec, 'compression.type', CODECS.join(', '))
  const given = options.value('request-required-acks') ?? properties.get('acks') ?? 'all'
  const acks = ACKS.get(given)
  if (acks === undefined) throw invalidValue(given, 'acks', [...ACKS.keys()].join(', '))
  const timeoutMs = options.integer('request-timeout-ms')
  return { acks, compression, ...(timeoutMs === null ? {} : { timeoutMs }) }
}

function invalidValue(value: string, name: string, valid: string): ToolFailure {
  return new ToolFailure(
    `Invalid value ${value} for configuration ${name}: String must be one of: ${valid}`,
    'org.apache.kafka.common.config.ConfigException',
  )
}

async function produceInput(
  client: ToolClient,
  options: ProducerOptions,
  format: LineFormat,
  sending: ProduceOptions,
  io: ToolIo,
): Promise<number> {
  const topic = options.value('topic')!
  let lineNumber = 0
  const prompt = () => io.interactive && io.out('>')
  prompt()
  for await (const lines of linesOf(io.input())) {
    const records = []
    let unreadable: unknown = null
    for (const line of lines) {
      try {
        records.push(recordFromLine(line, ++lineNumber, format))
      } catch (error) {
        unreadable = error
        break
      }
    }
    try {
      await client.produce(topic, records, sending)
    } catch (error) {
      reportRefusal(error, topic, records[0]!, io)
      if (options.has('sync')) return 1
    }
    // What was read before is there: Kafka's tool sends it as well.
    if (unreadable !== null) throw unreadable
    prompt()
  }
  return 0
}

/** Kafka's tool logs what was refused, goes on and ends with 0, unless it is told to send each line by itself. */
function reportRefusal(
  error: unknown,
  topic: string,
  { key, value }: { key: Buffer | null; value: Buffer | null },
  io: ToolIo,
): void {
  if (!(error instanceof ClientError)) throw error
  const sizeOf = (bytes: Buffer | null) => (bytes === null ? 'null' : `${bytes.length} bytes`)
  const what = `Error when sending message to topic ${topic} with key: ${sizeOf(key)}, value: ${sizeOf(value)} with error:`
  io.err(
    `${logTime(io)} ERROR ${what} (org.apache.kafka.clients.producer.internals.ErrorLoggingCallback)\n${reasonOf(error, topic)}\n`,
  )
}

const INVALID_TOPIC = 17

function reasonOf({ errorCode, message }: ClientError, topic: string): string {
  if (errorCode === null) return `org.apache.kafka.common.KafkaException: ${message}`
  return failureOf(errorCode, errorCode === INVALID_TOPIC ? `Invalid topics: [${topic}]` : null).text
}
