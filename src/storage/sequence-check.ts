import { ErrorCode } from '../../protocol/errors.ts'
import { type BatchHeader, incrementSequence, isTransactional } from '../../protocol/records/batch.ts'
import type { AppendOrigin } from './storage.ts'

/** Batches remembered per producer: a client has at most this many in flight (KIP-98, max.in.flight.requests ≤ 5). */
export const REMEMBERED_BATCHES = 5

/** A batch that a producer sent earlier, as far as a retry of it is recognised by. */
export interface SequencedBatch {
  readonly baseSequence: number
  readonly lastSequence: number
  readonly baseOffset: number
  readonly lastOffset: number
  readonly timestampMs: number
}

/** What one log knows of one producer. */
export interface ProducerEntry {
  readonly producerId: number
  producerEpoch: number
  /** Of the coordinator that wrote the last marker, -1 before the first. */
  coordinatorEpoch: number
  /** Markers that were seen since the log was opened, by which somebody who waited tells whether one came meanwhile. */
  endedTransactions: number
  /** First offset of the open transaction, -1 when none is open. */
  currentTransactionFirstOffset: number
  lastTimestampMs: number
  /** The broker's own time of the last append; a producer that replays old records is not expired by their age. */
  lastAppendMs: number
  /** Of the current epoch, oldest first. */
  batches: readonly SequencedBatch[]
}

export type SequenceVerdict =
  | { readonly kind: 'append' }
  | { readonly kind: 'duplicate'; readonly batch: SequencedBatch }
  | { readonly kind: 'refused'; readonly error: ErrorCode; readonly message: string }

const APPEND: SequenceVerdict = { kind: 'append' }

export function lastSequenceOf(header: BatchHeader): number {
  return header.baseSequence < 0 ? -1 : incrementSequence(header.baseSequence, header.lastOffsetDelta)
}

/**
 * Whether a producer's data batch continues what the log has of it. A pure function, so that every engine answers the
 * same. `implicitTransaction`: the batch came by a protocol in which a transaction begins with its first batch
 * (KIP-890), so that a producer nobody knows cannot begin in the middle of a sequence.
 */
export function checkSequence(
  entry: ProducerEntry | undefined,
  header: BatchHeader,
  origin: AppendOrigin,
  implicitTransaction: boolean,
): SequenceVerdict {
  const { producerId, producerEpoch, baseSequence } = header
  if (!entry) {
    if (origin === 'client' && implicitTransaction && baseSequence !== 0) {
      return outOfOrder(`Expected sequence 0 for the first batch of producer ${producerId}, but found ${baseSequence}.`)
    }
    return APPEND
  }
  if (origin === 'client' && producerEpoch === entry.producerEpoch) {
    const lastSequence = lastSequenceOf(header)
    const duplicate = entry.batches.find(
      (batch) => batch.baseSequence === baseSequence && batch.lastSequence === lastSequence,
    )
    if (duplicate) return { kind: 'duplicate', batch: duplicate }
  }
  if (producerEpoch < entry.producerEpoch) {
    return {
      kind: 'refused',
      error: ErrorCode.INVALID_PRODUCER_EPOCH,
      message: `Epoch of producer ${producerId} is ${producerEpoch}, which is smaller than the last seen epoch ${entry.producerEpoch}`,
    }
  }
  if (origin === 'client') {
    const refusal = checkOrder(entry, header)
    if (refusal) return refusal
  }
  if (entry.currentTransactionFirstOffset >= 0 && !isTransactional(header.attributes)) {
    return {
      kind: 'refused',
      error: ErrorCode.INVALID_TXN_STATE,
      message: `Expected transactional write from producer with producerId ${producerId} and producerEpoch ${producerEpoch}`,
    }
  }
  return APPEND
}

function checkOrder(entry: ProducerEntry, header: BatchHeader): SequenceVerdict | null {
  const { producerId, producerEpoch, baseSequence } = header
  if (producerEpoch !== entry.producerEpoch) {
    if (baseSequence === 0) return null
    return outOfOrder(
      `Invalid sequence number for new epoch of producer ${producerId}: ${producerEpoch} (request epoch), ${baseSequence} (seq. number), ${entry.producerEpoch} (current producer epoch)`,
    )
  }
  const lastSequence = entry.batches.at(-1)?.lastSequence ?? -1
  const expected = lastSequence < 0 ? 0 : incrementSequence(lastSequence, 1)
  if (baseSequence === expected) return null
  return outOfOrder(
    `Out of order sequence number for producer ${producerId}: ${baseSequence} (incoming seq. number), ${lastSequence} (current end sequence number)`,
  )
}

function outOfOrder(message: string): SequenceVerdict {
  return { kind: 'refused', error: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, message }
}

/** Whether a transaction marker may be applied: neither the producer nor the coordinator may be an old one. */
export function checkMarker(
  entry: ProducerEntry | undefined,
  producerEpoch: number,
  coordinatorEpoch: number,
): SequenceVerdict {
  if (!entry) return APPEND
  if (producerEpoch < entry.producerEpoch) {
    return {
      kind: 'refused',
      error: ErrorCode.INVALID_PRODUCER_EPOCH,
      message: `Epoch of producer ${entry.producerId} is ${producerEpoch}, which is smaller than the last seen epoch ${entry.producerEpoch}`,
    }
  }
  if (coordinatorEpoch < entry.coordinatorEpoch) {
    return {
      kind: 'refused',
      error: ErrorCode.TRANSACTION_COORDINATOR_FENCED,
      message: `Invalid coordinator epoch for producerId ${entry.producerId}: ${coordinatorEpoch} (zombie), ${entry.coordinatorEpoch} (current)`,
    }
  }
  return APPEND
}
