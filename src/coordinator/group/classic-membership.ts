import { ErrorCode } from '../../../protocol/errors.ts'
import type { ClassicGroup, ClassicMember } from './classic-group.ts'
import { answerSync, completeJoinIfAllJoined, rebalance, removeMember, restartSession } from './classic-rebalance.ts'
import type { HeartbeatCall, LeaveGroupCall, LeavingMember, SyncGroupCall } from './group-calls.ts'
import { MAX_GROUP_RECORD_BYTES, MAX_MEMBER_ASSIGNMENT_BYTES, NEW_MEMBER_JOIN_TIMEOUT_MS } from './group-config.ts'
import { type GroupReason, stateNote } from './group-notes.ts'
import type { StoredGroup } from './group-records.ts'
import { type Scope, sessionKey, syncError, syncKey } from './group-scope.ts'

/** A member asks for its assignment; the leader brings those of all. Parked until the leader's are there. */
export function syncGroup(scope: Scope, group: ClassicGroup, token: number, call: SyncGroupCall): void {
  const { effects } = scope
  const error = checkSync(group, call)
  const member = group.members.get(call.memberId)
  if (error !== ErrorCode.NONE || !member) {
    effects.reply(token, syncError(error))
    return
  }
  receivedSync(scope, group, member)
  if (group.state === 'Stable') {
    restartSession(scope, group, member)
    effects.reply(token, assigned(group, member.assignment))
    return
  }
  // Asked again over a new connection: nobody hears the first answer any more.
  if (member.syncToken !== null) effects.reply(member.syncToken, syncError(ErrorCode.REBALANCE_IN_PROGRESS))
  member.syncToken = token
  if (group.leader === member.memberId) assign(scope, group, call)
}

function checkSync(group: ClassicGroup, call: SyncGroupCall): ErrorCode {
  const error = group.validateMember(call.memberId, call.groupInstanceId)
  if (error !== ErrorCode.NONE) return error
  if (call.generationId !== group.generationId) return ErrorCode.ILLEGAL_GENERATION
  const { protocolType, protocolName } = call
  if (protocolType !== null && protocolType !== group.protocolType) return ErrorCode.INCONSISTENT_GROUP_PROTOCOL
  if (protocolName !== null && protocolName !== group.protocolName) return ErrorCode.INCONSISTENT_GROUP_PROTOCOL
  return group.state === 'PreparingRebalance' ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE
}

function receivedSync({ effects }: Scope, group: ClassicGroup, member: ClassicMember): void {
  if (group.pendingSync.delete(member.memberId) && group.pendingSync.size === 0) effects.cancel(syncKey(group.groupId))
}

/** The generation is complete with the leader's assignments; the record makes it so, also after a restart. */
function assign(scope: Scope, group: ClassicGroup, { assignments }: SyncGroupCall): void {
  const leader = group.leader ?? ''
  const byMember = new Map(assignments.map(({ memberId, assignment }) => [memberId, assignment]))
  const value = group.toStored(byMember, scope.nowMs)
  if (isTooLarge(value)) {
    for (const member of group.members.values()) {
      answerSync(scope, group, member, syncError(ErrorCode.MESSAGE_TOO_LARGE))
    }
    rebalance(scope, group, { kind: 'assignmentTooLarge', leader })
    return
  }
  scope.effects.write({ type: 'GroupMetadata', group: group.groupId, value })
  scope.effects.note(stateNote(group, 'Stable', group.generationId, { kind: 'assigned', leader }))
  for (const { memberId, assignment } of value.members) {
    answerSync(scope, group, group.members.get(memberId)!, assigned(group, assignment))
  }
}

function isTooLarge({ members }: StoredGroup): boolean {
  let bytes = 0
  for (const { subscription, assignment } of members) {
    if (assignment.length > MAX_MEMBER_ASSIGNMENT_BYTES) return true
    bytes += subscription.length + assignment.length
  }
  return bytes > MAX_GROUP_RECORD_BYTES
}

function assigned({ protocolType, protocolName }: ClassicGroup, assignment: Buffer) {
  return { error: ErrorCode.NONE, protocolType, protocolName, assignment }
}

export function heartbeat(scope: Scope, group: ClassicGroup, call: HeartbeatCall): ErrorCode {
  const error = group.validateMember(call.memberId, call.groupInstanceId)
  if (error !== ErrorCode.NONE) return error
  if (call.generationId !== group.generationId) return ErrorCode.ILLEGAL_GENERATION
  restartSession(scope, group, group.members.get(call.memberId)!)
  // Members heartbeat between JoinGroup and SyncGroup too; only before JoinGroup they have to be told.
  return group.state === 'PreparingRebalance' ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE
}

/** One error per member. Those that leave cause one rebalance together. */
export function leaveGroup(scope: Scope, group: ClassicGroup, { members }: LeaveGroupCall): ErrorCode[] {
  const left: string[] = []
  const errors = members.map((member) => leave(scope, group, member, left))
  if (errors.includes(ErrorCode.NONE)) settle(scope, group, { kind: 'membersLeft', memberIds: left })
  return errors
}

function leave(
  scope: Scope,
  group: ClassicGroup,
  { memberId, groupInstanceId }: LeavingMember,
  left: string[],
): ErrorCode {
  if (group.pendingMembers.delete(memberId)) {
    scope.effects.cancel(sessionKey(group.groupId, memberId))
    left.push(memberId)
    return ErrorCode.NONE
  }
  // An administrator names the instance alone.
  const byInstance = memberId === '' && groupInstanceId !== null
  const id = byInstance ? group.memberIdOf(groupInstanceId) : memberId
  if (id === undefined) return ErrorCode.UNKNOWN_MEMBER_ID
  const error = group.validateMember(id, groupInstanceId)
  if (error !== ErrorCode.NONE) return error
  removeMember(scope, group, group.members.get(id)!, { kind: 'membersLeft', memberIds: [id] })
  left.push(id)
  return ErrorCode.NONE
}

/** Somebody left: the others need a new assignment, or a rebalance under way has one fewer to wait for. */
function settle(scope: Scope, group: ClassicGroup, reason: GroupReason): void {
  if (group.state === 'PreparingRebalance') completeJoinIfAllJoined(scope, group)
  else if (group.state !== 'Empty') rebalance(scope, group, reason)
}

export function expireSession(scope: Scope, group: ClassicGroup, memberId: string): void {
  const member = group.members.get(memberId)
  if (!member) return
  // A member that waits for us cannot send heartbeats; its session starts anew with the answer. One that was never
  // answered at all is given up, since its client may have gone and come back under another id.
  const waits = member.joinToken !== null || member.syncToken !== null
  if (waits && !member.isNew) return
  const timeoutMs = member.isNew ? NEW_MEMBER_JOIN_TIMEOUT_MS : member.sessionTimeoutMs
  const reason: GroupReason = { kind: 'sessionExpired', memberId, timeoutMs }
  removeMember(scope, group, member, reason)
  settle(scope, group, reason)
}
