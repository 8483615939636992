import type { BrokerConfig } from '../config/broker-config.ts'
import { resolveTopicConfig, type TopicConfig } from '../config/topic-config.ts'
import { ALL_BROKERS } from './broker-layers.ts'
import { ConfigResource, type MetadataImage } from './metadata-image.ts'

/** Effective topic settings: the topic's own over the broker's, resolved once per topic and state of the configs. */
export class TopicConfigs {
  readonly #brokerConfig: BrokerConfig
  readonly #brokerName: string
  #broker: ReadonlyMap<string, string> | null = null
  #cluster: ReadonlyMap<string, string> | null = null
  /** By the map of a topic's own settings, which is replaced when one of them changes. */
  #cache = new WeakMap<ReadonlyMap<string, string>, TopicConfig>()

  constructor(brokerConfig: BrokerConfig, brokerId: number) {
    this.#brokerConfig = brokerConfig
    this.#brokerName = String(brokerId)
  }

  of(image: MetadataImage, topicName: string): TopicConfig {
    const topic = image.configOf(ConfigResource.TOPIC, topicName)
    const broker = image.configOf(ConfigResource.BROKER, this.#brokerName)
    const cluster = image.configOf(ConfigResource.BROKER, ALL_BROKERS)
    if (broker !== this.#broker || cluster !== this.#cluster) {
      this.#broker = broker
      this.#cluster = cluster
      this.#cache = new WeakMap()
    }
    const known = this.#cache.get(topic)
    if (known !== undefined) return known
    const config = resolveTopicConfig({ topic, broker, cluster, static: this.#brokerConfig.texts })
    this.#cache.set(topic, config)
    return config
  }
}
