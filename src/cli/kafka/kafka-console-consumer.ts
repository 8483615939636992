import { BOOTSTRAP, readProperties } from './admin-properties.ts'
import { connect, logTime } from './connect.ts'
import { type Consumption, consume } from './console-consumption.ts'
import { TIMEOUT } from './java-errors.ts'
import { messageFormatter } from './message-formatter.ts'
import { keyValues, requireArguments } from './option-rules.ts'
import type { Options } from './option-table.ts'
import { ToolFailure, UsageExit } from './tool-failure.ts'
import { describeTool, runTool, type ToolIo, toolFailureOf } from './tool-io.ts'

const PROPERTY = { kind: 'value', value: 'NAME=VALUE' } as const

export const KAFKA_CONSOLE_CONSUMER = describeTool('kafka-console-consumer', 'Print the records of a topic.', {
  'bootstrap-server': BOOTSTRAP,
  topic: { kind: 'value', value: 'TOPIC', about: 'The topic.' },
  include: { kind: 'value', value: 'REGEX', about: 'Instead of --topic: all topics that it matches.' },
  partition: {
    kind: 'value',
    integer: true,
    value: 'N',
    about: 'Only this partition, from the end on without --offset.',
  },
  offset: { kind: 'value', value: 'OFFSET', about: 'With --partition: an offset, earliest or latest.' },
  group: { kind: 'value', value: 'GROUP', about: 'Read as a member of this group, and commit.' },
  'from-beginning': { kind: 'none', about: 'From the first record on where the group has committed nothing.' },
  'max-messages': { kind: 'value', integer: true, value: 'N', about: 'End after so many records.' },
  'timeout-ms': { kind: 'value', integer: true, value: 'MS', about: 'End when no record came for so long.' },
  'isolation-level': { kind: 'value', value: 'LEVEL', about: 'read_uncommitted (default) or read_committed.' },
  formatter: {
    kind: 'value',
    value: 'CLASS',
    about: 'DefaultMessageFormatter, LoggingMessageFormatter or NoOpMessageFormatter.',
  },
  'formatter-property': {
    ...PROPERTY,
    about:
      'What is printed: print.timestamp, print.partition, print.offset, print.epoch, print.headers, print.key, ' +
      'print.value, key.separator, line.separator, headers.separator, null.literal, key.deserializer, ' +
      'value.deserializer. May be repeated.',
  },
  property: { ...PROPERTY, about: 'An older name of --formatter-property.' },
  'formatter-config': { kind: 'value', value: 'FILE', about: 'The same properties in a file.' },
  'key-deserializer': { kind: 'value', value: 'CLASS', about: 'The same as key.deserializer.' },
  'value-deserializer': { kind: 'value', value: 'CLASS', about: 'The same as value.deserializer.' },
  'command-property': {
    ...PROPERTY,
    about: 'group.id, auto.offset.reset, isolation.level, enable.auto.commit, client.id; others are accepted.',
  },
  'consumer-property': { ...PROPERTY, about: 'An older name of --command-property.' },
  'command-config': { kind: 'value', value: 'FILE', about: 'The same properties in a file.' },
  'consumer.config': { kind: 'value', value: 'FILE', about: 'An older name of --command-config.' },
  'skip-message-on-error': { kind: 'none', about: 'Go on after a record that cannot be shown.' },
  'enable-systest-events': { kind: 'none', about: 'Accepted without effect.' },
})

type ConsumerOptions = Options<keyof typeof KAFKA_CONSOLE_CONSUMER.options>

export function kafkaConsoleConsumer(args: readonly string[], io: ToolIo): Promise<number> {
  return runTool(
    KAFKA_CONSOLE_CONSUMER,
    args,
    io,
    async ({ options }) => {
      checkOptions(options)
      requireArguments(options, 'bootstrap-server')
      warnOfOldNames(options, io)
      try {
        return await consumeAsAsked(options, io)
      } catch (error) {
        const failure = toolFailureOf(error)
        io.err(
          `${logTime(io)} ERROR Unknown error when running consumer:  (org.apache.kafka.tools.consumer.ConsoleConsumer)\n`,
        )
        io.err(`${failure.text}\n`)
        return 1
      }
    },
    'usage',
  )
}

function checkOptions(options: ConsumerOptions): void {
  if (options.has('topic') === options.has('include')) {
    throw new UsageExit('Exactly one of the following arguments is required: [topic], [include]')
  }
  if (options.has('partition') && !options.has('topic')) {
    throw new UsageExit('The topic is required when partition is specified.')
  }
  if (options.has('offset') && !options.has('partition')) {
    throw new UsageExit('The partition is required when offset is specified.')
  }
  if (options.has('offset') && options.has('from-beginning')) {
    throw new UsageExit('Options from-beginning and offset cannot be specified together.')
  }
  if (options.has('group') && options.has('partition')) {
    throw new UsageExit('Options group and partition cannot be specified together.')
  }
  startOf(options)
}

/** Where --offset says that reading begins; null without it. */
function startOf(options: ConsumerOptions): number | 'earliest' | 'latest' | null {
  const text = options.value('offset')?.toLowerCase() ?? null
  if (text === null || text === 'earliest' || text === 'latest') return text
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new UsageExit(
    `The provided offset value '${options.value('offset')}' is incorrect. Valid values are 'earliest', 'latest', or a non-negative long.`,
  )
}

function warnOfOldNames(options: ConsumerOptions, io: ToolIo): void {
  const names = [
    ['property', 'formatter-property'],
    ['consumer-property', 'command-property'],
    ['consumer.config', 'command-config'],
  ] as const
  for (const [old, current] of names) {
    if (options.has(old)) {
      io.err(`Option --${old} is deprecated and will be removed in a future version. Use --${current} instead.\n`)
    }
  }
}

async function consumeAsAsked(options: ConsumerOptions, io: ToolIo): Promise<number> {
  const properties = new Map([
    ...readProperties(io, options.value('command-config') ?? options.value('consumer.config')),
    ...keyValues([...options.values('consumer-property'), ...options.values('command-property')]),
  ])
  const consumption = consumptionOf(options, properties, io)
  const client = await connect(io, {
    bootstrap: options.value('bootstrap-server')!,
    properties,
    clientId: 'console-consumer',
    call: 'metadata',
  })
  let count = 0
  try {
    const ended = await consume(client, consumption, io, () => count++)
    if (ended === 'timeout') {
      const what = 'Error processing message, terminating consumer process: '
      io.err(`${logTime(io)} ERROR ${what} (org.apache.kafka.tools.consumer.ConsoleConsumer)\n${TIMEOUT}\n`)
    }
  } finally {
    io.err(`Processed a total of ${count} messages\n`)
    await client.close()
  }
  return 0
}

function consumptionOf(options: ConsumerOptions, properties: ReadonlyMap<string, string>, io: ToolIo): Consumption {
  const isolation = options.value('isolation-level') ?? properties.get('isolation.level') ?? 'read_uncommitted'
  if (isolation !== 'read_uncommitted' && isolation !== 'read_committed') {
    const message = `Invalid value ${isolation} for configuration isolation.level: String must be one of: `
    throw new ToolFailure(
      `${message}read_committed, read_uncommitted`,
      'org.apache.kafka.common.config.ConfigException',
    )
  }
  const group = options.value('group') ?? properties.get('group.id') ?? null
  if (options.has('group') && properties.has('group.id') && properties.get('group.id') !== options.value('group')) {
    throw new ToolFailure(`--group and group.id do not match: ${options.value('group')}, ${properties.get('group.id')}`)
  }
  const reset = properties.get('auto.offset.reset')
  return {
    topic: options.value('topic'),
    include: options.value('include'),
    partition: options.integer('partition'),
    start: startOf(options),
    group: options.has('partition') ? null : group,
    from: options.has('from-beginning') || reset === 'earliest' ? 'earliest' : 'latest',
    isolation,
    commits: properties.get('enable.auto.commit') !== 'false',
    maxMessages: options.integer('max-messages') ?? -1,
    timeoutMs: options.integer('timeout-ms') ?? -1,
    skipsErrors: options.has('skip-message-on-error'),
    format: messageFormatter(options.value('formatter'), formatterProperties(options, io)),
  }
}

function formatterProperties(options: ConsumerOptions, io: ToolIo): Map<string, string> {
  const given = new Map([
    ...readProperties(io, options.value('formatter-config')),
    ...keyValues([...options.values('property'), ...options.values('formatter-property')]),
  ])
  for (const name of ['key', 'value'] as const) {
    const className = options.value(`${name}-deserializer`)
    if (className !== null) given.set(`${name}.deserializer`, className)
  }
  return given
}
