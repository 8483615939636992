import { api, bool, int16, int32, int64, type RequestOf, type ResponseOf, string } from '../codec/schema.ts'

/**
 * Commits or aborts a transaction. From version 5 every transaction ends with a new epoch (and, on overflow, a new
 * producer id), which the client must use next.
 */
export const EndTxn = api({
  key: 26,
  name: 'EndTxn',
  versions: '0-5', // 2 PRODUCER_FENCED · 3 flexible · 4 TRANSACTION_ABORTABLE · 5 epoch bump
  flexible: '3+',
  request: {
    transactionalId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    committed: bool(),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    producerId: int64('5+').default(-1).ignorable(),
    producerEpoch: int16('5+').default(-1).ignorable(),
  },
})
export type EndTxnRequest = RequestOf<typeof EndTxn>
export type EndTxnResponse = ResponseOf<typeof EndTxn>
