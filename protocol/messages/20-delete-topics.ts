import { api, array, int16, int32, type RequestOf, type ResponseOf, string, uuid } from '../codec/schema.ts'

/** Deletes topics, by name or (from version 6) by id; the response names the entity as the request did. */
export const DeleteTopics = api({
  key: 20,
  name: 'DeleteTopics',
  versions: '1-6', // 3 TOPIC_DELETION_DISABLED · 4 flexible · 5 error message, THROTTLING_QUOTA_EXCEEDED · 6 topic ids
  flexible: '4+',
  request: {
    topics: array({ name: string().nullable().default(null), topicId: uuid() }, '6+'),
    topicNames: array(string(), '0-5').ignorable(),
    timeoutMs: int32(),
  },
  response: {
    throttleTimeMs: int32().ignorable(),
    responses: array({
      name: string().nullable('6+'),
      topicId: uuid('6+').ignorable(),
      errorCode: int16(),
      errorMessage: string('5+').nullable().default(null).ignorable(),
    }),
  },
})
export type DeleteTopicsRequest = RequestOf<typeof DeleteTopics>
export type DeleteTopicsResponse = ResponseOf<typeof DeleteTopics>
