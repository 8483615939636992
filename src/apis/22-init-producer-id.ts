import { ErrorCode } from '../../protocol/errors.ts'
import {
  InitProducerId,
  type InitProducerIdRequest,
  type InitProducerIdResponse,
} from '../../protocol/messages/22-init-producer-id.ts'
import { apiEntry } from './api-entry.ts'
import type { RequestContext } from './context.ts'

export const initProducerId = apiEntry(InitProducerId, {
  handle: handleInitProducerId,
  fail: (_request, error) => failed(error),
})

/** A client that gives its old id wants a new one just the same: it bumps an idempotent epoch by itself (KIP-360). */
async function handleInitProducerId(
  { broker, clientId }: RequestContext,
  { transactionalId, producerId: oldId, producerEpoch: oldEpoch }: InitProducerIdRequest,
): Promise<InitProducerIdResponse> {
  // An id without its epoch, or the other way round, says nothing.
  if (transactionalId === '' || (oldId === -1) !== (oldEpoch === -1)) return failed(ErrorCode.INVALID_REQUEST)
  if (transactionalId !== null) {
    broker.logger.warn(
      { clientId, transactionalId },
      'refused a transactional producer: transactions are not built yet',
    )
    return failed(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
  }
  const producerId = await broker.producerIds.next()
  return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, producerId, producerEpoch: 0 }
}

function failed(errorCode: ErrorCode): InitProducerIdResponse {
  return { throttleTimeMs: 0, errorCode, producerId: -1, producerEpoch: -1 }
}
