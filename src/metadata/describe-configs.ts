import { ErrorCode } from '../../protocol/errors.ts'
import {
  type DescribedConfig,
  describeBrokerConfig,
  describeClientMetricsConfig,
  describeClusterConfig,
  describeGroupConfig,
  describeLoggers,
  describeTopicConfig,
} from '../config/config-describer.ts'
import { ALL_BROKERS, brokerLayers } from './broker-layers.ts'
import { brokerRefusal, type ConfigContext } from './config-resource.ts'
import { ConfigResource, type MetadataImage } from './metadata-image.ts'
import { topicNameProblem } from './topic-name.ts'

export interface DescribedResource {
  readonly error: ErrorCode
  /** Empty where there is nothing to say, as Kafka answers. */
  readonly message: string
  readonly configs: readonly DescribedConfig[]
}

/**
 * The settings of one resource; unknown groups and subscriptions have the defaults. `names` limits them; null and
 * an empty list are for all; a name that the resource does not have is left out.
 */
export function describeConfigs(
  image: MetadataImage,
  type: number,
  name: string,
  names: readonly string[] | null,
  context: ConfigContext,
): DescribedResource {
  const found = configsOf(image, type, name, context)
  if ('error' in found) return { ...found, configs: [] }
  // An empty list asks for all, as null does.
  const wanted = names === null || names.length === 0 ? null : new Set(names)
  const configs = wanted === null ? found : found.filter((config) => wanted.has(config.name))
  return { error: ErrorCode.NONE, message: '', configs }
}

function configsOf(
  image: MetadataImage,
  type: number,
  name: string,
  { brokerId, staticTexts, logLevel }: ConfigContext,
): DescribedConfig[] | { readonly error: ErrorCode; readonly message: string } {
  const layers = brokerLayers(image, brokerId, staticTexts)
  const badRequest = (message: string) => ({ error: ErrorCode.INVALID_REQUEST, message })
  switch (type) {
    case ConfigResource.TOPIC: {
      const problem = topicNameProblem(name)
      if (problem !== null) return { error: ErrorCode.INVALID_TOPIC_EXCEPTION, message: problem }
      if (!image.topics.has(name)) return { error: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, message: '' }
      return describeTopicConfig(image.configOf(type, name), layers)
    }
    case ConfigResource.BROKER:
      if (name === ALL_BROKERS) return describeClusterConfig(layers.cluster)
      return brokerRefusal(name, brokerId, 'Broker id') ?? describeBrokerConfig(layers)
    case ConfigResource.BROKER_LOGGER:
      if (name === ALL_BROKERS) return badRequest('Broker id must not be empty')
      return brokerRefusal(name, brokerId, 'Broker id') ?? describeLoggers(logLevel)
    case ConfigResource.GROUP:
      if (name === '') return badRequest('Group name must not be empty')
      return describeGroupConfig(image.configOf(type, name), layers)
    case ConfigResource.CLIENT_METRICS:
      if (name === '') return badRequest('Client metrics subscription name must not be empty')
      return describeClientMetricsConfig(image.configOf(type, name))
    default:
      return badRequest(`Unsupported resource type: ${type}`)
  }
}
