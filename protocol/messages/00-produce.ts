import {
  api,
  array,
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
 * Appends record batches to partitions. No response at all when acks is 0. Versions 0 to 2 carried message sets and
 * are refused, yet advertised: librdkafka switches features off without them.
 */
export const Produce = api({
  key: 0,
  name: 'Produce',
  // 3 record batches v2 · 5 log start offset · 7 zstd · 8 record errors · 9 flexible · 10 leader hints ·
  // 11 TRANSACTION_ABORTABLE · 12 implicit txn partitions · 13 topic ids
  versions: '3-13',
  flexible: '9+',
  request: {
    transactionalId: string().nullable().default(null),
    acks: int16(),
    timeoutMs: int32(),
    topicData: array({
      name: string('0-12').ignorable(),
      topicId: uuid('13+').ignorable(),
      partitionData: array({ index: int32(), records: records().nullable() }),
    }),
  },
  response: {
    responses: array({
      name: string('0-12').ignorable(),
      topicId: uuid('13+').ignorable(),
      partitionResponses: array({
        index: int32(),
        errorCode: int16(),
        baseOffset: int64(),
        logAppendTimeMs: int64().default(-1).ignorable(),
        logStartOffset: int64('5+').default(-1).ignorable(),
        recordErrors: array(
          {
            batchIndex: int32(),
            batchIndexErrorMessage: string().nullable().default(null),
          },
          '8+',
        ).ignorable(),
        errorMessage: string('8+').nullable().default(null).ignorable(),
        currentLeader: struct({ leaderId: int32().default(-1), leaderEpoch: int32().default(-1) }, '10+').tag(0, '10+'),
      }),
    }),
    throttleTimeMs: int32().default(0).ignorable(),
    nodeEndpoints: array(
      {
        nodeId: int32(),
        host: string(),
        port: int32(),
        rack: string().nullable().default(null),
      },
      '10+',
    ).tag(0, '10+'),
  },
})
export type ProduceRequest = RequestOf<typeof Produce>
export type ProduceResponse = ResponseOf<typeof Produce>
