import { api, array, bool, int16, int32, type RequestOf, type ResponseOf, string } from '../codec/schema.ts'

/** Raises the partition count of topics; count is the new total. Null assignments lets the broker choose. */
export const CreatePartitions = api({
  key: 37,
  name: 'CreatePartitions',
  versions: '0-3', // 2 flexible · 3 THROTTLING_QUOTA_EXCEEDED
  flexible: '2+',
  request: {
    topics: array({
      name: string(),
      count: int32(),
      assignments: array({ brokerIds: array(int32()) }).nullable(),
    }),
    timeoutMs: int32(),
    validateOnly: bool(),
  },
  response: {
    throttleTimeMs: int32(),
    results: array({
      name: string(),
      errorCode: int16(),
      errorMessage: string().nullable().default(null),
    }),
  },
})
export type CreatePartitionsRequest = RequestOf<typeof CreatePartitions>
export type CreatePartitionsResponse = ResponseOf<typeof CreatePartitions>
