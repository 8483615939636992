import { ErrorCode } from '../../protocol/errors.ts'
import {
  InitProducerId,
  type InitProducerIdRequest,
  type InitProducerIdResponse,
} from '../../protocol/messages/22-init-producer-id.ts'
import { apiEntry } from './api-entry.ts'
import type { RequestContext } from './context.ts'
import { fencedFor } from './transaction-errors.ts'

const FENCED_VERSION = 4

export const initProducerId = apiEntry(InitProducerId, {
  handle: handleInitProducerId,
  fail: (_request, error) => failed(error),
})

/** Without a transactional id a client that gives its old id wants a new one: it bumps its epoch by itself (KIP-360). */
async function handleInitProducerId(
  { broker, apiVersion }: RequestContext,
  { transactionalId, transactionTimeoutMs, producerId, producerEpoch }: InitProducerIdRequest,
): Promise<InitProducerIdResponse> {
  // An id without its epoch, or the other way round, says nothing.
  if (transactionalId === '' || (producerId === -1) !== (producerEpoch === -1)) return failed(ErrorCode.INVALID_REQUEST)
  if (transactionalId === null) return given(await broker.producerIds.next(), 0)
  const result = await broker.transactions.initProducerId({
    transactionalId,
    timeoutMs: transactionTimeoutMs,
    expected: producerId === -1 ? null : { producerId, producerEpoch },
  })
  if (result.error !== ErrorCode.NONE) return failed(fencedFor(apiVersion, FENCED_VERSION, result.error))
  return given(result.producerId, result.producerEpoch)
}

function given(producerId: number, producerEpoch: number): InitProducerIdResponse {
  return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, producerId, producerEpoch }
}

function failed(errorCode: ErrorCode): InitProducerIdResponse {
  return { throttleTimeMs: 0, errorCode, producerId: -1, producerEpoch: -1 }
}
