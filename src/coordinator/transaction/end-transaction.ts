import { ErrorCode } from '../../../protocol/errors.ts'
import type { EndTransactionCall, ProducerIdResult } from './transaction-calls.ts'
import type { StoredTransaction } from './transaction-records.ts'
import { NO_PRODUCER, prepare, refusedProducer, type Scope } from './transaction-scope.ts'
import { isEpochExhausted, isPrepared, LAST_PRODUCER_EPOCH, TransactionVersion } from './transaction-state.ts'

/** Commits or aborts. Answered when the decision is durable; the markers follow. */
export function endTransaction(
  scope: Scope,
  call: EndTransactionCall,
  known: StoredTransaction | undefined,
): ProducerIdResult {
  if (known === undefined) return refusedProducer(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
  return call.transactionVersion >= TransactionVersion.IMPLICIT
    ? endWithBump(scope, call, known)
    : endPlain(scope, call, known)
}

function endPlain(scope: Scope, call: EndTransactionCall, known: StoredTransaction): ProducerIdResult {
  const { transactionalId, producerId, producerEpoch, commit } = call
  if (producerId !== known.producerId) return refusedProducer(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
  if (producerEpoch !== known.producerEpoch) return refusedProducer(ErrorCode.PRODUCER_FENCED)
  switch (known.state) {
    case 'Ongoing':
      prepare(scope, transactionalId, known, commit, { clientTransactionVersion: call.transactionVersion })
      return refusedProducer(ErrorCode.NONE)
    case 'CompleteCommit':
      return refusedProducer(commit ? ErrorCode.NONE : ErrorCode.INVALID_TXN_STATE)
    case 'CompleteAbort':
      return refusedProducer(commit ? ErrorCode.INVALID_TXN_STATE : ErrorCode.NONE)
    default:
      return refusedProducer(whileEnding(known, commit))
  }
}

/** Prepared: the same wish again may wait for the markers, the other one comes too late. */
function whileEnding({ state }: StoredTransaction, commit: boolean): ErrorCode {
  if (!isPrepared(state)) return ErrorCode.INVALID_TXN_STATE
  return commit === (state === 'PrepareCommit') ? ErrorCode.CONCURRENT_TRANSACTIONS : ErrorCode.INVALID_TXN_STATE
}

function endWithBump(scope: Scope, call: EndTransactionCall, known: StoredTransaction): ProducerIdResult {
  const { producerId, producerEpoch, commit } = call
  const repeated = isRepeated(call, known)
  if (producerId !== known.producerId && !repeated) return refusedProducer(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
  if (producerEpoch !== known.producerEpoch && !repeated) return refusedProducer(ErrorCode.PRODUCER_FENCED)
  switch (known.state) {
    case 'Ongoing':
      return repeated ? refusedProducer(ErrorCode.PRODUCER_FENCED) : bumped(scope, call, known)
    case 'CompleteCommit':
    case 'CompleteAbort':
      // The epoch that only shuts out is not for a producer to go on with.
      if (repeated && commit === (known.state === 'CompleteCommit')) {
        return known.producerEpoch > LAST_PRODUCER_EPOCH ? bumped(scope, call, known) : identity(known)
      }
      // An abort of nothing is allowed: a producer that does not know whether anything was written gets a new epoch.
      return commit || repeated ? refusedProducer(ErrorCode.INVALID_TXN_STATE) : bumped(scope, call, known)
    case 'Empty':
      return commit ? refusedProducer(ErrorCode.INVALID_TXN_STATE) : bumped(scope, call, known)
    default:
      return refusedProducer(whileEnding(known, commit))
  }
}

/** From before the bump that the request itself caused, whose answer was lost. */
function isRepeated({ producerId, producerEpoch }: EndTransactionCall, known: StoredTransaction): boolean {
  if (known.state === 'Ongoing' || known.state === 'Empty') return false
  // Ended by a producer that keeps its epoch: whoever has the one below was overtaken.
  if (known.clientTransactionVersion < TransactionVersion.IMPLICIT) return false
  if (producerId === known.producerId) return producerEpoch === known.producerEpoch - 1
  return producerId === known.previousProducerId && producerEpoch === LAST_PRODUCER_EPOCH && known.producerEpoch === 0
}

function bumped(scope: Scope, call: EndTransactionCall, known: StoredTransaction): ProducerIdResult {
  const { transactionalId, commit, transactionVersion, freshProducerId } = call
  const { producerEpoch } = known
  const exhausted = isEpochExhausted(producerEpoch)
  if (exhausted && freshProducerId === null) return { error: ErrorCode.NONE, ...NO_PRODUCER, needsProducerId: true }
  const prepared = prepare(scope, transactionalId, known, commit, {
    producerEpoch: Math.min(producerEpoch, LAST_PRODUCER_EPOCH) + 1,
    lastProducerEpoch: Math.min(producerEpoch, LAST_PRODUCER_EPOCH),
    nextProducerId: exhausted ? (freshProducerId ?? -1) : -1,
    clientTransactionVersion: transactionVersion,
    ...(known.state !== 'Ongoing' && { startMs: scope.nowMs, partitions: [] }),
  })
  return identity(afterCompletion(prepared))
}

/** What the record of the completion says: the id changes where the next one was chosen. */
export function afterCompletion(prepared: StoredTransaction): StoredTransaction {
  const { producerId, nextProducerId } = prepared
  const state = prepared.state === 'PrepareCommit' ? 'CompleteCommit' : 'CompleteAbort'
  const completed = { ...prepared, state, partitions: [], nextProducerId: -1 } as const
  if (nextProducerId < 0) return completed
  return { ...completed, producerId: nextProducerId, previousProducerId: producerId, producerEpoch: 0 }
}

function identity({ producerId, producerEpoch }: StoredTransaction): ProducerIdResult {
  return { error: ErrorCode.NONE, producerId, producerEpoch }
}
