import { type BrokerConfig, loadBrokerConfig } from '../../src/config/broker-config.ts'
import type { SimulatedNetworkOptions } from '../../src/io/simulated-link.ts'
import { SimulatedRandom } from '../../src/io/simulated-random.ts'

/** What kind of world a seed is: how fast, how large, how cruel. */
export interface Plan {
  readonly config: BrokerConfig
  readonly network: Partial<SimulatedNetworkOptions>
  readonly diskLatencyMs: number
  readonly diskFails: boolean
  /** Mean time between two misfortunes. */
  readonly calmMs: number
  readonly topics: number
  readonly partitions: number
  readonly producers: number
  readonly consumers: number
  readonly groups: number
  readonly members: number
  readonly admins: number
  readonly transactors: number
}

export function planOf(seed: number): Plan {
  const random = new SimulatedRandom(seed * 2 + 1)
  const oneOf = <T>(...values: readonly T[]): T => values[random.below(values.length)]!
  const settings: Record<string, string | number> = {
    listeners: 'PLAINTEXT://127.0.0.1:9092',
    'advertised.listeners': 'PLAINTEXT://127.0.0.1:9092',
    'log.dirs': '/data',
    'offsets.topic.num.partitions': oneOf(1, 3, 5),
    'num.partitions': 1 + random.below(3),
    'log.index.interval.bytes': oneOf(0, 100, 1000, 4096),
    'log.index.size.max.bytes': oneOf(12, 40, 400, 10_485_760),
    'log.roll.ms': oneOf(50, 1000, 20_000, 604_800_000),
    'log.flush.offset.checkpoint.interval.ms': oneOf(300, 5000, 60_000),
    'log.segment.delete.delay.ms': oneOf(0, 1000, 60_000),
    'group.min.session.timeout.ms': 1000,
    'group.initial.rebalance.delay.ms': oneOf(0, 0, 500),
    'connections.max.idle.ms': oneOf(15_000, 60_000, 600_000),
    'max.incremental.fetch.session.cache.slots': oneOf(0, 2, 1000),
    'offsets.retention.minutes': 100_000,
    'metadata.log.max.record.bytes.between.snapshots': oneOf(500, 5000, 20_971_520),
    'log.retention.ms': -1,
    'transaction.state.log.num.partitions': 1 + (seed % 3),
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': seed % 2 === 0 ? 700 : 5000,
    // All ids are forgotten in the silence at the end, and no timer is left.
    'transactional.id.expiration.ms': 100_000,
    'transaction.remove.expired.transaction.cleanup.interval.ms': 50_000,
    'auto.create.topics.enable': 'false',
  }
  const commandLine = new Map(Object.entries(settings).map(([name, value]) => [name, String(value)]))
  return {
    config: loadBrokerConfig({ commandLine }).config,
    network: {
      maxChunkBytes: oneOf(700, 5000, 65_536),
      maxDelayMs: oneOf(0, 2, 20),
      capacityBytes: oneOf(2000, 131_072),
      lends: oneOf(true, false),
    },
    diskLatencyMs: oneOf(0, 2, 15),
    diskFails: random.below(3) === 0,
    calmMs: oneOf(100, 300, 1000),
    topics: 1 + random.below(3),
    partitions: 1 + random.below(3),
    producers: 2 + random.below(4),
    consumers: 1 + random.below(3),
    groups: 1 + random.below(2),
    members: 2 + random.below(3),
    admins: 1 + random.below(2),
    transactors: random.below(3),
  }
}
