import {
  api,
  array,
  bool,
  int16,
  int32,
  int64,
  type RequestOf,
  type ResponseOf,
  string,
  uuid,
} from '../codec/schema.ts'

/**
 * The committed offsets of one group (to 7) or of several (from 8). Null topics means all that the group has. No
 * committed offset is offset -1 with an empty metadata string and no error: clients then apply auto.offset.reset.
 */
export const OffsetFetch = api({
  key: 9,
  name: 'OffsetFetch',
  // 2 null topics, group error · 3 throttle · 5 leader epoch · 6 flexible · 7 requireStable · 8 several groups ·
  // 9 member id and epoch · 10 topic ids
  versions: '1-10',
  flexible: '6+',
  request: {
    groupId: string('0-7'),
    topics: array({ name: string(), partitionIndexes: array(int32()) }, '0-7').nullable('2-7'),
    groups: array(
      {
        groupId: string(),
        memberId: string('9+').nullable().default(null).ignorable(),
        memberEpoch: int32('9+').default(-1).ignorable(),
        topics: array({
          name: string('8-9').ignorable(),
          topicId: uuid('10+').ignorable(),
          partitionIndexes: array(int32()),
        }).nullable(),
      },
      '8+',
    ),
    requireStable: bool('7+').default(false),
  },
  response: {
    throttleTimeMs: int32('3+').ignorable(),
    topics: array(
      {
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          committedOffset: int64(),
          committedLeaderEpoch: int32('5-7').default(-1).ignorable(),
          metadata: string().nullable(),
          errorCode: int16(),
        }),
      },
      '0-7',
    ),
    errorCode: int16('2-7').default(0).ignorable(),
    groups: array(
      {
        groupId: string(),
        topics: array({
          name: string('8-9').ignorable(),
          topicId: uuid('10+').ignorable(),
          partitions: array({
            partitionIndex: int32(),
            committedOffset: int64(),
            committedLeaderEpoch: int32().default(-1).ignorable(),
            metadata: string().nullable(),
            errorCode: int16(),
          }),
        }),
        errorCode: int16().default(0),
      },
      '8+',
    ),
  },
})
export type OffsetFetchRequest = RequestOf<typeof OffsetFetch>
export type OffsetFetchResponse = ResponseOf<typeof OffsetFetch>
