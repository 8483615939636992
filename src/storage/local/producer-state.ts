import { type BatchHeader, incrementSequence, isControl, isTransactional } from '../../../protocol/records/batch.ts'
import { crc32c } from '../../../protocol/records/crc32c.ts'
import { readInt16, readInt32, readInt64, writeInt16, writeInt32, writeInt64 } from '../../../protocol/records/int64.ts'
import {
  checkMarker,
  checkSequence,
  lastSequenceOf,
  type ProducerEntry,
  REMEMBERED_BATCHES,
  type SequenceVerdict,
} from '../sequence-check.ts'
import type { AppendOrigin, ProducerStateEntry } from '../storage.ts'
import type { AbortedRange } from './transaction-index.ts'

/** A transaction's end, as the record of a control batch gives it. */
export interface EndMarker {
  readonly commit: boolean
  readonly coordinatorEpoch: number
}

interface EndedTransaction {
  readonly firstOffset: number
  /** Of the marker. */
  readonly lastOffset: number
}

/** Of a log that never had any, as most of ten thousand: never written to. */
const NO_PRODUCERS = new Map<number, ProducerEntry>()
const NONE_OPEN = new Map<number, number>()

/**
 * The producers of one log: the last batches of each, and the open transactions. `apply` is the only way in, for an
 * append and for the replay of the log alike, so that a restart arrives at the same state.
 */
export class ProducerState {
  #producers = NO_PRODUCERS
  /** By producer id, in the order in which they began: the first is the earliest. */
  #open = NONE_OPEN
  /** Ended, but the marker is not yet readable: the last stable offset may not pass it. */
  #ended: EndedTransaction[] = []

  get size(): number {
    return this.#producers.size
  }

  check(header: BatchHeader, marker: EndMarker | null, origin: AppendOrigin, produceVersion: number): SequenceVerdict {
    const entry = this.#producers.get(header.producerId)
    if (marker) return checkMarker(entry, header.producerEpoch, marker.coordinatorEpoch)
    const implicit = produceVersion >= 12 && isTransactional(header.attributes)
    return checkSequence(entry, header, origin, implicit)
  }

  /** Takes a batch of a producer into account; returns the transaction that it aborts, if it does. */
  apply(header: BatchHeader, marker: EndMarker | null, nowMs: number): AbortedRange | null {
    const entry = this.#producers.get(header.producerId) ?? this.#create(header)
    entry.lastAppendMs = nowMs
    entry.lastTimestampMs = header.maxTimestamp
    if (header.producerEpoch !== entry.producerEpoch) {
      entry.producerEpoch = header.producerEpoch
      entry.batches = []
    }
    if (marker) return this.#end(entry, header, marker)
    // Kafka's compaction may leave a marker without its record: the transaction it ended is gone with all its data.
    if (isControl(header.attributes)) return null
    const last = header.baseOffset + header.lastOffsetDelta
    const batch = {
      baseSequence: header.baseSequence,
      lastSequence: lastSequenceOf(header),
      baseOffset: header.baseOffset,
      lastOffset: last,
      timestampMs: header.maxTimestamp,
    }
    const kept = entry.batches.length < REMEMBERED_BATCHES ? entry.batches : entry.batches.slice(1)
    entry.batches = [...kept, batch]
    if (isTransactional(header.attributes) && entry.currentTransactionFirstOffset < 0) {
      entry.currentTransactionFirstOffset = header.baseOffset
      this.#noteOpen(header.producerId, header.baseOffset)
    }
    return null
  }

  /** First offset of the earliest transaction that is open, or whose marker cannot be read yet; -1 when there is none. */
  get firstUnstableOffset(): number {
    const open = this.#firstOpenOffset()
    const ended = this.#ended[0]?.firstOffset ?? -1
    return open < 0 ? ended : ended < 0 ? open : Math.min(open, ended)
  }

  /** Everything below the high watermark can be read: markers there have taken effect. */
  advanceTo(highWatermark: number): void {
    if (this.#ended.length === 0) return
    this.#ended = this.#ended.filter((transaction) => transaction.lastOffset >= highWatermark)
  }

  expire(nowMs: number, expirationMs: number): void {
    for (const entry of this.#producers.values()) {
      if (entry.currentTransactionFirstOffset < 0 && nowMs - entry.lastAppendMs >= expirationMs) {
        this.#producers.delete(entry.producerId)
      }
    }
  }

  entries(): ProducerStateEntry[] {
    return [...this.#producers.values()].map(asSeen)
  }

  entry(producerId: number): ProducerStateEntry | undefined {
    const entry = this.#producers.get(producerId)
    return entry && asSeen(entry)
  }

  /** Puts back a producer that a snapshot knows. */
  restore(entry: ProducerEntry): void {
    this.#put(entry)
    if (entry.currentTransactionFirstOffset >= 0) this.#noteOpen(entry.producerId, entry.currentTransactionFirstOffset)
  }

  all(): IterableIterator<ProducerEntry> {
    return this.#producers.values()
  }

  #create(header: BatchHeader): ProducerEntry {
    const entry: ProducerEntry = {
      producerId: header.producerId,
      producerEpoch: header.producerEpoch,
      coordinatorEpoch: -1,
      endedTransactions: 0,
      currentTransactionFirstOffset: -1,
      lastTimestampMs: -1,
      lastAppendMs: 0,
      batches: [],
    }
    this.#put(entry)
    return entry
  }

  #put(entry: ProducerEntry): void {
    if (this.#producers === NO_PRODUCERS) this.#producers = new Map()
    this.#producers.set(entry.producerId, entry)
  }

  #noteOpen(producerId: number, firstOffset: number): void {
    if (this.#open === NONE_OPEN) this.#open = new Map()
    this.#open.set(producerId, firstOffset)
  }

  #end(entry: ProducerEntry, header: BatchHeader, marker: EndMarker): AbortedRange | null {
    entry.coordinatorEpoch = Math.max(entry.coordinatorEpoch, marker.coordinatorEpoch)
    entry.endedTransactions++
    const firstOffset = entry.currentTransactionFirstOffset
    if (firstOffset < 0) return null
    entry.currentTransactionFirstOffset = -1
    this.#open.delete(entry.producerId)
    const lastOffset = header.baseOffset
    this.#ended.push({ firstOffset, lastOffset })
    this.#ended.sort((a, b) => a.firstOffset - b.firstOffset)
    if (marker.commit) return null
    const firstOpen = this.#firstOpenOffset()
    const lastStableOffset = firstOpen < 0 ? lastOffset + 1 : firstOpen
    return { producerId: entry.producerId, firstOffset, lastOffset, lastStableOffset }
  }

  #firstOpenOffset(): number {
    for (const firstOffset of this.#open.values()) return firstOffset
    return -1
  }
}

function asSeen(entry: ProducerEntry): ProducerStateEntry {
  return {
    producerId: entry.producerId,
    producerEpoch: entry.producerEpoch,
    lastSequence: entry.batches.at(-1)?.lastSequence ?? -1,
    lastTimestampMs: entry.lastTimestampMs,
    coordinatorEpoch: entry.coordinatorEpoch,
    endedTransactions: entry.endedTransactions,
    currentTransactionFirstOffset: entry.currentTransactionFirstOffset,
  }
}

const SNAPSHOT_VERSION = 1
const SNAPSHOT_HEADER_BYTES = 10
const SNAPSHOT_ENTRY_BYTES = 46
/** The CRC covers what follows it. */
const SNAPSHOT_CRC_FROM = 6

/** The `.snapshot` file: of each producer the last batch only, as Kafka keeps it. */
export function encodeProducerSnapshot(state: ProducerState): Buffer {
  const content = Buffer.alloc(SNAPSHOT_HEADER_BYTES + state.size * SNAPSHOT_ENTRY_BYTES)
  writeInt16(content, 0, SNAPSHOT_VERSION)
  writeInt32(content, 6, state.size)
  let at = SNAPSHOT_HEADER_BYTES
  for (const entry of state.all()) {
    const last = entry.batches.at(-1)
    writeInt64(content, at, entry.producerId)
    writeInt16(content, at + 8, entry.producerEpoch)
    writeInt32(content, at + 10, last?.lastSequence ?? -1)
    writeInt64(content, at + 14, last?.lastOffset ?? -1)
    writeInt32(content, at + 22, last ? last.lastOffset - last.baseOffset : 0)
    writeInt64(content, at + 26, entry.lastTimestampMs)
    writeInt32(content, at + 34, entry.coordinatorEpoch)
    writeInt64(content, at + 38, entry.currentTransactionFirstOffset)
    at += SNAPSHOT_ENTRY_BYTES
  }
  writeInt32(content, 2, crc32c(content, SNAPSHOT_CRC_FROM, content.length))
  return content
}

/** Null when the bytes are not a whole snapshot. */
export function decodeProducerSnapshot(content: Buffer, nowMs: number): ProducerState | null {
  if (content.length < SNAPSHOT_HEADER_BYTES || readInt16(content, 0) !== SNAPSHOT_VERSION) return null
  if (readInt32(content, 2) >>> 0 !== crc32c(content, SNAPSHOT_CRC_FROM, content.length)) return null
  if (readInt32(content, 6) * SNAPSHOT_ENTRY_BYTES !== content.length - SNAPSHOT_HEADER_BYTES) return null
  const entries: ProducerEntry[] = []
  for (let at = SNAPSHOT_HEADER_BYTES; at < content.length; at += SNAPSHOT_ENTRY_BYTES) {
    const lastSequence = readInt32(content, at + 10)
    const lastOffset = readInt64(content, at + 14)
    const delta = readInt32(content, at + 22)
    const timestampMs = readInt64(content, at + 26)
    const batch = {
      baseSequence: lastSequence < 0 ? -1 : sequenceBefore(lastSequence, delta),
      lastSequence,
      baseOffset: lastOffset - delta,
      lastOffset,
      timestampMs,
    }
    entries.push({
      producerId: readInt64(content, at),
      producerEpoch: readInt16(content, at + 8),
      coordinatorEpoch: readInt32(content, at + 34),
      endedTransactions: 0,
      currentTransactionFirstOffset: readInt64(content, at + 38),
      lastTimestampMs: timestampMs,
      lastAppendMs: nowMs,
      batches: lastOffset < 0 ? [] : [batch],
    })
  }
  // Open transactions are kept in the order in which they began.
  entries.sort((a, b) => a.currentTransactionFirstOffset - b.currentTransactionFirstOffset)
  const state = new ProducerState()
  for (const entry of entries) state.restore(entry)
  return state
}

/** The sequence so many records earlier; the inverse of incrementSequence. */
function sequenceBefore(sequence: number, by: number): number {
  return sequence >= by ? sequence - by : incrementSequence(sequence, 2 ** 31 - by)
}
