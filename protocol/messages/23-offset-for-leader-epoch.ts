import { api, array, int16, int32, int64, type RequestOf, type ResponseOf, string } from '../codec/schema.ts'

/**
 * Where a leader epoch ended: what a consumer compares after a change of leader to notice truncation (KIP-320). An
 * epoch that the log does not know is answered with -1, and no error.
 */
export const OffsetForLeaderEpoch = api({
  key: 23,
  name: 'OffsetForLeaderEpoch',
  versions: '2-4', // 2 current leader epoch · 3 replica id · 4 flexible
  flexible: '4+',
  request: {
    replicaId: int32('3+').default(-2).ignorable(),
    topics: array({
      topic: string(),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32().default(-1).ignorable(),
        leaderEpoch: int32(),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32().ignorable(),
    topics: array({
      topic: string(),
      partitions: array({
        errorCode: int16(),
        partition: int32(),
        leaderEpoch: int32().default(-1).ignorable(),
        endOffset: int64().default(-1),
      }),
    }),
  },
})
export type OffsetForLeaderEpochRequest = RequestOf<typeof OffsetForLeaderEpoch>
export type OffsetForLeaderEpochResponse = ResponseOf<typeof OffsetForLeaderEpoch>
