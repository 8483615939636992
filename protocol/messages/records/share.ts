/**
 * Records of `__share_group_state`: a full snapshot of a share partition, then changes until the next one. Framed as
 * in `__consumer_offsets`: type id and key message, version and value message.
 */

import { array, int8, int16, int32, int64, type Message, message, string, uuid } from '../../codec/schema.ts'

const stateBatch = {
  firstOffset: int64(),
  lastOffset: int64(),
  deliveryState: int8(),
  deliveryCount: int16(),
}

export const ShareSnapshotKey = message({
  name: 'ShareSnapshotKey',
  versions: '0',
  flexible: 'none',
  fields: { groupId: string(), topicId: uuid(), partition: int32() },
})

export const ShareSnapshotValue = message({
  name: 'ShareSnapshotValue',
  versions: '0',
  flexible: '0+',
  fields: {
    snapshotEpoch: int32(),
    stateEpoch: int32(),
    leaderEpoch: int32(),
    startOffset: int64(),
    deliveryCompleteCount: int32().default(-1).tag(0, '0+'),
    createTimestamp: int64(),
    writeTimestamp: int64(),
    stateBatches: array(stateBatch),
  },
})

export const ShareUpdateKey = message({
  name: 'ShareUpdateKey',
  versions: '0',
  flexible: 'none',
  fields: { groupId: string(), topicId: uuid(), partition: int32() },
})

export const ShareUpdateValue = message({
  name: 'ShareUpdateValue',
  versions: '0',
  flexible: '0+',
  fields: {
    snapshotEpoch: int32(),
    leaderEpoch: int32(),
    startOffset: int64(),
    deliveryCompleteCount: int32().default(-1).tag(0, '0+'),
    stateBatches: array(stateBatch),
  },
})

/** Both record types of `__share_group_state`. */
export const shareRecords = [
  { id: 0, key: ShareSnapshotKey, value: ShareSnapshotValue },
  { id: 1, key: ShareUpdateKey, value: ShareUpdateValue },
] as const satisfies readonly { id: number; key: Message; value: Message }[]
