import { api, array, int8, int16, int32, int64, type RequestOf, type ResponseOf, string } from '../codec/schema.ts'

/** ListOffsets. */
export const ListOffsets = api({
  key: 2,
  name: 'ListOffsets',
  versions: '1-11',
  flexible: '6+',
  request: {
    replicaId: int32(),
    isolationLevel: int8('2+'),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        currentLeaderEpoch: int32('4+').default(-1).ignorable(),
        timestamp: int64(),
      }),
    }),
    timeoutMs: int32('10+').ignorable(),
  },
  response: {
    throttleTimeMs: int32('2+').ignorable(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        timestamp: int64().default(-1),
        offset: int64().default(-1),
        leaderEpoch: int32('4+').default(-1),
      }),
    }),
  },
})
export type ListOffsetsRequest = RequestOf<typeof ListOffsets>
export type ListOffsetsResponse = ResponseOf<typeof ListOffsets>
