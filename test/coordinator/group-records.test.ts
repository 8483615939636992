import { describe, expect, it } from 'vitest'
import { ZERO_UUID } from '../../protocol/codec/schema.ts'
import { type GroupRecord, groupRecordCodec } from '../../src/coordinator/group/group-records.ts'
import { shardOf } from '../../src/coordinator/shard-of.ts'
import { TOPIC_ID } from './group-driver.ts'

const committed = {
  offset: 42,
  leaderEpoch: 3,
  metadata: 'why',
  commitTimestampMs: 1_700_000_000_000,
  expireTimestampMs: -1,
  topicId: TOPIC_ID,
}
const offset = { type: 'OffsetCommit', group: 'g', topic: 't', partition: 7 } as const
const member = {
  memberId: 'm-1',
  groupInstanceId: 'i',
  clientId: 'c',
  clientHost: '/127.0.0.1',
  rebalanceTimeoutMs: 60_000,
  sessionTimeoutMs: 10_000,
  subscription: Buffer.from('topics'),
  assignment: Buffer.from('partitions'),
}
const stored = {
  protocolType: 'consumer',
  generation: 5,
  protocol: 'range',
  leader: 'm-1',
  stateTimestampMs: 1_700_000_000_000,
  members: [member, { ...member, memberId: 'm-2', groupInstanceId: null }],
}

function roundTrip(record: GroupRecord): GroupRecord | null {
  const { key, value } = groupRecordCodec.encode(record)
  return groupRecordCodec.decode(key, value)
}

describe('records of __consumer_offsets', () => {
  it.each<[string, GroupRecord]>([
    ['an offset', { ...offset, value: committed }],
    ['a forgotten offset', { ...offset, value: null }],
    ['a generation', { type: 'GroupMetadata', group: 'g', value: stored }],
    [
      'an empty group',
      { type: 'GroupMetadata', group: '', value: { ...stored, protocol: null, leader: null, members: [] } },
    ],
    ['a deleted group', { type: 'GroupMetadata', group: 'g', value: null }],
  ])('%s comes back as it was written', (_what, record) => {
    expect(roundTrip(record)).toEqual(record)
  })

  it('an offset that expires explicitly is written in the one version that can say so', () => {
    const record = { ...offset, value: { ...committed, expireTimestampMs: 1_800_000_000_000 } }
    expect(groupRecordCodec.encode(record).value!.readInt16BE(0)).toBe(1)
    // That version has neither leader epoch nor topic id.
    expect(roundTrip(record)).toEqual({ ...record, value: { ...record.value, leaderEpoch: -1, topicId: ZERO_UUID } })
  })

  it('types and versions are those that Kafka 4.3.1 writes', () => {
    const offsetBytes = groupRecordCodec.encode({ ...offset, value: committed })
    expect(offsetBytes.key.toString('hex')).toBe('0001' + '000167' + '000174' + '00000007')
    expect(offsetBytes.value!.readInt16BE(0)).toBe(4)
    const groupBytes = groupRecordCodec.encode({ type: 'GroupMetadata', group: 'g', value: stored })
    expect(groupBytes.key.toString('hex')).toBe('0002' + '000167')
    expect(groupBytes.value!.readInt16BE(0)).toBe(3)
  })

  it('offsets of the oldest brokers are read', () => {
    const key = Buffer.from('0000' + '000167' + '000174' + '00000007', 'hex')
    const value = Buffer.from('0000' + '000000000000002a' + '0000' + '0000000000000001', 'hex')
    const old = { offset: 42, leaderEpoch: -1, metadata: '', commitTimestampMs: 1, expireTimestampMs: -1 }
    expect(groupRecordCodec.decode(key, value)).toEqual({ ...offset, value: { ...old, topicId: ZERO_UUID } })
  })

  it('group metadata of version 0 have one timeout for both', () => {
    const strings = (...texts: string[]) =>
      texts.map((text) => `${hex(text.length, 2)}${Buffer.from(text).toString('hex')}`)
    const value = ['0000', ...strings('consumer'), hex(1, 4), ...strings('range', 'm'), hex(1, 4)]
    value.push(...strings('m', 'c', '/h'), hex(10_000, 4), hex(0, 4), hex(0, 4))
    const decoded = groupRecordCodec.decode(Buffer.from('0002000167', 'hex'), Buffer.from(value.join(''), 'hex'))
    expect(decoded).toMatchObject({
      value: { stateTimestampMs: -1, members: [{ sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000 }] },
    })
  })

  it('records of kinds that are not known are told apart, not guessed', () => {
    expect(groupRecordCodec.decode(Buffer.from('0003000167', 'hex'), Buffer.alloc(4))).toBeNull()
    expect(groupRecordCodec.decode(Buffer.from('7fff', 'hex'), null)).toBeNull()
  })

  it('a value of a version from the future is refused rather than misread', () => {
    const { key } = groupRecordCodec.encode({ ...offset, value: committed })
    expect(() => groupRecordCodec.decode(key, Buffer.from('0005', 'hex'))).toThrow(/version 5/)
  })

  it('nothing that is decoded is a view of the log', () => {
    const { key, value } = groupRecordCodec.encode({ type: 'GroupMetadata', group: 'g', value: stored })
    const decoded = groupRecordCodec.decode(key, value)
    value!.fill(0)
    expect(decoded).toEqual({ type: 'GroupMetadata', group: 'g', value: stored })
  })
})

function hex(value: number, bytes: number): string {
  return value.toString(16).padStart(bytes * 2, '0')
}

describe('the shard of a group', () => {
  // Computed by String.hashCode of a JVM; the third has the hash Integer.MIN_VALUE.
  it.each([
    ['', 0],
    ['group', 47],
    ['my-consumer-group', 13],
    ['polygenelubricants', 0],
    ['grüße-😀', 27],
  ])('%j is in shard %i of 50', (group, shard) => {
    expect(shardOf(group, 50)).toBe(shard)
  })
})
