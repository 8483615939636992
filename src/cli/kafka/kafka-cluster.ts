import { ErrorCode } from '../../../protocol/errors.ts'
import { DescribeCluster } from '../../../protocol/messages/60-describe-cluster.ts'
import { UnregisterBroker } from '../../../protocol/messages/64-unregister-broker.ts'
import { BOOTSTRAP, COMMAND_CONFIG, withAdmin } from './admin-properties.ts'
import { failureOf, refuse } from './java-errors.ts'
import type { Options } from './option-table.ts'
import { runSubcommand, type SubcommandTool } from './subcommand.ts'
import { ToolFailure, UsageExit } from './tool-failure.ts'
import type { ToolClient, ToolIo } from './tool-io.ts'

const CONNECTION = {
  'bootstrap-server': { ...BOOTSTRAP, short: 'b' },
  'bootstrap-controller': { kind: 'value', value: 'HOST:PORT', short: 'C', about: 'Refused: there is no controller.' },
  'command-config': { ...COMMAND_CONFIG, short: 'c' },
  config: { ...COMMAND_CONFIG, about: 'An older name of --command-config.' },
} as const

export const KAFKA_CLUSTER: SubcommandTool = {
  name: 'kafka-cluster',
  about: 'Tell about a cluster.',
  common: {},
  subcommands: {
    'cluster-id': { about: 'Print the id of the cluster.', options: CONNECTION, run: withCluster(printClusterId) },
    unregister: {
      about: 'Forget a broker.',
      options: {
        ...CONNECTION,
        id: { kind: 'value', value: 'ID', short: 'i', integer: true, required: true, about: 'The broker.' },
      },
      run: withCluster(unregister),
    },
    'list-endpoints': {
      about: 'List the brokers and their addresses.',
      options: { ...CONNECTION, 'include-fenced-brokers': { kind: 'none', about: 'Fenced brokers, too.' } },
      run: withCluster(listEndpoints),
    },
  },
}

type Use = (client: ToolClient, options: Options<string>, io: ToolIo) => Promise<number>

export function kafkaCluster(args: readonly string[], io: ToolIo): Promise<number> {
  return runSubcommand(KAFKA_CLUSTER, args, io)
}

function withCluster(use: Use): (options: Options<string>, io: ToolIo) => Promise<number> {
  return async (options, io) => {
    if (options.has('bootstrap-controller')) {
      throw new ToolFailure('--bootstrap-controller: the broker has no controller listener; use --bootstrap-server')
    }
    if (!options.has('bootstrap-server')) {
      throw new UsageExit('one of the arguments --bootstrap-server/-b --bootstrap-controller/-C is required')
    }
    return withAdmin(io, options, 'describeCluster', (client) => use(client, options, io))
  }
}

async function printClusterId(client: ToolClient, _: Options<string>, io: ToolIo): Promise<number> {
  const { clusterId } = await client.cluster()
  io.out(
    clusterId === null ? 'No cluster ID found. The Kafka version is probably too old.\n' : `Cluster ID: ${clusterId}\n`,
  )
  return 0
}

async function unregister(client: ToolClient, options: Options<string>, io: ToolIo): Promise<number> {
  const brokerId = options.integer('id')!
  const { apiKeys } = await client.apiVersions()
  if (!apiKeys.some(({ apiKey }) => apiKey === UnregisterBroker.key)) {
    io.out('The target cluster does not support the broker unregistration API.\n')
    return 0
  }
  const { errorCode, errorMessage } = await client.send(UnregisterBroker, { brokerId }, 'controller')
  if (errorCode !== ErrorCode.NONE) {
    const failure = failureOf(errorCode, errorMessage)
    throw new ToolFailure(failure.text)
  }
  io.out(`Broker ${brokerId} is no longer registered.\n`)
  return 0
}

async function listEndpoints(client: ToolClient, options: Options<string>, io: ToolIo): Promise<number> {
  const includeFencedBrokers = options.has('include-fenced-brokers')
  const request = { includeClusterAuthorizedOperations: false, includeFencedBrokers }
  const answer = await client.send(DescribeCluster, request)
  refuse(answer.errorCode, answer.errorMessage)
  const hostWidth = Math.max(0, ...answer.brokers.map(({ host }) => host.length))
  const rackWidth = Math.max(0, ...answer.brokers.map(({ rack }) => rack?.length ?? 0)) || 10
  const rows = answer.brokers.map(({ brokerId, host, port, rack, isFenced }) => {
    return [`${brokerId}`, host, `${port}`, `${rack}`, isFenced ? 'fenced' : 'unfenced', 'broker']
  })
  const heading = ['ID', 'HOST', 'PORT', 'RACK', 'STATE', 'ENDPOINT_TYPE']
  const widths = [10, hostWidth, 10, rackWidth, 10, 15]
  for (const row of [heading, ...rows]) {
    io.out(`${row.map((value, at) => value.padEnd(widths[at]!)).join(' ')}\n`)
  }
  return 0
}
