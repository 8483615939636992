import { api, int16, int32, int64, type RequestOf, type ResponseOf, string } from '../codec/schema.ts'

/** Adds a group's offsets partition to a transaction, before TxnOffsetCommit. */
export const AddOffsetsToTxn = api({
  key: 25,
  name: 'AddOffsetsToTxn',
  versions: '0-4', // 2 PRODUCER_FENCED · 3 flexible · 4 TRANSACTION_ABORTABLE
  flexible: '3+',
  request: {
    transactionalId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    groupId: string(),
  },
  response: { throttleTimeMs: int32(), errorCode: int16() },
})
export type AddOffsetsToTxnRequest = RequestOf<typeof AddOffsetsToTxn>
export type AddOffsetsToTxnResponse = ResponseOf<typeof AddOffsetsToTxn>
