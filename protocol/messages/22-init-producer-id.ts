import { api, bool, int16, int32, int64, type RequestOf, type ResponseOf, string } from '../codec/schema.ts'

/**
 * A producer id and epoch for an idempotent producer, or for a transactional id, whose running transaction is then
 * aborted and whose older epoch is fenced. A transactional id that is null means idempotence only; an empty one is
 * INVALID_REQUEST. Version 6 is not final and is not advertised.
 */
export const InitProducerId = api({
  key: 22,
  name: 'InitProducerId',
  // 2 flexible · 3 resume with the own id and epoch · 4 PRODUCER_FENCED · 5 TRANSACTION_ABORTABLE ·
  // 6 two-phase commit (unstable)
  versions: '0-6',
  flexible: '2+',
  latestVersionUnstable: true,
  request: {
    transactionalId: string().nullable(),
    transactionTimeoutMs: int32(),
    producerId: int64('3+').default(-1),
    producerEpoch: int16('3+').default(-1),
    enable2Pc: bool('6+').default(false),
    keepPreparedTxn: bool('6+').default(false),
  },
  response: {
    throttleTimeMs: int32().ignorable(),
    errorCode: int16(),
    producerId: int64().default(-1),
    producerEpoch: int16(),
    ongoingTxnProducerId: int64('6+').default(-1),
    ongoingTxnProducerEpoch: int16('6+').default(-1),
  },
})
export type InitProducerIdRequest = RequestOf<typeof InitProducerId>
export type InitProducerIdResponse = ResponseOf<typeof InitProducerId>
