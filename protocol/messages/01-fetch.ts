import {
  api,
  array,
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
 * Reads record batches of many partitions, waiting up to maxWaitMs for minBytes. Followers use it too (replicaId >=
 * 0). A session (KIP-227) sends only what changed: an empty topic list then means all partitions of the session, and
 * forgottenTopicsData removes some. The first batch is returned even when it exceeds the limits; a batch may begin
 * before fetchOffset, the client skips.
 */
export const Fetch = api({
  key: 1,
  name: 'Fetch',
  // 4 isolation level · 5 log start offset · 7 sessions · 9 leader epoch · 10 zstd · 11 rack ·
  // 12 flexible, diverging epoch · 13 topic ids · 15 replica state · 16 leader hints · 17 directory id ·
  // 18 high watermark of the follower
  versions: '4-18',
  flexible: '12+',
  request: {
    clusterId: string('12+').nullable().default(null).ignorable().tag(0, '12+'),
    replicaId: int32('0-14').default(-1),
    replicaState: struct({ replicaId: int32().default(-1), replicaEpoch: int64().default(-1) }, '15+').tag(1, '15+'),
    maxWaitMs: int32(),
    minBytes: int32(),
    maxBytes: int32().default(0x7fffffff).ignorable(),
    isolationLevel: int8().default(0).ignorable(),
    sessionId: int32('7+').default(0).ignorable(),
    sessionEpoch: int32('7+').default(-1).ignorable(),
    topics: array({
      topic: string('0-12').ignorable(),
      topicId: uuid('13+').ignorable(),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32('9+').default(-1).ignorable(),
        fetchOffset: int64(),
        lastFetchedEpoch: int32('12+').default(-1),
        logStartOffset: int64('5+').default(-1).ignorable(),
        partitionMaxBytes: int32(),
        replicaDirectoryId: uuid('17+').ignorable().tag(0, '17+'),
        highWatermark: int64('18+').default(Number.MAX_SAFE_INTEGER).ignorable().tag(1, '18+'),
      }),
    }),
    forgottenTopicsData: array(
      {
        topic: string('7-12').ignorable(),
        topicId: uuid('13+').ignorable(),
        partitions: array(int32()),
      },
      '7+',
    ),
    rackId: string('11+').default('').ignorable(),
  },
  response: {
    throttleTimeMs: int32().ignorable(),
    errorCode: int16('7+').ignorable(),
    sessionId: int32('7+').default(0),
    responses: array({
      topic: string('0-12').ignorable(),
      topicId: uuid('13+').ignorable(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        highWatermark: int64(),
        lastStableOffset: int64().default(-1).ignorable(),
        logStartOffset: int64('5+').default(-1).ignorable(),
        divergingEpoch: struct({ epoch: int32().default(-1), endOffset: int64().default(-1) }, '12+').tag(0, '12+'),
        currentLeader: struct({ leaderId: int32().default(-1), leaderEpoch: int32().default(-1) }, '12+').tag(1, '12+'),
        snapshotId: struct({ endOffset: int64().default(-1), epoch: int32().default(-1) }, '12+').tag(2, '12+'),
        abortedTransactions: array({ producerId: int64(), firstOffset: int64() }).nullable().ignorable(),
        preferredReadReplica: int32('11+').default(-1),
        records: records().nullable(),
      }),
    }),
    nodeEndpoints: array(
      {
        nodeId: int32(),
        host: string(),
        port: int32(),
        rack: string().nullable().default(null),
      },
      '16+',
    ).tag(0, '16+'),
  },
})
export type FetchRequest = RequestOf<typeof Fetch>
export type FetchResponse = ResponseOf<typeof Fetch>
