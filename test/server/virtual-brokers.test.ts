import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { OffsetCommit } from '../../protocol/messages/08-offset-commit.ts'
import { OffsetFetch } from '../../protocol/messages/09-offset-fetch.ts'
import { FindCoordinator } from '../../protocol/messages/10-find-coordinator.ts'
import { InitProducerId } from '../../protocol/messages/22-init-producer-id.ts'
import { OffsetForLeaderEpoch } from '../../protocol/messages/23-offset-for-leader-epoch.ts'
import { DescribeConfigs } from '../../protocol/messages/32-describe-configs.ts'
import { DescribeLogDirs } from '../../protocol/messages/35-describe-log-dirs.ts'
import { ElectLeaders } from '../../protocol/messages/43-elect-leaders.ts'
import { buildBatch } from '../../protocol/records/batch-builder.ts'
import { startBroker } from '../../src/index.ts'
import type { TestBroker } from '../../src/testing/test-broker.ts'
import { WireClient } from '../support/wire-client.ts'

const SESSION_MS = 9_000
const GROUP = 'readers'

let cluster: TestBroker
const clients = new Map<number, WireClient>()

beforeEach(async () => {
  cluster = await startBroker({
    brokers: 3,
    topics: [
      { name: 't', partitions: 3 },
      { name: 'one', partitions: 3, replicationFactor: 1 },
    ],
  })
})
afterEach(async () => {
  for (const client of clients.values()) await client.close()
  clients.clear()
  await cluster.close()
})

/** A connection to one of the brokers. */
async function at(id: number): Promise<WireClient> {
  const known = clients.get(id)
  if (known !== undefined) return known
  const { address } = cluster.brokers.find((broker) => broker.id === id)!
  const client = await WireClient.connect(Number(address.split(':')[1]))
  clients.set(id, client)
  return client
}

function asking(topic: string) {
  return {
    topics: [{ name: topic }],
    allowAutoTopicCreation: false,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  }
}

async function partitionsOf(topic: string, from: number) {
  const { topics } = await (await at(from)).send(Metadata, 12, asking(topic))
  return [...topics[0]!.partitions].sort((a, b) => a.partitionIndex - b.partitionIndex)
}

async function produce(id: number, acks = -1, topic = 't', index = 0) {
  const records = buildBatch({ records: [{ timestamp: 1, key: null, value: Buffer.from('v') }] })
  const { topics } = await (await at(id)).send(Metadata, 12, asking(topic))
  const answer = await (await at(id)).send(Produce, 13, {
    acks,
    timeoutMs: 1000,
    topicData: [{ topicId: topics[0]!.topicId, partitionData: [{ index, records }] }],
  })
  return { ...answer, partition: answer.responses[0]!.partitionResponses[0]! }
}

async function fetch(id: number, currentLeaderEpoch = -1) {
  const { topics } = await (await at(id)).send(Metadata, 12, asking('t'))
  const partition = { partition: 0, currentLeaderEpoch, fetchOffset: 0, partitionMaxBytes: 1 << 20 }
  const answer = await (await at(id)).send(Fetch, 16, {
    maxWaitMs: 0,
    minBytes: 0,
    topics: [{ topicId: topics[0]!.topicId, partitions: [partition] }],
    forgottenTopicsData: [],
  })
  return { ...answer, partition: answer.responses[0]!.partitions[0]! }
}

async function commit(id: number, offset: number): Promise<ErrorCode> {
  const answer = await (await at(id)).send(OffsetCommit, 7, {
    groupId: GROUP,
    memberId: '',
    topics: [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset: offset, committedMetadata: '' }] }],
  })
  return answer.topics[0]!.partitions[0]!.errorCode as ErrorCode
}

/** Negative where it is an error. */
async function committed(id: number): Promise<number> {
  const topics = [{ name: 't', partitionIndexes: [0] }]
  const answer = await (await at(id)).send(OffsetFetch, 7, { groupId: GROUP, topics, groups: [] })
  if (answer.errorCode !== ErrorCode.NONE) return -answer.errorCode
  return answer.topics[0]!.partitions[0]!.committedOffset
}

async function coordinator(from: number): Promise<number> {
  const answer = await (await at(from)).send(FindCoordinator, 3, { key: GROUP, keyType: 0 })
  return answer.nodeId
}

/** Until a coordinator that has taken a group over has loaded it. */
async function untilLoaded(id: number): Promise<number> {
  for (;;) {
    const answer = await committed(id)
    if (answer !== -ErrorCode.COORDINATOR_LOAD_IN_PROGRESS) return answer
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

describe('leaders', () => {
  it('only the leader takes records, and the others say who it is (KIP-951)', async () => {
    expect((await produce(1)).partition.errorCode).toBe(ErrorCode.NONE)
    const { partition, nodeEndpoints } = await produce(2)
    expect(partition).toMatchObject({
      errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER,
      currentLeader: { leaderId: 1, leaderEpoch: 0 },
    })
    const port = Number(cluster.brokers[0]!.address.split(':')[1])
    expect(nodeEndpoints).toMatchObject([{ nodeId: 1, host: '127.0.0.1', port }])
    const fetched = await fetch(3)
    expect(fetched.partition).toMatchObject({
      errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER,
      currentLeader: { leaderId: 1, leaderEpoch: 0 },
    })
    expect(fetched.nodeEndpoints).toMatchObject([{ nodeId: 1, port }])
  })

  it('a moved leader begins an epoch: older ones are fenced, later ones unknown, and each epoch has its end', async () => {
    await produce(1)
    await cluster.moveLeader('t', 0, 2)
    await produce(2)
    expect((await fetch(2, 0)).partition.errorCode).toBe(ErrorCode.FENCED_LEADER_EPOCH)
    expect((await fetch(2, 2)).partition.errorCode).toBe(ErrorCode.UNKNOWN_LEADER_EPOCH)
    expect((await fetch(2, 1)).partition.errorCode).toBe(ErrorCode.NONE)
    const ask = async (leaderEpoch: number) => {
      const topics = [{ topic: 't', partitions: [{ partition: 0, currentLeaderEpoch: 1, leaderEpoch }] }]
      const answer = await (await at(2)).send(OffsetForLeaderEpoch, 4, { replicaId: -1, topics })
      const { leaderEpoch: found, endOffset } = answer.topics[0]!.partitions[0]!
      return [found, endOffset]
    }
    expect(await ask(0)).toEqual([0, 1])
    expect(await ask(1)).toEqual([1, 2])
  })

  it('trap 22: all brokers name the same leader in an epoch, whatever happens', async () => {
    const seen = new Map<number, number>()
    const look = async (ids: readonly number[]) => {
      for (const id of ids) {
        const { leaderId, leaderEpoch } = (await partitionsOf('t', id))[0]!
        expect(seen.get(leaderEpoch) ?? leaderId).toBe(leaderId)
        seen.set(leaderEpoch, leaderId)
        const hint = (await produce(id)).partition.currentLeader
        if (hint !== undefined && hint.leaderId !== -1) expect(seen.get(hint.leaderEpoch)).toBe(hint.leaderId)
      }
    }
    await look([1, 2, 3])
    await cluster.moveLeader('t', 0, 3)
    await look([1, 2, 3])
    await cluster.killBroker(3)
    await look([1, 2])
    await cluster.startBroker(3)
    clients.delete(3)
    await look([1, 2, 3])
    expect(seen.size).toBe(3)
  })

  it('acks=all needs min.insync.replicas of them, and there may be too few', async () => {
    await cluster.createTopics([{ name: 'strict', config: { 'min.insync.replicas': 3 } }])
    expect((await produce(1, -1, 'strict')).partition.errorCode).toBe(ErrorCode.NONE)
    await cluster.killBroker(3)
    const { partition } = await produce(1, -1, 'strict')
    expect(partition.errorCode).toBe(ErrorCode.NOT_ENOUGH_REPLICAS)
    expect((await produce(1, 1, 'strict')).partition.errorCode).toBe(ErrorCode.NONE)
    await cluster.startBroker(3)
    expect((await produce(1, -1, 'strict')).partition.errorCode).toBe(ErrorCode.NONE)
  })

  it('a partition with one replica has no leader while that is away, and nobody else is offered', async () => {
    await cluster.killBroker(1)
    const [first, second] = await partitionsOf('one', 2)
    expect(first).toMatchObject({
      errorCode: ErrorCode.LEADER_NOT_AVAILABLE,
      leaderId: -1,
      isrNodes: [1],
      offlineReplicas: [1],
    })
    expect(second).toMatchObject({ errorCode: ErrorCode.NONE, leaderId: 2, offlineReplicas: [] })
    await cluster.startBroker(1)
    expect((await partitionsOf('one', 2))[0]).toMatchObject({ leaderId: 1, offlineReplicas: [] })
  })

  it('a preferred election gives back what was taken over', async () => {
    await cluster.killBroker(1)
    await cluster.startBroker(1)
    expect((await partitionsOf('t', 2)).map(({ leaderId }) => leaderId)).toEqual([2, 2, 3])
    await (await at(2)).send(ElectLeaders, 2, { electionType: 0, topicPartitions: null, timeoutMs: 1000 })
    expect((await partitionsOf('t', 2)).map(({ leaderId }) => leaderId)).toEqual([1, 2, 3])
  })
})

describe('a paused broker', () => {
  it('keeps what it leads for the length of a session, and is then counted out until it goes on', async () => {
    await at(1)
    cluster.pauseBroker(1)
    await cluster.advance(SESSION_MS / 2)
    expect((await partitionsOf('t', 2))[0]!.leaderId).toBe(1)
    await cluster.advance(SESSION_MS / 2)
    const [partition] = await partitionsOf('t', 2)
    expect(partition).toMatchObject({ leaderId: 2, leaderEpoch: 1, isrNodes: [2, 3], offlineReplicas: [1] })
    expect((await partitionsOf('one', 2))[0]!.leaderId).toBe(-1)
    const late = produce(1)
    await cluster.resumeBroker(1)
    expect((await late).partition.errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    const [back] = await partitionsOf('t', 1)
    expect(back).toMatchObject({ leaderId: 2, isrNodes: [1, 2, 3], offlineReplicas: [] })
    expect((await partitionsOf('one', 1))[0]!.leaderId).toBe(1)
  })

  it('that goes on in time has lost nothing', async () => {
    await at(1)
    cluster.pauseBroker(1)
    await cluster.advance(SESSION_MS / 2)
    await cluster.resumeBroker(1)
    await cluster.advance(SESSION_MS)
    expect((await partitionsOf('t', 1))[0]).toMatchObject({ leaderId: 1, leaderEpoch: 0, isrNodes: [1, 2, 3] })
  })

  it('is the last to stay where all are paused, and all come back', async () => {
    for (const id of [1, 2, 3]) cluster.pauseBroker(id)
    await cluster.advance(SESSION_MS)
    for (const id of [1, 2, 3]) await cluster.resumeBroker(id)
    const partitions = await partitionsOf('t', 2)
    expect(partitions.map(({ isrNodes }) => isrNodes)).toEqual([
      [1, 2, 3],
      [2, 3, 1],
      [3, 1, 2],
    ])
    expect((await partitionsOf('one', 2)).map(({ leaderId }) => leaderId)).toEqual([1, 2, 3])
  })

  it('that lost its groups cannot write to them', async () => {
    const id = await coordinator(1)
    const other = (id % 3) + 1
    expect(await commit(id, 1)).toBe(ErrorCode.NONE)
    cluster.pauseBroker(id)
    const late = commit(id, 99)
    await cluster.advance(SESSION_MS)
    const next = await coordinator(other)
    expect(next).not.toBe(id)
    expect(await untilLoaded(next)).toBe(1)
    expect(await commit(next, 2)).toBe(ErrorCode.NONE)
    await cluster.resumeBroker(id)
    expect(await late).toBe(ErrorCode.NOT_COORDINATOR)
    expect(await committed(next)).toBe(2)
  })
})

describe('groups', () => {
  it('are coordinated by the same broker before and after there is a topic for them', async () => {
    const before = await Promise.all([1, 2, 3].map(coordinator))
    expect(new Set(before).size).toBe(1)
    expect(await commit(before[0]!, 1)).toBe(ErrorCode.NONE)
    expect(await Promise.all([1, 2, 3].map(coordinator))).toEqual(before)
    expect(await committed((before[0]! % 3) + 1)).toBe(-ErrorCode.NOT_COORDINATOR)
  })

  it('keep their offsets from coordinator to coordinator', async () => {
    for (let offset = 1; offset <= 6; offset++) {
      const id = await coordinator(((offset - 1) % 3) + 1)
      await untilLoaded(id)
      expect(await commit(id, offset)).toBe(ErrorCode.NONE)
      await cluster.killBroker(id)
      clients.delete(id)
      const next = await coordinator((id % 3) + 1)
      expect(next).not.toBe(id)
      expect(await untilLoaded(next)).toBe(offset)
      await cluster.startBroker(id)
    }
  })
})

describe('what belongs to one broker', () => {
  it('its settings are described by itself only', async () => {
    const resources = [{ resourceType: 4, resourceName: '2', configurationKeys: ['node.id'] }]
    const { results } = await (await at(2)).send(DescribeConfigs, 4, { resources })
    expect(results[0]!.configs).toMatchObject([{ name: 'node.id', value: '2' }])
    const other = await (await at(3)).send(DescribeConfigs, 4, { resources })
    expect(other.results[0]!.errorCode).toBe(ErrorCode.INVALID_REQUEST)
  })

  it('its replicas are in its log directory', async () => {
    const replicasOf = async (id: number) => {
      const { results } = await (await at(id)).send(DescribeLogDirs, 4, { topics: null })
      const { topics } = results[0]!
      return topics.map(({ name, partitions }) => `${name}: ${partitions.map(({ partitionIndex }) => partitionIndex)}`)
    }
    expect((await replicasOf(1)).sort()).toEqual(['one: 0', 't: 0,1,2'])
    expect((await replicasOf(3)).sort()).toEqual(['one: 2', 't: 0,1,2'])
  })

  it('producer ids are never given out twice, by whichever broker and in whichever life', async () => {
    const ids: number[] = []
    const take = async (id: number) => {
      const answer = await (await at(id)).send(InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 1000 })
      ids.push(answer.producerId)
    }
    for (const id of [1, 2, 3, 1, 2, 3]) await take(id)
    await cluster.killBroker(2)
    clients.delete(2)
    await cluster.startBroker(2)
    for (const id of [1, 2, 3]) await take(id)
    expect(new Set(ids).size).toBe(ids.length)
  })
})
