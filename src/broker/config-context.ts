import type { ConfigContext } from '../metadata/config-resource.ts'
import type { Broker } from './broker.ts'

/** What decisions about settings need to know of this broker. */
export function configContext({ config, membership }: Pick<Broker, 'config' | 'membership'>): ConfigContext {
  return { brokerId: membership.selfId, staticTexts: config.texts }
}
