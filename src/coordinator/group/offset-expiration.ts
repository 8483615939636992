import type { ClassicGroup } from './classic-group.ts'
import type { GroupConfig } from './group-config.ts'
import type { CommittedOffset } from './group-records.ts'
import type { Scope } from './group-scope.ts'
import type { OffsetStore } from './offset-store.ts'
import type { PendingOffsets } from './pending-offsets.ts'

type BaseTimestamp = (offset: CommittedOffset) => number

/**
 * Forgets the offsets of a group that nobody will ask for any more (KIP-211), and the group itself when nothing is left
 * of it.
 */
export function expireOffsets(scope: Scope, group: ClassicGroup, offsets: OffsetStore, pending: PendingOffsets): void {
  const { config, effects, nowMs } = scope
  const { groupId } = group
  const base = baseTimestamp(group)
  const isSubscribed = group.subscription()
  let kept = 0
  for (const [topic, partitions] of offsets.topicsOf(groupId)) {
    if (base === null || isSubscribed(topic)) {
      kept += partitions.size
      continue
    }
    for (const [partition, offset] of partitions) {
      if (isExpired(offset, base, config, nowMs) && !pending.has(groupId, topic, partition)) {
        effects.write({ type: 'OffsetCommit', group: groupId, topic, partition, value: null })
      } else kept++
    }
  }
  if (kept > 0 || !group.isEmpty || pending.count(groupId) > 0) return
  if (group.isRecorded) effects.write({ type: 'GroupMetadata', group: groupId, value: null })
  effects.note({ kind: 'deleted', groupId, by: 'expiration' })
}

/**
 * From when on the retention counts; null while nothing may expire. In use: the last commit, and only for topics
 * without a subscriber, so that a partition without traffic does not lose its place. Left by its members: since then.
 */
function baseTimestamp(group: ClassicGroup): BaseTimestamp | null {
  const lastCommit: BaseTimestamp = ({ commitTimestampMs }) => commitTimestampMs
  if (group.protocolType === null) return lastCommit
  if (group.state === 'Empty') return group.stateTimestampMs === -1 ? lastCommit : () => group.stateTimestampMs
  return group.state === 'Stable' && group.usesConsumerProtocol ? lastCommit : null
}

function isExpired(offset: CommittedOffset, base: BaseTimestamp, config: GroupConfig, nowMs: number): boolean {
  if (offset.expireTimestampMs !== -1) return nowMs >= offset.expireTimestampMs
  return nowMs - base(offset) >= config['offsets.retention.minutes'] * 60_000
}
