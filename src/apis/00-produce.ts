import { ZERO_UUID } from '../../protocol/codec/schema.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { Produce, type ProduceRequest, type ProduceResponse } from '../../protocol/messages/00-produce.ts'
import { ProduceObservation } from '../broker/produce-observation.ts'
import { type ProduceRefusal, type ProduceTarget, routeTarget } from '../broker/produce-route.ts'
import { isInternalTopic } from '../metadata/internal-topics.ts'
import type { TopicImage } from '../metadata/metadata-image.ts'
import type { Append, AppendResult, Durability } from '../storage/storage.ts'
import { apiEntry, type NoReply } from './api-entry.ts'
import type { RequestContext } from './context.ts'
import { nodeEndpoints } from './node-endpoints.ts'
import {
  askCoordinator,
  isTransactionalProduce,
  NO_REFUSALS,
  refusalKey,
  type TransactionRefusals,
} from './transactional-produce.ts'

type TopicResponse = ProduceResponse['responses'][number]
type PartitionResponse = TopicResponse['partitionResponses'][number]
type MutablePartitionResponse = { -readonly [K in keyof PartitionResponse]: PartitionResponse[K] }

/** From this version on, a partition that moved is answered with where it went (KIP-951). */
const LEADER_HINTS_VERSION = 10
const TOPIC_IDS_VERSION = 13
/** Kafka's own admin tools are the only clients that may write internal topics. */
const ADMIN_CLIENT_ID = '__admin_client'

export const produce = apiEntry(Produce, {
  handle: handleProduce,
  fail: (request, error, context) => (request.acks === 0 ? 'disconnect' : failProduce(request, error, context)),
  advertisedMin: 0,
})

function handleProduce(
  context: RequestContext,
  request: ProduceRequest,
): ProduceResponse | Promise<ProduceResponse | NoReply> | NoReply {
  const refusal = refuseWhole(request)
  if (refusal) return request.acks === 0 ? 'disconnect' : failProduce(request, refusal.error, context, refusal.message)
  // Without an id nothing in it is transactional: that was refused.
  const asked = request.transactionalId === null ? null : askCoordinator(context, request)
  return asked === null ? append(context, request, NO_REFUSALS) : appendOnceKnown(context, request, asked)
}

/** Later requests of the connection wait: the batches of a producer keep their order. */
async function appendOnceKnown(
  context: RequestContext,
  request: ProduceRequest,
  asked: Promise<() => TransactionRefusals>,
): Promise<ProduceResponse | NoReply> {
  const { connection } = context
  connection.holdRequests()
  try {
    const refusals = await asked
    // Its effects are there before the next request begins; its answer is not waited for.
    return append(context, request, refusals())
  } finally {
    connection.admitRequests()
  }
}

/** Errors that concern every partition alike. */
function refuseWhole(request: ProduceRequest): { error: ErrorCode; message: string } | null {
  const { acks } = request
  if (acks < -1 || acks > 1) {
    return { error: ErrorCode.INVALID_REQUIRED_ACKS, message: `acks must be -1, 0 or 1, not ${acks}.` }
  }
  if (request.transactionalId !== null || !isTransactionalProduce(request)) return null
  return {
    error: ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    message: 'The records are part of a transaction, and the request has no transactional id.',
  }
}

async function append(
  context: RequestContext,
  request: ProduceRequest,
  refusals: TransactionRefusals,
): Promise<ProduceResponse | NoReply> {
  const { broker, apiVersion } = context
  const observation = broker.events.has('produce') ? new ProduceObservation() : null
  const appends: Append[] = []
  const pending: MutablePartitionResponse[] = []
  const repeated = repeatedPartitions(request)
  const responses: TopicResponse[] = []
  let outOfRoom = false
  for (const { name, topicId, partitionData } of request.topicData) {
    const image = broker.metadata.image
    const topic = apiVersion >= TOPIC_IDS_VERSION ? image.topicsById.get(topicId) : image.topics.get(name)
    const noRoom = topic === undefined ? null : broker.diskBudget.refusal(topic)
    const partitionResponses: MutablePartitionResponse[] = []
    for (const { index, records } of partitionData) {
      const response = failed(index, ErrorCode.NONE)
      const times = repeated.get(entityOf(name, topicId, index))
      if (times === 'answered') continue
      partitionResponses.push(response)
      observation?.add(topic?.name ?? name, index, records, response)
      if (times === 'unanswered') {
        repeated.set(entityOf(name, topicId, index), 'answered')
        response.errorCode = ErrorCode.INVALID_REQUEST
        response.errorMessage = 'The partition is in the request more than once.'
        continue
      }
      if (topic === undefined) {
        response.errorCode = missing(apiVersion, name)
        continue
      }
      const foreign = refusals.size === 0 ? undefined : refusals.get(refusalKey(topic.name, index))
      const prepared = foreign ?? prepare(context, request, topic, index, records)
      const refusal = 'records' in prepared && prepared.log.topicId !== topic.id ? noRoomFor(context, prepared) : noRoom
      if (!('records' in prepared)) Object.assign(response, prepared)
      else if (refusal !== null) {
        outOfRoom = true
        // Of all codes the one on which every client waits, keeps its sequence and sends again; docs/disk-budget.md.
        response.errorCode = ErrorCode.KAFKA_STORAGE_ERROR
        response.errorMessage = refusal
      } else {
        appends.push(prepared)
        pending.push(response)
      }
    }
    responses.push({ name: topic?.name ?? name, topicId, partitionResponses })
  }
  if (outOfRoom) broker.diskBudget.noteRejected()
  const throttleTimeMs = outOfRoom ? broker.diskBudget.throttleTimeMs : 0
  // Nothing was awaited up to here: the effects of one connection's requests happen in the order of their arrival.
  const results = appends.length === 0 ? [] : await broker.store.append(appends, durabilityOf(context, request.acks))
  results.forEach((result, at) => {
    settle(pending[at]!, result)
    observation?.appended(pending[at]!, appends[at]!.log, result)
  })
  observation?.emit(broker.events, broker, senderOf(context, request))
  if (request.acks === 0) return hasError(responses) ? 'disconnect' : 'silent'
  return { responses, throttleTimeMs, ...hints(context, responses) }
}

/** Of a batch that an interceptor sends to another topic. */
function noRoomFor({ broker }: RequestContext, { log }: Append): string | null {
  const topic = broker.metadata.image.topicsById.get(log.topicId)
  return topic === undefined ? null : broker.diskBudget.refusal(topic)
}

function missing(apiVersion: number, name: string): ErrorCode {
  if (apiVersion >= TOPIC_IDS_VERSION) return ErrorCode.UNKNOWN_TOPIC_ID
  // It may come into being at any moment, and is not for clients before and after.
  return isInternalTopic(name) ? ErrorCode.INVALID_TOPIC_EXCEPTION : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
}

/**
 * Partitions that a request names more than once: answered once, and nothing of them is appended, since their order
 * could only be guessed.
 */
function repeatedPartitions({ topicData }: ProduceRequest): Map<string, 'unanswered' | 'answered'> {
  const repeated = new Map<string, 'unanswered' | 'answered'>()
  if (topicData.length === 1 && topicData[0]!.partitionData.length === 1) return repeated
  const seen = new Set<string>()
  for (const { name, topicId, partitionData } of topicData) {
    for (const { index } of partitionData) {
      const entity = entityOf(name, topicId, index)
      if (seen.has(entity)) repeated.set(entity, 'unanswered')
      seen.add(entity)
    }
  }
  return repeated
}

function entityOf(name: string, topicId: string, index: number): string {
  return `${name}:${topicId}:${index}`
}

/** The append of one partition, or the fields of its answer when it is refused before it gets to the log. */
function prepare(
  context: RequestContext,
  { acks }: ProduceRequest,
  topic: TopicImage,
  index: number,
  records: Buffer | null,
): Append | Partial<PartitionResponse> {
  const { broker, apiVersion } = context
  const located = broker.partitions.locate(topic, index)
  if (located.log === null) {
    const { leaderId, leaderEpoch } = located
    const moved = located.error === ErrorCode.NOT_LEADER_OR_FOLLOWER && apiVersion >= LEADER_HINTS_VERSION
    return { errorCode: located.error, ...(moved && { currentLeader: { leaderId, leaderEpoch } }) }
  }
  if (records === null) {
    // A real broker fails inside and never answers; the client would wait for its own timeout.
    return { errorCode: ErrorCode.INVALID_RECORD, errorMessage: 'The records of this partition are null.' }
  }
  if (topic.internal && context.clientId !== ADMIN_CLIENT_ID) {
    const errorMessage = `The topic ${topic.name} is internal; only the broker writes to it.`
    return { errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION, errorMessage }
  }
  const route = broker.produceInterceptors.isEmpty ? null : intercept(context, topic, index, acks, records)
  if (route !== null && 'errorCode' in route) return route
  const tooFew = tooFewInSync(context, route?.topic ?? topic, route?.partition ?? index, acks)
  if (tooFew !== null) return tooFew
  const { log, leaderEpoch } = route ?? located
  return { log, records, origin: 'client', leaderEpoch, produceVersion: apiVersion }
}

function senderOf({ connection, clientId }: RequestContext, { acks }: ProduceRequest) {
  return { connectionId: connection.id, clientId, acks }
}

/** Null when no interceptor has anything against it. */
function intercept(
  { broker, clientId, connection }: RequestContext,
  topic: TopicImage,
  partition: number,
  acks: number,
  records: Buffer,
): ProduceTarget | ProduceRefusal | null {
  const { clientAddress, principal } = connection
  const origin = { topic: topic.name, partition, clientId, clientAddress, principal, acks }
  const interception = broker.produceInterceptors.judge(origin, records)
  if (interception === null) return null
  if (interception.kind === 'route') return routeTarget(broker, interception)
  return { errorCode: interception.error, errorMessage: interception.message }
}

function tooFewInSync(
  { broker }: RequestContext,
  topic: TopicImage,
  partition: number,
  acks: number,
): Partial<PartitionResponse> | null {
  const { isr, replicas } = topic.partitions[partition]!
  const minInSync = broker.topicConfigs.of(broker.metadata.image, topic.name)['min.insync.replicas']
  // More than all replicas cannot be meant: a topic with one copy takes acks=all whatever the setting says.
  const [wanted, inSync] = [Math.min(minInSync, replicas.length), isr.length]
  if (acks !== -1 || inSync >= wanted) return null
  const errorMessage = `acks=all needs ${wanted} in-sync replicas (min.insync.replicas), and there are ${inSync}.`
  return { errorCode: ErrorCode.NOT_ENOUGH_REPLICAS, errorMessage }
}

function durabilityOf({ broker }: RequestContext, acks: number): Durability {
  if (acks === 0) return 'none'
  return acks === 1 ? 'os' : broker.acksAllDurability
}

function settle(response: MutablePartitionResponse, result: AppendResult): void {
  response.errorCode = result.error
  response.errorMessage = result.message
  response.baseOffset = result.baseOffset
  response.logAppendTimeMs = result.logAppendTimeMs
  response.logStartOffset = result.logStartOffset
  response.recordErrors = result.recordErrors.map(({ batchIndex, message }) => ({
    batchIndex,
    batchIndexErrorMessage: message,
  }))
}

function failed(index: number, errorCode: ErrorCode): MutablePartitionResponse {
  return {
    index,
    errorCode,
    baseOffset: -1,
    logAppendTimeMs: -1,
    logStartOffset: -1,
    recordErrors: [],
    errorMessage: null,
  }
}

function hasError(responses: readonly TopicResponse[]): boolean {
  return responses.some(({ partitionResponses }) => partitionResponses.some(({ errorCode }) => errorCode !== 0))
}

function hints(context: RequestContext, responses: readonly TopicResponse[]): Partial<ProduceResponse> {
  if (context.apiVersion < LEADER_HINTS_VERSION) return {}
  const leaders = responses.flatMap(({ partitionResponses }) =>
    partitionResponses.flatMap(({ currentLeader }) =>
      currentLeader?.leaderId === undefined ? [] : [currentLeader.leaderId],
    ),
  )
  return leaders.length === 0 ? {} : { nodeEndpoints: nodeEndpoints(context, leaders) }
}

function failProduce(
  request: ProduceRequest,
  error: ErrorCode,
  context: RequestContext,
  errorMessage: string | null = null,
): ProduceResponse {
  const { image } = context.broker.metadata
  return {
    responses: request.topicData.map(({ name, topicId, partitionData }) => ({
      name: topicId === ZERO_UUID ? name : (image.topicsById.get(topicId)?.name ?? name),
      topicId,
      partitionResponses: partitionData.map(({ index }) => ({ ...failed(index, error), errorMessage })),
    })),
  }
}
