import { newestVersion } from '../../../protocol/codec/header.ts'
import { DescribeCluster } from '../../../protocol/messages/60-describe-cluster.ts'
import { apis } from '../../../protocol/messages/all.ts'
import { CONNECTION_OPTIONS, withAdmin } from './admin-properties.ts'
import { refuse } from './java-errors.ts'
import { requireArguments } from './option-rules.ts'
import { describeTool, runTool, type ToolClient, type ToolIo } from './tool-io.ts'

export const KAFKA_BROKER_API_VERSIONS = describeTool(
  'kafka-broker-api-versions',
  'Show which APIs each broker has, and in which versions.',
  CONNECTION_OPTIONS,
)

interface KnownApi {
  readonly key: number
  readonly name: string
  readonly newest: number
}

/** What Kafka's own client knows besides what we speak: between brokers and controllers. */
const OTHERS: readonly KnownApi[] = [
  { key: 80, name: 'AddRaftVoter', newest: 1 },
  { key: 81, name: 'RemoveRaftVoter', newest: 0 },
  { key: 83, name: 'InitializeShareGroupState', newest: 0 },
  { key: 84, name: 'ReadShareGroupState', newest: 0 },
  { key: 85, name: 'WriteShareGroupState', newest: 1 },
  { key: 86, name: 'DeleteShareGroupState', newest: 0 },
  { key: 87, name: 'ReadShareGroupStateSummary', newest: 1 },
]

export function kafkaBrokerApiVersions(args: readonly string[], io: ToolIo): Promise<number> {
  return runTool(
    KAFKA_BROKER_API_VERSIONS,
    args,
    io,
    async ({ options }) => {
      requireArguments(options, 'bootstrap-server')
      const print = async (client: ToolClient) => io.out((await brokerLines(client)).join(''))
      // A healthcheck wants an answer now.
      await withAdmin(io, options, 'describeCluster', print, false)
      return 0
    },
    'usage',
  )
}

async function brokerLines(client: ToolClient): Promise<string[]> {
  const request = { includeClusterAuthorizedOperations: false, includeFencedBrokers: false }
  const cluster = await client.send(DescribeCluster, request)
  refuse(cluster.errorCode, cluster.errorMessage)
  const texts: string[] = []
  for (const { brokerId, host, port, rack, isFenced } of cluster.brokers) {
    const { apiKeys } = await client.apiVersions({ brokerId })
    const lines = apiLines(apiKeys)
    texts.push(
      `${host}:${port} (id: ${brokerId} rack: ${rack} isFenced: ${isFenced}) -> (\n\t${lines.join(',\n\t')}\n)\n`,
    )
  }
  return texts
}

interface ApiRange {
  readonly apiKey: number
  readonly minVersion: number
  readonly maxVersion: number
}

/** One for each API that the broker or Kafka's client knows, in the order of the keys. */
export function apiLines(ranges: readonly ApiRange[]): string[] {
  const known = [...apis.map((api) => ({ key: api.key, name: api.name, newest: newestVersion(api) })), ...OTHERS]
  const unknown = ranges.filter(({ apiKey }) => known.every(({ key }) => key !== apiKey))
  return [...known, ...unknown.map(({ apiKey }) => ({ key: apiKey, name: 'UNKNOWN', newest: -1 }))]
    .sort((a, b) => a.key - b.key)
    .map((api) =>
      apiLine(
        api,
        ranges.find(({ apiKey }) => apiKey === api.key),
      ),
    )
}

function apiLine({ key, name, newest }: KnownApi, range: ApiRange | undefined): string {
  if (range === undefined) return `${name}(${key}): UNSUPPORTED`
  const { minVersion, maxVersion } = range
  const versions = minVersion === maxVersion ? `${minVersion}` : `${minVersion} to ${maxVersion}`
  const usable = Math.min(maxVersion, newest)
  return `${name}(${key}): ${versions} [${usable < minVersion ? 'unusable' : `usable: ${usable}`}]`
}
