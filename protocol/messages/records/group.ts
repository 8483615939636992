/**
 * Records of `__consumer_offsets`: committed offsets and classic groups, and the table of all types on that topic. A
 * key is the type id as int16 and then the key message (its version is always 0 and not written); a value is its
 * version as int16 and then the value message. A null value deletes.
 */

import { array, bytes, int32, int64, type Message, message, string, uuid } from '../../codec/schema.ts'
import {
  ConsumerGroupCurrentMemberAssignmentKey,
  ConsumerGroupCurrentMemberAssignmentValue,
  ConsumerGroupMemberMetadataKey,
  ConsumerGroupMemberMetadataValue,
  ConsumerGroupMetadataKey,
  ConsumerGroupMetadataValue,
  ConsumerGroupPartitionMetadataKey,
  ConsumerGroupPartitionMetadataValue,
  ConsumerGroupRegularExpressionKey,
  ConsumerGroupRegularExpressionValue,
  ConsumerGroupTargetAssignmentMemberKey,
  ConsumerGroupTargetAssignmentMemberValue,
  ConsumerGroupTargetAssignmentMetadataKey,
  ConsumerGroupTargetAssignmentMetadataValue,
} from './consumer-group.ts'
import {
  ShareGroupCurrentMemberAssignmentKey,
  ShareGroupCurrentMemberAssignmentValue,
  ShareGroupMemberMetadataKey,
  ShareGroupMemberMetadataValue,
  ShareGroupMetadataKey,
  ShareGroupMetadataValue,
  ShareGroupStatePartitionMetadataKey,
  ShareGroupStatePartitionMetadataValue,
  ShareGroupTargetAssignmentMemberKey,
  ShareGroupTargetAssignmentMemberValue,
  ShareGroupTargetAssignmentMetadataKey,
  ShareGroupTargetAssignmentMetadataValue,
} from './share-group.ts'
import {
  StreamsGroupCurrentMemberAssignmentKey,
  StreamsGroupCurrentMemberAssignmentValue,
  StreamsGroupMemberMetadataKey,
  StreamsGroupMemberMetadataValue,
  StreamsGroupMetadataKey,
  StreamsGroupMetadataValue,
  StreamsGroupTargetAssignmentMemberKey,
  StreamsGroupTargetAssignmentMemberValue,
  StreamsGroupTargetAssignmentMetadataKey,
  StreamsGroupTargetAssignmentMetadataValue,
  StreamsGroupTopologyKey,
  StreamsGroupTopologyValue,
} from './streams-group.ts'

export const LegacyOffsetCommitKey = message({
  name: 'LegacyOffsetCommitKey',
  versions: '0',
  flexible: 'none',
  fields: { group: string(), topic: string(), partition: int32() },
})

export const LegacyOffsetCommitValue = message({
  name: 'LegacyOffsetCommitValue',
  versions: '0',
  flexible: 'none',
  fields: { offset: int64(), metadata: string(), commitTimestamp: int64() },
})

export const OffsetCommitKey = message({
  name: 'OffsetCommitKey',
  versions: '0',
  flexible: 'none',
  fields: { group: string(), topic: string(), partition: int32() },
})

export const OffsetCommitValue = message({
  name: 'OffsetCommitValue',
  versions: '0-4',
  flexible: '4+',
  fields: {
    offset: int64(),
    leaderEpoch: int32('3+').default(-1).ignorable(),
    metadata: string(),
    commitTimestamp: int64(),
    expireTimestamp: int64('1').default(-1).ignorable(),
    topicId: uuid('4+').ignorable().tag(0, '4+'),
  },
})

export const GroupMetadataKey = message({
  name: 'GroupMetadataKey',
  versions: '0',
  flexible: 'none',
  fields: { group: string() },
})

export const GroupMetadataValue = message({
  name: 'GroupMetadataValue',
  versions: '0-4',
  flexible: '4+',
  fields: {
    protocolType: string(),
    generation: int32(),
    protocol: string().nullable(),
    leader: string().nullable(),
    currentStateTimestamp: int64('2+').default(-1).ignorable(),
    members: array({
      memberId: string(),
      groupInstanceId: string('3+').nullable().default(null).ignorable(),
      clientId: string(),
      clientHost: string(),
      rebalanceTimeout: int32('1+').default(-1).ignorable(),
      sessionTimeout: int32(),
      subscription: bytes(),
      assignment: bytes(),
    }),
  },
})

/** Every record type of `__consumer_offsets` by the id that begins its key. */
export const groupRecords = [
  { id: 0, key: LegacyOffsetCommitKey, value: LegacyOffsetCommitValue },
  { id: 1, key: OffsetCommitKey, value: OffsetCommitValue },
  { id: 2, key: GroupMetadataKey, value: GroupMetadataValue },
  { id: 3, key: ConsumerGroupMetadataKey, value: ConsumerGroupMetadataValue },
  { id: 4, key: ConsumerGroupPartitionMetadataKey, value: ConsumerGroupPartitionMetadataValue },
  { id: 5, key: ConsumerGroupMemberMetadataKey, value: ConsumerGroupMemberMetadataValue },
  { id: 6, key: ConsumerGroupTargetAssignmentMetadataKey, value: ConsumerGroupTargetAssignmentMetadataValue },
  { id: 7, key: ConsumerGroupTargetAssignmentMemberKey, value: ConsumerGroupTargetAssignmentMemberValue },
  { id: 8, key: ConsumerGroupCurrentMemberAssignmentKey, value: ConsumerGroupCurrentMemberAssignmentValue },
  { id: 10, key: ShareGroupMemberMetadataKey, value: ShareGroupMemberMetadataValue },
  { id: 11, key: ShareGroupMetadataKey, value: ShareGroupMetadataValue },
  { id: 12, key: ShareGroupTargetAssignmentMetadataKey, value: ShareGroupTargetAssignmentMetadataValue },
  { id: 13, key: ShareGroupTargetAssignmentMemberKey, value: ShareGroupTargetAssignmentMemberValue },
  { id: 14, key: ShareGroupCurrentMemberAssignmentKey, value: ShareGroupCurrentMemberAssignmentValue },
  { id: 15, key: ShareGroupStatePartitionMetadataKey, value: ShareGroupStatePartitionMetadataValue },
  { id: 16, key: ConsumerGroupRegularExpressionKey, value: ConsumerGroupRegularExpressionValue },
  { id: 17, key: StreamsGroupMetadataKey, value: StreamsGroupMetadataValue },
  { id: 19, key: StreamsGroupMemberMetadataKey, value: StreamsGroupMemberMetadataValue },
  { id: 20, key: StreamsGroupTargetAssignmentMetadataKey, value: StreamsGroupTargetAssignmentMetadataValue },
  { id: 21, key: StreamsGroupTargetAssignmentMemberKey, value: StreamsGroupTargetAssignmentMemberValue },
  { id: 22, key: StreamsGroupCurrentMemberAssignmentKey, value: StreamsGroupCurrentMemberAssignmentValue },
  { id: 23, key: StreamsGroupTopologyKey, value: StreamsGroupTopologyValue },
] as const satisfies readonly { id: number; key: Message; value: Message }[]
