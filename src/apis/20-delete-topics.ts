import { ZERO_UUID } from '../../protocol/codec/schema.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import {
  DeleteTopics,
  type DeleteTopicsRequest,
  type DeleteTopicsResponse,
} from '../../protocol/messages/20-delete-topics.ts'
import { type DoomedTopic, deleteTopics as decideDeletion } from '../metadata/delete-topics.ts'
import { apiEntry } from './api-entry.ts'
import type { RequestContext } from './context.ts'

/** From this version on topics are named in structs, by name or id. */
const TOPICS_VERSION = 6
/** Older clients do not know TOPIC_DELETION_DISABLED. */
const DELETION_DISABLED_VERSION = 3

export const deleteTopics = apiEntry(DeleteTopics, {
  handle: handleDeleteTopics,
  fail: (request, error, context) => refuseAll(context, request, error, null),
})

async function handleDeleteTopics(
  context: RequestContext,
  request: DeleteTopicsRequest,
): Promise<DeleteTopicsResponse> {
  const { broker, apiVersion } = context
  if (!broker.config['delete.topic.enable']) {
    const known = apiVersion >= DELETION_DISABLED_VERSION
    const error = known ? ErrorCode.TOPIC_DELETION_DISABLED : ErrorCode.INVALID_REQUEST
    return refuseAll(context, request, error, 'Topic deletion is disabled (delete.topic.enable=false).')
  }
  const asked = topicsOf(context, request)
  const deleted = await broker.metadata.change((image) => decideDeletion(image, asked))
  return {
    throttleTimeMs: 0,
    responses: deleted.map(({ name, topicId, error, message }) => ({
      name,
      topicId,
      errorCode: error,
      errorMessage: message,
    })),
  }
}

function topicsOf({ apiVersion }: RequestContext, { topics, topicNames }: DeleteTopicsRequest): DoomedTopic[] {
  return apiVersion >= TOPICS_VERSION ? topics : topicNames.map((name) => ({ name, topicId: ZERO_UUID }))
}

function refuseAll(
  context: RequestContext,
  request: DeleteTopicsRequest,
  errorCode: ErrorCode,
  errorMessage: string | null,
): DeleteTopicsResponse {
  const responses = topicsOf(context, request).map(({ name, topicId }) => ({ name, topicId, errorCode, errorMessage }))
  return { throttleTimeMs: 0, responses }
}
