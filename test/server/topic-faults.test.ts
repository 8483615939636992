import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Api } from '../../protocol/codec/schema.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { ListOffsets } from '../../protocol/messages/02-list-offsets.ts'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { OffsetCommit } from '../../protocol/messages/08-offset-commit.ts'
import { OffsetFetch } from '../../protocol/messages/09-offset-fetch.ts'
import { FindCoordinator } from '../../protocol/messages/10-find-coordinator.ts'
import { CreateTopics } from '../../protocol/messages/19-create-topics.ts'
import { DeleteRecords } from '../../protocol/messages/21-delete-records.ts'
import { DescribeConfigs } from '../../protocol/messages/32-describe-configs.ts'
import { apiTable } from '../../src/apis/table.ts'
import type { RequestFaults } from '../../src/broker/request-faults.ts'
import { ClockedBroker } from '../support/clocked-broker.ts'
import { WireClient } from '../support/wire-client.ts'
import { batchOf } from '../wire/batches.ts'

const FAILED = ErrorCode.KAFKA_STORAGE_ERROR
const NOT_LEADER = ErrorCode.NOT_LEADER_OR_FOLLOWER
const LATEST = -1
const NO_OPERATIONS = { includeTopicAuthorizedOperations: false, includeClusterAuthorizedOperations: false }
const GROUP = 'readers'
const OTHER_NAME = { bad: 'good', good: 'bad' } as const

let broker: ClockedBroker
let client: WireClient
let faults: RequestFaults
let ids: Readonly<Record<string, string>>

/** What the answer says of each topic, by name: its partition's error, or its own. */
type Told = Readonly<Record<string, number | undefined>>

beforeAll(async () => {
  broker = await ClockedBroker.start()
  client = await WireClient.connect(broker.port)
  faults = broker.broker.faults
  for (const name of ['good', 'bad']) await broker.createTopic(name)
  const { topics } = await client.send(Metadata, 12, { topics: null, ...NO_OPERATIONS })
  ids = Object.fromEntries(topics.map(({ name, topicId }) => [name, topicId]))
})
beforeEach(() => faults.clear())
afterAll(async () => {
  await client.close()
  await broker.close()
})

const both = ['good', 'bad'] as const
const named = <T extends object>(fields: T) =>
  both.map((name) => ({ name, topic: name, topicId: ids[name]!, ...fields }))
const oneRecord = () => batchOf(1, { firstTimestamp: broker.clock.nowMs() })
const nameOf = ({ name, topic, topicId }: { name?: string | null; topic?: string; topicId?: string }) =>
  name || topic || Object.keys(ids).find((one) => ids[one] === topicId)!

function versionsOf(api: Api): number[] {
  const { min, max } = apiTable.get(api.key)!.advertised
  const from = Math.max(min, api.versions.min)
  return Array.from({ length: max - from + 1 }, (_, at) => from + at)
}

const produce = async (version: number, acks = -1): Promise<Told> => {
  const topicData = named({ partitionData: [{ index: 0, records: oneRecord() }] })
  const { responses } = await client.send(Produce, version, { acks, timeoutMs: 1000, topicData })
  return Object.fromEntries(responses.map((one) => [nameOf(one), one.partitionResponses[0]!.errorCode]))
}

const fetch = async (version: number, session = { sessionId: 0, sessionEpoch: -1 }, listed = true) => {
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000_000 }]
  const topics = listed ? named({ partitions }) : []
  // A wait that no clock will end.
  const wait = { maxWaitMs: 60_000, minBytes: 1_000_000_000 }
  const answer = await client.send(Fetch, version, { ...wait, ...session, topics, forgottenTopicsData: [] })
  const told: Told = Object.fromEntries(answer.responses.map((one) => [nameOf(one), one.partitions[0]!.errorCode]))
  return { answer, told }
}

const metadata = async (version: number, all = false): Promise<{ told: Told; brokers: number; errorCode?: number }> => {
  const topics = all ? (version === 0 ? [] : null) : both.map((name) => ({ name }))
  const answer = await client.send(Metadata, version, { topics, ...NO_OPERATIONS })
  const told = Object.fromEntries(answer.topics.map((one) => [nameOf(one), one.errorCode]))
  return { told, brokers: answer.brokers.length, errorCode: answer.errorCode }
}

const listOffsets = async (version: number): Promise<Told> => {
  const topics = named({ partitions: [{ partitionIndex: 0, timestamp: LATEST }] })
  const answer = await client.send(ListOffsets, version, { replicaId: -1, isolationLevel: 0, topics })
  return Object.fromEntries(answer.topics.map((one) => [nameOf(one), one.partitions[0]!.errorCode]))
}

const commit = async (version: number, offset: number): Promise<Told> => {
  const partitions = [{ partitionIndex: 0, committedOffset: offset, committedMetadata: '' }]
  const answer = await client.send(OffsetCommit, version, { groupId: GROUP, topics: named({ partitions }) })
  return Object.fromEntries(answer.topics.map((one) => [nameOf(one), one.partitions[0]!.errorCode]))
}

const fetchOffsets = async (version: number, all = false) => {
  const topics = all ? null : named({ partitionIndexes: [0] })
  const request = version < 8 ? { groupId: GROUP, topics } : { groups: [{ groupId: GROUP, topics }] }
  const answer = await client.send(OffsetFetch, version, { topics: [], groups: [], groupId: '', ...request })
  const answered = version < 8 ? answer.topics : answer.groups[0]!.topics
  return Object.fromEntries(
    answered.map((one) => [nameOf(one), [one.partitions[0]!.errorCode, one.partitions[0]!.committedOffset]]),
  )
}

/** The rule has to have fired: else the test would pass without any fault. */
async function withFault<T>(fault: object, run: () => Promise<T>): Promise<T> {
  const { id } = faults.addUnchecked(fault)
  const result = await run()
  expect(faults.fired(id)).toBe(1)
  faults.clear()
  return result
}
const ofBad = { kind: 'error', errorCode: 'KAFKA_STORAGE_ERROR', topic: 'bad', times: 1 }

describe('an error for one topic leaves the others served', () => {
  it.each(versionsOf(Produce))('Produce v%i: only the other is appended', async (version) => {
    const before = { good: await broker.latest('good'), bad: await broker.latest('bad') }
    expect(await withFault(ofBad, () => produce(version))).toEqual({ good: 0, bad: FAILED })
    expect(await broker.latest('good')).toBe(before.good + 1)
    expect(await broker.latest('bad')).toBe(before.bad)
  })

  it('Produce without an answer: the other is appended, and closing is what is left to tell', async () => {
    const before = { good: await broker.latest('good'), bad: await broker.latest('bad') }
    const silent = await WireClient.connect(broker.port)
    const { id } = faults.add({ kind: 'error', errorCode: FAILED, topic: 'bad' })
    const topicData = named({ partitionData: [{ index: 0, records: oneRecord() }] })
    silent.post(Produce, 9, { acks: 0, timeoutMs: 1000, topicData })
    expect(await silent.closed).toBeNull()
    expect([silent.receivedBytes, faults.fired(id)]).toEqual([0, 1])
    faults.clear()
    expect(await broker.latest('good')).toBe(before.good + 1)
    expect(await broker.latest('bad')).toBe(before.bad)
  })

  it.each(versionsOf(Fetch))('Fetch v%i answers at once', async (version) => {
    const { told, answer } = await withFault(ofBad, () => fetch(version))
    expect(told).toEqual({ good: 0, bad: FAILED })
    const [bad] = answer.responses.filter((one) => nameOf(one) === 'bad')
    expect(bad!.partitions[0]).toMatchObject({ highWatermark: -1, records: Buffer.alloc(0) })
    const [good] = answer.responses.filter((one) => nameOf(one) === 'good')
    expect(good!.partitions[0]!.records!.length).toBeGreaterThan(0)
  })

  it.each([7, 12, 13, 18])(
    'Fetch v%i in a session: the partition need not be in the request, and the session goes on',
    async (version) => {
      const opened = await withFault(ofBad, () => fetch(version, { sessionId: 0, sessionEpoch: 0 }))
      const { sessionId } = opened.answer
      expect([opened.told, sessionId > 0]).toEqual([{ good: 0, bad: FAILED }, true])
      const next = await withFault(ofBad, () => fetch(version, { sessionId, sessionEpoch: 1 }, false))
      expect([next.answer.errorCode, next.told['bad']]).toEqual([0, FAILED])
      const gone = await fetch(version, { sessionId, sessionEpoch: -1 }, false)
      expect(gone.answer.errorCode).toBe(0)
    },
  )

  it.each(versionsOf(Metadata))('Metadata v%i, brokers and all', async (version) => {
    for (const all of [false, true]) {
      const { told, brokers } = await withFault(ofBad, () => metadata(version, all))
      expect([told['good'], told['bad'], brokers]).toEqual([0, FAILED, 1])
    }
  })

  it('Metadata: a topic that fails is not created', async () => {
    const fault = { kind: 'error', errorCode: 'LEADER_NOT_AVAILABLE', topic: 'absent' }
    const ask = (allowAutoTopicCreation: boolean) =>
      client.send(Metadata, 9, { topics: [{ name: 'absent' }], allowAutoTopicCreation, ...NO_OPERATIONS })
    const answer = await withFault(fault, () => ask(true))
    expect(answer.topics.map(({ errorCode }) => errorCode)).toEqual([ErrorCode.LEADER_NOT_AVAILABLE])
    expect((await ask(false)).topics[0]!.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  })

  it.each(versionsOf(ListOffsets))('ListOffsets v%i', async (version) => {
    expect(await withFault(ofBad, () => listOffsets(version))).toEqual({ good: 0, bad: FAILED })
  })

  it.each(versionsOf(OffsetCommit))('OffsetCommit v%i, and OffsetFetch shows it', async (version) => {
    await commit(version, 1000)
    expect(await withFault(ofBad, () => commit(version, 2000 + version))).toEqual({ good: 0, bad: FAILED })
    expect(await fetchOffsets(9)).toEqual({ good: [0, 2000 + version], bad: [0, 1000] })
  })

  it.each(versionsOf(OffsetFetch))('OffsetFetch v%i', async (version) => {
    await commit(9, 7)
    expect(await withFault(ofBad, () => fetchOffsets(version))).toEqual({ good: [0, 7], bad: [FAILED, -1] })
    if (version < 2) return
    expect(await withFault(ofBad, () => fetchOffsets(version, true))).toEqual({ good: [0, 7], bad: [FAILED, -1] })
  })

  it('CreateTopics and DeleteRecords', async () => {
    const topic = (name: string) => ({ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] })
    const fault = { kind: 'error', errorCode: 'POLICY_VIOLATION', topic: '*-no' }
    const request = { topics: ['a-yes', 'b-no', 'c-yes'].map(topic), timeoutMs: 1000 }
    const created = await withFault(fault, () => client.send(CreateTopics, 5, request))
    const told = created.topics.map(({ name, errorCode }) => [name, errorCode])
    expect(told).toEqual([
      ['a-yes', 0],
      ['b-no', ErrorCode.POLICY_VIOLATION],
      ['c-yes', 0],
    ])
    const topics = named({ partitions: [{ partitionIndex: 0, offset: 0 }] })
    const deleted = await withFault(ofBad, () => client.send(DeleteRecords, 1, { topics, timeoutMs: 1000 }))
    expect(deleted.topics.map((one) => one.partitions[0]!.errorCode)).toEqual([0, FAILED])
  })

  it.each(both)('whichever of them: %s', async (name) => {
    expect(await withFault({ ...ofBad, topic: name }, () => produce(9))).toEqual({
      [name]: FAILED,
      [OTHER_NAME[name]]: 0,
    })
  })

  it('one topic at a time: the rule behind fires for the next request', async () => {
    faults.add({ kind: 'error', errorCode: FAILED, topic: 'bad', times: 1 })
    faults.add({ kind: 'error', errorCode: NOT_LEADER, topic: 'good', times: 1 })
    expect(await produce(9)).toEqual({ good: 0, bad: FAILED })
    expect(await produce(9)).toEqual({ good: NOT_LEADER, bad: 0 })
    expect(await produce(9)).toEqual({ good: 0, bad: 0 })
  })
})

describe('an error without a topic', () => {
  const all = { good: NOT_LEADER, bad: NOT_LEADER }
  const fault = { kind: 'error', errorCode: 'NOT_LEADER_OR_FOLLOWER', times: 1 }

  it('concerns all topics of the request, in the place where the API tells it', async () => {
    expect(await withFault(fault, () => produce(9))).toEqual(all)
    for (const version of [4, 12, 18]) expect((await withFault(fault, () => fetch(version))).told).toEqual(all)
    expect(await withFault(fault, () => listOffsets(7))).toEqual(all)
    expect(await withFault(fault, () => commit(8, 1))).toEqual(all)
    for (const version of [0, 8, 12]) {
      const { told, brokers } = await withFault(fault, () => metadata(version))
      expect([told, brokers]).toEqual([all, 1])
    }
  })

  it('of a session concerns the whole fetch', async () => {
    const lost = { ...fault, errorCode: 'FETCH_SESSION_ID_NOT_FOUND' }
    const { answer } = await withFault(lost, () => fetch(12))
    expect([answer.errorCode, answer.responses]).toEqual([ErrorCode.FETCH_SESSION_ID_NOT_FOUND, []])
  })
})

describe('what a request names', () => {
  const fires = async (matcher: object, run: () => Promise<unknown>) => {
    const { id } = faults.addUnchecked({ kind: 'error', errorCode: 'UNKNOWN_SERVER_ERROR', ...matcher })
    await run()
    const fired = faults.fired(id)
    faults.clear()
    return fired === 1
  }

  it('topics: in names, in ids, as resources, and in null, which is all', async () => {
    const config = (name: string) => () =>
      client.send(DescribeConfigs, 1, { resources: [{ resourceType: 2, resourceName: name, configurationKeys: null }] })
    expect(await fires({ topic: 'bad' }, () => produce(9))).toBe(true)
    expect(await fires({ topic: 'bad' }, () => produce(13))).toBe(true)
    expect(await fires({ topic: 'ba' }, () => produce(13))).toBe(false)
    expect(await fires({ topic: 'good' }, () => metadata(0, true))).toBe(true)
    expect(await fires({ topic: 'good' }, () => metadata(12, true))).toBe(true)
    expect(await fires({ topic: 'good' }, config('good'))).toBe(true)
    expect(await fires({ topic: 'good' }, config('bad'))).toBe(false)
    expect(await fires({ topic: 'other' }, () => fetchOffsets(8))).toBe(false)
    expect(await fires({ topic: '*' }, () => client.send(FindCoordinator, 3, { key: GROUP, keyType: 0 }))).toBe(false)
  })

  it('groups: of members, of offsets, of coordinators asked for', async () => {
    const find = (version: number, keyType: number) => () =>
      client.send(
        FindCoordinator,
        version,
        version < 4 ? { key: GROUP, keyType } : { keyType, coordinatorKeys: [GROUP] },
      )
    for (const version of [1, 8, 9]) {
      expect(await fires({ groupId: GROUP }, () => fetchOffsets(version))).toBe(true)
      expect(await fires({ groupId: 'writers' }, () => fetchOffsets(version))).toBe(false)
    }
    expect(await fires({ groupId: GROUP }, () => commit(8, 1))).toBe(true)
    expect(await fires({ groupId: 'read*' }, find(3, 0))).toBe(true)
    expect(await fires({ groupId: 'read*' }, find(4, 0))).toBe(true)
    expect(await fires({ groupId: '*' }, () => produce(9))).toBe(false)
  })

  it('the broker', async () => {
    expect(await fires({ brokerId: await nodeId() }, () => produce(9))).toBe(true)
    expect(await fires({ brokerId: 77 }, () => produce(9))).toBe(false)
  })
})

async function nodeId(): Promise<number> {
  return (await client.send(Metadata, 9, { topics: [], ...NO_OPERATIONS })).brokers[0]!.nodeId
}
