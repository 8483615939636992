import { ErrorCode } from '../../protocol/errors.ts'
import {
  ListConfigResources,
  type ListConfigResourcesRequest,
  type ListConfigResourcesResponse,
} from '../../protocol/messages/74-list-config-resources.ts'
import { ConfigResource } from '../metadata/metadata-image.ts'
import { apiEntry } from './api-entry.ts'
import type { RequestContext } from './context.ts'

type Resource = ListConfigResourcesResponse['configResources'][number]

/** Version 0 was ListClientMetricsResources. */
const TYPES_VERSION = 1

export const listConfigResources = apiEntry(ListConfigResources, {
  handle: handleListConfigResources,
  fail: (_request, errorCode) => ({ throttleTimeMs: 0, errorCode, configResources: [] }),
})

function handleListConfigResources(
  context: RequestContext,
  { resourceTypes }: ListConfigResourcesRequest,
): ListConfigResourcesResponse {
  const known: readonly number[] = Object.values(ConfigResource)
  const asked = context.apiVersion < TYPES_VERSION ? [ConfigResource.CLIENT_METRICS] : [...new Set(resourceTypes)]
  if (asked.some((type) => !known.includes(type))) {
    return { throttleTimeMs: 0, errorCode: ErrorCode.UNSUPPORTED_VERSION, configResources: [] }
  }
  const types = asked.length === 0 ? known : asked
  return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, configResources: types.flatMap((type) => list(context, type)) }
}

/** Topics and brokers are there anyway; groups and subscriptions once they have settings. */
function list({ broker }: RequestContext, type: number): Resource[] {
  const { image } = broker.metadata
  const named = (names: readonly string[]) => names.map((resourceName) => ({ resourceName, resourceType: type }))
  switch (type) {
    case ConfigResource.TOPIC:
      return named([...image.topics.keys()])
    case ConfigResource.BROKER:
    case ConfigResource.BROKER_LOGGER:
      return named(broker.membership.liveIds.map(String))
    case ConfigResource.GROUP:
      return named(image.configuredResources(ConfigResource.GROUP))
    default:
      return named(image.configuredResources(ConfigResource.CLIENT_METRICS))
  }
}
