import type { TopicConfig } from '../../src/config/topic-config.ts'
import type { SimulatedRandom } from '../../src/io/simulated-random.ts'

/** Longer than any sequence lasts. */
const NEVER_MS = 100_000_000_000

/** What kind of log a seed is. */
export interface LogModelPlan {
  readonly config: Partial<TopicConfig>
  readonly compacts: boolean
  readonly deletes: boolean
  /** Of the keys that records have. */
  readonly keys: number
}

export function planOf(random: SimulatedRandom): LogModelPlan {
  const oneOf = <T>(...values: readonly T[]): T => values[random.below(values.length)]!
  const policy = oneOf(['delete'] as const, ['delete'] as const, ['compact'] as const, ['compact', 'delete'] as const)
  const compacts = policy.some((name) => name === 'compact')
  const deletes = policy.some((name) => name === 'delete')
  const plan = {
    compacts,
    deletes,
    keys: oneOf(3, 12),
    config: {
      'cleanup.policy': [...policy],
      'segment.bytes': oneOf(700, 1500),
      'segment.ms': oneOf(20_000, 604_800_000),
      'index.interval.bytes': 200,
      'segment.index.bytes': oneOf(64, 10_000),
      'retention.ms': deletes ? oneOf(-1, 60_000) : -1,
      'retention.bytes': compacts ? -1 : oneOf(-1, 3000),
      'delete.retention.ms': oneOf(0, 40_000, NEVER_MS),
      'min.cleanable.dirty.ratio': 0,
      'file.delete.delay.ms': oneOf(0, 10_000),
    },
  }
  // One of them alone, and none by size beside compaction: from outside it is not to be told what removed something.
  return plan.config['retention.ms'] < 0 ? plan : { ...plan, config: { ...plan.config, 'retention.bytes': -1 } }
}

/** Retention and compaction happen when the sequence says so, not by themselves. */
export const BY_HAND = {
  initialTaskDelayMs: NEVER_MS,
  retentionCheckIntervalMs: NEVER_MS,
  cleaner: { backoffMs: NEVER_MS },
} as const

export function keepsTombstones(plan: LogModelPlan): boolean {
  return plan.config['delete.retention.ms'] === NEVER_MS
}
