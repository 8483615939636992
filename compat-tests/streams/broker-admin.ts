import { ListOffsets } from '../../protocol/messages/02-list-offsets.ts'
import { OffsetFetch } from '../../protocol/messages/09-offset-fetch.ts'
import { CreateTopics } from '../../protocol/messages/19-create-topics.ts'
import { DescribeConfigs } from '../../protocol/messages/32-describe-configs.ts'
import { ListTransactions } from '../../protocol/messages/66-list-transactions.ts'
import type { KafkaClient } from '../../src/client/kafka-client.ts'
import { connectClient } from '../../src/client/node-client.ts'
import { WireClient } from '../../test/wire/wire-client.ts'
import type { Broker } from '../broker.ts'

const TOPIC_RESOURCE = 2
const EARLIEST = -2
const UNSTABLE_OFFSET_COMMIT = 88
const CLIENT_ID = 'streams-checker'

/** What the checks ask a broker themselves. Each call has a connection of its own, since brokers come and go here. */
async function withClient<T>(broker: Broker, call: (client: WireClient) => Promise<T>): Promise<T> {
  const client = await WireClient.open(broker.host, broker.port, CLIENT_ID)
  try {
    return await call(client)
  } finally {
    client.close()
  }
}

export async function createTopics(broker: Broker, names: readonly string[], partitions: number): Promise<void> {
  const topics = names.map((name) => ({
    name,
    numPartitions: partitions,
    replicationFactor: 1,
    assignments: [],
    configs: [],
  }))
  const request = { topics, timeoutMs: 10_000, validateOnly: false }
  const answer = await withClient(broker, (client) => client.call(CreateTopics, 5, request))
  const refused = answer.topics.filter(({ errorCode }) => errorCode !== 0)
  if (refused.length > 0) throw new Error(refused.map(({ name, errorMessage }) => `${name}: ${errorMessage}`).join())
}

/** Transactions that are neither empty nor complete, as `id state`. */
export async function openTransactions(broker: Broker): Promise<string[]> {
  const request = { stateFilters: [], producerIdFilters: [] }
  const answer = await withClient(broker, (client) => client.call(ListTransactions, 0, request))
  if (answer.errorCode !== 0) throw new Error(`ListTransactions: error ${answer.errorCode}`)
  return answer.transactionStates
    .filter(({ transactionState }) => !/^(Empty|Complete|Dead)/.test(transactionState))
    .map(({ transactionalId, transactionState }) => `${transactionalId} ${transactionState}`)
}

/** Whether a transaction that has not ended has committed offsets of the group in any of the topics. */
export async function hasPendingOffsets(
  broker: Broker,
  groupId: string,
  names: readonly string[],
  partitions: number,
): Promise<boolean> {
  const partitionIndexes = Array.from({ length: partitions }, (_, index) => index)
  const topics = names.map((name) => ({ name, partitionIndexes }))
  const request = { groupId, topics, groups: [], requireStable: true }
  const answer = await withClient(broker, (client) => client.call(OffsetFetch, 7, request))
  return answer.topics.some(({ partitions }) =>
    partitions.some(({ errorCode }) => errorCode === UNSTABLE_OFFSET_COMMIT),
  )
}

/** Where the partitions of a topic begin. */
export async function logStarts(broker: Broker, name: string, partitions: number): Promise<number[]> {
  const asked = Array.from({ length: partitions }, (_, partitionIndex) => ({ partitionIndex, timestamp: EARLIEST }))
  const request = { replicaId: -1, isolationLevel: 0, topics: [{ name, partitions: asked }] }
  const answer = await withClient(broker, (client) => client.call(ListOffsets, 7, request))
  return answer.topics[0]!.partitions.map(({ errorCode, offset }) => {
    if (errorCode !== 0) throw new Error(`ListOffsets of ${name}: error ${errorCode}`)
    return offset
  })
}

/** The value of a topic's config as the broker tells it. */
export async function topicConfig(broker: Broker, topic: string, name: string): Promise<string | null> {
  const resources = [{ resourceType: TOPIC_RESOURCE, resourceName: topic, configurationKeys: [name] }]
  const answer = await withClient(broker, (client) => client.call(DescribeConfigs, 1, { resources }))
  const [result] = answer.results
  if (result?.errorCode !== 0) throw new Error(`${topic}: ${result?.errorMessage}`)
  return result.configs.find((config) => config.name === name)?.value ?? null
}

export function clientOf(broker: Broker): Promise<KafkaClient> {
  return connectClient({ bootstrapServers: broker.bootstrap, clientId: CLIENT_ID })
}
