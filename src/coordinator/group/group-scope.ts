import type { ErrorCode } from '../../../protocol/errors.ts'
import type { TransactionEnd } from '../coordinator-log.ts'
import type { Effects } from '../effects.ts'
import { NO_BYTES } from './classic-group.ts'
import type {
  DeleteGroupResult,
  DescribedGroup,
  HeartbeatCall,
  HeartbeatResult,
  JoinGroupCall,
  JoinGroupResult,
  LeaveGroupCall,
  LeaveGroupResult,
  ListGroupsCall,
  ListGroupsResult,
  OffsetCommitCall,
  OffsetCommitResult,
  OffsetDeleteCall,
  OffsetDeleteResult,
  OffsetFetchCall,
  OffsetFetchResult,
  SyncGroupCall,
  SyncGroupResult,
  TransactionalOffsetCommitCall,
} from './group-calls.ts'
import type { GroupConfig } from './group-config.ts'
import type { GroupNote } from './group-notes.ts'
import type { GroupRecord } from './group-records.ts'

/** The calls a shard of groups takes: what is asked, and what is answered. */
export interface GroupCalls {
  /** `newMemberUuid` makes the id of a member that has none: chance comes from outside the machine. */
  joinGroup: { call: JoinGroupCall & { readonly newMemberUuid: string }; result: JoinGroupResult }
  syncGroup: { call: SyncGroupCall; result: SyncGroupResult }
  heartbeat: { call: HeartbeatCall; result: HeartbeatResult }
  leaveGroup: { call: LeaveGroupCall; result: LeaveGroupResult }
  commitOffsets: { call: OffsetCommitCall; result: OffsetCommitResult }
  commitOffsetsInTransaction: { call: TransactionalOffsetCommitCall; result: OffsetCommitResult }
  endTransaction: { call: TransactionEnd; result: ErrorCode }
  fetchOffsets: { call: OffsetFetchCall; result: OffsetFetchResult }
  describeGroup: { call: string; result: DescribedGroup }
  listGroups: { call: ListGroupsCall; result: ListGroupsResult }
  deleteGroup: { call: string; result: DeleteGroupResult }
  deleteOffsets: { call: OffsetDeleteCall; result: OffsetDeleteResult }
  forgetTopics: { call: ForgetTopicsCall; result: ErrorCode }
  expireOffsets: { call: null; result: ErrorCode }
}

export interface ForgetTopicsCall {
  /** Whether offsets of this topic are still of use. An id of zeros: the record did not say. */
  readonly isGone: (topic: string, topicId: string) => boolean
}

export type GroupRequest = {
  [K in keyof GroupCalls]: { readonly type: K; readonly call: GroupCalls[K]['call'] }
}[keyof GroupCalls]
export type GroupResponse = GroupCalls[keyof GroupCalls]['result']

export type GroupTimer =
  | { readonly type: 'session'; readonly groupId: string; readonly memberId: string }
  | { readonly type: 'pendingMember'; readonly groupId: string; readonly memberId: string }
  | { readonly type: 'initialDelay'; readonly groupId: string; readonly delayMs: number; readonly remainingMs: number }
  | { readonly type: 'join'; readonly groupId: string }
  | { readonly type: 'sync'; readonly groupId: string; readonly generationId: number }
  | { readonly type: 'expireOffsets' }

export type GroupEffects = Effects<GroupResponse, GroupTimer, GroupRecord, GroupNote>

/** What the functions that decide an event share. */
export interface Scope {
  readonly config: GroupConfig
  readonly effects: GroupEffects
  readonly nowMs: number
}

/** Ids may hold any character but have no length limit in common, so the separator is one that no client sends. */
export const sessionKey = (groupId: string, memberId: string) => `session\0${groupId}\0${memberId}`
export const joinKey = (groupId: string) => `join\0${groupId}`
export const syncKey = (groupId: string) => `sync\0${groupId}`
export const EXPIRE_OFFSETS_KEY = 'expire-offsets'

export function joinError(memberId: string, error: ErrorCode): JoinGroupResult {
  const nothing = { generationId: -1, protocolType: null, protocolName: null, leader: '', members: [] }
  return { ...nothing, error, memberId, skipAssignment: false }
}

export function syncError(error: ErrorCode): SyncGroupResult {
  return { error, protocolType: null, protocolName: null, assignment: NO_BYTES }
}
