import { api, array, int16, int32, type RequestOf, type ResponseOf, string, struct, uuid } from '../codec/schema.ts'

/** Joins, keeps and leaves (-1) a share group (KIP-932). Null subscription or assignment means unchanged. */
export const ShareGroupHeartbeat = api({
  key: 76,
  name: 'ShareGroupHeartbeat',
  versions: '1', // 1 the first stable one
  flexible: '0+',
  request: {
    groupId: string(),
    memberId: string(),
    memberEpoch: int32(),
    rackId: string().nullable().default(null),
    subscribedTopicNames: array(string()).nullable().default(null),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string().nullable().default(null),
    memberId: string().nullable().default(null),
    memberEpoch: int32(),
    heartbeatIntervalMs: int32(),
    assignment: struct({ topicPartitions: array({ topicId: uuid(), partitions: array(int32()) }) })
      .nullable()
      .default(null),
  },
})
export type ShareGroupHeartbeatRequest = RequestOf<typeof ShareGroupHeartbeat>
export type ShareGroupHeartbeatResponse = ResponseOf<typeof ShareGroupHeartbeat>
