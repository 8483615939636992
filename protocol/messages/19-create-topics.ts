import { api, array, bool, int8, int16, int32, type RequestOf, type ResponseOf, string, uuid } from '../codec/schema.ts'

/**
 * Creates topics with a partition count or an explicit assignment, and configs. -1 for count or factor means the
 * broker's default (from version 4). validateOnly checks all and creates nothing. timeoutMs is how long the request
 * waits, not a deadline for the creation.
 */
export const CreateTopics = api({
  key: 19,
  name: 'CreateTopics',
  versions: '2-7', // 4 defaults by -1 · 5 flexible, configs in the response · 6 THROTTLING_QUOTA_EXCEEDED · 7 topic id
  flexible: '5+',
  request: {
    topics: array({
      name: string(),
      numPartitions: int32(),
      replicationFactor: int16(),
      assignments: array({ partitionIndex: int32(), brokerIds: array(int32()) }),
      configs: array({ name: string(), value: string().nullable() }),
    }),
    timeoutMs: int32().default(60000),
    validateOnly: bool().default(false),
  },
  response: {
    throttleTimeMs: int32().ignorable(),
    topics: array({
      name: string(),
      topicId: uuid('7+').ignorable(),
      errorCode: int16(),
      errorMessage: string().nullable().ignorable(),
      topicConfigErrorCode: int16('5+').ignorable().tag(0, '5+'),
      numPartitions: int32('5+').default(-1).ignorable(),
      replicationFactor: int16('5+').default(-1).ignorable(),
      configs: array(
        {
          name: string(),
          value: string().nullable(),
          readOnly: bool(),
          configSource: int8().default(-1).ignorable(),
          isSensitive: bool(),
        },
        '5+',
      )
        .nullable()
        .ignorable(),
    }),
  },
})
export type CreateTopicsRequest = RequestOf<typeof CreateTopics>
export type CreateTopicsResponse = ResponseOf<typeof CreateTopics>
