import { ErrorCode } from '../../protocol/errors.ts'
import { Fetch, type FetchRequest, type FetchResponse } from '../../protocol/messages/01-fetch.ts'
import type { FetchPartition, FetchSession } from '../broker/fetch-session-cache.ts'
import type { LogHandle, ReadResult } from '../storage/storage.ts'
import { apiEntry } from './api-entry.ts'
import type { RequestContext } from './context.ts'
import { nodeEndpoints } from './node-endpoints.ts'

type PartitionResponse = FetchResponse['responses'][number]['partitions'][number]
type TopicResponse = { topic: string; topicId: string; partitions: PartitionResponse[] }

const TOPIC_IDS_VERSION = 13
const LEADER_HINTS_VERSION = 16
/** Clients this old do not know KAFKA_STORAGE_ERROR. */
const STORAGE_ERROR_VERSION = 6
const NO_RECORDS = Buffer.alloc(0)

/** One partition of the request on its way to an answer: refused before reading, or read. */
interface Asked {
  readonly partition: FetchPartition
  readonly log: LogHandle | null
  readonly refusal: PartitionResponse | null
}

/** Record buffers that must not be reused before the response is written. */
type HeldResponse = FetchResponse & { readonly held?: readonly ReadResult[] }

export const fetch = apiEntry(Fetch, {
  holdsBack: 'same api',
  handle: handleFetch,
  fail: (_request, errorCode) => wholeError(errorCode),
  release: (response: HeldResponse) => {
    for (const result of response.held ?? []) result.release()
  },
})

async function handleFetch(context: RequestContext, request: FetchRequest): Promise<HeldResponse> {
  const { broker, apiVersion } = context
  const plan = broker.fetchSessions.plan(request, apiVersion)
  if (!('partitions' in plan)) return wholeError(plan.error)

  const { asked, results } = await readEnough(context, request, plan.partitions)
  const answers = asked.map(
    ({ partition, refusal }, at) => refusal ?? answer(context, request, partition, results[at]!),
  )
  const reported =
    plan.session && plan.incremental ? asked.map(({ partition }, at) => isNews(partition, answers[at]!)) : null
  if (plan.session) remember(plan.session, asked, answers)

  const responses: TopicResponse[] = []
  asked.forEach(({ partition }, at) => {
    if (reported === null || reported[at]) group(responses, partition).push(answers[at]!)
  })
  if (broker.events.has('fetch')) emitFetched(context, asked, results)
  const held = results.filter((result) => result !== null)
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    sessionId: plan.session?.id ?? 0,
    responses,
    ...hints(context, answers),
    held,
  }
}

function emitFetched(
  { broker, connection, clientId }: RequestContext,
  asked: readonly Asked[],
  results: readonly (ReadResult | null)[],
): void {
  asked.forEach(({ partition, log }, at) => {
    const result = results[at]
    if (log === null || !result || result.sizeBytes === 0) return
    const { topic, partition: index } = log
    const { sizeBytes, highWatermark } = result
    const place = { topic, partition: index, fetchOffset: partition.fetchOffset }
    broker.events.emit('fetch', broker, { connectionId: connection.id, clientId, ...place, sizeBytes, highWatermark })
  })
}

/** Reads until minBytes are there, something is worth telling at once, or the time is up. */
async function readEnough(
  context: RequestContext,
  request: FetchRequest,
  partitions: readonly FetchPartition[],
): Promise<{ readonly asked: readonly Asked[]; readonly results: readonly (ReadResult | null)[] }> {
  const { broker, connection } = context
  const { clock, fetchPurgatory } = broker
  const deadlineMs = clock.monotonicMs() + request.maxWaitMs
  const isolation = request.isolationLevel === 1 ? 'read_committed' : 'read_uncommitted'
  const maxBytes = Math.min(request.maxBytes, broker.config['fetch.max.bytes'])
  const minBytes = Math.min(request.minBytes, maxBytes)
  let asked = partitions.map((partition) => ask(context, partition))
  for (;;) {
    const readable = asked.filter((one) => one.log !== null)
    const reads = readable.map(({ log, partition }) => ({
      log: log!,
      offset: partition.fetchOffset,
      maxBytes: partition.maxBytes,
    }))
    const results = reads.length === 0 ? [] : await broker.store.read(reads, { maxBytes, isolation })
    const bytes = results.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    const leftMs = deadlineMs - clock.monotonicMs()
    const atOnce = readable.length < asked.length || results.some(({ error }) => error !== ErrorCode.NONE)
    if (
      atOnce ||
      bytes >= minBytes ||
      leftMs <= 0 ||
      readable.length === 0 ||
      connection.closed ||
      fetchPurgatory.closed
    ) {
      const inOrder = results[Symbol.iterator]()
      return { asked, results: asked.map(({ log }) => (log === null ? null : inOrder.next().value!)) }
    }
    for (const result of results) result.release()
    const positions = reads.map(({ log, offset }, at) => ({ log, offset, seen: results[at]! }))
    const wait = { positions, isolation, missingBytes: minBytes - bytes, maxWaitMs: leftMs } as const
    const { image } = broker.metadata
    await fetchPurgatory.wait(wait, (callback) => connection.onClose(callback))
    // Another broker may lead some of them by now, or there may be another topic of that name.
    if (broker.metadata.image !== image) asked = partitions.map((partition) => ask(context, partition))
  }
}

/** Finds the log, or the reason why there is nothing to read. */
function ask(context: RequestContext, partition: FetchPartition): Asked {
  const { broker, apiVersion } = context
  const { image } = broker.metadata
  const byId = apiVersion >= TOPIC_IDS_VERSION
  const topic = byId ? image.topicsById.get(partition.topicId) : image.topics.get(partition.topic)
  if (topic === undefined && byId) return refuse(partition, ErrorCode.UNKNOWN_TOPIC_ID)
  const located = broker.partitions.locate(topic, partition.index, partition.currentLeaderEpoch)
  if (located.log === null) {
    const { leaderId, leaderEpoch } = located
    const moved = located.error === ErrorCode.NOT_LEADER_OR_FOLLOWER || located.error === ErrorCode.FENCED_LEADER_EPOCH
    const hint = moved && apiVersion >= LEADER_HINTS_VERSION ? { currentLeader: { leaderId, leaderEpoch } } : {}
    return refuse(partition, located.error, hint)
  }
  return diverged(context, partition, located.log) ?? { partition, log: located.log, refusal: null }
}

/** A client whose last epoch ends earlier here has records that this log never had (KIP-595). */
function diverged({ broker }: RequestContext, partition: FetchPartition, log: LogHandle): Asked | null {
  const { lastFetchedEpoch, fetchOffset } = partition
  if (lastFetchedEpoch < 0) return null
  const end = broker.store.endOffsetForEpoch(log, lastFetchedEpoch)
  if (end.endOffset < 0) return refuse(partition, ErrorCode.OFFSET_OUT_OF_RANGE)
  if (end.leaderEpoch >= lastFetchedEpoch && end.endOffset >= fetchOffset) return null
  const { highWatermark, lastStableOffset, logStartOffset } = log.offsets
  const divergingEpoch = { epoch: end.leaderEpoch, endOffset: end.endOffset }
  return refuse(partition, ErrorCode.NONE, { highWatermark, lastStableOffset, logStartOffset, divergingEpoch })
}

function refuse(partition: FetchPartition, errorCode: ErrorCode, more: Partial<PartitionResponse> = {}): Asked {
  return { partition, log: null, refusal: { ...empty(partition.index, errorCode), ...more } }
}

/** Records are empty, never null, and offsets unknown: what older clients can parse in an error (KAFKA-18646). */
function empty(partitionIndex: number, errorCode: ErrorCode): PartitionResponse {
  return {
    partitionIndex,
    errorCode,
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
    abortedTransactions: null,
    preferredReadReplica: -1,
    records: NO_RECORDS,
  }
}

function answer(
  { apiVersion }: RequestContext,
  request: FetchRequest,
  { index }: FetchPartition,
  result: ReadResult,
): PartitionResponse {
  if (result.error !== ErrorCode.NONE) {
    const tooNew = result.error === ErrorCode.KAFKA_STORAGE_ERROR && apiVersion < STORAGE_ERROR_VERSION
    return empty(index, tooNew ? ErrorCode.NOT_LEADER_OR_FOLLOWER : result.error)
  }
  return {
    partitionIndex: index,
    errorCode: ErrorCode.NONE,
    highWatermark: result.highWatermark,
    lastStableOffset: result.lastStableOffset,
    logStartOffset: result.logStartOffset,
    abortedTransactions: request.isolationLevel === 1 ? (result.abortedTransactions ?? []) : null,
    preferredReadReplica: -1,
    records: result.chunks,
  }
}

/** Whether an incremental answer must mention the partition (KIP-227). */
function isNews(partition: FetchPartition, answered: PartitionResponse): boolean {
  return (
    answered.errorCode !== ErrorCode.NONE ||
    answered.divergingEpoch !== undefined ||
    sizeOf(answered.records) > 0 ||
    answered.highWatermark !== partition.sentHighWatermark ||
    answered.logStartOffset !== partition.sentLogStartOffset
  )
}

/** Only once the answer is final: a wait in between must not hide a change from the client. */
function remember(session: FetchSession, asked: readonly Asked[], answers: readonly PartitionResponse[]): void {
  asked.forEach(({ partition }, at) => {
    const answered = answers[at]!
    const failed = answered.errorCode !== ErrorCode.NONE
    partition.sentHighWatermark = failed ? -1 : answered.highWatermark
    partition.sentLogStartOffset = answered.logStartOffset ?? -1
    if (sizeOf(answered.records) > 0) session.moveToEnd(partition)
  })
}

function sizeOf(records: PartitionResponse['records']): number {
  if (records === null) return 0
  return Buffer.isBuffer(records) ? records.length : records.reduce((sum, chunk) => sum + chunk.length, 0)
}

/** The list to add to for the partition's topic: neighbours of one topic share an entry. */
function group(responses: TopicResponse[], { topic, topicId }: FetchPartition): PartitionResponse[] {
  const last = responses.at(-1)
  if (last && last.topic === topic && last.topicId === topicId) return last.partitions
  const next: TopicResponse = { topic, topicId, partitions: [] }
  responses.push(next)
  return next.partitions
}

function hints(context: RequestContext, answers: readonly PartitionResponse[]): Partial<FetchResponse> {
  if (context.apiVersion < LEADER_HINTS_VERSION) return {}
  const leaders = answers.flatMap(({ currentLeader }) =>
    currentLeader?.leaderId === undefined ? [] : [currentLeader.leaderId],
  )
  return leaders.length === 0 ? {} : { nodeEndpoints: nodeEndpoints(context, leaders) }
}

function wholeError(errorCode: ErrorCode): FetchResponse {
  return { throttleTimeMs: 0, errorCode, sessionId: 0, responses: [] }
}
