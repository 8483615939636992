import type { DecodedResponseOf } from '../../protocol/codec/schema.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { JoinGroup } from '../../protocol/messages/11-join-group.ts'
import { Heartbeat } from '../../protocol/messages/12-heartbeat.ts'
import { LeaveGroup } from '../../protocol/messages/13-leave-group.ts'
import { SyncGroup } from '../../protocol/messages/14-sync-group.ts'
import type { Timer } from '../io/clock.ts'
import { Attempts } from './attempts.ts'
import { ClientError, refuseError } from './client-error.ts'
import { readAssignment, readSubscription, writeAssignment, writeSubscription } from './embedded-protocol.ts'
import { commitOffsets } from './group-offsets.ts'
import { assignRanges } from './range-assignor.ts'
import type { RequestRouter } from './request-router.ts'
import type { TopicPartition } from './topic-leaders.ts'

export interface GroupMemberOptions {
  readonly group: string
  readonly topics: readonly string[]
  /** 45,000 by default, as in the Java client. */
  readonly sessionTimeoutMs?: number
  /** How long the others wait for this member in a rebalance; 60,000 by default. */
  readonly rebalanceTimeoutMs?: number
  /** 3000 by default: how late this member may learn of a rebalance. */
  readonly heartbeatIntervalMs?: number
}

type JoinAnswer = DecodedResponseOf<typeof JoinGroup>

const SESSION_TIMEOUT_MS = 45_000
const REBALANCE_TIMEOUT_MS = 60_000
const HEARTBEAT_MS = 3000
/** A list of members from there on, of whom it would have to know more. */
const ONE_MEMBER_VERSION = 2
/** Requests of a group that wait in the coordinator, which would hold up those behind them. */
const CHANNEL = 'group'

const LOST_MEMBERSHIP: ReadonlySet<number> = new Set([
  ErrorCode.UNKNOWN_MEMBER_ID,
  ErrorCode.ILLEGAL_GENERATION,
  ErrorCode.FENCED_INSTANCE_ID,
])

/** A member of a classic group with Kafka's range assignor. It sends heartbeats from `join` to `leave`. */
export class GroupMember {
  readonly #router: RequestRouter
  readonly #options: Required<GroupMemberOptions>
  #memberId = ''
  #generationId = -1
  #heartbeat: Timer | null = null
  #rebalance = new AbortController()
  #hasLeft = false

  constructor(router: RequestRouter, options: GroupMemberOptions) {
    this.#router = router
    this.#options = {
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
      heartbeatIntervalMs: HEARTBEAT_MS,
      ...options,
    }
  }

  /** Fires when the assignment of the last `join` no longer holds: commit, and join again. */
  get rebalanced(): AbortSignal {
    return this.#rebalance.signal
  }

  /** Takes part in a rebalance; gives what this member is to read. Throws ClientError. */
  async join(): Promise<TopicPartition[]> {
    this.#heartbeat?.cancel()
    const attempts = new Attempts(this.#router.clock, this.#options.rebalanceTimeoutMs)
    for (;;) {
      const answer = await this.#sendJoin()
      const assignment = answer.errorCode === 0 ? await this.#sync(answer) : null
      if (assignment !== null) {
        this.#rebalance = new AbortController()
        this.#scheduleHeartbeat()
        return assignment
      }
      if (answer.errorCode === ErrorCode.MEMBER_ID_REQUIRED) continue
      if (LOST_MEMBERSHIP.has(answer.errorCode)) this.#memberId = ''
      else if (answer.errorCode !== ErrorCode.REBALANCE_IN_PROGRESS) {
        refuseError(`joining the group ${this.#options.group}`, answer.errorCode)
      }
      if (!(await attempts.pause())) {
        throw new ClientError('timeout', `the group ${this.#options.group} has not come to rest`)
      }
    }
  }

  /** Throws ClientError; REBALANCE_IN_PROGRESS and the like mean that others go on from what was committed before. */
  commit(offsets: readonly (TopicPartition & { readonly offset: number })[]): Promise<void> {
    const committer = { memberId: this.#memberId, generationId: this.#generationId }
    return commitOffsets(this.#router, this.#options.group, offsets, committer)
  }

  /** So that the others need not wait until the session of this member is over. */
  async leave(): Promise<void> {
    this.#hasLeft = true
    this.#heartbeat?.cancel()
    if (this.#memberId === '') return
    const { group } = this.#options
    const request = { groupId: group, memberId: this.#memberId, members: [] }
    this.#memberId = ''
    const { errorCode } = await this.#router.send(LeaveGroup, request, { group }, { maxVersion: ONE_MEMBER_VERSION })
    if (!LOST_MEMBERSHIP.has(errorCode)) refuseError(`leaving the group ${group}`, errorCode)
  }

  async #sendJoin(): Promise<JoinAnswer> {
    const { group, topics, sessionTimeoutMs, rebalanceTimeoutMs } = this.#options
    const request = {
      groupId: group,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      memberId: this.#memberId,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: writeSubscription(topics) }],
    }
    const sending = { channel: CHANNEL, timeoutMs: rebalanceTimeoutMs + this.#router.timeoutMs }
    const answer = await this.#router.send(JoinGroup, request, { group }, sending)
    if (answer.errorCode === 0 || answer.errorCode === ErrorCode.MEMBER_ID_REQUIRED) this.#memberId = answer.memberId
    if (answer.errorCode === 0) this.#generationId = answer.generationId
    return answer
  }

  /** Null when it has to be joined again. */
  async #sync(joined: JoinAnswer): Promise<TopicPartition[] | null> {
    const { group } = this.#options
    const isLeader = joined.leader === joined.memberId && !joined.skipAssignment
    const request = {
      groupId: group,
      generationId: joined.generationId,
      memberId: joined.memberId,
      protocolType: 'consumer',
      protocolName: joined.protocolName,
      assignments: isLeader ? await this.#assign(joined) : [],
    }
    const sending = { channel: CHANNEL, timeoutMs: this.#options.rebalanceTimeoutMs + this.#router.timeoutMs }
    const { errorCode, assignment } = await this.#router.send(SyncGroup, request, { group }, sending)
    if (LOST_MEMBERSHIP.has(errorCode)) this.#memberId = ''
    if (LOST_MEMBERSHIP.has(errorCode) || errorCode === ErrorCode.REBALANCE_IN_PROGRESS) return null
    refuseError(`entering the group ${group}`, errorCode)
    return readAssignment(assignment)
  }

  async #assign({ members }: JoinAnswer): Promise<{ memberId: string; assignment: Buffer }[]> {
    const subscriptions = members.map(({ memberId, metadata }) => ({ memberId, topics: readSubscription(metadata) }))
    const topics = await this.#router.topics([...new Set(subscriptions.flatMap((one) => one.topics))])
    const counts = new Map(topics.map(({ name, partitions }) => [name, partitions.length]))
    return [...assignRanges(subscriptions, counts)].map(([memberId, partitions]) => {
      return { memberId, assignment: writeAssignment(partitions) }
    })
  }

  #scheduleHeartbeat(): void {
    this.#heartbeat = this.#router.clock.schedule(this.#options.heartbeatIntervalMs, () => {
      this.#beat().catch((error: unknown) => this.#rebalance.abort(error))
    })
  }

  /** A broker that does not answer now may do so before the session is over; whoever reads will hear of it as well. */
  async #beat(): Promise<void> {
    const { group } = this.#options
    const request = { groupId: group, generationId: this.#generationId, memberId: this.#memberId }
    const { errorCode } = await this.#router.send(Heartbeat, request, { group })
    if (this.#hasLeft) return
    if (errorCode === 0) {
      this.#scheduleHeartbeat()
      return
    }
    if (LOST_MEMBERSHIP.has(errorCode)) this.#memberId = ''
    else if (errorCode !== ErrorCode.REBALANCE_IN_PROGRESS) refuseError(`heartbeat in the group ${group}`, errorCode)
    this.#rebalance.abort()
  }
}
