import { codecOf } from '../../../protocol/codec/codec.ts'
import { Reader } from '../../../protocol/codec/reader.ts'
import type { Encodable, Message } from '../../../protocol/codec/schema.ts'
import { ZERO_UUID } from '../../../protocol/codec/schema.ts'
import { Writer } from '../../../protocol/codec/writer.ts'
import {
  GroupMetadataKey,
  GroupMetadataValue,
  LegacyOffsetCommitKey,
  LegacyOffsetCommitValue,
  OffsetCommitKey,
  OffsetCommitValue,
} from '../../../protocol/messages/records/group.ts'
import type { RecordCodec } from '../shard-machine.ts'

/** The records of `__consumer_offsets` that this coordinator writes, in Kafka's formats. A null value forgets. */
export type GroupRecord = OffsetCommitRecord | GroupMetadataRecord

export interface OffsetCommitRecord {
  readonly type: 'OffsetCommit'
  readonly group: string
  readonly topic: string
  readonly partition: number
  readonly value: CommittedOffset | null
}

export interface CommittedOffset {
  readonly offset: number
  /** -1 when unknown. */
  readonly leaderEpoch: number
  readonly metadata: string
  readonly commitTimestampMs: number
  /** When a commit of v2 to v4 said how long it lives, else -1. */
  readonly expireTimestampMs: number
  /** The zero UUID in records from before 4.1 and in those that expire explicitly. */
  readonly topicId: string
}

export interface GroupMetadataRecord {
  readonly type: 'GroupMetadata'
  readonly group: string
  readonly value: StoredGroup | null
}

export interface StoredGroup {
  readonly protocolType: string
  readonly generation: number
  readonly protocol: string | null
  readonly leader: string | null
  /** When the group entered the state it is in, or -1. */
  readonly stateTimestampMs: number
  readonly members: readonly StoredMember[]
}

export interface StoredMember {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly rebalanceTimeoutMs: number
  readonly sessionTimeoutMs: number
  readonly subscription: Buffer
  readonly assignment: Buffer
}

const LEGACY_OFFSET_COMMIT = 0
const OFFSET_COMMIT = 1
const GROUP_METADATA = 2
const KEY_VERSION = 0
/** What 4.3.1 writes. An explicit expiry exists in version 1 alone. */
const OFFSET_COMMIT_VERSION = 4
const EXPIRING_OFFSET_COMMIT_VERSION = 1
const GROUP_METADATA_VERSION = 3

export const groupRecordCodec: RecordCodec<GroupRecord> = { encode, decode }

function encode(record: GroupRecord): { key: Buffer; value: Buffer | null } {
  if (record.type === 'OffsetCommit') {
    const { group, topic, partition, value } = record
    const key = tagged(OFFSET_COMMIT, OffsetCommitKey, KEY_VERSION, { group, topic, partition })
    return { key, value: value && encodeOffset(value) }
  }
  const key = tagged(GROUP_METADATA, GroupMetadataKey, KEY_VERSION, { group: record.group })
  return { key, value: record.value && encodeGroup(record.value) }
}

function encodeOffset(value: CommittedOffset): Buffer {
  const { offset, leaderEpoch, metadata, topicId } = value
  const commitTimestamp = value.commitTimestampMs
  if (value.expireTimestampMs === -1) {
    const fields = { offset, leaderEpoch, metadata, commitTimestamp, topicId }
    return tagged(OFFSET_COMMIT_VERSION, OffsetCommitValue, OFFSET_COMMIT_VERSION, fields)
  }
  const fields = { offset, metadata, commitTimestamp, expireTimestamp: value.expireTimestampMs }
  return tagged(EXPIRING_OFFSET_COMMIT_VERSION, OffsetCommitValue, EXPIRING_OFFSET_COMMIT_VERSION, fields)
}

function encodeGroup(value: StoredGroup): Buffer {
  const { protocolType, generation, protocol, leader } = value
  const members = value.members.map((member) => ({
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    rebalanceTimeout: member.rebalanceTimeoutMs,
    sessionTimeout: member.sessionTimeoutMs,
    subscription: member.subscription,
    assignment: member.assignment,
  }))
  const fields = { protocolType, generation, protocol, leader, currentStateTimestamp: value.stateTimestampMs, members }
  return tagged(GROUP_METADATA_VERSION, GroupMetadataValue, GROUP_METADATA_VERSION, fields)
}

/** Two bytes that say how to read the rest: the type of a key, the version of a value. */
function tagged<M extends Message>(tag: number, message: M, version: number, fields: Encodable<M>): Buffer {
  const writer = new Writer(128)
  writer.int16(tag)
  codecOf(message, version).encode(writer, fields)
  return writer.bytes()
}

function decode(keyBytes: Buffer, valueBytes: Buffer | null): GroupRecord | null {
  const key = new Reader(keyBytes)
  const type = key.int16()
  switch (type) {
    case LEGACY_OFFSET_COMMIT:
    case OFFSET_COMMIT: {
      const schema = type === OFFSET_COMMIT ? OffsetCommitKey : LegacyOffsetCommitKey
      const { group, topic, partition } = codecOf(schema, KEY_VERSION).decode(key)
      const value = valueBytes && (type === OFFSET_COMMIT ? decodeOffset(valueBytes) : decodeLegacyOffset(valueBytes))
      return { type: 'OffsetCommit', group, topic, partition, value }
    }
    case GROUP_METADATA: {
      const { group } = codecOf(GroupMetadataKey, KEY_VERSION).decode(key)
      return { type: 'GroupMetadata', group, value: valueBytes && decodeGroup(valueBytes) }
    }
    default:
      return null
  }
}

function decodeOffset(bytes: Buffer): CommittedOffset {
  const reader = new Reader(bytes)
  const value = codecOf(OffsetCommitValue, reader.int16()).decode(reader)
  return {
    offset: value.offset,
    leaderEpoch: value.leaderEpoch,
    metadata: value.metadata,
    commitTimestampMs: value.commitTimestamp,
    expireTimestampMs: value.expireTimestamp,
    topicId: value.topicId,
  }
}

function decodeLegacyOffset(bytes: Buffer): CommittedOffset {
  const reader = new Reader(bytes)
  const { offset, metadata, commitTimestamp } = codecOf(LegacyOffsetCommitValue, reader.int16()).decode(reader)
  const unknown = { leaderEpoch: -1, expireTimestampMs: -1, topicId: ZERO_UUID }
  return { offset, metadata, commitTimestampMs: commitTimestamp, ...unknown }
}

function decodeGroup(bytes: Buffer): StoredGroup {
  const reader = new Reader(bytes)
  const value = codecOf(GroupMetadataValue, reader.int16()).decode(reader)
  return {
    protocolType: value.protocolType,
    generation: value.generation,
    protocol: value.protocol,
    leader: value.leader,
    stateTimestampMs: value.currentStateTimestamp,
    members: value.members.map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      // Version 0 has no rebalance timeout: the session timeout counted for both then.
      rebalanceTimeoutMs: member.rebalanceTimeout === -1 ? member.sessionTimeout : member.rebalanceTimeout,
      sessionTimeoutMs: member.sessionTimeout,
      subscription: Buffer.from(member.subscription),
      assignment: Buffer.from(member.assignment),
    })),
  }
}
