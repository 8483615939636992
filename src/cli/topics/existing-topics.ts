import { ErrorCode } from '../../../protocol/errors.ts'
import { ClientError } from '../../client/client-error.ts'
import type { TopicMetadata } from '../../client/cluster-metadata.ts'
import type { KafkaClient } from '../../client/kafka-client.ts'

/** Throws ClientError for the first that is not there. */
export async function existingTopics(client: KafkaClient, names: readonly string[]): Promise<TopicMetadata[]> {
  const topics = await client.topics(names)
  for (const { name, errorCode } of topics) {
    if (errorCode === 0) continue
    if (errorCode !== ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) throw ClientError.refused(name, errorCode)
    throw new ClientError('refused', `there is no topic ${name}; odradek topics list shows those that there are`, {
      errorCode,
    })
  }
  return topics
}

export async function existingTopic(client: KafkaClient, name: string): Promise<TopicMetadata> {
  return (await existingTopics(client, [name]))[0]!
}
