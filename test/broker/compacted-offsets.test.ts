import { afterEach, describe, expect, it } from 'vitest'
import { OffsetCommit } from '../../protocol/messages/08-offset-commit.ts'
import { OffsetFetch } from '../../protocol/messages/09-offset-fetch.ts'
import { JoinGroup } from '../../protocol/messages/11-join-group.ts'
import { SyncGroup } from '../../protocol/messages/14-sync-group.ts'
import { DescribeGroups } from '../../protocol/messages/15-describe-groups.ts'
import { ListGroups } from '../../protocol/messages/16-list-groups.ts'
import { DeleteGroups } from '../../protocol/messages/42-delete-groups.ts'
import { OffsetDelete } from '../../protocol/messages/47-offset-delete.ts'
import { ClockedBroker, TOPIC_RESOURCE } from '../support/clocked-broker.ts'
import { joinRequest } from '../wire/group-member.ts'

const OFFSETS = '__consumer_offsets'
const TOPIC = 'read'
const GROUPS = ['first', 'second', 'third']
const CHECK_MS = 60_000
const SETTINGS = { 'offsets.topic.num.partitions': '1', 'group.initial.rebalance.delay.ms': '0' }

async function commit(broker: ClockedBroker, groupId: string, committedOffset: number, metadata: string) {
  const partitions = [{ partitionIndex: 0, committedOffset, committedMetadata: metadata }]
  const topics = [{ name: TOPIC, partitions }]
  const answer = await broker.call(OffsetCommit, 8, { groupId, memberId: '', topics })
  expect(answer.topics[0]!.partitions[0]!.errorCode).toBe(0)
}

/** Everything that a client can ask of groups. */
async function stateOf(broker: ClockedBroker) {
  const groups = (await broker.call(ListGroups, 4, { statesFilter: [] })).groups
  const offsets: Record<string, unknown> = {}
  for (const groupId of GROUPS) {
    const answer = await broker.call(OffsetFetch, 7, { groupId, topics: null, requireStable: false })
    offsets[groupId] = answer.topics
  }
  const described = await broker.call(DescribeGroups, 5, { groups: ['members'], includeAuthorizedOperations: false })
  return { groups: groups.map(({ groupId, groupState }) => `${groupId} ${groupState}`).sort(), offsets, described }
}

/** A member that says nothing more; its group is stable until its session ends. */
async function joinAlone(broker: ClockedBroker): Promise<void> {
  const options = { sessionTimeoutMs: 1_800_000, rebalanceTimeoutMs: 1_800_000 }
  const asked = await broker.call(JoinGroup, 9, joinRequest('members', '', options))
  const joined = await broker.call(JoinGroup, 9, joinRequest('members', asked.memberId, options))
  const { memberId, generationId } = joined
  const assignments = [{ memberId, assignment: Buffer.from('mine') }]
  const protocol = { protocolType: 'consumer', protocolName: 'range' }
  const request = { groupId: 'members', generationId, memberId, ...protocol, assignments }
  expect((await broker.call(SyncGroup, 5, request)).errorCode).toBe(0)
}

const sizeOf = (broker: ClockedBroker) =>
  broker
    .files(OFFSETS, '.log')
    .reduce((total, name) => total + broker.disk.stat(`/data/${OFFSETS}-0/${name}`)!.sizeBytes, 0)

/** Until the full segments have been through a round. */
async function compact(broker: ClockedBroker): Promise<void> {
  await broker.advance(1000)
  await commit(broker, 'second', 4242, 'the active segment')
  await broker.advance(CHECK_MS)
}

describe('__consumer_offsets that was compacted', () => {
  let broker: ClockedBroker | null = null
  afterEach(async () => broker?.close())

  async function restarted(earlier: ClockedBroker): Promise<ClockedBroker> {
    await earlier.close()
    broker = await ClockedBroker.start(SETTINGS, earlier)
    return broker
  }

  async function filled(): Promise<ClockedBroker> {
    broker = await ClockedBroker.start(SETTINGS)
    await broker.createTopic(TOPIC)
    await commit(broker, 'first', 0, '')
    await broker.alter(TOPIC_RESOURCE, OFFSETS, { 'segment.ms': '1000', 'min.cleanable.dirty.ratio': '0.1' })
    await joinAlone(broker)
    for (let round = 1; round <= 20; round++) {
      for (const group of GROUPS) await commit(broker, group, round, `${group} in round ${round}`)
      await broker.advance(500)
    }
    return broker
  }

  it('loads with groups and offsets as before', async () => {
    const first = await filled()
    const bytes = sizeOf(first)
    await compact(first)
    expect(sizeOf(first)).toBeLessThan(bytes / 2)
    const before = await stateOf(first)
    expect(before.groups).toEqual(['first Empty', 'members Stable', 'second Empty', 'third Empty'])
    expect(before.offsets['third']).toMatchObject([{ partitions: [{ committedOffset: 20 }] }])
    expect(before.described.groups[0]!.members).toHaveLength(1)
    const second = await restarted(first)
    expect(await stateOf(second)).toEqual(before)
    await commit(second, 'third', 21, 'goes on')
  })

  it('does not bring back what was deleted, neither while tombstones are there nor when they are gone', async () => {
    let running = await filled()
    await running.alter(TOPIC_RESOURCE, OFFSETS, { 'delete.retention.ms': '1000' })
    expect((await running.call(DeleteGroups, 2, { groupsNames: ['first'] })).results[0]!.errorCode).toBe(0)
    const topics = [{ name: TOPIC, partitions: [{ partitionIndex: 0 }] }]
    expect(
      (await running.call(OffsetDelete, 0, { groupId: 'third', topics })).topics[0]!.partitions[0]!.errorCode,
    ).toBe(0)
    await running.advance(2000)
    const tombstonesOf = async () => {
      const records = await running.records(OFFSETS)
      return records.filter(({ key, value }) => value === null && key?.includes('first')).length
    }
    await compact(running)
    expect(await tombstonesOf()).toBeGreaterThan(0)
    for (const left of ['some', 'none']) {
      running = await restarted(running)
      const { groups, offsets } = await stateOf(running)
      expect(groups.join(), left).not.toContain('first')
      expect(offsets, left).toMatchObject({
        first: [],
        third: [],
        second: [{ partitions: [{ committedOffset: 4242 }] }],
      })
      await compact(running)
      await compact(running)
    }
    expect(await tombstonesOf()).toBe(0)
  })
})
