import { ErrorCode } from '../../../protocol/errors.ts'
import { type ClassicGroup, type ClassicMember, NO_BYTES } from './classic-group.ts'
import type { JoinGroupResult, SyncGroupResult } from './group-calls.ts'
import { NEW_MEMBER_JOIN_TIMEOUT_MS } from './group-config.ts'
import { type GroupReason, memberNote, stateNote } from './group-notes.ts'
import { joinError, joinKey, type Scope, sessionKey, syncError, syncKey } from './group-scope.ts'

const NO_ASSIGNMENTS: ReadonlyMap<string, Buffer> = new Map()

/**
 * A sign of life, or the end of a wait during which there could be none. A member in its first JoinGroup cannot
 * heartbeat: it has its own, longer time.
 */
export function restartSession({ effects }: Scope, group: ClassicGroup, member: ClassicMember): void {
  const { groupId } = group
  const { memberId } = member
  const delayMs = member.isNew ? NEW_MEMBER_JOIN_TIMEOUT_MS : member.sessionTimeoutMs
  effects.schedule(sessionKey(groupId, memberId), delayMs, { type: 'session', groupId, memberId })
}

/** Starts a rebalance, or when one is under way looks whether it is complete. */
export function rebalance(scope: Scope, group: ClassicGroup, reason: GroupReason): void {
  if (group.state === 'PreparingRebalance') completeJoinIfAllJoined(scope, group)
  else prepareRebalance(scope, group, reason)
}

function prepareRebalance(scope: Scope, group: ClassicGroup, reason: GroupReason): void {
  const { config, effects } = scope
  if (group.state === 'CompletingRebalance') {
    for (const member of group.members.values()) {
      member.assignment = NO_BYTES
      answerSync(scope, group, member, syncError(ErrorCode.REBALANCE_IN_PROGRESS))
    }
  }
  endSyncPhase(scope, group)
  group.isInitialRebalance = group.state === 'Empty'
  group.joinedDuringInitialDelay = false
  group.rebalanceCause = reason
  enter(scope, group, 'PreparingRebalance', reason)
  const delayMs = group.isInitialRebalance ? config['group.initial.rebalance.delay.ms'] : 0
  if (delayMs > 0) {
    const { groupId, rebalanceTimeoutMs } = group
    const remainingMs = Math.max(rebalanceTimeoutMs - delayMs, 0)
    effects.schedule(joinKey(groupId), delayMs, { type: 'initialDelay', groupId, delayMs, remainingMs })
  } else if (group.isInitialRebalance || group.allMembersJoined) completeJoin(scope, group)
  else waitForJoins(scope, group)
}

/** While others keep joining the wait is repeated, all in all for no longer than a rebalance may take. */
export function endInitialDelay(scope: Scope, group: ClassicGroup, delayMs: number, remainingMs: number): void {
  if (group.state !== 'PreparingRebalance') return
  if (!group.joinedDuringInitialDelay || remainingMs <= 0) {
    completeJoin(scope, group)
    return
  }
  group.joinedDuringInitialDelay = false
  const { groupId } = group
  const nextDelayMs = Math.min(scope.config['group.initial.rebalance.delay.ms'], remainingMs)
  const leftMs = Math.max(remainingMs - delayMs, 0)
  scope.effects.schedule(joinKey(groupId), nextDelayMs, {
    type: 'initialDelay',
    groupId,
    delayMs: nextDelayMs,
    remainingMs: leftMs,
  })
}

function waitForJoins({ effects }: Scope, group: ClassicGroup): void {
  const { groupId, rebalanceTimeoutMs } = group
  effects.schedule(joinKey(groupId), rebalanceTimeoutMs, { type: 'join', groupId })
}

export function completeJoinIfAllJoined(scope: Scope, group: ClassicGroup): void {
  if (group.state !== 'PreparingRebalance' || group.isInitialRebalance || !group.allMembersJoined) return
  completeJoin(scope, group)
}

/** The join phase is over: who has not rejoined is out, the others get a new generation. */
export function completeJoin(scope: Scope, group: ClassicGroup): void {
  const { effects } = scope
  if (group.state !== 'PreparingRebalance') return
  effects.cancel(joinKey(group.groupId))
  const timeoutMs = group.rebalanceTimeoutMs
  const missing: string[] = []
  for (const member of [...group.members.values()]) {
    // A static member that is away keeps its place, and its partitions, until its session ends (KIP-345).
    if (member.joinToken !== null || member.groupInstanceId !== null) continue
    effects.cancel(sessionKey(group.groupId, member.memberId))
    group.remove(member)
    missing.push(member.memberId)
    const late: GroupReason = { kind: 'joinTimedOut', memberIds: [member.memberId], timeoutMs }
    effects.note(memberNote(group, member, 'left', late))
  }
  const reason: GroupReason | null =
    missing.length === 0 ? null : { kind: 'joinTimedOut', memberIds: missing, timeoutMs }
  if (group.members.size === 0) becomeEmpty(scope, group, reason ?? { kind: 'noMembers' })
  else if (group.electJoinedLeader()) startGeneration(scope, group, reason ?? { kind: 'allJoined' })
  else waitForJoins(scope, group)
}

function becomeEmpty(scope: Scope, group: ClassicGroup, reason: GroupReason): void {
  const { groupId } = group
  const emptied = { ...group.toStored(NO_ASSIGNMENTS, scope.nowMs), generation: group.generationId + 1, protocol: null }
  group.isInitialRebalance = false
  scope.effects.write({ type: 'GroupMetadata', group: groupId, value: emptied })
  scope.effects.note(stateNote(group, 'Empty', emptied.generation, reason))
}

function startGeneration(scope: Scope, group: ClassicGroup, reason: GroupReason): void {
  const { effects } = scope
  group.generationId++
  group.protocolName = group.selectProtocol()
  group.isInitialRebalance = false
  enter(scope, group, 'CompletingRebalance', reason)
  group.pendingSync.clear()
  for (const member of group.members.values()) {
    const token = group.takeJoin(member)
    if (token === null) continue
    effects.reply(token, currentGeneration(group, member))
    member.isNew = false
    group.pendingSync.add(member.memberId)
    restartSession(scope, group, member)
  }
  const { groupId, generationId, rebalanceTimeoutMs } = group
  effects.schedule(syncKey(groupId), rebalanceTimeoutMs, { type: 'sync', groupId, generationId })
}

/** The answer to a JoinGroup: the leader, who has to assign, is told of all the others. */
export function currentGeneration(group: ClassicGroup, member: ClassicMember): JoinGroupResult {
  const isLeader = group.leader === member.memberId
  return {
    error: ErrorCode.NONE,
    generationId: group.generationId,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    leader: group.leader ?? '',
    skipAssignment: false,
    memberId: member.memberId,
    members: isLeader ? membersOf(group) : [],
  }
}

export function membersOf(group: ClassicGroup): JoinGroupResult['members'] {
  return [...group.members.values()].map((member) => ({
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    metadata: group.metadataOf(member),
  }))
}

/** A member is gone, by its own will or not; what it still waits for is answered. */
export function removeMember(scope: Scope, group: ClassicGroup, member: ClassicMember, reason: GroupReason): void {
  const { effects } = scope
  const token = group.takeJoin(member)
  // Whoever still waits behind this id may come back as a new member.
  if (token !== null) effects.reply(token, joinError('', ErrorCode.UNKNOWN_MEMBER_ID))
  if (member.syncToken !== null) effects.reply(member.syncToken, syncError(ErrorCode.UNKNOWN_MEMBER_ID))
  member.syncToken = null
  effects.cancel(sessionKey(group.groupId, member.memberId))
  group.remove(member)
  effects.note(memberNote(group, member, 'left', reason))
}

/** Members of the generation that never asked for their assignment are gone. */
export function endPendingSync(scope: Scope, group: ClassicGroup, generationId: number): void {
  if (group.generationId !== generationId || group.pendingSync.size === 0) return
  if (group.state !== 'CompletingRebalance' && group.state !== 'Stable') return
  const reason: GroupReason = {
    kind: 'syncTimedOut',
    memberIds: [...group.pendingSync],
    timeoutMs: group.rebalanceTimeoutMs,
  }
  for (const memberId of reason.memberIds) {
    const member = group.members.get(memberId)
    if (member) removeMember(scope, group, member, reason)
  }
  rebalance(scope, group, reason)
}

function endSyncPhase({ effects }: Scope, group: ClassicGroup): void {
  group.pendingSync.clear()
  effects.cancel(syncKey(group.groupId))
}

/** Answers a parked SyncGroup; from now on the member's heartbeats count again. */
export function answerSync(scope: Scope, group: ClassicGroup, member: ClassicMember, result: SyncGroupResult): void {
  if (member.syncToken === null) return
  scope.effects.reply(member.syncToken, result)
  member.syncToken = null
  restartSession(scope, group, member)
}

function enter(
  { effects, nowMs }: Scope,
  group: ClassicGroup,
  state: ClassicGroup['state'],
  reason: GroupReason,
): void {
  effects.note(stateNote(group, state, group.generationId, reason))
  group.state = state
  group.stateTimestampMs = nowMs
}
