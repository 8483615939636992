import { ErrorCode } from '../../../protocol/errors.ts'
import type { TopicPartition } from './group-queries.ts'
import { failureOf } from './java-errors.ts'
import { ToolFailure, UsageExit } from './tool-failure.ts'
import type { ToolClient } from './tool-io.ts'

/** `TOPIC` for all of its partitions, `TOPIC:0,1` for some. Throws where a topic is not there. */
export async function namedPartitions(client: ToolClient, texts: readonly string[]): Promise<TopicPartition[]> {
  const partitions: TopicPartition[] = []
  for (const text of texts) {
    const colon = text.indexOf(':')
    if (colon >= 0) {
      partitions.push(...listedPartitions(text, colon))
      continue
    }
    const topic = (await client.topics([text]))[0]
    if (topic === undefined || topic.errorCode !== 0) {
      throw failureOf(topic?.errorCode || ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    }
    partitions.push(...topic.partitions.map(({ partition }) => ({ topic: text, partition })))
  }
  return partitions
}

function listedPartitions(text: string, colon: number): TopicPartition[] {
  const topic = text.slice(0, colon)
  const numbers = text.slice(colon + 1)
  if (topic === '' || !/^\d{1,9}(?:,\d{1,9})*$/.test(numbers))
    throw new UsageExit(`Invalid topic arg '${text}', expected topic name or topic:partitions`)
  return numbers.split(',').map((partition) => ({ topic, partition: Number(partition) }))
}

/** Refuses partitions that are not there, before anything is asked of them. */
export async function requirePartitions(client: ToolClient, partitions: readonly TopicPartition[]): Promise<void> {
  const topics = await client.topics([...new Set(partitions.map(({ topic }) => topic))])
  const missing = partitions.filter(({ topic, partition }) => {
    return !topics.find(({ name }) => name === topic)?.partitions.some((one) => one.partition === partition)
  })
  if (missing.length === 0) return
  const names = missing.map(({ topic, partition }) => `${topic}-${partition}`).join(',')
  throw new ToolFailure(`The partitions "${names}" do not exist`)
}
