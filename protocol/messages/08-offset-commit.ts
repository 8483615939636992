import { api, array, int16, int32, int64, type RequestOf, type ResponseOf, string, uuid } from '../codec/schema.ts'

/**
 * Stores the offsets of a group. A generation of -1 with an empty member id is a commit from outside any group (admin
 * tools, manual assignment). The top level has no error: a failure of the group is repeated in every partition.
 */
export const OffsetCommit = api({
  key: 8,
  name: 'OffsetCommit',
  // 3 throttle · 5 no retention time · 6 leader epoch · 7 static members · 8 flexible ·
  // 9 member epochs of the consumer protocol · 10 topic ids
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
