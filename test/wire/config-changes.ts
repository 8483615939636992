import { DescribeConfigs } from '../../protocol/messages/32-describe-configs.ts'
import type { Expected } from './matcher.ts'
import { ResourceType } from './topic-config-table.ts'
import type { WireTest } from './wire-test.ts'

export const SET = 0

export const DELETE = 1

export const APPEND = 2

export const SUBTRACT = 3

export type Change = readonly [operation: number, name: string, value: string | null]

export function change(
  resourceName: string,
  changes: readonly Change[],
  validateOnly = false,
  resourceType: number = ResourceType.TOPIC,
) {
  const configs = changes.map(([configOperation, name, value]) => ({ name, configOperation, value }))
  return { resources: [{ resourceType, resourceName, configs }], validateOnly }
}

export function answer(
  resourceName: string,
  errorCode = 0,
  errorMessage: Expected<string | null> = null,
  resourceType: number = ResourceType.TOPIC,
) {
  return {
    responses: [
      {
        errorCode,
        errorMessage,
        resourceType,
        resourceName,
      },
    ],
  }
}

/** What the resource has of its own, by name. */
export async function ownConfigs(test: WireTest, resourceName: string, resourceType: number = ResourceType.TOPIC) {
  const { results } = await test.call(DescribeConfigs, 4, {
    resources: [{ resourceType, resourceName, configurationKeys: null }],
    includeSynonyms: false,
    includeDocumentation: false,
  })
  const own = results[0]!.configs.filter(
    ({ configSource }) => configSource === 1 || configSource === 7 || configSource === 8,
  )
  return Object.fromEntries(own.map(({ name, value }) => [name, value]))
}

/** Kafka applies what it has accepted in its own time. */
export async function until(
  test: WireTest,
  resourceName: string,
  configs: object,
  resourceType: number = ResourceType.TOPIC,
): Promise<void> {
  const shows = async () =>
    JSON.stringify(sorted(await ownConfigs(test, resourceName, resourceType))) === JSON.stringify(sorted(configs))
  if (test.isKafka) await test.eventually(`the settings ${JSON.stringify(configs)}`, shows)
  test.same(sorted(await ownConfigs(test, resourceName, resourceType)), sorted(configs), 'settings')
}

const sorted = (configs: object) => Object.fromEntries(Object.entries(configs).toSorted())
