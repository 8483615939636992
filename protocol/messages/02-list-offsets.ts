import { api, array, int8, int16, int32, int64, type RequestOf, type ResponseOf, string } from '../codec/schema.ts'

/**
 * The offset of a point in time. timestamp is in ms or one of: -1 latest, -2 earliest, -3 of the largest timestamp, -4
 * earliest local, -5 latest tiered, -6 earliest pending upload. Nothing found is offset -1 with timestamp -1, not an
 * error.
 */
export const ListOffsets = api({
  key: 2,
  name: 'ListOffsets',
  // 2 isolation level · 4 leader epoch · 6 flexible · 7 max timestamp · 8 local log start · 9 tiered · 10 timeout ·
  // 11 pending upload
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
