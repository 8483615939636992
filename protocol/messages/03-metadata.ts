import { api, array, bool, int16, int32, type RequestOf, type ResponseOf, string, uuid } from '../codec/schema.ts'

/**
 * Brokers, controller, topics and partition leaders: the first thing every client asks. Null topics means all, empty
 * means none; in version 0 empty means all. Asking for a topic may create it (allowAutoTopicCreation). The authorized
 * operations are -2147483648 when not asked for; those of the cluster moved to DescribeCluster after version 10.
 */
export const Metadata = api({
  key: 3,
  name: 'Metadata',
  // 1 controller, rack, null topics · 2 cluster id · 3 throttle · 4 auto-creation flag · 5 offline replicas ·
  // 7 leader epoch · 8 authorized operations · 9 flexible · 10 topic ids · 12 topics by id · 13 top-level error
  versions: '0-13',
  flexible: '9+',
  request: {
    topics: array({ topicId: uuid('10+').ignorable(), name: string().nullable('10+') }).nullable('1+'),
    allowAutoTopicCreation: bool('4+').default(true),
    includeClusterAuthorizedOperations: bool('8-10'),
    includeTopicAuthorizedOperations: bool('8+'),
  },
  response: {
    throttleTimeMs: int32('3+').ignorable(),
    brokers: array({
      nodeId: int32(),
      host: string(),
      port: int32(),
      rack: string('1+').nullable().default(null).ignorable(),
    }),
    clusterId: string('2+').nullable().default(null).ignorable(),
    controllerId: int32('1+').default(-1).ignorable(),
    topics: array({
      errorCode: int16(),
      name: string().nullable('12+'),
      topicId: uuid('10+').ignorable(),
      isInternal: bool('1+').default(false).ignorable(),
      partitions: array({
        errorCode: int16(),
        partitionIndex: int32(),
        leaderId: int32(),
        leaderEpoch: int32('7+').default(-1).ignorable(),
        replicaNodes: array(int32()),
        isrNodes: array(int32()),
        offlineReplicas: array(int32(), '5+').ignorable(),
      }),
      topicAuthorizedOperations: int32('8+').default(-2147483648),
    }),
    clusterAuthorizedOperations: int32('8-10').default(-2147483648),
    errorCode: int16('13+').ignorable(),
  },
})
export type MetadataRequest = RequestOf<typeof Metadata>
export type MetadataResponse = ResponseOf<typeof Metadata>
