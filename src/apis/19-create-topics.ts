import { ErrorCode } from '../../protocol/errors.ts'
import {
  CreateTopics,
  type CreateTopicsRequest,
  type CreateTopicsResponse,
} from '../../protocol/messages/19-create-topics.ts'
import { describeTopicConfig } from '../config/config-describer.ts'
import { brokerLayers } from '../metadata/broker-layers.ts'
import { type CreatedTopic, createTopics as decideCreation } from '../metadata/create-topics.ts'
import { apiEntry } from './api-entry.ts'
import type { RequestContext } from './context.ts'

type TopicResponse = CreateTopicsResponse['topics'][number]

export const createTopics = apiEntry(CreateTopics, {
  handle: handleCreateTopics,
  fail: ({ topics }, errorCode) => ({
    throttleTimeMs: 0,
    topics: topics.map(({ name }) => ({ name, errorCode, errorMessage: null, configs: [] })),
  }),
})

/** Answered when the topics can be produced to; a timeout of the client's ends its patience, not the creation. */
async function handleCreateTopics(
  context: RequestContext,
  request: CreateTopicsRequest,
): Promise<CreateTopicsResponse> {
  const { metadata, topicDefaults } = context.broker
  const created = await metadata.change((image) =>
    decideCreation(image, request.topics, topicDefaults, request.validateOnly),
  )
  return { throttleTimeMs: 0, topics: created.map((topic) => shape(context, topic)) }
}

function shape({ broker }: RequestContext, topic: CreatedTopic): TopicResponse {
  const { name, topicId, error, message, numPartitions, replicationFactor } = topic
  const common = { name, topicId, errorCode: error, errorMessage: message, numPartitions, replicationFactor }
  if (error !== ErrorCode.NONE) return { ...common, configs: [] }
  const layers = brokerLayers(broker.metadata.image, broker.membership.selfId, broker.config.texts)
  const configs = describeTopicConfig(topic.configs, layers).map((config) => ({
    name: config.name,
    value: config.value,
    readOnly: config.readOnly,
    configSource: config.source,
    isSensitive: config.sensitive,
  }))
  return { ...common, configs }
}
