import { ErrorCode } from '../../../protocol/errors.ts'
import { subscribedTopics } from './consumer-subscription.ts'
import type { JoinProtocol } from './group-calls.ts'
import type { GroupReason } from './group-notes.ts'
import type { StoredGroup, StoredMember } from './group-records.ts'

export const NO_BYTES = Buffer.alloc(0)
const CONSUMER_PROTOCOL_TYPE = 'consumer'

export interface ClassicMember {
  memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  sessionTimeoutMs: number
  rebalanceTimeoutMs: number
  /** In order of preference; after a restart only the one the group had chosen. */
  protocols: readonly JoinProtocol[]
  assignment: Buffer
  /** The parked JoinGroup or SyncGroup that waits for an answer. */
  joinToken: number | null
  syncToken: number | null
  /** In its first JoinGroup, so it cannot send heartbeats. */
  isNew: boolean
}

/**
 * A group of the classic protocol: who is in it, what they support, and how far the rebalance is. Also stands for a
 * group that only has offsets. Which events change it, and when, is decided by the functions around it.
 *
 * Empty → PreparingRebalance (members join) → CompletingRebalance (the leader assigns) → Stable.
 */
export class ClassicGroup {
  readonly groupId: string
  state: 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' = 'Empty'
  /** When the group entered its state; what empty groups expire by. -1 when the record did not say. */
  stateTimestampMs = -1
  /** Null for a group that only has offsets. */
  protocolType: string | null = null
  protocolName: string | null = null
  generationId = 0
  leader: string | null = null
  /** In order of joining: the next leader is the first of them. */
  readonly members = new Map<string, ClassicMember>()
  /** Ids given out by MEMBER_ID_REQUIRED whose owners have not come back yet. */
  readonly pendingMembers = new Set<string>()
  /** Members of this generation that have not sent SyncGroup. */
  readonly pendingSync = new Set<string>()
  /** The rebalance began with an empty group: others that are about to join get time to do so. */
  isInitialRebalance = false
  joinedDuringInitialDelay = false
  /** Why the rebalance under way began, or the last one; null when that was before the shard was loaded. */
  rebalanceCause: GroupReason | null = null
  /** There is a GroupMetadata record in the log that must be tombstoned one day. */
  isRecorded = false
  awaitingJoinCount = 0
  readonly #staticMembers = new Map<string, string>()
  readonly #supporters = new Map<string, number>()

  constructor(groupId: string) {
    this.groupId = groupId
  }

  /** Nobody is in it or about to be. */
  get isEmpty(): boolean {
    return this.state === 'Empty' && this.pendingMembers.size === 0
  }

  get allMembersJoined(): boolean {
    return this.awaitingJoinCount === this.members.size && this.pendingMembers.size === 0
  }

  /** How long a rebalance may take: the most patient member decides. */
  get rebalanceTimeoutMs(): number {
    let timeoutMs = 0
    for (const member of this.members.values()) timeoutMs = Math.max(timeoutMs, member.rebalanceTimeoutMs)
    return timeoutMs
  }

  memberIdOf(groupInstanceId: string): string | undefined {
    return this.#staticMembers.get(groupInstanceId)
  }

  /** Whether somebody with this identity is a member; FENCED_INSTANCE_ID when another now has the instance id (KIP-345). */
  validateMember(memberId: string, groupInstanceId: string | null): ErrorCode {
    if (groupInstanceId !== null) {
      const current = this.#staticMembers.get(groupInstanceId)
      if (current === undefined) return ErrorCode.UNKNOWN_MEMBER_ID
      if (current !== memberId) return ErrorCode.FENCED_INSTANCE_ID
    }
    return this.members.has(memberId) ? ErrorCode.NONE : ErrorCode.UNKNOWN_MEMBER_ID
  }

  /** Whether a member with these protocols leaves at least one that everybody supports; where nobody is, anything goes. */
  supportsProtocols(protocolType: string, protocols: readonly JoinProtocol[]): boolean {
    if (this.members.size === 0) return protocolType !== '' && protocols.length > 0
    if (protocolType !== this.protocolType) return false
    return protocols.some(({ name }) => this.#supporters.get(name) === this.members.size)
  }

  add(member: ClassicMember): void {
    this.members.set(member.memberId, member)
    if (member.groupInstanceId !== null) this.#staticMembers.set(member.groupInstanceId, member.memberId)
    this.leader ??= member.memberId
    this.#count(member.protocols, 1)
    if (member.joinToken !== null) this.awaitingJoinCount++
  }

  remove(member: ClassicMember): void {
    this.members.delete(member.memberId)
    this.pendingSync.delete(member.memberId)
    const { groupInstanceId } = member
    if (groupInstanceId !== null && this.#staticMembers.get(groupInstanceId) === member.memberId) {
      this.#staticMembers.delete(groupInstanceId)
    }
    this.#count(member.protocols, -1)
    if (member.joinToken !== null) this.awaitingJoinCount--
    if (this.leader === member.memberId) this.leader = this.members.keys().next().value ?? null
  }

  /** The instance came back and knows no member id: it goes on under a new one, leader if it was leader. */
  rename(member: ClassicMember, memberId: string): void {
    const wasLeader = this.leader === member.memberId
    this.remove(member)
    member.memberId = memberId
    this.add(member)
    if (wasLeader) this.leader = memberId
  }

  setProtocols(member: ClassicMember, protocols: readonly JoinProtocol[]): void {
    this.#count(member.protocols, -1)
    member.protocols = protocols
    this.#count(protocols, 1)
  }

  parkJoin(member: ClassicMember, token: number): void {
    if (member.joinToken === null) this.awaitingJoinCount++
    member.joinToken = token
  }

  /** The token of the parked JoinGroup, which is now to be answered. */
  takeJoin(member: ClassicMember): number | null {
    const token = member.joinToken
    if (token !== null) this.awaitingJoinCount--
    member.joinToken = null
    return token
  }

  /** Each member votes for the first protocol of its own list that all support; the first one voted for wins a tie. */
  selectProtocol(): string | null {
    const votes = new Map<string, number>()
    for (const { protocols } of this.members.values()) {
      const choice = protocols.find(({ name }) => this.#supporters.get(name) === this.members.size)
      if (choice) votes.set(choice.name, (votes.get(choice.name) ?? 0) + 1)
    }
    let winner: string | null = null
    for (const [name, count] of votes) if (winner === null || count > votes.get(winner)!) winner = name
    return winner
  }

  /** Leader is who was it, if it rejoined, else the first who did. False when nobody rejoined. */
  electJoinedLeader(): boolean {
    const current = this.leader === null ? undefined : this.members.get(this.leader)
    if (current && current.joinToken !== null) return true
    for (const member of this.members.values()) {
      if (member.joinToken === null) continue
      this.leader = member.memberId
      return true
    }
    return false
  }

  metadataOf(member: ClassicMember): Buffer {
    return member.protocols.find(({ name }) => name === this.protocolName)?.metadata ?? NO_BYTES
  }

  /**
   * Whether a topic's offsets are in use. When a consumer's subscription cannot be read, those of every topic might be;
   * members of other protocols (Connect workers) subscribe to none.
   */
  subscription(): (topic: string) => boolean {
    if (!this.usesConsumerProtocol) return () => false
    const subscribed = new Set<string>()
    for (const { protocols } of this.members.values()) {
      const chosen = protocols.find(({ name }) => name === this.protocolName) ?? protocols[0]
      const topics = chosen ? subscribedTopics(chosen.metadata) : null
      if (topics === null) return () => true
      for (const topic of topics) subscribed.add(topic)
    }
    return (topic) => subscribed.has(topic)
  }

  get usesConsumerProtocol(): boolean {
    return this.protocolType === CONSUMER_PROTOCOL_TYPE
  }

  /** What is written when a generation is complete; assignments as given, nothing for a member that got none. */
  toStored(assignments: ReadonlyMap<string, Buffer>, nowMs: number): StoredGroup {
    return {
      protocolType: this.protocolType ?? '',
      generation: this.generationId,
      protocol: this.protocolName,
      leader: this.leader,
      stateTimestampMs: nowMs,
      members: [...this.members.values()].map((member) => ({
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeoutMs: member.rebalanceTimeoutMs,
        sessionTimeoutMs: member.sessionTimeoutMs,
        subscription: this.metadataOf(member),
        assignment: assignments.get(member.memberId) ?? NO_BYTES,
      })),
    }
  }

  /** Takes over what a record says: a complete generation, or that the group is empty. */
  replay(stored: StoredGroup): void {
    this.isRecorded = true
    this.isInitialRebalance = false
    this.protocolType = stored.protocolType === '' ? null : stored.protocolType
    this.protocolName = stored.protocol
    this.generationId = stored.generation
    this.stateTimestampMs = stored.stateTimestampMs
    const staying = new Set(stored.members.map(({ memberId }) => memberId))
    for (const member of [...this.members.values()]) if (!staying.has(member.memberId)) this.remove(member)
    for (const { subscription, assignment, ...identity } of stored.members) {
      const member = this.members.get(identity.memberId) ?? this.#restore(identity)
      member.sessionTimeoutMs = identity.sessionTimeoutMs
      member.rebalanceTimeoutMs = identity.rebalanceTimeoutMs
      member.assignment = assignment
      // The record has the chosen protocol only; who is here already may have offered more.
      if (member.protocols.length === 0 || !this.metadataOf(member).equals(subscription)) {
        this.setProtocols(member, [{ name: stored.protocol ?? '', metadata: subscription }])
      }
    }
    this.leader = stored.leader
    this.state = this.members.size === 0 ? 'Empty' : 'Stable'
  }

  #restore(identity: Omit<StoredMember, 'subscription' | 'assignment'>): ClassicMember {
    const waiting = { joinToken: null, syncToken: null, isNew: false }
    const member = { ...identity, protocols: [], assignment: NO_BYTES, ...waiting }
    this.add(member)
    return member
  }

  #count(protocols: readonly JoinProtocol[], by: 1 | -1): void {
    for (const name of new Set(protocols.map((protocol) => protocol.name))) {
      const count = (this.#supporters.get(name) ?? 0) + by
      if (count === 0) this.#supporters.delete(name)
      else this.#supporters.set(name, count)
    }
  }
}

/** A rejoin with the same protocols in the same order changes nothing for the others. */
export function sameProtocols(a: readonly JoinProtocol[], b: readonly JoinProtocol[]): boolean {
  if (a.length !== b.length) return false
  return a.every(({ name, metadata }, at) => name === b[at]!.name && metadata.equals(b[at]!.metadata))
}
