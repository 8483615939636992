import type { ErrorCode } from '../../../protocol/errors.ts'
import type { ProducerIdentity } from '../coordinator-log.ts'

/** What the group coordinator is asked and what it answers, without versions: those are the handlers' concern. */

export interface JoinProtocol {
  readonly name: string
  readonly metadata: Buffer
}

export interface JoinGroupCall {
  readonly groupId: string
  /** Empty for a member that has none yet. */
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  /** As Kafka prints it: `/127.0.0.1`. */
  readonly clientHost: string
  readonly sessionTimeoutMs: number
  /** Negative when the version has none: the session timeout then counts. */
  readonly rebalanceTimeoutMs: number
  readonly protocolType: string
  /** In order of preference. */
  readonly protocols: readonly JoinProtocol[]
  /** A new dynamic member must come back with the id it is given (KIP-394, v4). */
  readonly requiresKnownMemberId: boolean
  /** A returning static leader may be told to skip the assignment (KIP-814, v9). */
  readonly canSkipAssignment: boolean
}

export interface JoinGroupResult {
  readonly error: ErrorCode
  /** -1 on error. */
  readonly generationId: number
  /** Null on error. */
  readonly protocolType: string | null
  readonly protocolName: string | null
  /** Member id; empty on error. */
  readonly leader: string
  readonly skipAssignment: boolean
  readonly memberId: string
  /** Only the leader is told. */
  readonly members: readonly JoinedMember[]
}

export interface JoinedMember {
  readonly memberId: string
  readonly groupInstanceId: string | null
  /** For the protocol that was chosen. */
  readonly metadata: Buffer
}

export interface SyncGroupCall {
  readonly groupId: string
  readonly generationId: number
  readonly memberId: string
  readonly groupInstanceId: string | null
  /** Null where the version has none (below v5): not checked. */
  readonly protocolType: string | null
  readonly protocolName: string | null
  /** The leader's; empty from followers. */
  readonly assignments: readonly MemberAssignment[]
}

export interface MemberAssignment {
  readonly memberId: string
  readonly assignment: Buffer
}

export interface SyncGroupResult {
  readonly error: ErrorCode
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly assignment: Buffer
}

export interface HeartbeatCall {
  readonly groupId: string
  readonly generationId: number
  readonly memberId: string
  readonly groupInstanceId: string | null
}

export interface HeartbeatResult {
  readonly error: ErrorCode
}

export interface LeaveGroupCall {
  readonly groupId: string
  readonly members: readonly LeavingMember[]
}

export interface LeavingMember {
  /** Empty when an administrator names only the instance. */
  readonly memberId: string
  readonly groupInstanceId: string | null
}

export interface LeaveGroupResult {
  /** Of the whole request; NONE when each member has its own. */
  readonly error: ErrorCode
  /** One per member, in order. */
  readonly memberErrors: readonly ErrorCode[]
}

export interface OffsetCommitCall {
  readonly groupId: string
  /** Negative for an administrator or a consumer without membership. */
  readonly generationId: number
  readonly memberId: string
  readonly groupInstanceId: string | null
  /** -1 for the broker's own rule; otherwise how long these offsets live (v2 to v4). */
  readonly retentionTimeMs: number
  /** What a member of a group that does not exist is told: GROUP_ID_NOT_FOUND since v9, ILLEGAL_GENERATION before. */
  readonly missingGroupError: ErrorCode
  /** Of topics and partitions that exist: the caller has looked. */
  readonly offsets: readonly OffsetToCommit[]
}

/** Offsets that count once the producer's transaction is committed. */
export interface TransactionalOffsetCommitCall extends ProducerIdentity {
  readonly groupId: string
  /** Negative, with an empty member id, where the version has neither. */
  readonly generationId: number
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly offsets: readonly OffsetToCommit[]
}

export interface OffsetToCommit {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly offset: number
  /** -1 when unknown. */
  readonly leaderEpoch: number
  readonly metadata: string
}

export interface OffsetCommitResult {
  /** One per offset, in order. */
  readonly errors: readonly ErrorCode[]
}

export interface OffsetFetchCall {
  readonly groupId: string
  /** Null for everything the group has committed. */
  readonly topics: readonly TopicPartitions[] | null
  /** Partitions that an open transaction has committed are not told: the answer would be old (KIP-447). */
  readonly requireStable?: boolean
}

export interface TopicPartitions {
  readonly topic: string
  readonly partitions: readonly number[]
}

export interface OffsetFetchResult {
  readonly error: ErrorCode
  /** Those asked for, in order; or all there are. */
  readonly topics: readonly FetchedTopic[]
}

export interface FetchedTopic {
  readonly topic: string
  readonly partitions: readonly FetchedOffset[]
}

export interface FetchedOffset {
  readonly partition: number
  /** -1 when nothing is committed. */
  readonly offset: number
  readonly leaderEpoch: number
  readonly metadata: string
  /** Stable offsets were asked for, and a transaction that commits this partition is open. */
  readonly unstable?: true
}

/** Empty text where the state is not known. */
export type ClassicGroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead' | ''

export interface DescribedGroup {
  /** GROUP_ID_NOT_FOUND with state `Dead` when there is no such group. */
  readonly error: ErrorCode
  readonly message: string | null
  readonly groupId: string
  readonly state: ClassicGroupState
  readonly protocolType: string
  /** Empty unless the group is stable. */
  readonly protocol: string
  readonly members: readonly DescribedMember[]
}

export interface DescribedMember {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  /** Empty unless the group is stable. */
  readonly metadata: Buffer
  /** The last one it was given. */
  readonly assignment: Buffer
}

export interface ListedGroup {
  readonly groupId: string
  /** Empty for a group that only has offsets. */
  readonly protocolType: string
  readonly state: ClassicGroupState
  readonly type: 'classic'
}

export interface ListGroupsCall {
  /** In any case; empty lists everything. Unknown names match nothing. */
  readonly states: readonly string[]
  readonly types: readonly string[]
}

export interface ListGroupsResult {
  /** COORDINATOR_LOAD_IN_PROGRESS when some groups are not known yet; the others are listed all the same. */
  readonly error: ErrorCode
  readonly groups: readonly ListedGroup[]
}

export interface DeleteGroupResult {
  readonly groupId: string
  readonly error: ErrorCode
}

export interface OffsetDeleteCall {
  readonly groupId: string
  /** Of topics and partitions that exist. */
  readonly topics: readonly TopicPartitions[]
}

export interface OffsetDeleteResult {
  readonly error: ErrorCode
  /** One per topic, in order; it holds for all partitions of the topic. */
  readonly topicErrors: readonly ErrorCode[]
}
