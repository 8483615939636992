import type { Logger } from 'pino'
import { ZERO_UUID } from '../../../protocol/codec/schema.ts'
import { ErrorCode } from '../../../protocol/errors.ts'
import type { Clock } from '../../io/clock.ts'
import type { Random } from '../../io/random.ts'
import { GROUP_METADATA_TOPIC } from '../../metadata/internal-topics.ts'
import type { Membership } from '../../metadata/membership.ts'
import type { MetadataImage } from '../../metadata/metadata-image.ts'
import type { CoordinatorLog, TransactionEnd } from '../coordinator-log.ts'
import { CoordinatorRuntime } from '../runtime.ts'
import { shardOf } from '../shard-of.ts'
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
import { GroupMachine } from './group-machine.ts'
import type { GroupNote } from './group-notes.ts'
import { type GroupRecord, groupRecordCodec } from './group-records.ts'
import type { GroupCalls, GroupRequest, GroupResponse, GroupTimer } from './group-scope.ts'

export interface GroupCoordinatorOptions {
  readonly config: GroupConfig
  readonly log: CoordinatorLog
  readonly membership: Membership
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Hears what happened in the groups once it is durable. */
  readonly onNotes?: (notes: readonly GroupNote[]) => void
}

/**
 * Groups and their offsets, as handlers see them: each call goes to the shard of its group and is answered when it is
 * decided and durable. Answers are values; an error of the coordinator itself is one that clients retry.
 */
export class GroupCoordinator {
  readonly #runtime: CoordinatorRuntime<GroupRequest, GroupResponse, GroupTimer, GroupRecord, GroupNote>
  readonly #random: Random
  readonly #log: CoordinatorLog

  constructor({ config, log, membership, clock, random, logger, onNotes }: GroupCoordinatorOptions) {
    this.#random = random
    this.#log = log
    this.#runtime = new CoordinatorRuntime({
      kind: 'group',
      createMachine: () => new GroupMachine(config),
      codec: groupRecordCodec,
      log,
      ownership: {
        isOwner: (shard) => membership.coordinatorFor('group', shard) === membership.selfId,
        fence: (shard) => membership.fenceFor('group', shard),
      },
      clock,
      logger,
      ...(onNotes && { onNotes }),
    })
  }

  /** Loads all groups; before the port opens. Rejects when a log cannot be read. */
  start(): Promise<void> {
    return this.#runtime.start()
  }

  /** Parked members are sent to look for a coordinator; resolves when nothing is being written any more. */
  close(): Promise<void> {
    return this.#runtime.close()
  }

  /** Leadership may have moved. */
  followOwnership(): void {
    this.#runtime.followOwnership()
  }

  /** Begins with what is in the logs now: everybody is sent away. */
  reload(): Promise<void> {
    return this.#runtime.reload()
  }

  shardOf(groupId: string): number {
    return shardOf(groupId, this.#runtime.shardCount)
  }

  /** Answered when all members have joined, which may take as long as the longest rebalance timeout. */
  joinGroup(call: JoinGroupCall): Promise<JoinGroupResult> {
    // Metadata are views of the request's frame and stay with the group.
    const protocols = call.protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) }))
    const newMemberUuid = call.memberId === '' ? this.#uuid() : ''
    return this.#call(call.groupId, 'joinGroup', { ...call, protocols, newMemberUuid })
  }

  /** Answered when the leader has brought the assignments. */
  syncGroup(call: SyncGroupCall): Promise<SyncGroupResult> {
    const assignments = call.assignments.map(({ memberId, assignment }) => ({
      memberId,
      assignment: Buffer.from(assignment),
    }))
    return this.#call(call.groupId, 'syncGroup', { ...call, assignments })
  }

  heartbeat(call: HeartbeatCall): Promise<HeartbeatResult> {
    return this.#call(call.groupId, 'heartbeat', call)
  }

  leaveGroup(call: LeaveGroupCall): Promise<LeaveGroupResult> {
    return this.#call(call.groupId, 'leaveGroup', call)
  }

  commitOffsets(call: OffsetCommitCall): Promise<OffsetCommitResult> {
    return this.#call(call.groupId, 'commitOffsets', call)
  }

  /** Transactions of a producer that have ended in the partition of the group's log, since it was opened. */
  endedTransactions(groupId: string, producerId: number): number {
    return this.#log.producer(this.shardOf(groupId), producerId)?.endedTransactions ?? 0
  }

  /** The partition of the group's log has to be part of the producer's transaction: the caller has seen to it. */
  commitOffsetsInTransaction(call: TransactionalOffsetCommitCall): Promise<OffsetCommitResult> {
    const { groupId, producerId, producerEpoch, offsets } = call
    // The log would refuse it, and with it everything that the shard has decided since.
    const known = this.#log.producer(this.shardOf(groupId), producerId)
    if (known !== undefined && producerEpoch < known.producerEpoch) {
      return Promise.resolve({ errors: offsets.map(() => ErrorCode.INVALID_PRODUCER_EPOCH) })
    }
    return this.#call(groupId, 'commitOffsetsInTransaction', call)
  }

  /** Writes the marker of a transaction to one partition of the groups' topic; durable when it resolves. */
  endTransaction(shard: number, end: TransactionEnd): Promise<ErrorCode> {
    const known = this.#log.producer(shard, end.producerId)
    if (known !== undefined && end.producerEpoch < known.producerEpoch) {
      return Promise.resolve(ErrorCode.INVALID_PRODUCER_EPOCH)
    }
    if (known !== undefined && end.coordinatorEpoch < known.coordinatorEpoch) {
      return Promise.resolve(ErrorCode.TRANSACTION_COORDINATOR_FENCED)
    }
    return this.#ask(shard, 'endTransaction', end)
  }

  fetchOffsets(call: OffsetFetchCall): Promise<OffsetFetchResult> {
    return this.#call(call.groupId, 'fetchOffsets', call)
  }

  /** One per id, in order. */
  describeGroups(groupIds: readonly string[]): Promise<DescribedGroup[]> {
    return Promise.all(groupIds.map((groupId) => this.#call(groupId, 'describeGroup', groupId)))
  }

  /** Of all shards of this broker. */
  async listGroups(call: ListGroupsCall): Promise<ListGroupsResult> {
    const answers = await Promise.all(this.#everyShard('listGroups', call))
    const owned = answers.filter(({ error }) => error !== ErrorCode.NOT_COORDINATOR)
    const error = owned.find((answer) => answer.error !== ErrorCode.NONE)?.error ?? ErrorCode.NONE
    return { error, groups: owned.flatMap(({ groups }) => groups) }
  }

  /** One per id, in order. */
  deleteGroups(groupIds: readonly string[]): Promise<DeleteGroupResult[]> {
    return Promise.all(groupIds.map((groupId) => this.#call(groupId, 'deleteGroup', groupId)))
  }

  deleteOffsets(call: OffsetDeleteCall): Promise<OffsetDeleteResult> {
    return this.#call(call.groupId, 'deleteOffsets', call)
  }

  /** Drops what all groups committed in these topics; durable when it resolves. With their own topic all groups go. */
  async onTopicsDeleted(topics: readonly string[]): Promise<void> {
    const names = new Set(topics)
    if (names.has(GROUP_METADATA_TOPIC)) {
      await this.#runtime.reload()
      return
    }
    await Promise.all(this.#everyShard('forgetTopics', { isGone: (topic) => names.has(topic) }))
  }

  /**
   * Drops offsets of topics that do not exist, or are others than those that were committed: what a crash between the
   * deletion of a topic and `onTopicsDeleted` leaves behind. Once, after start.
   */
  async forgetMissingTopics(image: MetadataImage): Promise<void> {
    const isGone = (name: string, topicId: string) => {
      const topic = image.topics.get(name)
      return topic === undefined || (topicId !== ZERO_UUID && topicId !== topic.id)
    }
    await Promise.all(this.#everyShard('forgetTopics', { isGone }))
  }

  /** Drops now what is older than offsets.retention.minutes; otherwise done every offsets.retention.check.interval.ms. */
  async expireOffsets(): Promise<void> {
    await Promise.all(this.#everyShard('expireOffsets', null))
  }

  #call<K extends keyof GroupCalls>(groupId: string, type: K, call: GroupCalls[K]['call']) {
    return this.#ask(this.shardOf(groupId), type, call)
  }

  #everyShard<K extends keyof GroupCalls>(type: K, call: GroupCalls[K]['call']): Promise<GroupCalls[K]['result']>[] {
    return Array.from({ length: this.#runtime.shardCount }, (_, shard) => this.#ask(shard, type, call))
  }

  /** The machine answers each type of request with the result of that type. */
  #ask<K extends keyof GroupCalls>(
    shard: number,
    type: K,
    call: GroupCalls[K]['call'],
  ): Promise<GroupCalls[K]['result']> {
    return this.#runtime.call(shard, { type, call } as GroupRequest) as Promise<GroupCalls[K]['result']>
  }

  /** As Java prints a random UUID: member ids end with one. */
  #uuid(): string {
    const bytes = this.#random.bytes(16)
    bytes[6] = (bytes[6]! & 0x0f) | 0x40
    bytes[8] = (bytes[8]! & 0x3f) | 0x80
    return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
  }
}
