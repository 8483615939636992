import type { DecodedResponseOf, RequestInputOf } from '../../protocol/codec/schema.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { ListOffsets } from '../../protocol/messages/02-list-offsets.ts'
import { OffsetCommit } from '../../protocol/messages/08-offset-commit.ts'
import { InitProducerId } from '../../protocol/messages/22-init-producer-id.ts'
import { batchOf, stored } from './batches.ts'
import { type Expected, satisfying } from './matcher.ts'
import type { TestTopic, WireTest } from './wire-test.ts'

type ProduceAnswer = Expected<DecodedResponseOf<typeof Produce>>
type FetchAnswer = Expected<DecodedResponseOf<typeof Fetch>>
type ProducedPartition = Expected<DecodedResponseOf<typeof Produce>['responses'][number]['partitionResponses'][number]>
type FetchedPartition = Expected<DecodedResponseOf<typeof Fetch>['responses'][number]['partitions'][number]>

export interface ProduceOptions {
  readonly index?: number
  readonly acks?: number
  readonly transactionalId?: string | null
}

/** Name and id both: each version takes what it knows. */
export function produceRequest(
  { name, id }: TestTopic,
  records: Buffer | null,
  { index = 0, acks = -1, transactionalId = null }: ProduceOptions = {},
): RequestInputOf<typeof Produce> {
  return {
    transactionalId,
    acks,
    timeoutMs: 10_000,
    topicData: [{ name, topicId: id, partitionData: [{ index, records }] }],
  }
}

export function produceAnswer({ name, id }: TestTopic, ...partitions: readonly ProducedPartition[]): ProduceAnswer {
  return { responses: [{ name, topicId: id, partitionResponses: partitions }] }
}

export interface Accepted {
  readonly index?: number
  readonly logAppendTimeMs?: Expected<number>
  readonly logStartOffset?: number
}

export function accepted(baseOffset: number, options: Accepted = {}): ProducedPartition {
  const { index = 0, logAppendTimeMs = -1, logStartOffset = 0 } = options
  return { index, errorCode: 0, baseOffset, logAppendTimeMs, logStartOffset, recordErrors: [], errorMessage: null }
}

export interface Refused {
  readonly index?: number
  readonly message?: Expected<string | null>
  readonly logStartOffset?: number
  readonly recordErrors?: Expected<{ batchIndex: number; batchIndexErrorMessage: string | null }[]>
}

/** Kafka gives a message with few of its refusals. */
export function refused(test: WireTest, errorCode: number, options: Refused = {}): ProducedPartition {
  const { index = 0, message = test.noMessage, logStartOffset = -1, recordErrors = [] } = options
  return { index, errorCode, baseOffset: -1, logAppendTimeMs: -1, logStartOffset, recordErrors, errorMessage: message }
}

/** Appends and gives the base offset; for what a case needs before its point. */
export async function append(test: WireTest, topic: TestTopic, records: Buffer, index = 0): Promise<number> {
  const { responses } = await test.call(Produce, 13, produceRequest(topic, records, { index }))
  const { errorCode, errorMessage, baseOffset } = responses[0]!.partitionResponses[0]!
  if (errorCode !== 0) throw new Error(`the append was refused with ${errorCode}: ${errorMessage}`)
  return baseOffset
}

export interface FetchOptions {
  readonly index?: number
  readonly maxWaitMs?: number
  readonly minBytes?: number
  readonly maxBytes?: number
  readonly partitionMaxBytes?: number
  readonly isolationLevel?: number
  readonly currentLeaderEpoch?: number
  readonly lastFetchedEpoch?: number
}

/** One partition, without a session. */
export function fetchRequest(
  { name, id }: TestTopic,
  fetchOffset: number,
  options: FetchOptions = {},
): RequestInputOf<typeof Fetch> {
  const { index = 0, maxWaitMs = 0, minBytes = 1, maxBytes = 1 << 20, partitionMaxBytes = 1 << 20 } = options
  const { isolationLevel = 0, currentLeaderEpoch = -1, lastFetchedEpoch = -1 } = options
  return {
    maxWaitMs,
    minBytes,
    maxBytes,
    isolationLevel,
    topics: [
      {
        topic: name,
        topicId: id,
        partitions: [{ partition: index, currentLeaderEpoch, fetchOffset, lastFetchedEpoch, partitionMaxBytes }],
      },
    ],
    forgottenTopicsData: [],
  }
}

export function fetchAnswer({ name, id }: TestTopic, ...partitions: readonly FetchedPartition[]): FetchAnswer {
  return { errorCode: 0, sessionId: 0, responses: [{ topic: name, topicId: id, partitions }] }
}

export interface Fetched {
  readonly index?: number
  readonly logStartOffset?: number
  readonly lastStableOffset?: number
  readonly readCommitted?: boolean
}

export function fetched(highWatermark: number, records: Expected<Buffer>, options: Fetched = {}): FetchedPartition {
  const { index = 0, logStartOffset = 0, lastStableOffset = highWatermark, readCommitted = false } = options
  return {
    partitionIndex: index,
    errorCode: 0,
    highWatermark,
    lastStableOffset,
    logStartOffset,
    abortedTransactions: readCommitted ? [] : null,
    preferredReadReplica: -1,
    records,
  }
}

export const NO_RECORDS = Buffer.alloc(0)

const nothingAborted = satisfying(
  'null or an empty list',
  (actual: unknown[] | null) => actual === null || actual.length === 0,
)

/** A partition that could not be read. Records of no length, never null. */
export function notFetched(errorCode: number, index = 0): FetchedPartition {
  return {
    partitionIndex: index,
    errorCode,
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
    // Kafka: null where the log was asked, an empty list where there was none to ask. Nobody can tell what for.
    abortedTransactions: nothingAborted,
    preferredReadReplica: -1,
    records: NO_RECORDS,
  }
}

/** All of a partition from an offset on, as the log has it. */
export async function bytesOf(test: WireTest, topic: TestTopic, from = 0, index = 0): Promise<Buffer> {
  const { responses } = await test.call(Fetch, 13, fetchRequest(topic, from, { index }))
  const { errorCode, records } = responses[0]!.partitions[0]!
  if (errorCode !== 0) throw new Error(`the fetch was refused with ${errorCode}`)
  return records ?? NO_RECORDS
}

export async function endOffset(test: WireTest, { name }: TestTopic, index = 0): Promise<number> {
  const partitions = [{ partitionIndex: index, timestamp: -1 }]
  const { topics } = await test.call(ListOffsets, 7, {
    replicaId: -1,
    isolationLevel: 0,
    topics: [{ name, partitions }],
  })
  return topics[0]!.partitions[0]!.offset
}

/** A producer id for idempotent batches. A fresh Kafka has none at once. */
export async function producerId(test: WireTest): Promise<number> {
  let id = -1
  await test.eventually('a producer id', async () => {
    const answer = await test.call(InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 60_000 })
    id = answer.producerId
    return answer.errorCode === 0
  })
  return id
}

/** Commits an offset: the offsets topic is there for all to see once it is used. */
export async function useOffsetsTopic(test: WireTest): Promise<void> {
  const [groupId, { name }] = [await test.group(), await test.topic()]
  const partition = { partitionIndex: 0, committedOffset: 1, committedLeaderEpoch: -1, committedMetadata: '' }
  const request = { groupId, memberId: '', topics: [{ name, partitions: [partition] }] }
  const { topics } = await test.call(OffsetCommit, 8, request)
  test.same(topics[0]!.partitions[0]!.errorCode, 0, 'committing an offset')
}

/** A topic with batches at 0, 3 and 4, ending at 6. */
export async function filled(test: WireTest): Promise<{ topic: TestTopic; batches: [Buffer, Buffer, Buffer] }> {
  const topic = await test.topic()
  const [one, two, three] = [batchOf(3), batchOf(1), batchOf(2)]
  await append(test, topic, one)
  await append(test, topic, two)
  await append(test, topic, three)
  return { topic, batches: [stored(one, 0), stored(two, 3), stored(three, 4)] }
}

export interface Part {
  readonly topic: TestTopic
  readonly index?: number
  readonly offset?: number
  readonly maxBytes?: number
}

/** Several partitions, sessionless. */
export function fetchParts(parts: readonly Part[], options: FetchOptions = {}) {
  const { maxWaitMs = 0, minBytes = 1, maxBytes = 1 << 20, isolationLevel = 0 } = options
  const topics = parts.map(({ topic, index = 0, offset = 0, maxBytes: partitionMaxBytes = 1 << 20 }) => ({
    topic: topic.name,
    topicId: topic.id,
    partitions: [{ partition: index, fetchOffset: offset, partitionMaxBytes }],
  }))
  return { maxWaitMs, minBytes, maxBytes, isolationLevel, topics, forgottenTopicsData: [] }
}
