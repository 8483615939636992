import { ZERO_UUID } from '../../../protocol/codec/schema.ts'
import { ErrorCode } from '../../../protocol/errors.ts'
import { CreateTopics } from '../../../protocol/messages/19-create-topics.ts'
import { DeleteTopics } from '../../../protocol/messages/20-delete-topics.ts'
import { CreatePartitions } from '../../../protocol/messages/37-create-partitions.ts'
import { CONNECTION_OPTIONS, checkConnection, withAdmin } from './admin-properties.ts'
import { logTime } from './connect.ts'
import { failureOf } from './java-errors.ts'
import { exactlyOneAction, forbidTogether, requireArguments } from './option-rules.ts'
import type { Options } from './option-table.ts'
import { ToolFailure } from './tool-failure.ts'
import { describeTool, runTool, type ToolClient, type ToolIo, toolFailureOf } from './tool-io.ts'
import { describeTopics } from './topic-description.ts'
import { isInternal, TopicFilter } from './topic-filter.ts'

export const KAFKA_TOPICS = describeTool('kafka-topics', 'Create, list, describe, change and delete topics.', {
  ...CONNECTION_OPTIONS,
  list: { kind: 'none', about: 'List topics, all or those that --topic matches.' },
  create: { kind: 'none', about: 'Create a topic.' },
  delete: { kind: 'none', about: 'Delete the topics that --topic matches.' },
  alter: { kind: 'none', about: 'Add partitions to a topic, or assign new ones.' },
  describe: { kind: 'none', about: 'Show the partitions and configs of topics.' },
  topic: { kind: 'value', value: 'TOPIC', about: 'The topic; a regular expression except with --create.' },
  'topic-id': { kind: 'value', value: 'ID', about: 'With --describe: the topic with this id.' },
  config: { kind: 'value', value: 'NAME=VALUE', about: 'With --create: a config of the topic. May be repeated.' },
  'delete-config': { kind: 'value', value: 'NAME', about: 'Without effect: kafka-configs changes configs.' },
  partitions: { kind: 'value', integer: true, value: 'N', about: 'With --create and --alter: how many partitions.' },
  'replication-factor': { kind: 'value', integer: true, value: 'N', about: 'With --create: copies of each partition.' },
  'replica-assignment': {
    kind: 'value',
    value: '0:1,1:2',
    about: 'With --create and --alter: the brokers of each partition.',
  },
  'under-replicated-partitions': { kind: 'none', about: 'With --describe: partitions that lack a replica.' },
  'unavailable-partitions': { kind: 'none', about: 'With --describe: partitions without a leader that is alive.' },
  'under-min-isr-partitions': { kind: 'none', about: 'With --describe: fewer in sync than min.insync.replicas.' },
  'at-min-isr-partitions': { kind: 'none', about: 'With --describe: as many in sync as min.insync.replicas.' },
  'topics-with-overrides': { kind: 'none', about: 'With --describe: topics that have configs of their own.' },
  'if-exists': { kind: 'none', about: 'With --alter, --delete and --describe: do nothing without the topic.' },
  'if-not-exists': { kind: 'none', about: 'With --create: do nothing when the topic is there.' },
  'exclude-internal': { kind: 'none', about: 'With --list and --describe: leave out internal topics.' },
  'partition-size-limit-per-response': { kind: 'value', integer: true, value: 'N', about: 'Accepted without effect.' },
})

export type TopicOptions = Options<keyof typeof KAFKA_TOPICS.options>

const ACTIONS = ['create', 'list', 'alter', 'describe', 'delete'] as const
const ACTION_MESSAGE = 'Command must include exactly one action: --list, --describe, --create, --alter or --delete'
const MAX_REPLICATION_FACTOR = 32767

/** What a Java client calls the first request of each action; part of the message when no broker answers. */
const CALLS = {
  create: 'createTopics',
  list: 'listTopics',
  alter: 'listTopics',
  describe: 'listTopics',
  delete: 'listTopics',
}

export function kafkaTopics(args: readonly string[], io: ToolIo): Promise<number> {
  return runTool(KAFKA_TOPICS, args, io, async ({ options }) => {
    if (!options.has('bootstrap-server')) throw new ToolFailure('--bootstrap-server must be specified')
    const action = exactlyOneAction(options, ACTIONS, ACTION_MESSAGE)
    checkOptions(options)
    checkConnection(io, options)
    try {
      await withAdmin(io, options, CALLS[action], (client) => RUN[action](client, options, io))
      return 0
    } catch (error) {
      return report(error, io)
    }
  })
}

function report(error: unknown, io: ToolIo): number {
  const failure = toolFailureOf(error)
  io.out(`Error while executing topic command : ${failure.message}\n`)
  io.err(`${logTime(io)} ERROR ${failure.text}\n (org.apache.kafka.tools.TopicCommand)\n`)
  return 1
}

function checkOptions(options: TopicOptions): void {
  if (options.has('create')) requireArguments(options, 'topic')
  if (options.has('delete')) requireArguments(options, 'topic')
  if (options.has('alter')) {
    requireArguments(options, 'topic')
    forbidTogether(options, 'alter', ['replication-factor', 'config', 'delete-config'])
    requireArguments(options, 'partitions')
  }
  forbidTogether(options, 'config', ['alter', 'list', 'describe', 'delete'])
  forbidTogether(options, 'partitions', ['list', 'describe', 'delete'])
  forbidTogether(options, 'replication-factor', ['list', 'describe', 'delete'])
  forbidTogether(options, 'replica-assignment', ['list', 'describe', 'delete'])
  if (options.has('create')) forbidTogether(options, 'replica-assignment', ['partitions', 'replication-factor'])
  const reports = [
    'under-replicated-partitions',
    'unavailable-partitions',
    'under-min-isr-partitions',
    'at-min-isr-partitions',
    'topics-with-overrides',
  ] as const
  for (const name of reports) forbidTogether(options, name, ['list', 'create', 'alter', 'delete'])
  forbidTogether(options, 'topics-with-overrides', reports)
  forbidTogether(options, 'if-exists', ['list', 'create'])
  forbidTogether(options, 'if-not-exists', ['alter', 'list', 'describe', 'delete'])
  forbidTogether(options, 'exclude-internal', ['create', 'alter', 'delete'])
}

type Action = (client: ToolClient, options: TopicOptions, io: ToolIo) => Promise<void>

const RUN: Readonly<Record<(typeof ACTIONS)[number], Action>> = {
  create: createTopic,
  list: async (client, options, io) => io.out(`${(await matchingTopics(client, options)).join('\n')}\n`),
  alter: addPartitions,
  describe: async (client, options, io) => {
    const id = options.value('topic-id')
    const names = id === null ? await matchingTopics(client, options) : await topicsWithId(client, id, options)
    requireTopic(names, options)
    await describeTopics(client, names, options, io)
  },
  delete: deleteTopics,
}

/** In the order of names. */
async function matchingTopics(client: ToolClient, options: TopicOptions): Promise<string[]> {
  const excludeInternal = options.has('exclude-internal')
  const pattern = options.value('topic')
  const filter = pattern === null ? null : new TopicFilter(pattern)
  const names = (await client.topics(null)).map(({ name }) => name)
  return names
    .filter((name) => (filter === null ? !(excludeInternal && isInternal(name)) : filter.allows(name, excludeInternal)))
    .sort()
}

async function topicsWithId(client: ToolClient, id: string, options: TopicOptions): Promise<string[]> {
  const found = (await client.topics(null)).filter(({ topicId }) => topicId === id)
  if (found.length === 0 && !options.has('if-exists')) {
    throw new ToolFailure(`TopicId '${id}' does not exist as expected`)
  }
  return found.map(({ name }) => name)
}

function requireTopic(names: readonly string[], options: TopicOptions): void {
  const topic = options.value('topic')
  if (names.length > 0 || topic === null || topic === '' || options.has('if-exists')) return
  throw new ToolFailure(`Topic '${topic}' does not exist as expected`)
}

function configsOf(options: TopicOptions): { name: string; value: string }[] {
  return options.values('config').map((text) => {
    const match = /^\s*([^=]*?)\s*=\s*(.*?)\s*$/s.exec(text)
    if (match !== null && match[2] !== '') return { name: match[1]!, value: match[2]! }
    const form = 'all configs to be added must be in the format "key=val".'
    throw new ToolFailure(`requirement failed: Invalid topic config: ${form}`)
  })
}

/** `1:2,2:3`: the brokers of each partition. */
function assignmentsOf(options: TopicOptions): { partitionIndex: number; brokerIds: number[] }[] {
  const text = options.value('replica-assignment')
  if (text === null) return []
  const assignments = text.split(',').map((part, partitionIndex) => {
    const brokerIds = part.split(':').map((id) => {
      if (!/^\s*\d{1,10}\s*$/.test(id)) {
        throw new ToolFailure(`For input string: "${id}"`, 'java.lang.NumberFormatException')
      }
      return Number(id)
    })
    const twice = brokerIds.filter((id, at) => brokerIds.indexOf(id) !== at)
    if (twice.length > 0) {
      throw new ToolFailure(`Partition replica lists may not contain duplicate entries: ${twice.join(',')}`)
    }
    return { partitionIndex, brokerIds }
  })
  const odd = assignments.find(({ brokerIds }) => brokerIds.length !== assignments[0]!.brokerIds.length)
  if (odd === undefined) return assignments
  throw new ToolFailure(
    `Partition ${odd.partitionIndex} has different replication factor: [${odd.brokerIds.join(', ')}]`,
  )
}

async function createTopic(client: ToolClient, options: TopicOptions, io: ToolIo): Promise<void> {
  const name = options.value('topic')!
  const partitions = options.integer('partitions')
  const replicationFactor = options.integer('replication-factor')
  const configs = configsOf(options)
  if (/[._]/.test(name)) {
    io.out(
      "WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ('_') could collide. " +
        'To avoid issues it is best to use either, but not both.\n',
    )
  }
  if (replicationFactor !== null && (replicationFactor < 1 || replicationFactor > MAX_REPLICATION_FACTOR)) {
    throw new ToolFailure(`The replication factor must be between 1 and ${MAX_REPLICATION_FACTOR} inclusive`)
  }
  if (partitions !== null && partitions < 1) throw new ToolFailure('The partitions must be greater than 0')
  const topic = {
    name,
    numPartitions: partitions ?? -1,
    replicationFactor: replicationFactor ?? -1,
    assignments: assignmentsOf(options),
    configs,
  }
  const answer = await client.send(CreateTopics, { topics: [topic], timeoutMs: 60_000 }, 'controller')
  for (const { errorCode, errorMessage } of answer.topics) {
    if (errorCode === ErrorCode.TOPIC_ALREADY_EXISTS && options.has('if-not-exists')) return
    if (errorCode === ErrorCode.INVALID_CONFIG && errorMessage?.startsWith('Invalid value ')) {
      // Kafka's tool finds these by itself, before the broker does.
      throw new ToolFailure(errorMessage, 'org.apache.kafka.common.config.ConfigException')
    }
    if (errorCode !== ErrorCode.NONE) throw failureOf(errorCode, errorMessage)
  }
  io.out(`Created topic ${name}.\n`)
}

async function addPartitions(client: ToolClient, options: TopicOptions): Promise<void> {
  const names = await matchingTopics(client, options)
  requireTopic(names, options)
  if (names.length === 0) return
  const count = options.integer('partitions')!
  const assignments = assignmentsOf(options)
  const known = assignments.length === 0 ? [] : await client.topics(names)
  const topics = names.map((name) => {
    const start = known.find((topic) => topic.name === name)?.partitions.length ?? 0
    const added = assignments.slice(start).map(({ brokerIds }) => ({ brokerIds }))
    return { name, count, assignments: assignments.length === 0 ? null : added }
  })
  const answer = await client.send(CreatePartitions, { topics, timeoutMs: 60_000, validateOnly: false }, 'controller')
  const refused = answer.results.find(({ errorCode }) => errorCode !== ErrorCode.NONE)
  if (refused !== undefined) throw failureOf(refused.errorCode, refused.errorMessage)
}

async function deleteTopics(client: ToolClient, options: TopicOptions): Promise<void> {
  const names = await matchingTopics(client, options)
  requireTopic(names, options)
  if (names.length === 0) return
  const request = { topics: names.map((name) => ({ name, topicId: ZERO_UUID })), topicNames: names, timeoutMs: 60_000 }
  const answer = await client.send(DeleteTopics, request, 'controller')
  const refused = answer.responses.find(({ errorCode }) => errorCode !== ErrorCode.NONE)
  if (refused !== undefined) throw failureOf(refused.errorCode, refused.errorMessage)
}
