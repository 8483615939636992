import type { ErrorCode } from '../../../protocol/errors.ts'
import type { ClassicGroup, ClassicMember } from './classic-group.ts'
import type { OffsetCommitCall } from './group-calls.ts'

/** What happened in a shard of groups, as data: told when everything it rests on is durable. */
export type GroupNote = CommitNote | StateNote | MemberNote | GroupDeletedNote

/** The call as it came: whoever listens takes it apart, and where nobody does nothing was built. */
export interface CommitNote {
  readonly kind: 'commit'
  readonly call: OffsetCommitCall
  /** One per offset of the call. */
  readonly errors: readonly ErrorCode[]
}

/** Kafka's names for what a group is doing. */
export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable'

export interface StateNote {
  readonly kind: 'state'
  readonly groupId: string
  readonly before: GroupState
  readonly after: GroupState
  readonly generationId: number
  readonly memberCount: number
  /** What made this step. */
  readonly reason: GroupReason
  /** What began the rebalance that this step belongs to; null where it is not known any more. */
  readonly cause: GroupReason | null
}

export interface MemberNote {
  readonly kind: 'member'
  readonly change: 'joined' | 'left' | 'replaced'
  readonly groupId: string
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  /** Afterwards. */
  readonly memberCount: number
  readonly reason: GroupReason
}

export interface GroupDeletedNote {
  readonly kind: 'deleted'
  readonly groupId: string
  /** expired: nobody was in it and its last offset was forgotten. */
  readonly by: 'request' | 'expiration'
}

/** Why a group is where it is. `groupReasonText` says it in words. */
export type GroupReason =
  | { readonly kind: 'memberJoined'; readonly memberId: string; readonly groupInstanceId: string | null }
  | { readonly kind: 'membersLeft'; readonly memberIds: readonly string[] }
  | { readonly kind: 'sessionExpired'; readonly memberId: string; readonly timeoutMs: number }
  | { readonly kind: 'subscriptionChanged'; readonly memberId: string }
  /** It changed nothing of its own: it wants a new assignment, as when a topic got partitions. */
  | { readonly kind: 'leaderRejoined'; readonly memberId: string }
  | {
      readonly kind: 'instanceReplaced'
      readonly groupInstanceId: string | null
      readonly memberId: string
      readonly oldMemberId: string
    }
  | { readonly kind: 'joinTimedOut'; readonly memberIds: readonly string[]; readonly timeoutMs: number }
  | { readonly kind: 'syncTimedOut'; readonly memberIds: readonly string[]; readonly timeoutMs: number }
  | { readonly kind: 'assignmentTooLarge'; readonly leader: string }
  | { readonly kind: 'groupTooLarge'; readonly limit: number }
  | { readonly kind: 'allJoined' }
  | { readonly kind: 'assigned'; readonly leader: string }
  | { readonly kind: 'noMembers' }

/** One sentence without its full stop. */
export function groupReasonText(reason: GroupReason): string {
  switch (reason.kind) {
    case 'memberJoined': {
      const instance = reason.groupInstanceId === null ? '' : ` (instance ${reason.groupInstanceId})`
      return `${reason.memberId}${instance} joined`
    }
    case 'membersLeft':
      return `${reason.memberIds.join(', ')} left`
    case 'sessionExpired':
      return `${reason.memberId} gave no sign of life for ${reason.timeoutMs} ms`
    case 'subscriptionChanged':
      return `${reason.memberId} changed what it subscribes to or owns`
    case 'leaderRejoined':
      return `the leader ${reason.memberId} asked for a new assignment, as it does when partitions of a topic changed`
    case 'instanceReplaced':
      return `instance ${reason.groupInstanceId} came back as ${reason.memberId}, before ${reason.oldMemberId}`
    case 'joinTimedOut':
      return `${reason.memberIds.join(', ')} did not rejoin within ${reason.timeoutMs} ms`
    case 'syncTimedOut':
      return `${reason.memberIds.join(', ')} joined and did not ask for an assignment within ${reason.timeoutMs} ms`
    case 'assignmentTooLarge':
      return `the assignment of the leader ${reason.leader} is too large to be stored`
    case 'groupTooLarge':
      return `there are more than ${reason.limit} members`
    case 'allJoined':
      return 'all members have joined'
    case 'assigned':
      return `the leader ${reason.leader} brought the assignment`
    case 'noMembers':
      return 'nobody is left'
  }
}

export function memberNote(
  group: ClassicGroup,
  member: ClassicMember,
  change: MemberNote['change'],
  reason: GroupReason,
): MemberNote {
  const { memberId, groupInstanceId, clientId, clientHost } = member
  const { groupId, members } = group
  const memberCount = members.size
  return { kind: 'member', change, groupId, memberId, groupInstanceId, clientId, clientHost, memberCount, reason }
}

/** Before the group itself changes: its state is the one it leaves. */
export function stateNote(
  group: ClassicGroup,
  after: GroupState,
  generationId: number,
  reason: GroupReason,
): StateNote {
  const { groupId, state: before, rebalanceCause: cause } = group
  return { kind: 'state', groupId, before, after, generationId, memberCount: group.members.size, reason, cause }
}
