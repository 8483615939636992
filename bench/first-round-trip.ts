import { sleep } from '../compat-tests/process.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { Produce } from '../protocol/messages/00-produce.ts'
import { Fetch } from '../protocol/messages/01-fetch.ts'
import { Metadata } from '../protocol/messages/03-metadata.ts'
import { OffsetFetch } from '../protocol/messages/09-offset-fetch.ts'
import { FindCoordinator } from '../protocol/messages/10-find-coordinator.ts'
import { JoinGroup } from '../protocol/messages/11-join-group.ts'
import { SyncGroup } from '../protocol/messages/14-sync-group.ts'
import { CreateTopics } from '../protocol/messages/19-create-topics.ts'
import { buildBatch } from '../protocol/records/batch-builder.ts'
import { LoadConnection } from './load-connection.ts'

const TOPIC = 'first'
const GROUP = 'first'
const RETRY_MS = 5
const RETRIABLE: ReadonlySet<number> = new Set([
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.LEADER_NOT_AVAILABLE,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.NOT_COORDINATOR,
])

/** Creates a topic, produces one record, joins a group and reads it back, as a client's first steps; milliseconds. */
export async function firstRoundTrip(port: number): Promise<number> {
  const beganMs = performance.now()
  const client = await LoadConnection.open(port)
  const topic = { name: TOPIC, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
  await retrying(async () => (await client.ask(CreateTopics, 5, { topics: [topic], timeoutMs: 10_000 })).topics[0]!)
  await retrying(async () => {
    const [described] = (await client.ask(Metadata, 5, { topics: [{ name: TOPIC }] })).topics
    return described!.errorCode === 0 ? described!.partitions[0]! : described!
  })
  const records = buildBatch({ records: [{ timestamp: Date.now(), key: null, value: Buffer.from('first') }] })
  await retrying(async () => {
    const topicData = [{ name: TOPIC, partitionData: [{ index: 0, records }] }]
    const answer = await client.ask(Produce, 9, { acks: -1, timeoutMs: 10_000, topicData })
    return answer.responses[0]!.partitionResponses[0]!
  })
  await joinGroup(client)
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }]
  const fetch = { maxWaitMs: 500, minBytes: 1, topics: [{ topic: TOPIC, partitions }], forgottenTopicsData: [] }
  const read = await retrying(async () => (await client.ask(Fetch, 11, fetch)).responses[0]!.partitions[0]!)
  if (read.records === null || read.records.length === 0) throw new Error('the first record cannot be read')
  client.close()
  return performance.now() - beganMs
}

async function joinGroup(client: LoadConnection): Promise<void> {
  await retrying(() => client.ask(FindCoordinator, 2, { key: GROUP, keyType: 0, coordinatorKeys: [] }))
  const member = await retrying(() =>
    client.ask(JoinGroup, 3, {
      groupId: GROUP,
      sessionTimeoutMs: 30_000,
      rebalanceTimeoutMs: 30_000,
      memberId: '',
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
    }),
  )
  const { memberId, generationId } = member
  const assignments = [{ memberId, assignment: Buffer.from('all') }]
  await retrying(() => client.ask(SyncGroup, 2, { groupId: GROUP, generationId, memberId, assignments }))
  const topics = [{ name: TOPIC, partitionIndexes: [0] }]
  await retrying(() => client.ask(OffsetFetch, 5, { groupId: GROUP, topics, groups: [] }))
}

/** Asks until there is no error; as clients do, but without their long pauses. */
async function retrying<T extends { readonly errorCode: number }>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    const answer = await ask()
    if (answer.errorCode === 0) return answer
    if (!RETRIABLE.has(answer.errorCode)) throw new Error(`error ${answer.errorCode} in the first round trip`)
    await sleep(RETRY_MS)
  }
}
