import type { DecodedResponseOf } from '../../../protocol/codec/schema.ts'
import { DescribeConfigs } from '../../../protocol/messages/32-describe-configs.ts'
import type { Target } from '../../client/request-router.ts'
import { refuse } from './java-errors.ts'
import type { ToolClient } from './tool-io.ts'

/** The numbers of the protocol for what has configs. */
export const ResourceType = { TOPIC: 2, BROKER: 4, BROKER_LOGGER: 8, CLIENT_METRICS: 16, GROUP: 32 } as const

/** Where a config's value comes from, by the protocol's numbers, as Java names it. */
export const SOURCES = [
  'UNKNOWN',
  'DYNAMIC_TOPIC_CONFIG',
  'DYNAMIC_BROKER_CONFIG',
  'DYNAMIC_DEFAULT_BROKER_CONFIG',
  'STATIC_BROKER_CONFIG',
  'DEFAULT_CONFIG',
  'DYNAMIC_BROKER_LOGGER_CONFIG',
  'DYNAMIC_CLIENT_METRICS_CONFIG',
  'DYNAMIC_GROUP_CONFIG',
] as const

export const DEFAULT_SOURCE = 5

export type ConfigEntry = DecodedResponseOf<typeof DescribeConfigs>['results'][number]['configs'][number]

/** The configs of each resource, in the order of the names. Throws the first refusal. */
export async function configEntries(
  client: ToolClient,
  resourceType: number,
  names: readonly string[],
  includeSynonyms: boolean,
  to: Target = 'any',
): Promise<ConfigEntry[][]> {
  if (names.length === 0) return []
  const resources = names.map((resourceName) => ({ resourceType, resourceName, configurationKeys: null }))
  const { results } = await client.send(DescribeConfigs, { resources, includeSynonyms }, to)
  return names.map((name) => {
    const result = results.find(({ resourceName }) => resourceName === name)
    if (result === undefined) return []
    refuse(result.errorCode, result.errorMessage)
    return result.configs
  })
}
