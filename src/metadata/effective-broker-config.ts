import { type BrokerConfig, brokerConfigFrom } from '../config/broker-config.ts'
import type { ConfigTexts } from '../config/topic-config.ts'
import { brokerLayers } from './broker-layers.ts'
import type { MetadataImage } from './metadata-image.ts'

/** The broker's settings with those changed at run time, made anew only when one of them changes. */
export class EffectiveBrokerConfig {
  readonly #config: BrokerConfig
  readonly #brokerId: number
  #broker: ConfigTexts | null = null
  #cluster: ConfigTexts | null = null
  #effective: BrokerConfig

  /** `config`: as it was at the start. */
  constructor(config: BrokerConfig, brokerId: number) {
    this.#config = config
    this.#brokerId = brokerId
    this.#effective = config
  }

  /** `texts` of the result are still those from before the start. */
  of(image: MetadataImage): BrokerConfig {
    const { broker, cluster } = brokerLayers(image, this.#brokerId, this.#config.texts)
    if (broker === this.#broker && cluster === this.#cluster) return this.#effective
    this.#broker = broker
    this.#cluster = cluster
    const { texts, brokerListeners, dataDirectory } = this.#config
    const fixed = { texts, brokerListeners, dataDirectory, 'log.dirs': this.#config['log.dirs'] }
    const changed = broker.size > 0 || cluster.size > 0
    const merged = new Map([...texts, ...cluster, ...broker])
    this.#effective = changed ? Object.freeze({ ...brokerConfigFrom(merged), ...fixed }) : this.#config
    return this.#effective
  }
}
