import {
  api,
  array,
  bool,
  int8,
  int16,
  int32,
  int64,
  type RequestOf,
  type ResponseOf,
  records,
  string,
  struct,
  uuid,
} from '../codec/schema.ts'

/**
 * Acquires records of share partitions for a member, and acknowledges earlier ones on the way. Acknowledge types: 0
 * gap, 1 accept, 2 release, 3 reject, 4 renew. Epoch 0 opens a session, -1 closes it.
 */
export const ShareFetch = api({
  key: 78,
  name: 'ShareFetch',
  versions: '1-2', // 1 the first stable one · 2 acquire mode, renewal
  flexible: '0+',
  request: {
    groupId: string().nullable().default(null),
    memberId: string().nullable(),
    shareSessionEpoch: int32(),
    maxWaitMs: int32(),
    minBytes: int32(),
    maxBytes: int32().default(0x7fffffff),
    maxRecords: int32(),
    batchSize: int32(),
    shareAcquireMode: int8('2+').default(0).ignorable(),
    isRenewAck: bool('2+').default(false),
    topics: array({
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        acknowledgementBatches: array({ firstOffset: int64(), lastOffset: int64(), acknowledgeTypes: array(int8()) }),
      }),
    }),
    forgottenTopicsData: array({ topicId: uuid(), partitions: array(int32()) }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string().nullable().default(null),
    acquisitionLockTimeoutMs: int32(),
    responses: array({
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string().nullable().default(null),
        acknowledgeErrorCode: int16(),
        acknowledgeErrorMessage: string().nullable().default(null),
        currentLeader: struct({ leaderId: int32(), leaderEpoch: int32() }),
        records: records(),
        acquiredRecords: array({ firstOffset: int64(), lastOffset: int64(), deliveryCount: int16() }),
      }),
    }),
    nodeEndpoints: array({
      nodeId: int32(),
      host: string(),
      port: int32(),
      rack: string().nullable().default(null),
    }),
  },
})
export type ShareFetchRequest = RequestOf<typeof ShareFetch>
export type ShareFetchResponse = ResponseOf<typeof ShareFetch>
