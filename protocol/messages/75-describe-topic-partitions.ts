import {
  api,
  array,
  bool,
  int16,
  int32,
  type RequestOf,
  type ResponseOf,
  string,
  struct,
  uuid,
} from '../codec/schema.ts'

const cursor = { topicName: string(), partitionIndex: int32() }

/**
 * Topics and their partitions page by page (KIP-966): what the Java admin client uses to describe topics. Names come
 * back sorted; nextCursor is null at the end.
 */
export const DescribeTopicPartitions = api({
  key: 75,
  name: 'DescribeTopicPartitions',
  versions: '0',
  flexible: '0+',
  request: {
    topics: array({ name: string() }),
    responsePartitionLimit: int32().default(2000),
    cursor: struct(cursor).nullable().default(null),
  },
  response: {
    throttleTimeMs: int32().ignorable(),
    topics: array({
      errorCode: int16(),
      name: string().nullable(),
      topicId: uuid().ignorable(),
      isInternal: bool().default(false).ignorable(),
      partitions: array({
        errorCode: int16(),
        partitionIndex: int32(),
        leaderId: int32(),
        leaderEpoch: int32().default(-1).ignorable(),
        replicaNodes: array(int32()),
        isrNodes: array(int32()),
        eligibleLeaderReplicas: array(int32()).nullable().default(null),
        lastKnownElr: array(int32()).nullable().default(null),
        offlineReplicas: array(int32()).ignorable(),
      }),
      topicAuthorizedOperations: int32().default(-2147483648),
    }),
    nextCursor: struct(cursor).nullable().default(null),
  },
})
export type DescribeTopicPartitionsRequest = RequestOf<typeof DescribeTopicPartitions>
export type DescribeTopicPartitionsResponse = ResponseOf<typeof DescribeTopicPartitions>
