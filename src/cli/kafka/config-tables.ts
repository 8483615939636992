import { ListConfigResources } from '../../../protocol/messages/74-list-config-resources.ts'
import { type ConfigEntity, type EntityType, resourceOf } from './config-entity.ts'
import { type ConfigEntry, configEntries, SOURCES } from './config-entries.ts'
import { listedGroups } from './group-queries.ts'
import { refuse } from './java-errors.ts'
import type { ConfigOptions } from './kafka-configs.ts'
import type { ToolClient, ToolIo } from './tool-io.ts'

/** What was set on the entity itself, by the protocol's numbers of sources. */
const OWN_SOURCE: Readonly<Record<EntityType, number>> = { topics: 1, brokers: 2, 'client-metrics': 7, groups: 8 }
const DEFAULT_BROKER_SOURCE = 3

export async function describeEntity(
  client: ToolClient,
  { type, name }: ConfigEntity,
  options: ConfigOptions,
  io: ToolIo,
): Promise<void> {
  if (name !== null && name !== '' && !(await names(client, type)).includes(name)) {
    io.out(`The ${type.slice(0, -1)} '${name}' doesn't exist and doesn't have dynamic config.\n`)
    return
  }
  const entities = name !== null ? [name] : [...(await names(client, type)), ...(type === 'brokers' ? [''] : [])]
  for (const entity of entities) io.out(await description(client, type, entity, options.has('all')))
}

async function names(client: ToolClient, type: EntityType): Promise<string[]> {
  switch (type) {
    case 'topics':
      return (await client.topics(null)).map(({ name }) => name)
    case 'brokers':
      return (await client.cluster()).brokers.map(({ id }) => String(id))
    case 'groups': {
      const groups = (await listedGroups(client, [], [])).map(({ groupId }) => groupId)
      return [...new Set([...groups, ...(await withConfigs(client, type))])]
    }
    case 'client-metrics':
      return withConfigs(client, type)
  }
}

/** Those that have configs, be they there or not. */
async function withConfigs(client: ToolClient, type: EntityType): Promise<string[]> {
  const { resourceType } = resourceOf(type, '')
  // The first version knows client metrics alone.
  const version = await client.versionOf(ListConfigResources)
  if (version === 0 && type !== 'client-metrics') return []
  const answer = await client.send(ListConfigResources, { resourceTypes: version === 0 ? [] : [resourceType] })
  refuse(answer.errorCode)
  return answer.configResources
    .filter((one) => one.resourceType === resourceType)
    .map(({ resourceName }) => resourceName)
}

async function description(client: ToolClient, type: EntityType, name: string, all: boolean): Promise<string> {
  const { resourceType, to } = resourceOf(type, name)
  const [entries = []] = await configEntries(client, resourceType, [name], true, to)
  const source = type === 'brokers' && name === '' ? DEFAULT_BROKER_SOURCE : OWN_SOURCE[type]
  const shown = entries
    .filter(({ configSource }) => all || configSource === source)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  const heading =
    name === ''
      ? `Default configs for ${type} in the cluster are:`
      : `${all ? 'All' : 'Dynamic'} configs for ${type.slice(0, -1)} ${name} are:`
  return `${[heading, ...shown.map(configLine)].join('\n')}\n`
}

export function configLine({ name, value, isSensitive, synonyms }: ConfigEntry): string {
  const others = synonyms.map((one) => `${SOURCES[one.source] ?? 'UNKNOWN'}:${one.name}=${one.value}`)
  return `  ${name}=${value} sensitive=${isSensitive} synonyms={${others.join(', ')}}`
}
