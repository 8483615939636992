import { DescribeQuorum } from '../../../protocol/messages/55-describe-quorum.ts'
import { BOOTSTRAP, COMMAND_CONFIG, withAdmin } from './admin-properties.ts'
import { failureOf, refuse } from './java-errors.ts'
import type { Options } from './option-table.ts'
import { runSubcommand, type SubcommandTool } from './subcommand.ts'
import { columns } from './text-table.ts'
import { ToolFailure, UsageExit } from './tool-failure.ts'
import { type ToolClient, type ToolIo, toolFailureOf } from './tool-io.ts'

export const KAFKA_METADATA_QUORUM: SubcommandTool = {
  name: 'kafka-metadata-quorum',
  about: 'Show the quorum of controllers, of a broker that has one.',
  common: {
    'bootstrap-server': { ...BOOTSTRAP, short: 'b' },
    'bootstrap-controller': {
      kind: 'value',
      value: 'HOST:PORT',
      short: 'C',
      about: 'Refused: there is no controller listener.',
    },
    'command-config': { ...COMMAND_CONFIG, short: 'c' },
  },
  subcommands: {
    describe: {
      about: 'Show who leads, and who follows how far behind.',
      options: {
        status: { kind: 'none', about: 'A summary.' },
        replication: { kind: 'none', about: 'A row for each controller.' },
      },
      run: describe,
    },
  },
}

const METADATA_TOPIC = '__cluster_metadata'

export function kafkaMetadataQuorum(args: readonly string[], io: ToolIo): Promise<number> {
  return runSubcommand(KAFKA_METADATA_QUORUM, args, io)
}

type Quorum = Awaited<ReturnType<typeof quorumOf>>

async function describe(options: Options<string>, io: ToolIo): Promise<number> {
  if (!options.has('bootstrap-server')) {
    throw new UsageExit('one of the arguments --bootstrap-server/-b --bootstrap-controller/-C is required')
  }
  if (options.has('status') === options.has('replication')) {
    throw new ToolFailure('One of --status or --replication must be specified with describe sub-command')
  }
  try {
    const quorum = await withAdmin(io, options, 'describeMetadataQuorum', quorumOf)
    io.out(options.has('status') ? statusText(quorum) : replicationTable(quorum))
    return 0
  } catch (error) {
    const failure = toolFailureOf(error)
    throw new ToolFailure(`${failure.text}\njava.util.concurrent.ExecutionException: ${failure.text}`)
  }
}

async function quorumOf(client: ToolClient) {
  const { apiKeys } = await client.apiVersions()
  if (!apiKeys.some(({ apiKey }) => apiKey === DescribeQuorum.key)) {
    throw failureOf(UNSUPPORTED_VERSION, 'The node does not support DESCRIBE_QUORUM')
  }
  const request = { topics: [{ topicName: METADATA_TOPIC, partitions: [{ partitionIndex: 0 }] }] }
  const answer = await client.send(DescribeQuorum, request)
  refuse(answer.errorCode, answer.errorMessage)
  const partition = answer.topics[0]?.partitions[0]
  if (partition === undefined) throw failureOf(-1)
  refuse(partition.errorCode, partition.errorMessage)
  return { ...partition, clusterId: (await client.cluster()).clusterId, nodes: answer.nodes }
}

const UNSUPPORTED_VERSION = 35

function statusText(quorum: Quorum): string {
  const { currentVoters, observers, highWatermark, leaderId, leaderEpoch, clusterId, nodes } = quorum
  const followers = [...currentVoters, ...observers]
  const ends = currentVoters.map(({ logEndOffset }) => logEndOffset)
  const leaderEnd = currentVoters.find(({ replicaId }) => replicaId === leaderId)?.logEndOffset ?? highWatermark
  const caughtUp = followers.map(({ lastCaughtUpTimestamp }) => lastCaughtUpTimestamp)
  const leaderTime = currentVoters.find(({ replicaId }) => replicaId === leaderId)?.lastCaughtUpTimestamp ?? -1
  const voters = currentVoters.map(({ replicaId }) => {
    const listeners = nodes.find(({ nodeId }) => nodeId === replicaId)?.listeners ?? []
    const endpoints = listeners.map(({ name, host, port }) => `"${name}://${host}:${port}"`).join(', ')
    return `{"id": ${replicaId}, "endpoints": [${endpoints}]}`
  })
  const rows = [
    ['ClusterId', String(clusterId)],
    ['LeaderId', String(leaderId)],
    ['LeaderEpoch', String(leaderEpoch)],
    ['HighWatermark', String(highWatermark)],
    ['MaxFollowerLag', String(leaderEnd - Math.min(...ends))],
    ['MaxFollowerLagTimeMs', String(Math.max(0, leaderTime - Math.min(...caughtUp)))],
    ['CurrentVoters', `[${voters.join(', ')}]`],
    ['CurrentObservers', `[${observers.map(({ replicaId }) => `{"id": ${replicaId}}`).join(', ')}]`],
  ] as const
  return rows.map(([name, value]) => `${`${name}:`.padEnd(24)}${value}\n`).join('')
}

const ROLES = ['Leader', 'Follower', 'Observer'] as const
const NO_DIRECTORY = 'AAAAAAAAAAAAAAAAAAAAAA'

function replicationTable({ currentVoters, observers, leaderId }: Quorum): string {
  const leaderEnd = currentVoters.find(({ replicaId }) => replicaId === leaderId)?.logEndOffset ?? 0
  const row = (one: Quorum['observers'][number], role: (typeof ROLES)[number]) => [
    String(one.replicaId),
    one.replicaDirectoryId ?? NO_DIRECTORY,
    String(one.logEndOffset),
    String(leaderEnd - one.logEndOffset),
    String(one.lastFetchTimestamp),
    String(one.lastCaughtUpTimestamp),
    role,
  ]
  const heading = [
    'NodeId',
    'DirectoryId',
    'LogEndOffset',
    'Lag',
    'LastFetchTimestamp',
    'LastCaughtUpTimestamp',
    'Status',
  ]
  const voters = currentVoters.map((one) => row(one, one.replicaId === leaderId ? 'Leader' : 'Follower'))
  const table = columns([heading, ...voters, ...observers.map((one) => row(one, 'Observer'))], '\t')
  return table.replace(/$/gm, '\t').concat('\n')
}
