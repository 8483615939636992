import { ErrorCode } from '../../protocol/errors.ts'
import { EndTxn, type EndTxnResponse } from '../../protocol/messages/26-end-txn.ts'
import { TransactionVersion } from '../coordinator/transaction/transaction-state.ts'
import { apiEntry } from './api-entry.ts'
import { fencedFor } from './transaction-errors.ts'

const FENCED_VERSION = 2
/** From here on the answer has the identity that the producer goes on with (KIP-890). */
const EPOCH_BUMP_VERSION = 5

export const endTxn = apiEntry(EndTxn, {
  async handle({ broker, apiVersion }, { transactionalId, producerId, producerEpoch, committed }) {
    if (transactionalId === '') return failed(ErrorCode.INVALID_REQUEST)
    const { error, ...next } = await broker.transactions.endTransaction({
      ...{ transactionalId, producerId, producerEpoch },
      commit: committed,
      transactionVersion: apiVersion >= EPOCH_BUMP_VERSION ? TransactionVersion.IMPLICIT : TransactionVersion.EXPLICIT,
    })
    if (error !== ErrorCode.NONE) return failed(fencedFor(apiVersion, FENCED_VERSION, error))
    return { throttleTimeMs: 0, errorCode: error, ...next }
  },
  fail: (_request, error) => failed(error),
})

function failed(errorCode: ErrorCode): EndTxnResponse {
  return { throttleTimeMs: 0, errorCode, producerId: -1, producerEpoch: -1 }
}
