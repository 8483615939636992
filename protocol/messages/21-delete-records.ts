import { api, array, int16, int32, int64, type RequestOf, type ResponseOf, string } from '../codec/schema.ts'

/**
 * Moves the start of partitions up to an offset; -1 means the high watermark. Kafka Streams cleans its repartition
 * topics this way.
 */
export const DeleteRecords = api({
  key: 21,
  name: 'DeleteRecords',
  versions: '0-2', // 1 same · 2 flexible
  flexible: '2+',
  request: {
    topics: array({
      name: string(),
      partitions: array({ partitionIndex: int32(), offset: int64() }),
    }),
    timeoutMs: int32(),
  },
  response: {
    throttleTimeMs: int32(),
    topics: array({
      name: string(),
      partitions: array({ partitionIndex: int32(), lowWatermark: int64(), errorCode: int16() }),
    }),
  },
})
export type DeleteRecordsRequest = RequestOf<typeof DeleteRecords>
export type DeleteRecordsResponse = ResponseOf<typeof DeleteRecords>
