import { ErrorCode } from '../../../protocol/errors.ts'
import type { ClassicGroup } from './classic-group.ts'
import { restartSession } from './classic-rebalance.ts'
import type { OffsetCommitCall, OffsetToCommit, TransactionalOffsetCommitCall } from './group-calls.ts'
import { MAX_OFFSETS_PER_GROUP } from './group-config.ts'
import type { Scope } from './group-scope.ts'
import type { OffsetStore } from './offset-store.ts'
import type { PendingOffsets } from './pending-offsets.ts'

/** Offsets of partitions that exist, as the caller has checked. One error per offset; bad ones do not hold up the others. */
export function commitOffsets(
  scope: Scope,
  group: ClassicGroup,
  offsets: OffsetStore,
  call: OffsetCommitCall,
): readonly ErrorCode[] {
  const error = checkCommitter(group, call)
  if (error !== ErrorCode.NONE) return call.offsets.map(() => error)

  const member = group.members.get(call.memberId)
  if (member) restartSession(scope, group, member)
  const budget = { partitions: MAX_OFFSETS_PER_GROUP - offsets.count(group.groupId) }
  return call.offsets.map((offset) => commit(scope, group, offsets, call, offset, budget))
}

/** They count when the transaction is committed. Said by a producer, so it is no sign of life of the member. */
export function commitOffsetsInTransaction(
  scope: Scope,
  group: ClassicGroup,
  offsets: OffsetStore,
  pending: PendingOffsets,
  call: TransactionalOffsetCommitCall,
): readonly ErrorCode[] {
  const error = checkTransactionalCommitter(group, call)
  if (error !== ErrorCode.NONE) return call.offsets.map(() => error)
  const { groupId } = group
  const budget = { partitions: MAX_OFFSETS_PER_GROUP - offsets.count(groupId) - pending.count(groupId) }
  const forever = { retentionTimeMs: -1 }
  return call.offsets.map((offset) => commit(scope, group, offsets, forever, offset, budget))
}

/** Versions without member and generation are believed; a generation that waits for its assignment may commit too. */
function checkTransactionalCommitter(
  group: ClassicGroup,
  { memberId, groupInstanceId, generationId }: TransactionalOffsetCommitCall,
): ErrorCode {
  if (generationId < 0 && memberId === '' && groupInstanceId === null) return ErrorCode.NONE
  if (generationId < 0 && group.state === 'Empty') return ErrorCode.NONE
  const error = group.validateMember(memberId, groupInstanceId)
  if (error !== ErrorCode.NONE) return error
  return generationId === group.generationId ? ErrorCode.NONE : ErrorCode.ILLEGAL_GENERATION
}

/** Only the current generation may commit, or anybody while the group has no members. */
function checkCommitter(group: ClassicGroup, { memberId, groupInstanceId, generationId }: OffsetCommitCall): ErrorCode {
  if (generationId < 0 && group.state === 'Empty') return ErrorCode.NONE
  if (generationId < 0 && memberId === '' && groupInstanceId === null) return ErrorCode.UNKNOWN_MEMBER_ID
  const error = group.validateMember(memberId, groupInstanceId)
  if (error !== ErrorCode.NONE) return error
  if (generationId !== group.generationId) return ErrorCode.ILLEGAL_GENERATION
  // It knows the new generation but not yet what it owns there: what it would commit is from before.
  return group.state === 'CompletingRebalance' ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE
}

function commit(
  { config, effects, nowMs }: Scope,
  { groupId }: ClassicGroup,
  offsets: OffsetStore,
  { retentionTimeMs }: Pick<OffsetCommitCall, 'retentionTimeMs'>,
  { topic, topicId, partition, offset, leaderEpoch, metadata }: OffsetToCommit,
  budget: { partitions: number },
): ErrorCode {
  // Counted in UTF-16 units, as Kafka does in spite of the setting's name.
  if (metadata.length > config['offset.metadata.max.bytes']) return ErrorCode.OFFSET_METADATA_TOO_LARGE
  if (offsets.get(groupId, topic, partition) === undefined && --budget.partitions < 0) {
    return ErrorCode.INVALID_COMMIT_OFFSET_SIZE
  }
  const expireTimestampMs = retentionTimeMs === -1 ? -1 : nowMs + retentionTimeMs
  const value = { offset, leaderEpoch, metadata, commitTimestampMs: nowMs, expireTimestampMs, topicId }
  effects.write({ type: 'OffsetCommit', group: groupId, topic, partition, value })
  return ErrorCode.NONE
}
