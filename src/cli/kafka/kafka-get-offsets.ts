import { CONNECTION_OPTIONS, withAdmin } from './admin-properties.ts'
import { requireArguments } from './option-rules.ts'
import type { Options } from './option-table.ts'
import { ToolFailure } from './tool-failure.ts'
import { describeTool, runTool, type ToolClient, type ToolIo, toolFailureOf } from './tool-io.ts'
import { isInternal, TopicFilter } from './topic-filter.ts'

export const KAFKA_GET_OFFSETS = describeTool('kafka-get-offsets', 'Show offsets of partitions.', {
  ...CONNECTION_OPTIONS,
  topic: { kind: 'value', value: 'TOPIC', about: 'Topics, as a regular expression; all by default.' },
  partitions: { kind: 'value', value: '0,1', about: 'With --topic: only these partitions.' },
  'topic-partitions': {
    kind: 'value',
    value: 'TOPIC:0-3,…',
    about: 'Topics with their partitions: TOPIC, TOPIC:0, TOPIC:0-3 (without 3), TOPIC:2-, :0.',
  },
  time: {
    kind: 'value',
    value: 'TIME',
    about: 'Of this time: ms since 1970, -1 or latest (default), -2 or earliest, -3 or max-timestamp, -4 … -6.',
  },
  'exclude-internal-topics': { kind: 'none', about: 'Leave out internal topics.' },
})

type GetOffsetsOptions = Options<keyof typeof KAFKA_GET_OFFSETS.options>

export async function kafkaGetOffsets(args: readonly string[], io: ToolIo): Promise<number> {
  return runTool(
    KAFKA_GET_OFFSETS,
    args,
    io,
    async ({ options }) => {
      requireArguments(options, 'bootstrap-server')
      try {
        if (options.has('topic-partitions') && (options.has('topic') || options.has('partitions'))) {
          throw new ToolFailure('--topic-partitions cannot be used with --topic or --partitions')
        }
        const time = timeOf(options.value('time') ?? 'latest')
        const wanted = wantedPartitions(options)
        await withAdmin(io, options, 'listTopics', (client) => printOffsets(client, options, wanted, time, io))
        return 0
      } catch (error) {
        io.err(`Error occurred: ${toolFailureOf(error).outerMessage}\n`)
        return 1
      }
    },
    (message) => `Error occurred: ${message}`,
  )
}

const NAMED_TIMES: Readonly<Record<string, number>> = {
  latest: -1,
  earliest: -2,
  'max-timestamp': -3,
  'earliest-local': -4,
  'latest-tiered': -5,
  'earliest-pending-upload': -6,
}

function timeOf(text: string): number {
  if (Object.hasOwn(NAMED_TIMES, text)) return NAMED_TIMES[text]!
  if (/^-?\d{1,15}$/.test(text)) return Number(text)
  const forms = Object.entries(NAMED_TIMES).map(([name, number]) => `${number} or ${name}`)
  throw new ToolFailure(
    `Malformed time argument ${text}. Please use ${forms.join(' / ')}, or a specified long format timestamp`,
  )
}

type Wanted = (topic: string, partition: number) => boolean

export function wantedPartitions(options: GetOffsetsOptions): Wanted {
  const excludeInternal = options.has('exclude-internal-topics')
  const rules = options.value('topic-partitions')
  if (rules !== null) {
    const all = rules.split(',').map((rule) => ruleOf(rule, excludeInternal))
    return (topic, partition) => all.some((wanted) => wanted(topic, partition))
  }
  const pattern = options.value('topic')
  const filter = pattern === null ? null : new TopicFilter(pattern)
  const partitions =
    options
      .value('partitions')
      ?.split(',')
      .filter((part) => part !== '') ?? []
  const ranges = partitions.map(rangeOf)
  return (topic, partition) => {
    if (filter === null ? excludeInternal && isInternal(topic) : !filter.allows(topic, excludeInternal)) return false
    return ranges.length === 0 || ranges.some((within) => within(partition))
  }
}

/** `TOPIC`, `TOPIC:RANGE` or `:RANGE`. */
function ruleOf(rule: string, excludeInternal: boolean): Wanted {
  const match = /^([^:,]*)(?::(.*))?$/.exec(rule)
  if (match === null) throw new ToolFailure(`Invalid rule specification: ${rule}`)
  const filter = new TopicFilter(match[1] === '' ? '.*' : match[1]!)
  const within = match[2] === undefined || match[2] === '' ? () => true : rangeOf(match[2])
  return (topic, partition) => filter.allows(topic, excludeInternal) && within(partition)
}

/** `2`, `0-3` (without 3), `2-` and `-3`. */
function rangeOf(text: string): (partition: number) => boolean {
  const match = /^(\d{0,9})(-?)(\d{0,9})$/.exec(text)
  if (match === null || text === '-') throw new ToolFailure(`Invalid rule specification: ${text}`)
  const [, from, dash, to] = match
  if (dash === '') return (partition) => partition === Number(from)
  return (partition) =>
    partition >= Number(from || 0) && partition < (to === '' ? Number.POSITIVE_INFINITY : Number(to))
}

async function printOffsets(
  client: ToolClient,
  options: GetOffsetsOptions,
  wanted: Wanted,
  time: number,
  io: ToolIo,
): Promise<void> {
  const topics = await client.topics(null)
  const queries = topics.flatMap(({ name, partitions }) =>
    partitions
      .filter(({ partition }) => wanted(name, partition))
      .map(({ partition }) => ({ topic: name, partition, at: time })),
  )
  if (queries.length === 0 && (options.has('topic') || options.has('topic-partitions') || options.has('partitions'))) {
    throw new ToolFailure('Could not match any topic-partitions with the specified filters')
  }
  const rows = await client.offsets(queries, { keepErrors: true })
  for (const { topic, partition, offset, errorCode } of rows) {
    if (errorCode !== 0) {
      io.err(`Skip getting offsets for topic-partition ${topic}-${partition} due to an error ${errorCode}\n`)
      continue
    }
    // Nothing as late as the time: no line, as in Kafka's tool. An empty partition has no largest timestamp.
    if (offset >= 0) io.out(`${topic}:${partition}:${offset}\n`)
  }
}
