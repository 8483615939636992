import { groupCoordinatorConfigs } from './broker/groups.ts'
import { keptConfigs } from './broker/kept.ts'
import { keptSecurityConfigs } from './broker/kept-security.ts'
import { logConfigs } from './broker/log.ts'
import { networkConfigs } from './broker/network.ts'
import { odradekConfigs } from './broker/odradek.ts'
import { securityConfigs } from './broker/security.ts'
import { transactionConfigs } from './broker/transactions.ts'

/** Settings of a broker: all that Kafka 4.3 has, internal ones aside, then our own. */
export const brokerConfigs = {
  ...networkConfigs,
  ...logConfigs,
  ...groupCoordinatorConfigs,
  ...transactionConfigs,
  ...securityConfigs,
  ...keptConfigs,
  ...keptSecurityConfigs,
  ...odradekConfigs,
}

/**
 * Settings of one meaning in descending precedence, for each of them: the first that is set counts. What DescribeConfigs
 * lists as synonyms.
 */
const families: readonly (readonly string[])[] = [
  ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours'],
  ['log.roll.ms', 'log.roll.hours'],
  ['log.roll.jitter.ms', 'log.roll.jitter.hours'],
  ['log.flush.interval.ms', 'log.flush.scheduler.interval.ms'],
]

/** A listener's own setting, for one mechanism of it or for all, falls back to the one for all listeners. */
const LISTENER_SETTING = /^listener\.name\.[^.]+\.(?:(?:plain|gssapi|oauthbearer|scram-sha-\d+)\.)?(.+)$/

export function brokerSynonyms(name: string): readonly string[] {
  const family = families.find((members) => members.includes(name))
  if (family !== undefined) return family
  const common = LISTENER_SETTING.exec(name)?.[1]
  return common === undefined ? [name] : [name, common]
}

/** The name without the prefix of a listener. */
export function withoutListener(name: string): string {
  return LISTENER_SETTING.exec(name)?.[1] ?? name
}
