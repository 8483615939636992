import { SimulatedRandom } from '../../src/io/simulated-random.ts'
import { allocateProducerIds } from '../../src/metadata/allocate-producer-ids.ts'
import { alterConfigs } from '../../src/metadata/alter-configs.ts'
import { createPartitions } from '../../src/metadata/create-partitions.ts'
import { createTopics } from '../../src/metadata/create-topics.ts'
import { deleteTopics } from '../../src/metadata/delete-topics.ts'
import type { Decision } from '../../src/metadata/metadata.ts'
import { ConfigResource, type MetadataImage } from '../../src/metadata/metadata-image.ts'
import { newTopic, topicDefaults, ZERO_ID } from './metadata-fixture.ts'

export type Command = (image: MetadataImage) => Decision<unknown>

/** An endless supply of commands of every kind, on few names so that they meet. */
export class RandomCommands {
  readonly #random: SimulatedRandom
  readonly #defaults: ReturnType<typeof topicDefaults>

  constructor(seed: number) {
    this.#random = new SimulatedRandom(seed)
    this.#defaults = topicDefaults(seed + 1)
  }

  next(): Command {
    const name = `topic-${this.#random.below(6)}`
    switch (this.#random.below(7)) {
      case 0:
      case 1: {
        const numPartitions = 1 + this.#random.below(4)
        const configs = this.#random.below(2) === 0 ? [] : [{ name: 'retention.ms', value: '5' }]
        return (image) => createTopics(image, [newTopic(name, { numPartitions, configs })], this.#defaults, false)
      }
      case 2:
        return (image) => deleteTopics(image, [{ name, topicId: ZERO_ID }])
      case 3: {
        const more = 1 + this.#random.below(3)
        return (image) => {
          const count = (image.topics.get(name)?.partitions.length ?? 0) + more
          return createPartitions(image, [{ name, count, assignments: null }], { brokerIds: [1] }, false)
        }
      }
      case 4:
        return (image) => allocateProducerIds(image, 1)
      default:
        return this.#alter(name)
    }
  }

  #alter(topic: string): Command {
    const value = String(1 + this.#random.below(5))
    const operation = this.#random.below(2)
    const resource = [
      { type: ConfigResource.TOPIC, name: topic, key: 'segment.ms' },
      { type: ConfigResource.BROKER, name: '', key: 'log.retention.ms' },
      { type: ConfigResource.BROKER, name: '1', key: 'max.connections' },
      { type: ConfigResource.GROUP, name: `group-${value}`, key: 'consumer.assignment.interval.ms' },
    ][this.#random.below(4)]!
    const operations = [{ name: resource.key, operation, value }]
    const context = { brokerId: 1, staticTexts: new Map<string, string>(), logLevel: 'info' }
    return (image) => alterConfigs(image, [{ ...resource, operations }], context, false)
  }
}
