import {
  api,
  array,
  int16,
  int32,
  int64,
  type RequestOf,
  type ResponseOf,
  string,
  uint16,
  uuid,
} from '../codec/schema.ts'

const replicaState = {
  replicaId: int32(),
  replicaDirectoryId: uuid('2+'),
  logEndOffset: int64(),
  lastFetchTimestamp: int64('1+').default(-1).ignorable(),
  lastCaughtUpTimestamp: int64('1+').default(-1).ignorable(),
}

/**
 * The state of the metadata quorum: leader, voters and observers with their end offsets. Clients name the topic
 * __cluster_metadata, partition 0.
 */
export const DescribeQuorum = api({
  key: 55,
  name: 'DescribeQuorum',
  versions: '0-2', // 1 fetch times · 2 error messages, directory ids, listeners
  flexible: '0+',
  request: {
    topics: array({ topicName: string(), partitions: array({ partitionIndex: int32() }) }),
  },
  response: {
    errorCode: int16(),
    errorMessage: string('2+').nullable().ignorable(),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string('2+').nullable().ignorable(),
        leaderId: int32(),
        leaderEpoch: int32(),
        highWatermark: int64(),
        currentVoters: array(replicaState),
        observers: array(replicaState),
      }),
    }),
    nodes: array(
      {
        nodeId: int32(),
        listeners: array({ name: string(), host: string(), port: uint16() }),
      },
      '2+',
    ),
  },
})
export type DescribeQuorumRequest = RequestOf<typeof DescribeQuorum>
export type DescribeQuorumResponse = ResponseOf<typeof DescribeQuorum>
