import { api, array, int16, int32, type RequestOf, type ResponseOf, string } from '../codec/schema.ts'

/**
 * Deletes a group's offsets of single partitions; those that a member subscribes to get GROUP_SUBSCRIBED_TO_TOPIC.
 * Never flexible.
 */
export const OffsetDelete = api({
  key: 47,
  name: 'OffsetDelete',
  versions: '0',
  flexible: 'none',
  request: {
    groupId: string(),
    topics: array({ name: string(), partitions: array({ partitionIndex: int32() }) }),
  },
  response: {
    errorCode: int16(),
    throttleTimeMs: int32().ignorable(),
    topics: array({
      name: string(),
      partitions: array({ partitionIndex: int32(), errorCode: int16() }),
    }),
  },
})
export type OffsetDeleteRequest = RequestOf<typeof OffsetDelete>
export type OffsetDeleteResponse = ResponseOf<typeof OffsetDelete>
