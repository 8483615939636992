import type { ErrorCode } from '../../protocol/errors.ts'
import { createTopics, type NewTopic } from '../metadata/create-topics.ts'
import { internalTopic, isInternalTopic } from '../metadata/internal-topics.ts'
import type { Broker } from './broker.ts'

type Creator = Pick<Broker, 'config' | 'metadata' | 'topicDefaults'>

/**
 * Creates the topics that do not exist yet, if the broker is told to, and gives the reason for each that could not be.
 * When this resolves the created ones can be written to: no client sees a topic without a leader.
 */
export async function autoCreateTopics(
  { config, metadata, topicDefaults }: Creator,
  names: readonly string[],
): Promise<ReadonlyMap<string, ErrorCode>> {
  const missing = names.filter((name) => !metadata.image.topics.has(name))
  if (missing.length === 0 || !config['auto.create.topics.enable']) return new Map()
  const topics = missing.map((name): NewTopic => {
    if (isInternalTopic(name)) return internalTopic(name, config, registered(topicDefaults))
    return { name, numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] }
  })
  const created = await metadata.change((image) => {
    // Somebody else's request may have created some of them while this one waited.
    const stillMissing = topics.filter(({ name }) => !image.topics.has(name))
    return createTopics(image, stillMissing, topicDefaults, false)
  })
  return new Map(created.flatMap(({ name, error }) => (error === 0 ? [] : [[name, error] as const])))
}

/** Creates an internal topic unless it is there; resolves when it can be written to. */
export async function createInternalTopic({ config, metadata, topicDefaults }: Creator, name: string): Promise<void> {
  const [created] = await metadata.change((image) => {
    const topics = image.topics.has(name) ? [] : [internalTopic(name, config, registered(topicDefaults))]
    return createTopics(image, topics, topicDefaults, false)
  })
  if (created !== undefined && created.error !== 0) throw new Error(`${name} cannot be created: ${created.message}`)
}

function registered({ brokerIds, fencedIds = [] }: Creator['topicDefaults']): number {
  return brokerIds.length + fencedIds.length
}
