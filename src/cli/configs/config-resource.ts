import type { DecodedResponseOf } from '../../../protocol/codec/schema.ts'
import { DescribeConfigs } from '../../../protocol/messages/32-describe-configs.ts'
import { refuseError } from '../../client/client-error.ts'
import type { KafkaClient } from '../../client/kafka-client.ts'
import type { Target } from '../../client/request-router.ts'
import { UsageError } from '../usage-error.ts'

export const RESOURCE_KINDS = ['topic', 'broker', 'group'] as const
export type ResourceKind = (typeof RESOURCE_KINDS)[number]

/** Kafka's numbers of the kinds of things that have settings. */
export const RESOURCE_TYPES: Readonly<Record<ResourceKind, number>> = { topic: 2, broker: 4, group: 32 }

/** Where the value of a setting comes from, by Kafka's numbers. */
const SOURCES: Readonly<Record<number, string>> = {
  1: 'topic',
  2: 'broker',
  3: 'all brokers',
  4: 'start of the broker',
  5: 'default',
  6: 'broker logger',
  7: 'client metrics',
  8: 'group',
}
/** Set for this thing alone, or for all brokers. */
const OWN_SOURCES: ReadonlySet<number> = new Set([1, 2, 3, 8])

export type Setting = DecodedResponseOf<typeof DescribeConfigs>['results'][number]['configs'][number]

export function sourceName({ configSource }: Setting): string {
  return SOURCES[configSource] ?? String(configSource)
}

export function isOwnSetting({ configSource }: Setting): boolean {
  return OWN_SOURCES.has(configSource)
}

/** A broker is asked itself; its id is its name. `default` stands for all brokers together. */
export function targetOf(kind: ResourceKind, name: string): Target {
  if (kind === 'group') return { group: name }
  if (kind !== 'broker' || name === '') return 'any'
  if (!/^\d{1,9}$/.test(name)) throw new UsageError(`broker ${name}: give its number, or default for all brokers`)
  return { brokerId: Number(name) }
}

/** By name. Throws ClientError for what does not exist. */
export async function describeResource(client: KafkaClient, kind: ResourceKind, name: string): Promise<Setting[]> {
  const resource = { resourceType: RESOURCE_TYPES[kind], resourceName: name, configurationKeys: null }
  const request = { resources: [resource], includeSynonyms: false, includeDocumentation: false }
  const [result] = (await client.send(DescribeConfigs, request, targetOf(kind, name))).results
  refuseError(`settings of ${kind} ${name}`, result!.errorCode, result!.errorMessage)
  return result!.configs.sort((a, b) => (a.name < b.name ? -1 : 1))
}
