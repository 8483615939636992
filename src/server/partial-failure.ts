import type { Api, RequestOf, ResponseOf } from '../../protocol/codec/schema.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { Fetch, type FetchRequest, type FetchResponse } from '../../protocol/messages/01-fetch.ts'
import { ListOffsets } from '../../protocol/messages/02-list-offsets.ts'
import { Metadata, type MetadataRequest, type MetadataResponse } from '../../protocol/messages/03-metadata.ts'
import { OffsetCommit } from '../../protocol/messages/08-offset-commit.ts'
import { OffsetFetch, type OffsetFetchResponse } from '../../protocol/messages/09-offset-fetch.ts'
import { CreateTopics } from '../../protocol/messages/19-create-topics.ts'
import { DeleteRecords } from '../../protocol/messages/21-delete-records.ts'
import { OffsetForLeaderEpoch } from '../../protocol/messages/23-offset-for-leader-epoch.ts'
import type { ApiEntry } from '../apis/api-entry.ts'
import type { RequestContext } from '../apis/context.ts'
import type { NamePattern } from '../io/fault-fields.ts'
import type { Answer } from './exchange.ts'
import { type LooseFields, topicNameOf } from './request-names.ts'

/** A request without the part that fails, and how its answer gets that part back. */
export interface PartialFailure {
  readonly rest: RequestOf<Api>
  /** Of the answer to the rest. */
  readonly merge: (answer: Answer) => Answer
}

interface Failing {
  readonly entry: ApiEntry
  readonly context: RequestContext
  readonly request: RequestOf<Api>
  readonly error: ErrorCode
  /** Null for all topics. */
  readonly topic: NamePattern | null
}

/** Requests and responses that list the same topics in the same order. */
const TOPIC_LISTS: ReadonlyMap<number, readonly [request: string, response: string]> = new Map([
  topicLists(Produce, 'topicData', 'responses'),
  topicLists(ListOffsets, 'topics', 'topics'),
  topicLists(OffsetCommit, 'topics', 'topics'),
  topicLists(CreateTopics, 'topics', 'topics'),
  topicLists(DeleteRecords, 'topics', 'topics'),
  topicLists(OffsetForLeaderEpoch, 'topics', 'topics'),
])

/** Errors of a fetch that concern no partition. */
const SESSION_ERRORS: readonly number[] = [
  ErrorCode.FETCH_SESSION_ID_NOT_FOUND,
  ErrorCode.INVALID_FETCH_SESSION_EPOCH,
  ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR,
]
const SESSIONLESS_EPOCH = -1
const NO_RECORDS = Buffer.alloc(0)

function topicLists<A extends Api>(
  api: A,
  request: keyof RequestOf<A> & string,
  response: keyof ResponseOf<A> & string,
): [number, readonly [string, string]] {
  return [api.key, [request, response]]
}

/**
 * Divides a request where its API has room for an error of each topic, as a broker that leads some of them only would
 * answer. Null: the error is one of the whole response.
 */
export function failInPart(failing: Failing): PartialFailure | null {
  const { entry, error, topic } = failing
  switch (entry.api.key) {
    case Fetch.key:
      return topic === null && SESSION_ERRORS.includes(error) ? null : failFetch(failing)
    case Metadata.key:
      return failMetadata(failing)
  }
  if (topic === null) return null
  if (entry.api.key === OffsetFetch.key) return failOffsetFetch(failing)
  const lists = TOPIC_LISTS.get(entry.api.key)
  return lists === undefined ? null : failListed(failing, ...lists)
}

function fits({ context, topic }: Failing, part: object): boolean {
  return topic === null || topic.matches(topicNameOf(part, context.broker.metadata.image))
}

function failListed(failing: Failing, requestField: string, responseField: string): PartialFailure | null {
  const { entry, context, request, error } = failing
  const asked = (request as LooseFields)[requestField] as readonly object[]
  const failed = asked.map((part) => fits(failing, part))
  if (failed.every(Boolean)) return null
  const half = (wanted: boolean) => ({ ...request, [requestField]: asked.filter((_, at) => failed[at] === wanted) })
  return {
    rest: half(false) as RequestOf<Api>,
    merge: (answer) => {
      const failure = entry.fail(half(true) as RequestOf<Api>, error, context)
      // Without a reply, closing is all there is to tell.
      if (typeof failure === 'string') return failure
      if (typeof answer === 'string') return answer
      const [bad, good] = [failure, answer].map((half) => [...((half as LooseFields)[responseField] as object[])])
      const merged = failed.flatMap((isBad) => (isBad ? bad! : good!).shift() ?? [])
      return { ...answer, [responseField]: [...merged, ...good!, ...bad!] } as Answer
    },
  }
}

/**
 * The work is done in any case, with nothing to wait for: only so the session of the client stays in step. Without a
 * session what fails is not read, and leaves its share of the bytes to the others.
 */
function failFetch(failing: Failing): PartialFailure {
  const { context, error } = failing
  const request = failing.request as FetchRequest
  const sessionless = request.sessionEpoch === SESSIONLESS_EPOCH
  const topics = sessionless ? request.topics.filter((part) => !fits(failing, part)) : request.topics
  const rest = { ...request, topics, maxWaitMs: 0 }
  return {
    rest: rest as RequestOf<Api>,
    merge: (answer) => {
      if (typeof answer === 'string') return answer
      const response = answer as FetchResponse
      if (response.errorCode) return answer
      const { sessionId = 0 } = response
      const inSession = sessionId === 0 ? [] : [...context.broker.fetchSessions.partitionsIn(sessionId)]
      const asked = sessionId === 0 ? listed(request) : inSession
      const failed = asked
        .filter((part) => fits(failing, part))
        .map(({ topic, topicId, index }) => ({ topic, topicId, partitions: [failedFetch(index, error)] }))
      const good = response.responses.filter((part) => !fits(failing, part))
      return { ...response, responses: [...good, ...failed] } as Answer
    },
  }
}

function listed({ topics }: FetchRequest) {
  return topics.flatMap(({ topic, topicId, partitions }) =>
    partitions.map(({ partition }) => ({ topic, topicId, index: partition })),
  )
}

function failedFetch(partitionIndex: number, errorCode: ErrorCode) {
  const unknown = { highWatermark: -1, lastStableOffset: -1, logStartOffset: -1, preferredReadReplica: -1 }
  return { partitionIndex, errorCode, ...unknown, abortedTransactions: null, records: NO_RECORDS }
}

/** The brokers are told in any case. Topics that fail are not created either. */
function failMetadata(failing: Failing): PartialFailure | null {
  const { entry, context, error } = failing
  const request = failing.request as MetadataRequest
  const { image } = context.broker.metadata
  const asksForAll = request.topics === null || (context.apiVersion === 0 && request.topics.length === 0)
  const wanted = asksForAll ? [...image.topics.values()].map(({ name, id }) => ({ name, topicId: id })) : request.topics
  const bad = (wanted ?? []).filter((part) => fits(failing, part))
  if (bad.length === 0) return null
  const rest = asksForAll ? request : { ...request, topics: (wanted ?? []).filter((part) => !bad.includes(part)) }
  return {
    rest: rest as RequestOf<Api>,
    merge: (answer) => {
      if (typeof answer === 'string') return answer
      const response = answer as MetadataResponse
      const failure = entry.fail({ ...request, topics: bad } as RequestOf<Api>, error, context) as MetadataResponse
      const good = response.topics.filter((part) => !fits(failing, part))
      return { ...response, topics: [...good, ...failure.topics] } as Answer
    },
  }
}

function failOffsetFetch(failing: Failing): PartialFailure {
  const unknown = { committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode: failing.error }
  const failTopics = <P extends object, T extends { readonly partitions: readonly P[] }>(topics: readonly T[]) =>
    topics.map((topic) =>
      fits(failing, topic) ? { ...topic, partitions: topic.partitions.map((one) => ({ ...one, ...unknown })) } : topic,
    )
  return {
    rest: failing.request,
    merge: (answer) => {
      if (typeof answer === 'string') return answer
      const { topics, groups, ...response } = answer as OffsetFetchResponse
      return {
        ...response,
        ...(topics && { topics: failTopics(topics) }),
        ...(groups && { groups: groups.map((group) => ({ ...group, topics: failTopics(group.topics) })) }),
      } as Answer
    },
  }
}
