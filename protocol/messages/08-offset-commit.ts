import { api, array, int16, int32, int64, type RequestOf, type ResponseOf, string, uuid } from '../codec/schema.ts'

/** OffsetCommit. */
export const OffsetCommit = api({
  key: 8,
  name: 'OffsetCommit',
  versions: '2-10',
  flexible: '8+',
  request: {
    groupId: string(),
    generationIdOrMemberEpoch: int32().default(-1).ignorable(),
    memberId: string().ignorable(),
    groupInstanceId: string('7+').nullable().default(null),
    retentionTimeMs: int64('2-4').default(-1).ignorable(),
    topics: array({
      name: string('0-9').ignorable(),
      topicId: uuid('10+').ignorable(),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32('6+').default(-1).ignorable(),
        committedMetadata: string().nullable(),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32('3+').ignorable(),
    topics: array({
      name: string('0-9').ignorable(),
      topicId: uuid('10+').ignorable(),
      partitions: array({ partitionIndex: int32(), errorCode: int16() }),
    }),
  },
})
export type OffsetCommitRequest = RequestOf<typeof OffsetCommit>
export type OffsetCommitResponse = ResponseOf<typeof OffsetCommit>
