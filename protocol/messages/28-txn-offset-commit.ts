import { api, array, int16, int32, int64, type RequestOf, type ResponseOf, string } from '../codec/schema.ts'

/**
 * Commits a group's offsets as part of a transaction: visible when it commits. From version 5 it also adds the offsets
 * partition to the transaction (KIP-890).
 */
export const TxnOffsetCommit = api({
  key: 28,
  name: 'TxnOffsetCommit',
  // 2 leader epoch · 3 flexible, member and generation · 4 TRANSACTION_ABORTABLE · 5 implicit AddOffsetsToTxn
  versions: '0-5',
  flexible: '3+',
  request: {
    transactionalId: string(),
    groupId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    generationId: int32('3+').default(-1),
    memberId: string('3+').default(''),
    groupInstanceId: string('3+').nullable().default(null),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32('2+').default(-1).ignorable(),
        committedMetadata: string().nullable(),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    topics: array({
      name: string(),
      partitions: array({ partitionIndex: int32(), errorCode: int16() }),
    }),
  },
})
export type TxnOffsetCommitRequest = RequestOf<typeof TxnOffsetCommit>
export type TxnOffsetCommitResponse = ResponseOf<typeof TxnOffsetCommit>
