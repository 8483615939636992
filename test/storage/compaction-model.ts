import {
  type BatchHeader,
  batchCrcIsValid,
  isControl,
  isTransactional,
  patchBaseOffset,
  readBatchHeader,
} from '../../protocol/records/batch.ts'
import { buildBatch, buildEndTransactionMarker } from '../../protocol/records/batch-builder.ts'
import { readRecords } from '../../protocol/records/record.ts'
import type { LastRecord } from '../../src/storage/compaction.ts'
import { readEndMarker } from '../../src/storage/local/end-marker.ts'
import { ProducerState } from '../../src/storage/local/producer-state.ts'
import type { AbortedTransactionRange } from '../../src/storage/transaction-walk.ts'
import { cleanBatches, plainOf } from './compaction-fixture.ts'

export type Command =
  | {
      readonly type: 'data'
      readonly producer: number
      readonly records: readonly { readonly key: string | null; readonly value: string | null }[]
      readonly codec: number
    }
  | { readonly type: 'end'; readonly producer: number; readonly commit: boolean }
  | { readonly type: 'roll' }
  | { readonly type: 'clean'; readonly advanceMs: number; readonly mergedSegments: number }

interface Written {
  readonly offset: number
  readonly batch: number
  readonly key: string | null
  readonly value: string | null
  readonly timestamp: number
  state: 'open' | 'committed' | 'aborted'
  present: boolean
}

interface Producer {
  sequence: number
  /** First offset of the open transaction, or -1. */
  openFrom: number
}

const DELETE_RETENTION_MS = 1000

/**
 * Batches in segments, and beside them a list of what was written: after every round the batches have to hold exactly
 * the records that the rules leave of the list.
 */
export class CompactionModel {
  #segments: Buffer[][] = [[]]
  #aborted: AbortedTransactionRange[] = []
  #nextOffset = 0
  #nowMs = 1_700_000_000_000
  #cleanedOffset = 0
  readonly #written: Written[] = []
  /** When tombstones of the batch with this base offset may go. */
  readonly #horizons = new Map<number, number>()
  readonly #producers = new Map<number, Producer>([1, 2, 3, 4].map((id) => [id, { sequence: 0, openFrom: -1 }]))
  /** What a broker that never restarted knows. */
  readonly #state = new ProducerState()

  run(command: Command): void {
    if (command.type === 'data') this.#append(command)
    else if (command.type === 'end') this.#end(command.producer, command.commit)
    else if (command.type === 'roll') this.#roll()
    else this.#clean(command.advanceMs, command.mergedSegments)
  }

  #append({ producer: id, records, codec }: Command & { type: 'data' }): void {
    const producer = this.#producers.get(id)
    const baseOffset = this.#nextOffset
    const timestamps = records.map((_, index) => this.#nowMs + ((index * 7) % 5))
    const bytes = buildBatch({
      baseOffset,
      codec,
      ...(producer
        ? { producerId: id, producerEpoch: 0, baseSequence: producer.sequence, transactional: id >= 3 }
        : {}),
      records: records.map(({ key, value }, index) => ({
        timestamp: timestamps[index]!,
        key: key === null ? null : Buffer.from(key),
        value: value === null ? null : Buffer.from(value),
      })),
    })
    const state = id >= 3 ? 'open' : 'committed'
    records.forEach(({ key, value }, index) => {
      const place = { offset: baseOffset + index, batch: baseOffset, timestamp: timestamps[index]! }
      this.#written.push({ ...place, key, value, state, present: true })
    })
    if (producer) producer.sequence += records.length
    if (producer && id >= 3 && producer.openFrom < 0) producer.openFrom = baseOffset
    this.#push(bytes)
  }

  #end(id: number, commit: boolean): void {
    const producer = this.#producers.get(id)!
    const offset = this.#nextOffset
    const bytes = buildEndTransactionMarker({
      producerId: id,
      producerEpoch: 0,
      commit,
      coordinatorEpoch: 0,
      timestamp: this.#nowMs,
    })
    patchBaseOffset(bytes, 0, offset)
    const from = producer.openFrom
    producer.openFrom = -1
    this.#push(bytes)
    if (from < 0) return
    if (!commit) {
      const range = { producerId: id, firstOffset: from, lastOffset: offset, lastStableOffset: this.#firstOpen() }
      this.#aborted.push(range)
    }
    const ownBatches = new Set(
      this.#segments
        .flat()
        .map((batch) => readBatchHeader(batch, 0))
        .filter(({ producerId, baseOffset }) => producerId === id && baseOffset >= from)
        .map(({ baseOffset }) => baseOffset),
    )
    for (const written of this.#written) {
      if (ownBatches.has(written.batch)) written.state = commit ? 'committed' : 'aborted'
    }
  }

  #roll(): void {
    if (this.#segments.at(-1)!.length > 0) this.#segments.push([])
  }

  #clean(advanceMs: number, mergedSegments: number): void {
    this.#nowMs += advanceMs
    const firstOpen = this.#firstOpen()
    const closed = this.#segments.slice(0, -1)
    const count = closed.filter((segment) => endOf(segment) <= firstOpen).length
    if (count === 0) return
    const sources = closed.slice(0, count)
    const endOffset = endOf(sources.at(-1)!)
    const groups: Buffer[][] = []
    for (let at = 0; at < count; at += mergedSegments) groups.push(sources.slice(at, at + mergedSegments).flat())
    const ends = new Set(groups.map((group) => group.at(-1)))
    const batches = groups.flat()
    const result = cleanBatches(batches, {
      fromOffset: this.#cleanedOffset,
      endOffset,
      aborted: this.#aborted.filter(({ firstOffset }) => firstOffset < endOffset),
      nowMs: this.#nowMs,
      deleteRetentionMs: DELETE_RETENTION_MS,
      lastRecords: this.#lastRecords(),
      endsSegment: (index) => ends.has(batches[index]),
    })
    this.#expect(endOffset)
    this.#aborted = [...result.aborted, ...this.#aborted.filter(({ lastOffset }) => lastOffset >= endOffset)]
    const bases = groups.map((group) => readBatchHeader(group[0]!, 0).baseOffset)
    const cleaned = bases.map((base, index) => {
      return result.batches.filter((batch) => {
        const { baseOffset } = readBatchHeader(batch, 0)
        return baseOffset >= base && baseOffset < (bases[index + 1] ?? endOffset)
      })
    })
    this.#segments = [...cleaned, ...this.#segments.slice(count)]
    this.#cleanedOffset = endOffset
    this.#check(endOffset)
  }

  /** What the rules leave of the list. */
  #expect(endOffset: number): void {
    const region = this.#written.filter(({ offset }) => offset < endOffset)
    const latest = new Map<string, number>()
    for (const { key, offset, state } of region) {
      if (key !== null && state === 'committed' && offset >= this.#cleanedOffset) latest.set(key, offset)
    }
    const last = region.filter(({ present }) => present).at(-1)
    const endBatch = region.at(-1)?.offset === endOffset - 1 ? region.at(-1)!.batch : -1
    for (const written of region) {
      if (!written.present) continue
      if (written.state === 'aborted') {
        // At the end of the round they wait for the next one.
        written.present = written.batch === endBatch
        continue
      }
      const horizonMs = this.#horizons.get(written.batch) ?? Number.POSITIVE_INFINITY
      const expired = written.value === null && this.#nowMs >= horizonMs
      const replaced = written.key === null || (latest.get(written.key) ?? -1) > written.offset
      const alone = written === last && written.offset === endOffset - 1
      written.present = !expired && (!replaced || (alone && this.#isAlone(written, latest)))
    }
    for (const { batch, present, value, state } of region) {
      if (present && value === null && state !== 'aborted' && !this.#horizons.has(batch))
        this.#horizons.set(batch, this.#nowMs + DELETE_RETENTION_MS)
    }
  }

  /** Whether nothing else of its batch stays. */
  #isAlone(last: Written, latest: ReadonlyMap<string, number>): boolean {
    const others = this.#written.filter((other) => other.batch === last.batch && other !== last && other.present)
    return others.every(({ key, offset }) => key === null || (latest.get(key) ?? -1) > offset)
  }

  #check(endOffset: number): void {
    const batches = this.#segments.flat()
    const headers = batches.map((batch) => readBatchHeader(batch, 0))
    batches.forEach((batch) => {
      if (!batchCrcIsValid(batch, 0)) throw new Error('a wrong CRC')
    })
    let previous = -1
    for (const { baseOffset, lastOffsetDelta } of headers) {
      if (baseOffset <= previous) throw new Error(`offset ${baseOffset} behind ${previous}`)
      previous = baseOffset + lastOffsetDelta
    }
    if (!headers.some((header) => header.baseOffset + header.lastOffsetDelta + 1 === endOffset)) {
      throw new Error(`the end of the round at ${endOffset} is gone`)
    }
    this.#checkRecords(batches, headers)
    this.#checkCommitted(batches, headers)
    this.#checkProducers(batches, headers)
  }

  #checkRecords(batches: readonly Buffer[], headers: readonly BatchHeader[]): void {
    const expected = this.#written
      .filter(({ present }) => present)
      .map(({ offset, key, value, timestamp }) => {
        return `${offset} ${key}=${value} @${timestamp}`
      })
    const found = batches.flatMap((batch, index) => {
      const header = headers[index]!
      if (isControl(header.attributes)) return []
      return [...readRecords(plainOf(batch), header)].map(({ offset, key, value, timestamp }) => {
        return `${offset} ${key}=${value} @${timestamp}`
      })
    })
    same('records', found, expected)
  }

  /** What a consumer delivers that reads committed records, with the list that a broker sends along. */
  #checkCommitted(batches: readonly Buffer[], headers: readonly BatchHeader[]): void {
    const ranges = [...this.#aborted].sort((a, b) => a.firstOffset - b.firstOffset)
    const aborting = new Set<number>()
    const stable = this.#firstOpen()
    const found: number[] = []
    batches.forEach((batch, index) => {
      const header = headers[index]!
      while (ranges[0] && ranges[0].firstOffset <= header.baseOffset + header.lastOffsetDelta)
        aborting.add(ranges.shift()!.producerId)
      const end = readEndMarker(batch, 0, header)
      if (end && !end.commit) aborting.delete(header.producerId)
      if (header.baseOffset >= stable || isControl(header.attributes)) return
      if (isTransactional(header.attributes) && aborting.has(header.producerId)) return
      for (const { offset } of readRecords(plainOf(batch), header)) found.push(offset)
    })
    const expected = this.#written.filter(({ present, state, offset }) => {
      return present && state === 'committed' && offset < stable
    })
    same(
      'committed',
      found,
      expected.map(({ offset }) => offset),
    )
  }

  /** A restart without a snapshot arrives at the same sequences. */
  #checkProducers(batches: readonly Buffer[], headers: readonly BatchHeader[]): void {
    const replayed = new ProducerState()
    batches.forEach((batch, index) => {
      const header = headers[index]!
      if (header.producerId >= 0) replayed.apply(header, readEndMarker(batch, 0, header), 0)
    })
    const of = (state: ProducerState) =>
      state
        .entries()
        .map(
          (entry) =>
            `${entry.producerId} ${entry.producerEpoch} ${entry.lastSequence} ${entry.currentTransactionFirstOffset}`,
        )
        .sort()
    same('producers', of(replayed), of(this.#state))
  }

  #push(bytes: Buffer): void {
    this.#segments.at(-1)!.push(bytes)
    const header = readBatchHeader(bytes, 0)
    this.#nextOffset = header.baseOffset + header.lastOffsetDelta + 1
    if (header.producerId >= 0) this.#state.apply(header, readEndMarker(bytes, 0, header), 0)
  }

  #firstOpen(): number {
    const open = [...this.#producers.values()].map(({ openFrom }) => openFrom).filter((offset) => offset >= 0)
    return open.length === 0 ? this.#nextOffset : Math.min(...open)
  }

  #lastRecords(): Map<number, LastRecord> {
    return new Map(
      [...this.#state.all()].map(({ producerId, producerEpoch, batches }) => {
        return [producerId, { producerEpoch, lastDataOffset: batches.at(-1)?.lastOffset ?? -1 }]
      }),
    )
  }
}

function endOf(segment: readonly Buffer[]): number {
  const { baseOffset, lastOffsetDelta } = readBatchHeader(segment.at(-1)!, 0)
  return baseOffset + lastOffsetDelta + 1
}

function same(what: string, found: readonly unknown[], expected: readonly unknown[]): void {
  if (found.join('\n') === expected.join('\n')) return
  throw new Error(`${what}:\n${found.join('\n')}\ninstead of\n${expected.join('\n')}`)
}
