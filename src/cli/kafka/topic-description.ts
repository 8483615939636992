import { DescribeTopicPartitions } from '../../../protocol/messages/75-describe-topic-partitions.ts'
import { ClientError } from '../../client/client-error.ts'
import type { PartitionMetadata, TopicMetadata } from '../../client/cluster-metadata.ts'
import { type ConfigEntry, configEntries, DEFAULT_SOURCE, ResourceType } from './config-entries.ts'
import { failureOf } from './java-errors.ts'
import type { TopicOptions } from './kafka-topics.ts'
import type { ToolClient, ToolIo } from './tool-io.ts'

interface DescribedPartition extends PartitionMetadata {
  /** Null from brokers that do not know of them (KIP-966). */
  readonly elr: readonly number[] | null
  readonly lastKnownElr: readonly number[] | null
}

interface DescribedTopic extends Omit<TopicMetadata, 'partitions'> {
  readonly partitions: readonly DescribedPartition[]
}

const PARTITIONS_PER_ANSWER = 2000

export async function describeTopics(
  client: ToolClient,
  names: readonly string[],
  options: TopicOptions,
  io: ToolIo,
): Promise<void> {
  if (names.length === 0) return
  const topics = await describedTopics(client, names)
  const configs = await configEntries(client, ResourceType.TOPIC, names, false)
  const live = new Set((await client.cluster()).brokers.map(({ id }) => id))
  for (const topic of topics) printTopic(topic, configs[names.indexOf(topic.name)] ?? [], live, options, io)
}

async function describedTopics(client: ToolClient, names: readonly string[]): Promise<DescribedTopic[]> {
  try {
    await client.versionOf(DescribeTopicPartitions)
  } catch (error) {
    if (!(error instanceof ClientError) || error.kind !== 'unsupported') throw error
    const topics = await client.topics(names)
    return topics.map((topic) => ({
      ...topic,
      partitions: topic.partitions.map((partition) => ({ ...partition, elr: null, lastKnownElr: null })),
    }))
  }
  return pagedTopics(client, names)
}

/** Topics of many partitions come in several answers, the later ones with the same name again. */
async function pagedTopics(client: ToolClient, names: readonly string[]): Promise<DescribedTopic[]> {
  const topics = new Map<string, DescribedTopic & { partitions: DescribedPartition[] }>()
  let cursor: { topicName: string; partitionIndex: number } | null = null
  do {
    const request = {
      topics: names.map((name) => ({ name })),
      responsePartitionLimit: PARTITIONS_PER_ANSWER,
      cursor,
    }
    const answer: Awaited<ReturnType<typeof ask>> = await ask(client, request)
    for (const topic of answer.topics) {
      if (topic.errorCode !== 0) throw failureOf(topic.errorCode)
      const name = topic.name ?? ''
      const known = topics.get(name) ?? {
        name,
        topicId: topic.topicId,
        internal: topic.isInternal,
        errorCode: 0,
        partitions: [],
      }
      topics.set(name, known)
      known.partitions.push(...topic.partitions.map(partitionOf))
    }
    cursor = answer.nextCursor
  } while (cursor !== null)
  return [...topics.values()]
}

function ask(client: ToolClient, request: Parameters<typeof client.send<typeof DescribeTopicPartitions>>[1]) {
  return client.send(DescribeTopicPartitions, request)
}

function partitionOf(row: Awaited<ReturnType<typeof ask>>['topics'][number]['partitions'][number]): DescribedPartition {
  return {
    partition: row.partitionIndex,
    errorCode: row.errorCode,
    leader: row.leaderId,
    leaderEpoch: row.leaderEpoch,
    replicas: row.replicaNodes,
    isr: row.isrNodes,
    offlineReplicas: row.offlineReplicas,
    elr: row.eligibleLeaderReplicas,
    lastKnownElr: row.lastKnownElr,
  }
}

function printTopic(
  topic: DescribedTopic,
  configs: readonly ConfigEntry[],
  live: ReadonlySet<number>,
  options: TopicOptions,
  io: ToolIo,
): void {
  const own = configs.filter(({ configSource }) => configSource !== DEFAULT_SOURCE)
  const filtered = REPORTS.some((name) => options.has(name))
  const overrides = options.has('topics-with-overrides')
  if (overrides ? own.length > 0 : !filtered) io.out(topicLine(topic, own))
  if (overrides) return
  const minIsr = Number(configs.find(({ name }) => name === 'min.insync.replicas')?.value ?? 1)
  for (const partition of topic.partitions) {
    if (!filtered || isReported(partition, minIsr, live, options)) io.out(partitionLine(topic.name, partition))
  }
}

const REPORTS = [
  'under-replicated-partitions',
  'unavailable-partitions',
  'under-min-isr-partitions',
  'at-min-isr-partitions',
] as const

function isReported(
  { leader, replicas, isr }: DescribedPartition,
  minIsr: number,
  live: ReadonlySet<number>,
  options: TopicOptions,
): boolean {
  if (options.has('under-replicated-partitions') && isr.length < replicas.length) return true
  if (options.has('unavailable-partitions') && (leader < 0 || !live.has(leader))) return true
  if (options.has('under-min-isr-partitions') && (leader < 0 || isr.length < minIsr)) return true
  return options.has('at-min-isr-partitions') && isr.length === minIsr
}

function topicLine(topic: DescribedTopic, configs: readonly ConfigEntry[]): string {
  const fields = [
    `Topic: ${topic.name}`,
    ...(topic.topicId === null ? [] : [`TopicId: ${topic.topicId}`]),
    `PartitionCount: ${topic.partitions.length}`,
    `ReplicationFactor: ${topic.partitions[0]?.replicas.length ?? 0}`,
    `Configs: ${configs.map(({ name, value }) => `${name}=${value}`).join(',')}`,
  ]
  return `${fields.join('\t')}\n`
}

function partitionLine(
  topic: string,
  { partition, leader, replicas, isr, elr, lastKnownElr }: DescribedPartition,
): string {
  const fields = [
    '',
    `Topic: ${topic}`,
    `Partition: ${partition}`,
    `Leader: ${leader < 0 ? 'none' : leader}`,
    `Replicas: ${replicas.join(',')}`,
    `Isr: ${isr.join(',')}`,
    `Elr: ${elr === null ? 'N/A' : elr.join(',')}`,
    `LastKnownElr: ${lastKnownElr === null ? 'N/A' : lastKnownElr.join(',')}`,
  ]
  return `${fields.join('\t')}\n`
}
