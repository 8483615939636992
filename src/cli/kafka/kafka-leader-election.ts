import { ErrorCode } from '../../../protocol/errors.ts'
import { ElectLeaders } from '../../../protocol/messages/43-elect-leaders.ts'
import { BOOTSTRAP, COMMAND_CONFIG, withAdmin } from './admin-properties.ts'
import { failureOf, refuse } from './java-errors.ts'
import { duplicatesOf, partitionsFromJson } from './json-file.ts'
import { OptionError, type Options } from './option-table.ts'
import { ToolFailure } from './tool-failure.ts'
import { describeTool, runTool, type ToolClient, type ToolIo } from './tool-io.ts'

export const KAFKA_LEADER_ELECTION = describeTool('kafka-leader-election', 'Have leaders of partitions elected.', {
  'bootstrap-server': BOOTSTRAP,
  'command-config': COMMAND_CONFIG,
  'admin.config': { ...COMMAND_CONFIG, about: 'An older name of --command-config.' },
  'election-type': { kind: 'value', value: 'PREFERRED|UNCLEAN', about: 'Who may be elected.' },
  'all-topic-partitions': { kind: 'none', about: 'For all partitions that need it.' },
  topic: { kind: 'value', value: 'TOPIC', about: 'With --partition: the topic.' },
  partition: { kind: 'value', integer: true, value: 'N', about: 'With --topic: the partition.' },
  'path-to-json-file': {
    kind: 'value',
    value: 'FILE',
    about: 'Which partitions: {"partitions": [{"topic": "orders", "partition": 0}]}',
  },
})

type ElectionOptions = Options<keyof typeof KAFKA_LEADER_ELECTION.options>

const FAILED = 'org.apache.kafka.tools.AdminCommandFailedException'
const TYPES = ['PREFERRED', 'UNCLEAN']

export function kafkaLeaderElection(args: readonly string[], io: ToolIo): Promise<number> {
  return runTool(KAFKA_LEADER_ELECTION, args, io, async ({ options }) => {
    const typeText = options.value('election-type')
    if (typeText !== null && !TYPES.includes(typeText.toUpperCase())) {
      throw new OptionError(`Cannot parse argument '${typeText}' of option election-type`)
    }
    const missing = (['bootstrap-server', 'election-type'] as const).filter((name) => !options.has(name))
    if (missing.length > 0) throw new ToolFailure(`Missing required option(s): ${missing.join(', ')}`, FAILED)
    const scopes = (['topic', 'all-topic-partitions', 'path-to-json-file'] as const).filter((name) => options.has(name))
    if (scopes.length !== 1) {
      const all = 'topic, all-topic-partitions, path-to-json-file'
      throw new ToolFailure(`One and only one of the following options is required: ${all}`, FAILED)
    }
    if (options.has('topic') !== options.has('partition')) {
      const [given, lacking] = options.has('topic') ? ['topic', 'partition'] : ['partition', 'topic']
      throw new ToolFailure(`Missing required option(s): ${lacking} (with ${given})`, FAILED)
    }
    const partitions = partitionsOf(options, io)
    await withAdmin(io, options, 'electLeaders', (client) => {
      return elect(client, typeText!.toUpperCase(), partitions, io)
    })
    return 0
  })
}

interface Partition {
  readonly topic: string
  readonly partition: number
}

/** Null means all. */
function partitionsOf(options: ElectionOptions, io: ToolIo): Partition[] | null {
  const topic = options.value('topic')
  if (topic !== null) return [{ topic, partition: options.integer('partition')! }]
  const path = options.value('path-to-json-file')
  if (path === null) return null
  const partitions = partitionsFromJson(io, path)
  const duplicates = duplicatesOf(partitions)
  if (duplicates === null) return partitions
  throw new ToolFailure(`Replica election data contains duplicate partitions: ${duplicates}`, FAILED)
}

async function elect(
  client: ToolClient,
  type: string,
  partitions: readonly Partition[] | null,
  io: ToolIo,
): Promise<void> {
  const names = [...new Set(partitions?.map(({ topic }) => topic))]
  const topicPartitions =
    partitions === null
      ? null
      : names.map((topic) => ({
          topic,
          partitions: partitions.filter((one) => one.topic === topic).map(({ partition }) => partition),
        }))
  const request = { electionType: TYPES.indexOf(type), topicPartitions, timeoutMs: 30_000 }
  const answer = await client.send(ElectLeaders, request, 'controller')
  refuse(answer.errorCode)
  const done: string[] = []
  const needless: string[] = []
  const failed = new Map<string, ToolFailure>()
  for (const { topic, partitionResult } of answer.replicaElectionResults) {
    for (const { partitionId, errorCode, errorMessage } of partitionResult) {
      const name = `${topic}-${partitionId}`
      if (errorCode === ErrorCode.NONE) done.push(name)
      else if (errorCode === ErrorCode.ELECTION_NOT_NEEDED) needless.push(name)
      else failed.set(name, failureOf(errorCode, errorMessage))
    }
  }
  if (done.length > 0) {
    io.out(`Successfully completed leader election (${type}) for partitions ${done.join(', ')}\n`)
  }
  // Asked for all, nobody wants to hear of those that were in order.
  if (needless.length > 0 && partitions !== null) {
    io.out(`Valid replica already elected for partitions ${needless.join(', ')}\n`)
  }
  for (const [name, failure] of failed) {
    io.out(`Error completing leader election (${type}) for partition: ${name}: ${failure.text}\n`)
  }
  if (failed.size > 0) throw new ToolFailure(`${failed.size} replica(s) could not be elected`, FAILED)
}
