import { ErrorCode } from '../../../protocol/errors.ts'
import type { ProducerIdentity } from '../coordinator-log.ts'
import type { InitProducerIdCall, ProducerIdResult } from './transaction-calls.ts'
import type { StoredTransaction } from './transaction-records.ts'
import { abortForeign, NO_PRODUCER, refusedProducer, type Scope, transit } from './transaction-scope.ts'
import { isEpochExhausted, isPrepared } from './transaction-state.ts'

const NEEDS_PRODUCER_ID: ProducerIdResult = { error: ErrorCode.NONE, ...NO_PRODUCER, needsProducerId: true }

/** Gives a producer its identity, which shuts out every earlier one with the same transactional id. */
export function initProducerId(
  scope: Scope,
  call: InitProducerIdCall,
  known: StoredTransaction | undefined,
): ProducerIdResult {
  const { transactionalId, timeoutMs, expected, freshProducerId } = call
  if (timeoutMs <= 0 || timeoutMs > scope.config['transaction.max.timeout.ms']) {
    return refusedProducer(ErrorCode.INVALID_TRANSACTION_TIMEOUT)
  }
  if (known === undefined) {
    if (freshProducerId === null) return NEEDS_PRODUCER_ID
    return identity(transit(scope, transactionalId, newTransaction(freshProducerId, scope.nowMs), { timeoutMs }))
  }
  if (expected !== null && !isOf(expected, known)) return refusedProducer(ErrorCode.PRODUCER_FENCED)
  if (isPrepared(known.state)) return refusedProducer(ErrorCode.CONCURRENT_TRANSACTIONS)
  if (known.state === 'Ongoing') {
    if (expected !== null && !isCurrent(expected, known)) return refusedProducer(ErrorCode.PRODUCER_FENCED)
    // The producer asks again until the markers are written.
    abortForeign(scope, transactionalId, known)
    return refusedProducer(ErrorCode.CONCURRENT_TRANSACTIONS)
  }
  return isEpochExhausted(known.producerEpoch) ? rotate(scope, call, known) : bump(scope, call, known)
}

function newTransaction(producerId: number, nowMs: number): StoredTransaction {
  return {
    ...{ producerId, previousProducerId: -1, nextProducerId: -1, producerEpoch: 0, lastProducerEpoch: -1 },
    ...{ timeoutMs: 0, state: 'Empty', partitions: [], lastUpdateMs: nowMs, startMs: -1, clientTransactionVersion: 0 },
  }
}

/** The producer that has the id now, or had it until its epochs were used up. */
function isOf({ producerId, producerEpoch }: ProducerIdentity, known: StoredTransaction): boolean {
  if (producerId === known.producerId) return true
  return producerId === known.previousProducerId && isEpochExhausted(producerEpoch)
}

function isCurrent({ producerId, producerEpoch }: ProducerIdentity, known: StoredTransaction): boolean {
  return producerId === known.producerId && producerEpoch === known.producerEpoch
}

function bump(scope: Scope, call: InitProducerIdCall, known: StoredTransaction): ProducerIdResult {
  const { transactionalId, timeoutMs, expected } = call
  const { producerEpoch, lastProducerEpoch } = known
  const own = { timeoutMs, state: 'Empty', partitions: [], startMs: -1 } as const
  // The answer to the request that changed its epoch, or its id, was lost: it has the new one already.
  if (expected !== null && !isCurrent(expected, known)) {
    if (expected.producerEpoch !== lastProducerEpoch) return refusedProducer(ErrorCode.PRODUCER_FENCED)
    return identity(transit(scope, transactionalId, known, own))
  }
  const epochs = { producerEpoch: producerEpoch + 1, lastProducerEpoch: expected === null ? -1 : producerEpoch }
  return identity(transit(scope, transactionalId, known, { ...own, ...epochs }))
}

/** Epochs are used up: the same transactional id goes on with another producer id. */
function rotate(scope: Scope, call: InitProducerIdCall, known: StoredTransaction): ProducerIdResult {
  const { transactionalId, timeoutMs, expected, freshProducerId } = call
  const { producerId, producerEpoch, lastProducerEpoch } = known
  // The epoch that only shuts out is no producer's: the last one before it may ask too.
  const own = { producerId, producerEpoch: lastProducerEpoch }
  if (expected !== null && !isCurrent(expected, known) && !isCurrent(expected, { ...known, ...own })) {
    return refusedProducer(ErrorCode.PRODUCER_FENCED)
  }
  if (freshProducerId === null) return NEEDS_PRODUCER_ID
  return identity(
    transit(scope, transactionalId, known, {
      ...{ producerId: freshProducerId, previousProducerId: producerId, producerEpoch: 0, timeoutMs },
      ...{ lastProducerEpoch: expected === null ? -1 : producerEpoch, state: 'Empty', partitions: [], startMs: -1 },
    }),
  )
}

function identity({ producerId, producerEpoch }: StoredTransaction): ProducerIdResult {
  return { error: ErrorCode.NONE, producerId, producerEpoch }
}
