import type { ConfigContext } from '../metadata/config-resource.ts'
import type { Broker } from './broker.ts'

type ConfigParts = Pick<Broker, 'config' | 'membership' | 'logger'>

/** What decisions about settings need to know of this broker. */
export function configContext({ config, membership, logger }: ConfigParts): ConfigContext {
  return { brokerId: membership.selfId, staticTexts: config.texts, logLevel: logger.level }
}
