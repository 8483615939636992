import { ErrorCode } from '../../protocol/errors.ts'
import type { ConfigRules } from '../config/config-alteration.ts'
import { brokerRules, clientMetricsRules, groupRules, topicRules } from '../config/config-rules.ts'
import type { ConfigTexts } from '../config/topic-config.ts'
import { ALL_BROKERS, brokerLayers } from './broker-layers.ts'
import { ConfigResource, type MetadataImage } from './metadata-image.ts'
import { topicNameProblem } from './topic-name.ts'

/** What decisions about settings need to know of the broker that makes them. */
export interface ConfigContext {
  readonly brokerId: number
  /** The broker's settings from before the start. */
  readonly staticTexts: ConfigTexts
  /** Of the broker's one logger, as it calls it: `info`. */
  readonly logLevel: string
}

export interface ResourceRefusal {
  readonly error: ErrorCode
  readonly message: string
}

function badRequest(message: string): ResourceRefusal {
  return { error: ErrorCode.INVALID_REQUEST, message }
}

/** What may be set on a resource, or why nothing may. Whether a topic exists is asked later, as in Kafka. */
export function rulesOf(
  image: MetadataImage,
  type: number,
  name: string,
  { brokerId, staticTexts }: ConfigContext,
): ConfigRules | ResourceRefusal {
  const layers = brokerLayers(image, brokerId, staticTexts)
  switch (type) {
    case ConfigResource.TOPIC: {
      if (name === '') return badRequest('Default topic resources are not allowed.')
      const problem = topicNameProblem(name)
      return problem === null ? topicRules(layers) : { error: ErrorCode.INVALID_TOPIC_EXCEPTION, message: problem }
    }
    case ConfigResource.BROKER:
      return brokerRefusal(name, brokerId, 'Node id') ?? brokerRules(name !== ALL_BROKERS, layers)
    case ConfigResource.GROUP:
      return name === '' ? badRequest('Default group resources are not allowed.') : groupRules(layers)
    case ConfigResource.CLIENT_METRICS:
      return name === '' ? badRequest("Subscription name can't be empty") : clientMetricsRules
    default:
      return badRequest(`Unsupported resource type ${type}`)
  }
}

/** Only this broker's own settings and those of all brokers can be dealt with here. */
export function brokerRefusal(name: string, brokerId: number, what: string): ResourceRefusal | null {
  if (name === ALL_BROKERS) return null
  if (!/^[+-]?\d{1,10}$/.test(name)) return badRequest(`${what} must be an integer, but it is: ${name}`)
  if (Number(name) === brokerId && name === String(brokerId)) return null
  return badRequest(`Unexpected broker id, expected ${brokerId} or empty string, but received ${name}`)
}
