import assert from 'node:assert/strict'
import { OffsetCommit } from '../../protocol/messages/08-offset-commit.ts'
import { OffsetFetch } from '../../protocol/messages/09-offset-fetch.ts'
import { FindCoordinator } from '../../protocol/messages/10-find-coordinator.ts'
import { JoinGroup } from '../../protocol/messages/11-join-group.ts'
import { Heartbeat } from '../../protocol/messages/12-heartbeat.ts'
import { LeaveGroup } from '../../protocol/messages/13-leave-group.ts'
import { SyncGroup } from '../../protocol/messages/14-sync-group.ts'
import { DescribeGroups } from '../../protocol/messages/15-describe-groups.ts'
import { differs, type Scenario, type ScenarioContext } from '../scenario.ts'
import type { WireConnection } from '../wire.ts'
import { onceReady } from './coordinator.ts'
import { onWire, usableTopic } from './wire-protocol.ts'

/** A subscription of version 0 to no topic, without user data: Kafka's coordinator reads it. */
const SUBSCRIPTION = Buffer.from('000000000000ffffffff', 'hex')
const PROTOCOL = { name: 'range', metadata: SUBSCRIPTION }

function joinRequest(groupId: string, fields: object = {}) {
  const timeouts = { sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000 }
  return { groupId, ...timeouts, memberId: '', protocolType: 'consumer', protocols: [PROTOCOL], ...fields }
}

function syncRequest(groupId: string, generationId: number, memberId: string, fields: object = {}) {
  return {
    groupId,
    generationId,
    memberId,
    protocolType: 'consumer',
    protocolName: 'range',
    assignments: [],
    ...fields,
  }
}

/** Both steps of a new dynamic member, up to the assignment by itself as the leader. */
async function joinAlone(wire: WireConnection, groupId: string): Promise<{ memberId: string; generationId: number }> {
  const first = await wire.ask(JoinGroup, 9, joinRequest(groupId))
  assert.equal(first.errorCode, 79, 'MEMBER_ID_REQUIRED')
  assert.equal(first.generationId, -1)
  const { memberId } = first
  assert.ok(memberId.startsWith('wire-'), memberId)
  const joined = await wire.ask(JoinGroup, 9, joinRequest(groupId, { memberId }))
  assert.deepEqual([joined.errorCode, joined.memberId, joined.leader], [0, memberId, memberId])
  assert.deepEqual([joined.protocolType, joined.protocolName], ['consumer', 'range'])
  assert.deepEqual(
    joined.members.map((each) => [each.memberId, each.metadata.toString('hex')]),
    [[memberId, SUBSCRIPTION.toString('hex')]],
  )
  const { generationId } = joined
  const assignments = [{ memberId, assignment: Buffer.from('mine') }]
  const synced = await wire.ask(SyncGroup, 5, syncRequest(groupId, generationId, memberId, { assignments }))
  assert.deepEqual([synced.errorCode, synced.assignment.toString()], [0, 'mine'])
  return { memberId, generationId }
}

/** Kafka creates its offsets topic and loads it at the first question. */
async function coordinatorReady(context: ScenarioContext, group: string): Promise<void> {
  const { client } = context
  const topic = await usableTopic(context, 'warm')
  await onceReady(context, () => client.call('fetchOffsets', { group, partitions: [{ topic, partition: 0 }] }))
}

export const wireGroupScenarios: Scenario[] = [
  {
    name: 'wire-find-coordinator',
    fixture: 'shared',
    async run(context) {
      const group = context.unique('found')
      await coordinatorReady(context, group)
      await onWire(context, async (wire) => {
        const one = await wire.ask(FindCoordinator, 3, { key: group, keyType: 0 })
        assert.deepEqual([one.errorCode, one.errorMessage, one.host, one.port], [0, 'NONE', context.host, context.port])
        const several = await wire.ask(FindCoordinator, 6, { keyType: 0, coordinatorKeys: [group, `${group}-2`] })
        assert.deepEqual(
          several.coordinators.map((each) => [each.key, each.errorCode, each.host, each.port]),
          [group, `${group}-2`].map((key) => [key, 0, context.host, context.port]),
        )
        assert.equal(
          (await wire.ask(FindCoordinator, 3, { key: group, keyType: 9 })).errorCode,
          42,
          'a type nobody knows',
        )
      })
    },
  },
  {
    name: 'wire-join-rules',
    fixture: 'shared',
    async run(context) {
      const group = context.unique('joining')
      await coordinatorReady(context, group)
      await onWire(context, async (wire) => {
        const refused = async (fields: object, version = 9) =>
          (await wire.ask(JoinGroup, version, joinRequest(group, fields))).errorCode
        assert.equal(await refused({ groupId: '' }), 24, 'no group id')
        assert.equal(await refused({ sessionTimeoutMs: 1 }), 26, 'a session timeout below the least')
        assert.equal(await refused({ sessionTimeoutMs: 3_600_000 }), 26, 'and above the most')
        assert.equal(await refused({ protocols: [] }), 23, 'no protocols')
        assert.equal(await refused({ memberId: 'never-seen' }), 25, 'a member nobody knows')
        const { memberId, generationId } = await joinAlone(wire, group)
        assert.equal(generationId, 1)
        assert.equal(await refused({ protocolType: 'connect' }), 23, 'another protocol type')
        assert.equal(await refused({ protocols: [{ ...PROTOCOL, name: 'other' }] }), 23, 'no protocol in common')
        await wire.ask(LeaveGroup, 5, { groupId: group, members: [{ memberId }] })
        // Up to version 3 a member is let in at once.
        const old = await wire.ask(JoinGroup, 3, joinRequest(group))
        assert.deepEqual([old.errorCode, old.generationId], [0, 3])
      })
    },
  },
  {
    name: 'wire-membership-rules',
    fixture: 'shared',
    async run(context) {
      const group = context.unique('member')
      await coordinatorReady(context, group)
      await onWire(context, async (wire) => {
        const { memberId, generationId } = await joinAlone(wire, group)
        const beat = async (fields: object) =>
          (await wire.ask(Heartbeat, 4, { groupId: group, generationId, memberId, ...fields })).errorCode
        assert.equal(await beat({}), 0)
        assert.equal(await beat({ generationId: 99 }), 22)
        assert.equal(await beat({ memberId: 'never-seen' }), 25)
        assert.equal(await beat({ groupId: '' }), 24)
        const sync = async (fields: object) =>
          wire.ask(SyncGroup, 5, syncRequest(group, generationId, memberId, fields))
        assert.equal((await sync({})).assignment.toString(), 'mine', 'asked again, the same assignment')
        assert.equal((await sync({ generationId: 99 })).errorCode, 22)
        assert.equal((await sync({ memberId: 'never-seen' })).errorCode, 25)
        assert.equal((await sync({ protocolName: 'other' })).errorCode, 23)
        assert.equal(
          (await sync({ protocolType: null, protocolName: null })).errorCode,
          23,
          'both are mandatory in version 5',
        )
        const members = [{ memberId: 'never-seen' }, { memberId: '', groupInstanceId: 'no-such-instance' }]
        const left = await wire.ask(LeaveGroup, 5, { groupId: group, members })
        assert.deepEqual([left.errorCode, left.members.map(({ errorCode }) => errorCode)], [0, [25, 25]])
        const gone = await wire.ask(LeaveGroup, 5, { groupId: group, members: [{ memberId }] })
        assert.deepEqual(
          gone.members.map(({ errorCode }) => errorCode),
          [0],
        )
        assert.equal(await beat({}), 25, 'after leaving')
      })
    },
  },
  {
    name: 'wire-rebalance-of-two',
    fixture: 'shared',
    run: rebalanceOfTwo,
  },
  {
    name: 'wire-describe-groups',
    fixture: 'shared',
    async run(context) {
      const group = context.unique('described')
      await coordinatorReady(context, group)
      await onWire(context, async (wire) => {
        const { memberId } = await joinAlone(wire, group)
        const nobody = context.unique('nobody')
        const asked = { groups: [group, nobody], includeAuthorizedOperations: true }
        const newest = await wire.ask(DescribeGroups, 6, asked)
        const found = newest.groups.find(({ groupId }) => groupId === group)
        const missing = newest.groups.find(({ groupId }) => groupId === nobody)
        assert.deepEqual(
          [found?.errorCode, found?.groupState, found?.protocolType, found?.protocolData],
          [0, 'Stable', 'consumer', 'range'],
        )
        assert.equal(found?.authorizedOperations, 3_400)
        const only = found?.members[0]
        assert.deepEqual([only?.memberId, only?.clientId, only?.clientHost], [memberId, 'wire', '/127.0.0.1'])
        assert.deepEqual(
          [only?.memberMetadata.toString('hex'), only?.memberAssignment.toString()],
          [SUBSCRIPTION.toString('hex'), 'mine'],
        )
        assert.deepEqual([missing?.errorCode, missing?.groupState], [69, 'Dead'], 'version 6 says that there is none')
        const older = await wire.ask(DescribeGroups, 5, asked)
        const unknown = older.groups.find(({ groupId }) => groupId === nobody)
        assert.deepEqual([unknown?.errorCode, unknown?.groupState], [0, 'Dead'], 'version 5 does not')
      })
    },
  },
  {
    name: 'wire-offset-rules',
    fixture: 'shared',
    run: offsetRules,
  },
  {
    name: 'wire-transactional-ids',
    fixture: 'shared',
    async run(context) {
      const wanted = differs(context, {
        kafka: 0,
        odradek: 53,
        why: 'without transactions, coordinators of transactional ids are refused with 53, which no client retries',
      })
      await onWire(context, async (wire) => {
        const ask = () => wire.ask(FindCoordinator, 4, { keyType: 1, coordinatorKeys: ['some-id'] })
        let [found] = (await ask()).coordinators
        // Kafka creates its topic of transactions first.
        for (let attempt = 0; found?.errorCode === 15 && attempt < 100; attempt++) {
          await new Promise((resolve) => setTimeout(resolve, 100))
          found = (await ask()).coordinators[0]
        }
        assert.equal(found?.errorCode, wanted)
      })
    },
  },
]

async function rebalanceOfTwo(context: ScenarioContext): Promise<void> {
  const group = context.unique('two')
  await coordinatorReady(context, group)
  await onWire(context, async (a) => {
    const one = await joinAlone(a, group)
    await onWire(context, async (b) => {
      const { memberId } = await b.ask(JoinGroup, 9, joinRequest(group))
      b.send(JoinGroup, 9, joinRequest(group, { memberId }))
      assert.equal(await b.outcome(300), 'silence', 'the newcomer waits for the others')
      const beat = { groupId: group, generationId: one.generationId, memberId: one.memberId }
      assert.equal((await a.ask(Heartbeat, 4, beat)).errorCode, 27, 'the others are told by their heartbeat')
      assert.equal((await a.ask(SyncGroup, 5, syncRequest(group, one.generationId, one.memberId))).errorCode, 27)
      const leader = await a.ask(JoinGroup, 9, joinRequest(group, { memberId: one.memberId }))
      const follower = await b.answer(JoinGroup, 9)
      assert.deepEqual([leader.generationId, follower.generationId], [2, 2])
      assert.deepEqual([leader.leader, follower.leader], [one.memberId, one.memberId], 'the leader stays')
      assert.deepEqual(leader.members.map((each) => each.memberId).sort(), [one.memberId, memberId].sort())
      assert.deepEqual(follower.members, [], 'only the leader is told of the members')
      b.send(SyncGroup, 5, syncRequest(group, 2, memberId))
      assert.equal(await b.outcome(300), 'silence', 'the follower waits for the assignment')
      const assignments = [
        { memberId: one.memberId, assignment: Buffer.from('left') },
        { memberId, assignment: Buffer.from('right') },
      ]
      const mine = await a.ask(SyncGroup, 5, syncRequest(group, 2, one.memberId, { assignments }))
      assert.equal(mine.assignment.toString(), 'left')
      assert.equal((await b.answer(SyncGroup, 5)).assignment.toString(), 'right')
      // A follower that asks again with nothing new disturbs nobody; the leader does.
      const again = await b.ask(JoinGroup, 9, joinRequest(group, { memberId }))
      assert.deepEqual([again.errorCode, again.generationId], [0, 2])
      a.send(JoinGroup, 9, joinRequest(group, { memberId: one.memberId }))
      assert.equal(await a.outcome(300), 'silence', 'a leader that rejoins starts a rebalance')
      const left = await b.ask(LeaveGroup, 5, { groupId: group, members: [{ memberId }] })
      assert.equal(left.members[0]?.errorCode, 0)
      assert.equal((await a.answer(JoinGroup, 9)).generationId, 3)
    })
  })
}

async function offsetRules(context: ScenarioContext): Promise<void> {
  const group = context.unique('offsets')
  await coordinatorReady(context, group)
  const topic = await usableTopic(context, 'committed')
  await onWire(context, async (wire) => {
    const commit = async (fields: object, partition: object = {}, version = 8) => {
      const partitions = [{ partitionIndex: 0, committedOffset: 5, committedMetadata: 'note', ...partition }]
      const answer = await wire.ask(OffsetCommit, version, {
        groupId: group,
        memberId: '',
        topics: [{ name: topic, partitions }],
        ...fields,
      })
      return answer.topics[0]?.partitions[0]?.errorCode
    }
    const fetch = async (groupId = group, name = topic) => {
      const answer = await wire.ask(OffsetFetch, 8, {
        groups: [{ groupId, topics: [{ name, partitionIndexes: [0] }] }],
      })
      const [found] = answer.groups
      const partition = found?.topics[0]?.partitions[0]
      return [found?.errorCode, partition?.errorCode, partition?.committedOffset, partition?.metadata]
    }
    assert.deepEqual(await fetch(), [0, 0, -1, ''], 'nothing committed')
    assert.deepEqual(await fetch(context.unique('nobody')), [0, 0, -1, ''], 'nor by a group nobody knows')
    assert.deepEqual(await fetch(group, context.unique('nowhere')), [0, 0, -1, ''], 'nor for an unknown topic')
    assert.equal(await commit({}), 0, 'a commit without a group')
    assert.deepEqual(await fetch(), [0, 0, 5, 'note'])
    assert.equal(await commit({}, { partitionIndex: 9 }), 3)
    assert.equal(await commit({}, { committedMetadata: 'x'.repeat(5_000) }), 12)
    assert.equal(await commit({ generationIdOrMemberEpoch: 4, memberId: 'm', groupId: context.unique('nobody') }), 22)
    assert.equal(await commit({}, { committedMetadata: null }), 0)
    assert.deepEqual(await fetch(), [0, 0, 5, ''], 'no note is an empty one')
    const { memberId, generationId } = await joinAlone(wire, group)
    assert.equal(await commit({}, { committedOffset: 1 }), 25, 'from outside while there are members')
    assert.equal(await commit({ memberId, generationIdOrMemberEpoch: generationId + 1 }), 22, 'a wrong generation')
    assert.equal(await commit({ memberId, generationIdOrMemberEpoch: generationId }, { committedOffset: 9 }), 0)
    assert.deepEqual((await fetch()).slice(0, 3), [0, 0, 9])
    const all = await wire.ask(OffsetFetch, 8, { groups: [{ groupId: group, topics: null }] })
    assert.deepEqual(
      all.groups[0]?.topics.map(({ name }) => name),
      [topic],
      'null asks for all',
    )
  })
}
