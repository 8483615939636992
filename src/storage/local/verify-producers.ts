import { type BatchHeader, isControl } from '../../../protocol/records/batch.ts'
import { readInt16 } from '../../../protocol/records/int64.ts'
import type { AppendOrigin } from '../storage.ts'
import type { EndMarker } from './producer-state.ts'
import { decodeProducerSnapshot, ProducerState } from './producer-state.ts'
import type { AbortedRange } from './transaction-index.ts'

const SNAPSHOT_VERSION = 1
/** producer.id.expiration.ms unless set: a producer silent for so long may begin anywhere in its sequence. */
const EXPIRATION_MS = 86_400_000

/** Replays the producers of a log from its first batch on, as a start does, and says where they contradict themselves. */
export class ProducerReplay {
  readonly #state = new ProducerState()
  readonly #origin: AppendOrigin
  /** Of each producer, to tell whether it may have been forgotten before its next batch. */
  readonly #lastTimestampMs = new Map<number, number>()

  /** Coordinators write for many producers, and number nothing: all of their batches begin with sequence 0. */
  constructor(origin: AppendOrigin) {
    this.#origin = origin
  }

  /** Why a batch of a producer cannot follow what came before, or null. `mayHaveGaps`: batches were removed. */
  sequenceProblem(header: BatchHeader, mayHaveGaps: boolean): string | null {
    if (header.baseSequence < 0 || isControl(header.attributes)) return null
    const lastMs = this.#lastTimestampMs.get(header.producerId)
    if (lastMs === undefined || header.maxTimestamp - lastMs >= EXPIRATION_MS) return null
    const verdict = this.#state.check(header, null, this.#origin, 0)
    if (verdict.kind === 'append') return null
    if (verdict.kind === 'duplicate') {
      return `it repeats the batch at offset ${verdict.batch.baseOffset} of producer ${header.producerId}`
    }
    return mayHaveGaps ? null : verdict.message
  }

  /** The transaction that the batch aborts, if it does. */
  apply(header: BatchHeader, marker: EndMarker | null): AbortedRange | null {
    // A marker of which the data is gone does not say where the sequence stands.
    if (!isControl(header.attributes) || this.#lastTimestampMs.has(header.producerId))
      this.#lastTimestampMs.set(header.producerId, header.maxTimestamp)
    const aborted = this.#state.apply(header, marker, 0)
    this.#state.advanceTo(Number.POSITIVE_INFINITY)
    return aborted
  }

  /**
   * Why a snapshot does not say what the log does up to the same offset, or null. A producer may be missing, for it
   * expires, and the log may have lost the batches that a snapshot knows of to retention: before `knownFrom`.
   */
  snapshotProblem(snapshot: ProducerState, knownFrom: number): string | null {
    const replayed = new Map([...this.#state.all()].map((entry) => [entry.producerId, entry]))
    for (const entry of snapshot.all()) {
      const last = entry.batches.at(-1)
      if (last === undefined || last.lastOffset < knownFrom) continue
      const log = replayed.get(entry.producerId)
      const logLast = log?.batches.at(-1)
      const who = `producer ${entry.producerId}`
      if (log === undefined || logLast === undefined || logLast.lastOffset !== last.lastOffset) {
        return `the last batch of ${who} ends at offset ${logLast?.lastOffset ?? 'none'}, not at ${last.lastOffset}`
      }
      if (log.producerEpoch !== entry.producerEpoch || logLast.lastSequence !== last.lastSequence) {
        const says = `epoch ${entry.producerEpoch} and sequence ${last.lastSequence}`
        return `${who} is at epoch ${log.producerEpoch} and sequence ${logLast.lastSequence}, not at ${says}`
      }
      const [open, told] = [log.currentTransactionFirstOffset, entry.currentTransactionFirstOffset]
      if (open !== told && (told >= 0 ? told : open) >= knownFrom) {
        return `the open transaction of ${who} begins at ${open}, not at ${told}`
      }
    }
    const told = new Set([...snapshot.all()].map(({ producerId }) => producerId))
    for (const { producerId, currentTransactionFirstOffset } of replayed.values()) {
      if (currentTransactionFirstOffset >= 0 && !told.has(producerId))
        return `the open transaction of producer ${producerId} is missing`
    }
    return null
  }
}

/** The producers of a snapshot file, or why it is none. */
export function readProducerSnapshot(content: Buffer): ProducerState | string {
  if (content.length >= 2 && readInt16(content, 0) > SNAPSHOT_VERSION) {
    return `version ${readInt16(content, 0)} is newer than ${SNAPSHOT_VERSION}`
  }
  return decodeProducerSnapshot(content, 0) ?? 'length or CRC is wrong'
}
