import { api, array, bool, int8, int16, int32, type RequestOf, type ResponseOf, string, uuid } from '../codec/schema.ts'

/** CreateTopics. */
export const CreateTopics = api({
  key: 19,
  name: 'CreateTopics',
  versions: '2-7',
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
