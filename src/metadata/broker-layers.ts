import type { BrokerLayers } from '../config/config-describer.ts'
import type { ConfigTexts } from '../config/topic-config.ts'
import { ConfigResource, type MetadataImage } from './metadata-image.ts'

/** The name under which settings for all brokers are kept. */
export const ALL_BROKERS = ''

/** Settings of one broker by where they come from; `texts` are those from before the start. */
export function brokerLayers(image: MetadataImage, brokerId: number, texts: ConfigTexts): BrokerLayers {
  return {
    broker: image.configOf(ConfigResource.BROKER, String(brokerId)),
    cluster: image.configOf(ConfigResource.BROKER, ALL_BROKERS),
    static: texts,
  }
}
