import pino from 'pino'
import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import type { JoinGroupCall } from '../../src/coordinator/group/group-calls.ts'
import { GroupCoordinator } from '../../src/coordinator/group/group-coordinator.ts'
import { SimulatedClock } from '../../src/io/simulated-clock.ts'
import { SimulatedRandom } from '../../src/io/simulated-random.ts'
import { fakeBroker } from '../support/fake-broker.ts'
import { FakeCoordinatorLog, isPending, settled } from './fake-coordinator-log.ts'
import { range, TEST_CONFIG, TOPIC_ID } from './group-driver.ts'

const SHARDS = 4

async function start(log = new FakeCoordinatorLog(SHARDS), ownedBy: (shard: number) => number = () => 1) {
  const clock = new SimulatedClock()
  const groups = new GroupCoordinator({
    config: TEST_CONFIG,
    log,
    membership: {
      selfId: 1,
      brokers: () => [],
      controllerId: 1,
      liveIds: [1],
      coordinatorFor: (_, shard) => ownedBy(shard),
      fenceFor: () => 3,
    },
    clock,
    random: new SimulatedRandom(1),
    logger: pino({ level: 'silent' }),
  })
  await groups.start()
  return { groups, log, clock }
}

const fast = () => Object.assign(new FakeCoordinatorLog(SHARDS), { isFast: true })

const joining: JoinGroupCall = {
  groupId: 'g',
  memberId: '',
  groupInstanceId: null,
  clientId: 'client',
  clientHost: '/127.0.0.1',
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 60_000,
  protocolType: 'consumer',
  protocols: [range('t')],
  requiresKnownMemberId: false,
  canSkipAssignment: false,
}

const committing = (groupId = 'g', offset = 5, topic = 't') => ({
  ...{ groupId, memberId: '', groupInstanceId: null, generationId: -1, retentionTimeMs: -1 },
  missingGroupError: ErrorCode.ILLEGAL_GENERATION,
  offsets: [{ topic, topicId: TOPIC_ID, partition: 0, offset, leaderEpoch: -1, metadata: '' }],
})

const offsetOf = async (groups: GroupCoordinator, groupId = 'g', topic = 't') => {
  const { topics } = await groups.fetchOffsets({ groupId, topics: [{ topic, partitions: [0] }] })
  return topics[0]!.partitions[0]!.offset
}

describe('the group coordinator', () => {
  it('a commit is answered, and to be fetched, when it is durable', async () => {
    const { groups, log } = await start()
    const commit = groups.commitOffsets(committing())
    const fetch = offsetOf(groups)
    expect(await isPending(commit)).toBe(true)
    expect(await isPending(fetch)).toBe(true)
    await log.end()
    expect((await commit).errors).toEqual([ErrorCode.NONE])
    expect(await fetch).toBe(5)
    expect(log.fences).toEqual([3])
  })

  it('SyncGroup and Heartbeat wait until the generation is durable', async () => {
    const { groups, log } = await start()
    const { memberId, generationId } = await groups.joinGroup(joining)
    const identity = { groupId: 'g', memberId, generationId, groupInstanceId: null }
    const assignments = [{ memberId, assignment: Buffer.from('all') }]
    const sync = groups.syncGroup({ ...identity, protocolType: null, protocolName: null, assignments })
    const heartbeat = groups.heartbeat(identity)
    expect(await isPending(sync)).toBe(true)
    expect(await isPending(heartbeat)).toBe(true)
    await log.end()
    expect(await sync).toMatchObject({ error: ErrorCode.NONE, assignment: Buffer.from('all') })
    expect((await heartbeat).error).toBe(ErrorCode.NONE)
  })

  it('a failed append sends everybody of the shard away, and takes back what was not written', async () => {
    const { groups, log, clock } = await start()
    const { memberId, generationId } = await groups.joinGroup(joining)
    const parked = groups.joinGroup({ ...joining, protocols: [range('t', 'u')] })
    expect(await isPending(parked)).toBe(true)
    const ids = Array.from({ length: 50 }, (_, at) => `group-${at}`)
    const neighbour = ids.find((groupId) => groups.shardOf(groupId) === groups.shardOf('g'))!
    const commit = groups.commitOffsets(committing(neighbour))
    await log.end(ErrorCode.KAFKA_STORAGE_ERROR)
    expect((await commit).errors).toEqual([ErrorCode.NOT_COORDINATOR])
    expect((await parked).error).toBe(ErrorCode.NOT_COORDINATOR)

    clock.advance(1000)
    await settled()
    expect(await offsetOf(groups, neighbour)).toBe(-1)
    const heartbeat = await groups.heartbeat({ groupId: 'g', memberId, generationId, groupInstanceId: null })
    expect(heartbeat.error).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
  })

  it('what a request brought is copied: the frame may be used again', async () => {
    const log = fast()
    const { groups } = await start(log)
    const metadata = Buffer.from(range('t').metadata)
    const { memberId, generationId } = await groups.joinGroup({ ...joining, protocols: [{ name: 'range', metadata }] })
    metadata.fill(0xff)
    const assignment = Buffer.from('partitions')
    const identity = {
      groupId: 'g',
      memberId,
      generationId,
      groupInstanceId: null,
      protocolType: null,
      protocolName: null,
    }
    await groups.syncGroup({ ...identity, assignments: [{ memberId, assignment }] })
    assignment.fill(0xff)
    const [described] = await groups.describeGroups(['g'])
    expect(described!.members[0]).toMatchObject({
      metadata: range('t').metadata,
      assignment: Buffer.from('partitions'),
    })
  })

  it('member ids end with a UUID, another one each time', async () => {
    const { groups } = await start()
    const ids = [await groups.joinGroup(joining), await groups.joinGroup({ ...joining, groupId: 'h' })]
    const uuid = /^client-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
    for (const { memberId } of ids) expect(memberId).toMatch(uuid)
    expect(ids[0]!.memberId).not.toBe(ids[1]!.memberId)
  })

  it('groups of all shards are listed, described and deleted together', async () => {
    const { groups } = await start(fast())
    const ids = Array.from({ length: 20 }, (_, at) => `group-${at}`)
    for (const groupId of ids) await groups.commitOffsets(committing(groupId))
    expect(new Set(ids.map((groupId) => groups.shardOf(groupId))).size).toBe(SHARDS)
    const listed = await groups.listGroups({ states: [], types: [] })
    expect(listed.groups.map(({ groupId }) => groupId).sort()).toEqual([...ids].sort())
    expect((await groups.describeGroups(ids)).map(({ groupId }) => groupId)).toEqual(ids)
    expect((await groups.deleteGroups(ids)).every(({ error }) => error === ErrorCode.NONE)).toBe(true)
    expect((await groups.listGroups({ states: [], types: [] })).groups).toEqual([])
  })

  it('while one shard is loading, the list says so and has the others', async () => {
    const { groups, log } = await start()
    const other = groups.commitOffsets(committing('b'))
    await log.end()
    await other
    const lost = groups.commitOffsets(committing('a'))
    await log.end(ErrorCode.UNKNOWN_SERVER_ERROR)
    await lost
    expect(groups.shardOf('a')).not.toBe(groups.shardOf('b'))
    expect(await groups.listGroups({ states: [], types: [] })).toMatchObject({
      error: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
      groups: [{ groupId: 'b' }],
    })
  })

  it('shards of other brokers are not listed and not coordinated', async () => {
    const { groups } = await start(fast(), (shard) => (shard % 2 === 0 ? 1 : 2))
    for (const groupId of ['a', 'b']) {
      const own = groups.shardOf(groupId) % 2 === 0
      const { errors } = await groups.commitOffsets(committing(groupId))
      expect(errors).toEqual([own ? ErrorCode.NONE : ErrorCode.NOT_COORDINATOR])
    }
    const { error, groups: listed } = await groups.listGroups({ states: [], types: [] })
    expect(error).toBe(ErrorCode.NONE)
    expect(listed.every(({ groupId }) => groups.shardOf(groupId) % 2 === 0)).toBe(true)
  })

  it('a deleted topic takes its offsets with it, also when the broker stopped in between', async () => {
    const log = fast()
    const { groups } = await start(log)
    for (const topic of ['t', 'u', 'v']) await groups.commitOffsets(committing('g', 5, topic))
    await groups.onTopicsDeleted(['t'])
    expect([await offsetOf(groups, 'g', 't'), await offsetOf(groups, 'g', 'u')]).toEqual([-1, 5])
    await groups.close()

    const again = await start(log)
    const topic = (name: string, id: string) => ({ name, id, internal: false, partitions: [] })
    // u is gone, v was created anew under another id.
    const topics = new Map([['v', topic('v', 'YW5vdGhlci10b3BpYy1pZA')]])
    await again.groups.forgetMissingTopics({ ...fakeBroker().metadata.image, topics })
    for (const name of ['t', 'u', 'v']) expect(await offsetOf(again.groups, 'g', name)).toBe(-1)
  })

  it('offsets of a topic that is still the same stay', async () => {
    const { groups } = await start(fast())
    await groups.commitOffsets(committing())
    const topics = new Map([['t', { name: 't', id: TOPIC_ID, internal: false, partitions: [] }]])
    await groups.forgetMissingTopics({ ...fakeBroker().metadata.image, topics })
    expect(await offsetOf(groups)).toBe(5)
  })

  it('when its own topic is deleted all groups are gone, and members are sent away', async () => {
    const log = fast()
    const { groups } = await start(log)
    await groups.commitOffsets(committing())
    await groups.joinGroup({ ...joining, groupId: 'h' })
    const parked = groups.joinGroup({ ...joining, groupId: 'h' })
    log.clear()
    await groups.onTopicsDeleted(['__consumer_offsets'])
    expect((await parked).error).toBe(ErrorCode.NOT_COORDINATOR)
    expect(await groups.listGroups({ states: [], types: [] })).toEqual({ error: ErrorCode.NONE, groups: [] })
    expect((await groups.commitOffsets(committing())).errors).toEqual([ErrorCode.NONE])
  })

  it('fifty thousand offsets are loaded again in a moment', async () => {
    const log = fast()
    const { groups } = await start(log)
    const offsets = Array.from({ length: 500 }, (_, partition) => ({ ...committing().offsets[0]!, partition }))
    for (let i = 0; i < 100; i++) await groups.commitOffsets({ ...committing(`g${i}`), offsets })
    await groups.close()
    const again = await start(log)
    expect(await offsetOf(again.groups, 'g99')).toBe(5)
  })
})
