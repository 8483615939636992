import { ErrorCode } from '../../../protocol/errors.ts'
import { type ClassicGroup, type ClassicMember, NO_BYTES, sameProtocols } from './classic-group.ts'
import {
  completeJoinIfAllJoined,
  currentGeneration,
  membersOf,
  rebalance,
  removeMember,
  restartSession,
} from './classic-rebalance.ts'
import type { JoinProtocol } from './group-calls.ts'
import type { GroupConfig } from './group-config.ts'
import { MAX_MEMBER_METADATA_BYTES, MAX_MEMBERS_PER_GROUP } from './group-config.ts'
import { type GroupReason, memberNote } from './group-notes.ts'
import type { GroupCalls, Scope } from './group-scope.ts'
import { joinError, sessionKey, syncError } from './group-scope.ts'

export type JoinCall = GroupCalls['joinGroup']['call']

/** Client ids may be as long as any string; the part that goes into a member id must leave the id a string too. */
const MAX_CLIENT_ID_IN_MEMBER_ID = 255

/** What is wrong with the request whatever the group, or NONE. */
export function checkJoin(call: JoinCall, config: GroupConfig): ErrorCode {
  const { sessionTimeoutMs } = call
  if (call.groupId === '') return ErrorCode.INVALID_GROUP_ID
  if (sessionTimeoutMs < config['group.min.session.timeout.ms']) return ErrorCode.INVALID_SESSION_TIMEOUT
  if (sessionTimeoutMs > config['group.max.session.timeout.ms']) return ErrorCode.INVALID_SESSION_TIMEOUT
  return metadataBytes(call.protocols) > MAX_MEMBER_METADATA_BYTES ? ErrorCode.MESSAGE_TOO_LARGE : ErrorCode.NONE
}

function metadataBytes(protocols: readonly JoinProtocol[]): number {
  return protocols.reduce((sum, { name, metadata }) => sum + name.length + metadata.length, 0)
}

/** Someone wants into the group, or to go on in its next generation. Answered at once, or parked until all have joined. */
export function joinGroup(scope: Scope, group: ClassicGroup, token: number, call: JoinCall): void {
  const { memberId } = call
  const error = admit(scope, group, call)
  const member = group.members.get(memberId)
  if (error !== ErrorCode.NONE) {
    const id = error === ErrorCode.GROUP_MAX_SIZE_REACHED ? '' : memberId
    scope.effects.reply(token, joinError(id, error))
  } else if (memberId === '') joinNew(scope, group, token, call)
  else if (member) rejoin(scope, group, token, member, call)
  else addMember(scope, group, token, memberId, call)
}

function admit(
  scope: Scope,
  group: ClassicGroup,
  { memberId, groupInstanceId, protocolType, protocols }: JoinCall,
): ErrorCode {
  if (!hasRoom(scope, group, memberId)) {
    const member = group.members.get(memberId)
    if (member) {
      removeMember(scope, group, member, { kind: 'groupTooLarge', limit: memberLimit(scope) })
      completeJoinIfAllJoined(scope, group)
    }
    return ErrorCode.GROUP_MAX_SIZE_REACHED
  }
  if (!group.supportsProtocols(protocolType, protocols)) return ErrorCode.INCONSISTENT_GROUP_PROTOCOL
  if (memberId === '') return ErrorCode.NONE
  // Ids of MEMBER_ID_REQUIRED belong to members without an instance id.
  if (group.pendingMembers.has(memberId) && groupInstanceId === null) return ErrorCode.NONE
  return group.validateMember(memberId, groupInstanceId)
}

/** During a rebalance those count that have joined, so that the first to come stay when a full group shrinks. */
function hasRoom(scope: Scope, group: ClassicGroup, memberId: string): boolean {
  const limit = memberLimit(scope)
  const member = group.members.get(memberId)
  if (group.pendingMembers.size >= MAX_MEMBERS_PER_GROUP && memberId === '') return false
  if (group.state === 'Empty') return true
  if (group.state === 'PreparingRebalance')
    return (member && member.joinToken !== null) || group.awaitingJoinCount < limit
  return member !== undefined || group.members.size < limit
}

function memberLimit({ config }: Scope): number {
  return Math.min(config['group.max.size'], MAX_MEMBERS_PER_GROUP)
}

function joinNew(scope: Scope, group: ClassicGroup, token: number, call: JoinCall): void {
  const { groupInstanceId, newMemberUuid } = call
  if (groupInstanceId !== null) {
    const memberId = `${groupInstanceId}-${newMemberUuid}`
    const current = group.members.get(group.memberIdOf(groupInstanceId) ?? '')
    if (current) replaceStatic(scope, group, token, current, memberId, call)
    else addMember(scope, group, token, memberId, call)
    return
  }
  const memberId = `${call.clientId.slice(0, MAX_CLIENT_ID_IN_MEMBER_ID)}-${newMemberUuid}`
  if (!call.requiresKnownMemberId) {
    addMember(scope, group, token, memberId, call)
    return
  }
  // Without the round trip every lost answer would leave a member behind that nobody is (KIP-394).
  const { groupId } = group
  group.pendingMembers.add(memberId)
  const event = { type: 'pendingMember', groupId, memberId } as const
  scope.effects.schedule(sessionKey(groupId, memberId), call.sessionTimeoutMs, event)
  scope.effects.reply(token, joinError(memberId, ErrorCode.MEMBER_ID_REQUIRED))
}

function addMember(scope: Scope, group: ClassicGroup, token: number, memberId: string, call: JoinCall): void {
  const { groupInstanceId, clientId, clientHost, sessionTimeoutMs, protocols } = call
  const member: ClassicMember = {
    ...{ memberId, groupInstanceId, clientId, clientHost, sessionTimeoutMs, protocols },
    rebalanceTimeoutMs: rebalanceTimeoutOf(call),
    assignment: NO_BYTES,
    joinToken: token,
    syncToken: null,
    isNew: true,
  }
  group.pendingMembers.delete(memberId)
  if (group.members.size === 0) group.protocolType = call.protocolType
  if (group.isInitialRebalance) group.joinedDuringInitialDelay = true
  group.add(member)
  restartSession(scope, group, member)
  const reason: GroupReason = { kind: 'memberJoined', memberId, groupInstanceId }
  scope.effects.note(memberNote(group, member, 'joined', reason))
  rebalance(scope, group, reason)
}

function rejoin(scope: Scope, group: ClassicGroup, token: number, member: ClassicMember, call: JoinCall): void {
  const unchanged = sameProtocols(member.protocols, call.protocols)
  const isLeader = group.leader === member.memberId
  // Completing: the answer got lost. Stable: only the leader may ask for a new assignment by rejoining; a follower
  // that changes nothing must not disturb the others (cooperative rebalancing depends on both).
  const answerNow = unchanged && (group.state === 'CompletingRebalance' || (group.state === 'Stable' && !isLeader))
  if (answerNow) {
    restartSession(scope, group, member)
    scope.effects.reply(token, currentGeneration(group, member))
    return
  }
  updateMember(group, member, call)
  // The same member asks again, over a new connection: what it asked before has nobody left to hear it.
  if (member.joinToken !== null) {
    scope.effects.reply(member.joinToken, joinError(member.memberId, ErrorCode.REBALANCE_IN_PROGRESS))
  }
  group.parkJoin(member, token)
  const { memberId } = member
  rebalance(scope, group, { kind: unchanged ? 'leaderRejoined' : 'subscriptionChanged', memberId })
}

function updateMember(group: ClassicGroup, member: ClassicMember, call: JoinCall): void {
  group.setProtocols(member, call.protocols)
  member.sessionTimeoutMs = call.sessionTimeoutMs
  member.rebalanceTimeoutMs = rebalanceTimeoutOf(call)
}

/** A restarted static member: its place goes over to a new member id, without a rebalance where nothing else changed. */
function replaceStatic(
  scope: Scope,
  group: ClassicGroup,
  token: number,
  member: ClassicMember,
  memberId: string,
  call: JoinCall,
): void {
  const { effects } = scope
  const oldMemberId = member.memberId
  const wasLeader = group.leader === oldMemberId
  fence(scope, group, member)
  effects.cancel(sessionKey(group.groupId, oldMemberId))
  group.rename(member, memberId)
  updateMember(group, member, call)
  // In CompletingRebalance the leader may already have been told the old id, and would assign to it.
  member.isNew = group.state !== 'Stable' || group.selectProtocol() !== group.protocolName
  restartSession(scope, group, member)
  const { groupInstanceId } = member
  const reason: GroupReason = { kind: 'instanceReplaced', groupInstanceId, memberId, oldMemberId }
  effects.note(memberNote(group, member, 'replaced', reason))
  if (member.isNew) {
    group.parkJoin(member, token)
    rebalance(scope, group, reason)
    return
  }
  const assignments = new Map([...group.members.values()].map((one) => [one.memberId, one.assignment]))
  effects.write({ type: 'GroupMetadata', group: group.groupId, value: group.toStored(assignments, scope.nowMs) })
  effects.reply(token, {
    ...currentGeneration(group, member),
    // A leader that cannot be told to skip the assignment is told of a leader that is not itself.
    leader: wasLeader && !call.canSkipAssignment ? oldMemberId : (group.leader ?? ''),
    skipAssignment: wasLeader && call.canSkipAssignment,
    members: wasLeader && call.canSkipAssignment ? membersOf(group) : [],
  })
}

/** Whoever still waits under the old id must not go on beside the new one. */
function fence({ effects }: Scope, group: ClassicGroup, member: ClassicMember): void {
  const joinToken = group.takeJoin(member)
  if (joinToken !== null) effects.reply(joinToken, joinError(member.memberId, ErrorCode.FENCED_INSTANCE_ID))
  if (member.syncToken !== null) effects.reply(member.syncToken, syncError(ErrorCode.FENCED_INSTANCE_ID))
  member.syncToken = null
}

function rebalanceTimeoutOf({ rebalanceTimeoutMs, sessionTimeoutMs }: JoinCall): number {
  return rebalanceTimeoutMs < 0 ? sessionTimeoutMs : rebalanceTimeoutMs
}

/** The owner of an id given out by MEMBER_ID_REQUIRED did not come back. */
export function expirePendingMember(scope: Scope, group: ClassicGroup, memberId: string): void {
  if (group.pendingMembers.delete(memberId)) completeJoinIfAllJoined(scope, group)
}
