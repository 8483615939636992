import { ErrorCode } from '../../../protocol/errors.ts'
import type { ProducerIdentity, TransactionEnd } from '../coordinator-log.ts'
import { Effects } from '../effects.ts'
import type { Outcome, ShardEvent, ShardMachine } from '../shard-machine.ts'
import { ClassicGroup } from './classic-group.ts'
import type { JoinCall } from './classic-join.ts'
import { checkJoin, expirePendingMember, joinGroup } from './classic-join.ts'
import { expireSession, heartbeat, leaveGroup, syncGroup } from './classic-membership.ts'
import { completeJoin, endInitialDelay, endPendingSync, rebalance, restartSession } from './classic-rebalance.ts'
import type {
  HeartbeatCall,
  LeaveGroupCall,
  OffsetCommitCall,
  OffsetDeleteCall,
  SyncGroupCall,
  TransactionalOffsetCommitCall,
} from './group-calls.ts'
import { type GroupConfig, MAX_GROUPS_PER_SHARD } from './group-config.ts'
import type { GroupNote } from './group-notes.ts'
import { describeGroup, fetchOffsets, listGroups } from './group-queries.ts'
import type { GroupRecord } from './group-records.ts'
import { refuseRequest } from './group-refusal.ts'
import {
  EXPIRE_OFFSETS_KEY,
  type ForgetTopicsCall,
  type GroupEffects,
  type GroupRequest,
  type GroupResponse,
  type GroupTimer,
  joinError,
  type Scope,
  syncError,
} from './group-scope.ts'
import { commitOffsets, commitOffsetsInTransaction } from './offset-commit.ts'
import { expireOffsets } from './offset-expiration.ts'
import { OffsetStore } from './offset-store.ts'
import { PendingOffsets } from './pending-offsets.ts'

/**
 * One shard of the group coordinator: its groups and their offsets. Offsets and complete generations change by replay
 * alone; who is joining, and until when, lives only in memory, as in Kafka.
 */
export class GroupMachine implements ShardMachine<GroupRequest, GroupResponse, GroupTimer, GroupRecord, GroupNote> {
  readonly #config: GroupConfig
  readonly #groups = new Map<string, ClassicGroup>()
  readonly #offsets = new OffsetStore()
  readonly #pending = new PendingOffsets()

  constructor(config: GroupConfig) {
    this.#config = config
  }

  handle(
    event: ShardEvent<GroupRequest, GroupTimer>,
    nowMs: number,
  ): Outcome<GroupResponse, GroupTimer, GroupRecord, GroupNote> {
    const effects: GroupEffects = new Effects()
    const scope: Scope = { config: this.#config, effects, nowMs }
    if (event.kind === 'request') this.#request(scope, event.token, event.request)
    else if (event.kind === 'timer') this.#timeout(scope, event.timer)
    else this.#loaded(scope)
    return effects
  }

  refuse(request: GroupRequest, error: ErrorCode): GroupResponse {
    return refuseRequest(request, error)
  }

  replay(record: GroupRecord, producer: ProducerIdentity | null = null): void {
    const { group: groupId } = record
    if (record.type === 'GroupMetadata') {
      if (record.value === null) this.#groups.set(groupId, new ClassicGroup(groupId))
      else this.#groupOrNew(groupId).replay(record.value)
    } else if (record.value === null) {
      this.#offsets.delete(groupId, record.topic, record.partition)
      this.#pending.supersede(groupId, record.topic, record.partition)
    } else {
      // Offsets without members are a group too: that of consumers which assign partitions themselves.
      this.#groupOrNew(groupId)
      if (producer === null) {
        this.#offsets.set(groupId, record.topic, record.partition, record.value)
        this.#pending.supersede(groupId, record.topic, record.partition)
      } else this.#pending.add(producer.producerId, record, record.value)
    }
    this.#dropIfForgotten(groupId)
  }

  replayTransactionEnd(end: TransactionEnd): void {
    const waiting = this.#pending.groupIds()
    for (const { group, topic, partition, offset } of this.#pending.end(end)) {
      this.#groupOrNew(group)
      this.#offsets.set(group, topic, partition, offset)
    }
    for (const groupId of waiting) this.#dropIfForgotten(groupId)
  }

  #request(scope: Scope, token: number, request: GroupRequest): void {
    if (request.type === 'joinGroup') this.#joinGroup(scope, token, request.call)
    else if (request.type === 'syncGroup') this.#syncGroup(scope, token, request.call)
    else scope.effects.reply(token, this.#answer(scope, request))
  }

  /** The requests that never wait for others. */
  #answer(scope: Scope, request: Exclude<GroupRequest, { type: 'joinGroup' | 'syncGroup' }>): GroupResponse {
    switch (request.type) {
      case 'heartbeat':
        return { error: this.#heartbeat(scope, request.call) }
      case 'leaveGroup':
        return this.#leaveGroup(scope, request.call)
      case 'commitOffsets':
        return { errors: this.#commitOffsets(scope, request.call) }
      case 'commitOffsetsInTransaction':
        return { errors: this.#commitInTransaction(scope, request.call) }
      case 'endTransaction':
        scope.effects.transactionEnd = request.call
        return ErrorCode.NONE
      case 'fetchOffsets':
        return fetchOffsets(this.#offsets, this.#pending, request.call)
      case 'describeGroup':
        return describeGroup(request.call, this.#groups.get(request.call))
      case 'listGroups':
        return listGroups(this.#groups.values(), request.call)
      case 'deleteGroup':
        return { groupId: request.call, error: this.#deleteGroup(scope, request.call) }
      case 'deleteOffsets':
        return this.#deleteOffsets(scope, request.call)
      case 'forgetTopics':
        return this.#forgetTopics(scope, request.call)
      case 'expireOffsets':
        this.#expireOffsets(scope)
        return ErrorCode.NONE
    }
  }

  #timeout(scope: Scope, timer: GroupTimer): void {
    if (timer.type === 'expireOffsets') {
      this.#expireOffsets(scope)
      return
    }
    const group = this.#groups.get(timer.groupId)
    if (!group) return
    switch (timer.type) {
      case 'session':
        expireSession(scope, group, timer.memberId)
        break
      case 'pendingMember':
        expirePendingMember(scope, group, timer.memberId)
        break
      case 'initialDelay':
        endInitialDelay(scope, group, timer.delayMs, timer.remainingMs)
        break
      case 'join':
        completeJoin(scope, group)
        break
      case 'sync':
        endPendingSync(scope, group, timer.generationId)
    }
    this.#dropIfForgotten(timer.groupId)
  }

  /** Members go on where they were: their sessions start anew, since nobody could heartbeat while there was no broker. */
  #loaded(scope: Scope): void {
    for (const group of this.#groups.values()) {
      for (const member of group.members.values()) restartSession(scope, group, member)
      const limit = this.#config['group.max.size']
      if (group.members.size > limit) rebalance(scope, group, { kind: 'groupTooLarge', limit })
    }
    this.#scheduleExpiration(scope)
  }

  #joinGroup(scope: Scope, token: number, call: JoinCall): void {
    const { groupId } = call
    const known = this.#groups.get(groupId)
    const error = this.#checkJoin(call, known)
    if (error !== ErrorCode.NONE) scope.effects.reply(token, joinError(call.memberId, error))
    else joinGroup(scope, known ?? this.#groupOrNew(groupId), token, call)
    this.#dropIfForgotten(groupId)
  }

  #checkJoin(call: JoinCall, group: ClassicGroup | undefined): ErrorCode {
    const error = checkJoin(call, this.#config)
    if (error !== ErrorCode.NONE || group) return error
    if (call.memberId !== '') return ErrorCode.UNKNOWN_MEMBER_ID
    return this.#groups.size >= MAX_GROUPS_PER_SHARD ? ErrorCode.GROUP_MAX_SIZE_REACHED : ErrorCode.NONE
  }

  #syncGroup(scope: Scope, token: number, call: SyncGroupCall): void {
    const group = this.#groups.get(call.groupId)
    const unknown = call.groupId === '' ? ErrorCode.INVALID_GROUP_ID : ErrorCode.UNKNOWN_MEMBER_ID
    if (group) syncGroup(scope, group, token, call)
    else scope.effects.reply(token, syncError(unknown))
  }

  #heartbeat(scope: Scope, call: HeartbeatCall): ErrorCode {
    if (call.groupId === '') return ErrorCode.INVALID_GROUP_ID
    const group = this.#groups.get(call.groupId)
    return group ? heartbeat(scope, group, call) : ErrorCode.UNKNOWN_MEMBER_ID
  }

  #leaveGroup(scope: Scope, call: LeaveGroupCall) {
    const unknown = call.members.map(() => ErrorCode.UNKNOWN_MEMBER_ID)
    if (call.groupId === '') return { error: ErrorCode.INVALID_GROUP_ID, memberErrors: unknown }
    const group = this.#groups.get(call.groupId)
    const memberErrors = group ? leaveGroup(scope, group, call) : unknown
    this.#dropIfForgotten(call.groupId)
    return { error: ErrorCode.NONE, memberErrors }
  }

  #commitOffsets(scope: Scope, call: OffsetCommitCall): readonly ErrorCode[] {
    const { groupId, generationId, offsets } = call
    const known = this.#groups.get(groupId)
    if (!known && generationId >= 0) return offsets.map(() => call.missingGroupError)
    if (!known && this.#groups.size >= MAX_GROUPS_PER_SHARD)
      return offsets.map(() => ErrorCode.INVALID_COMMIT_OFFSET_SIZE)
    // Without a group the committer manages itself; the group comes to be when its offsets are replayed.
    const errors = commitOffsets(scope, known ?? new ClassicGroup(groupId), this.#offsets, call)
    if (errors.includes(ErrorCode.NONE)) scope.effects.note({ kind: 'commit', call, errors })
    return errors
  }

  #commitInTransaction(scope: Scope, call: TransactionalOffsetCommitCall): readonly ErrorCode[] {
    const { groupId, generationId, offsets, producerId, producerEpoch } = call
    const known = this.#groups.get(groupId)
    if (!known && generationId >= 0) return offsets.map(() => ErrorCode.ILLEGAL_GENERATION)
    if (!known && this.#groups.size >= MAX_GROUPS_PER_SHARD)
      return offsets.map(() => ErrorCode.INVALID_COMMIT_OFFSET_SIZE)
    scope.effects.producer = { producerId, producerEpoch }
    return commitOffsetsInTransaction(scope, known ?? new ClassicGroup(groupId), this.#offsets, this.#pending, call)
  }

  #deleteGroup({ effects }: Scope, groupId: string): ErrorCode {
    const group = this.#groups.get(groupId)
    if (!group) return ErrorCode.GROUP_ID_NOT_FOUND
    if (group.state !== 'Empty') return ErrorCode.NON_EMPTY_GROUP
    group.pendingMembers.clear()
    for (const [topic, partitions] of this.#offsets.topicsOf(groupId)) {
      for (const partition of partitions.keys()) {
        effects.write({ type: 'OffsetCommit', group: groupId, topic, partition, value: null })
      }
    }
    for (const { topic, partition } of this.#pending.partitionsOf(groupId)) {
      if (this.#offsets.get(groupId, topic, partition) !== undefined) continue
      effects.write({ type: 'OffsetCommit', group: groupId, topic, partition, value: null })
    }
    // Last, so that a crash in between leaves a group that can be deleted again.
    if (group.isRecorded) effects.write({ type: 'GroupMetadata', group: groupId, value: null })
    effects.note({ kind: 'deleted', groupId, by: 'request' })
    this.#dropIfForgotten(groupId)
    return ErrorCode.NONE
  }

  #deleteOffsets({ effects }: Scope, { groupId, topics }: OffsetDeleteCall) {
    const group = this.#groups.get(groupId)
    if (!group) return { error: ErrorCode.GROUP_ID_NOT_FOUND, topicErrors: topics.map(() => ErrorCode.NONE) }
    if (group.state !== 'Empty' && !group.usesConsumerProtocol) {
      return { error: ErrorCode.NON_EMPTY_GROUP, topicErrors: topics.map(() => ErrorCode.NONE) }
    }
    const isSubscribed = group.subscription()
    const topicErrors = topics.map(({ topic, partitions }) => {
      if (isSubscribed(topic)) return ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC
      for (const partition of partitions) {
        const isPending = this.#pending.has(groupId, topic, partition)
        if (!isPending && this.#offsets.get(groupId, topic, partition) === undefined) continue
        effects.write({ type: 'OffsetCommit', group: groupId, topic, partition, value: null })
      }
      return ErrorCode.NONE
    })
    return { error: ErrorCode.NONE, topicErrors }
  }

  /** A topic created anew must not begin where consumers of the old one were. */
  #forgetTopics({ effects }: Scope, { isGone }: ForgetTopicsCall): ErrorCode {
    for (const groupId of this.#offsets.groupIds()) {
      for (const [topic, partitions] of this.#offsets.topicsOf(groupId)) {
        for (const [partition, { topicId }] of partitions) {
          if (!isGone(topic, topicId)) continue
          effects.write({ type: 'OffsetCommit', group: groupId, topic, partition, value: null })
        }
      }
    }
    for (const groupId of this.#pending.groupIds()) {
      for (const { topic, partition, offset } of this.#pending.partitionsOf(groupId)) {
        if (!isGone(topic, offset.topicId)) continue
        effects.write({ type: 'OffsetCommit', group: groupId, topic, partition, value: null })
      }
    }
    return ErrorCode.NONE
  }

  #expireOffsets(scope: Scope): void {
    for (const group of this.#groups.values()) expireOffsets(scope, group, this.#offsets, this.#pending)
    this.#scheduleExpiration(scope)
  }

  #scheduleExpiration({ effects, config }: Scope): void {
    effects.schedule(EXPIRE_OFFSETS_KEY, config['offsets.retention.check.interval.ms'], { type: 'expireOffsets' })
  }

  #groupOrNew(groupId: string): ClassicGroup {
    let group = this.#groups.get(groupId)
    if (!group) this.#groups.set(groupId, (group = new ClassicGroup(groupId)))
    return group
  }

  /** Nothing in the log, nobody in it or on the way: as if it had never been. */
  #dropIfForgotten(groupId: string): void {
    const group = this.#groups.get(groupId)
    if (!group || group.isRecorded || !group.isEmpty) return
    if (this.#offsets.count(groupId) > 0 || this.#pending.count(groupId) > 0) return
    this.#groups.delete(groupId)
  }
}
