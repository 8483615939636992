import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  batchCrcIsValid,
  hasDeleteHorizon,
  isControl,
  patchBaseOffset,
  readBatchHeader,
} from '../../protocol/records/batch.ts'
import {
  buildBatch,
  buildEndTransactionMarker,
  type NewBatch,
  type NewRecord,
} from '../../protocol/records/batch-builder.ts'
import { type KafkaRecord, readRecords } from '../../protocol/records/record.ts'
import { cleanBatches, plainOf, type RoundOptions } from './compaction-fixture.ts'
import { type Command, CompactionModel } from './compaction-model.ts'
import { NOW_MS } from './store-fixture.ts'

const DAY_MS = 86_400_000

function record(key: string | null, value: string | null, more: Partial<NewRecord> = {}): NewRecord {
  return {
    timestamp: NOW_MS,
    key: key === null ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
    ...more,
  }
}

function batch(baseOffset: number, records: readonly NewRecord[], more: Partial<NewBatch> = {}): Buffer {
  return buildBatch({ baseOffset, partitionLeaderEpoch: 3, ...more, records })
}

function marker(offset: number, producerId: number, commit: boolean): Buffer {
  const bytes = buildEndTransactionMarker({
    producerId,
    producerEpoch: 0,
    commit,
    coordinatorEpoch: 1,
    timestamp: NOW_MS,
  })
  patchBaseOffset(bytes, 0, offset)
  return bytes
}

function clean(batches: readonly Buffer[], options: Partial<RoundOptions> & { endOffset: number }) {
  const defaults = { fromOffset: 0, aborted: [], nowMs: NOW_MS, deleteRetentionMs: DAY_MS, lastRecords: new Map() }
  return cleanBatches(batches, { ...defaults, ...options })
}

function recordsOf(batches: readonly Buffer[]): KafkaRecord[] {
  return batches.flatMap((bytes) => [...readRecords(plainOf(bytes), readBatchHeader(bytes, 0))])
}

function contentOf(batches: readonly Buffer[]): string[] {
  return recordsOf(batches).map(({ offset, key, value }) => `${offset} ${key}=${value}`)
}

describe('which records stay', () => {
  it('the last one of each key, at its offset', () => {
    const input = [
      batch(0, [record('a', '1'), record('b', '1'), record('a', '2')]),
      batch(3, [record('c', '1'), record('a', '3')]),
    ]
    expect(contentOf(clean(input, { endOffset: 5 }).batches)).toEqual(['1 b=1', '3 c=1', '4 a=3'])
  })

  it('none without a key, but for one at the end of the round', () => {
    const input = [batch(0, [record(null, 'x'), record('a', '1')]), batch(2, [record(null, 'y'), record(null, 'z')])]
    expect(contentOf(clean(input, { endOffset: 4 }).batches)).toEqual(['1 a=1', '3 null=z'])
  })

  it('untouched batches are the same bytes', () => {
    const input = [batch(0, [record('a', '1')], { codec: 4 }), batch(1, [record('b', '1')])]
    const { batches } = clean(input, { endOffset: 2 })
    expect(batches[0]).toBe(input[0])
    expect(batches[1]).toBe(input[1])
  })

  it('a rewritten batch keeps its offsets, sequence, epoch and codec, and the bytes of its records', () => {
    for (const codec of [0, 1, 2, 3, 4]) {
      const headers = [{ key: 'h', value: Buffer.from('v') }]
      const records = [
        record('a', '1', { timestamp: NOW_MS + 5 }),
        record('b', '1', { timestamp: NOW_MS + 3, headers }),
        record('c', '1', { timestamp: NOW_MS + 9 }),
      ]
      const first = batch(10, records, { codec, producerId: 7, producerEpoch: 2, baseSequence: 30 })
      const last = batch(13, [record('a', '2'), record('c', '2')])
      const [rewritten] = clean([first, last], { fromOffset: 10, endOffset: 15 }).batches
      const header = readBatchHeader(rewritten!, 0)
      expect(header).toMatchObject({
        baseOffset: 10,
        lastOffsetDelta: 2,
        partitionLeaderEpoch: 3,
        attributes: codec,
        producerId: 7,
        producerEpoch: 2,
        baseSequence: 30,
        recordCount: 1,
        maxTimestamp: NOW_MS + 3,
      })
      expect(batchCrcIsValid(rewritten!, 0)).toBe(true)
      expect(recordsOf([rewritten!])).toMatchObject([{ offset: 11, timestamp: NOW_MS + 3, sequence: 31, headers }])
    }
  })

  it('under log append time the timestamp of the batch stays', () => {
    const first = batch(0, [record('a', '1'), record('b', '1')], { logAppendTimeMs: NOW_MS + 77 })
    const [rewritten] = clean([first, batch(2, [record('a', '2')])], { endOffset: 3 }).batches
    expect(recordsOf([rewritten!])).toMatchObject([{ offset: 1, timestamp: NOW_MS + 77 }])
  })

  it('a map that is full ends the round early, and loses nothing', () => {
    const count = 3000
    const input = Array.from({ length: count }, (_, index) =>
      batch(index * 2, [record(`${index}`, 'v'), record('x', 'v')]),
    )
    let from = 0
    let batches: Buffer[] = input
    for (let round = 0; from < count * 2; round++) {
      expect(round).toBeLessThan(10)
      const result = clean(batches, { fromOffset: from, endOffset: count * 2, mapBytes: 24_576 })
      expect(result.cleanedOffset).toBeGreaterThan(from)
      from = result.cleanedOffset
      batches = result.batches
    }
    expect(recordsOf(batches)).toHaveLength(count + 1)
  })
})

describe('tombstones', () => {
  const input = [
    batch(0, [record('a', '1')]),
    batch(1, [record('a', null, { timestamp: NOW_MS - 50 }), record('b', '1')]),
  ]
  const tail = batch(3, [record('z', '1')])

  it('stay for delete.retention.ms from the first round that meets them, and then go', () => {
    const first = clean([...input, tail], { endOffset: 4, deleteRetentionMs: 1000 })
    expect(contentOf(first.batches)).toEqual(['1 a=null', '2 b=1', '3 z=1'])
    const marked = readBatchHeader(first.batches[0]!, 0)
    expect(hasDeleteHorizon(marked.attributes)).toBe(true)
    expect(marked).toMatchObject({ baseTimestamp: NOW_MS + 1000, maxTimestamp: NOW_MS })
    // The records keep their own timestamps.
    expect(recordsOf(first.batches).map(({ timestamp }) => timestamp)).toEqual([NOW_MS - 50, NOW_MS, NOW_MS])
    const again = { fromOffset: 4, endOffset: 5, deleteRetentionMs: 1000 }
    const more = batch(4, [record('y', '1')])
    const second = clean([...first.batches, more], { ...again, nowMs: NOW_MS + 999 })
    expect(contentOf(second.batches)).toContain('1 a=null')
    const third = clean(second.batches, { ...again, nowMs: NOW_MS + 1000 })
    expect(contentOf(third.batches)).toEqual(['2 b=1', '3 z=1', '4 y=1'])
    expect(recordsOf(third.batches)[0]).toMatchObject({ timestamp: NOW_MS })
  })

  it('that a later value replaced go at once', () => {
    const { batches } = clean([...input, batch(3, [record('a', '2')])], { endOffset: 4 })
    expect(contentOf(batches)).toEqual(['2 b=1', '3 a=2'])
    expect(hasDeleteHorizon(readBatchHeader(batches[0]!, 0).attributes)).toBe(false)
  })

  it('trap 49: the last record of a round stays, but for a tombstone whose time has come', () => {
    const last = batch(0, [record('a', null)])
    const first = clean([last], { endOffset: 1, deleteRetentionMs: 10 })
    expect(contentOf(first.batches)).toEqual(['0 a=null'])
    const second = clean(first.batches, { fromOffset: 0, endOffset: 1, nowMs: NOW_MS + 10 })
    expect(second.batches.map((bytes) => readBatchHeader(bytes, 0))).toMatchObject([{ baseOffset: 0, recordCount: 0 }])
  })
})

describe('batches without records', () => {
  const first = batch(0, [record('a', '1'), record('b', '1')], {
    producerId: 7,
    producerEpoch: 1,
    baseSequence: 5,
    codec: 4,
  })
  const second = batch(2, [record('a', '2'), record('b', '2')])

  it('stay as headers for the last sequence of a producer that is known', () => {
    const lastRecords = new Map([[7, { lastDataOffset: 1, producerEpoch: 1 }]])
    const { batches } = clean([first, second], { endOffset: 4, lastRecords })
    expect(batches[0]).toHaveLength(61)
    expect(batchCrcIsValid(batches[0]!, 0)).toBe(true)
    expect(readBatchHeader(batches[0]!, 0)).toMatchObject({
      baseOffset: 0,
      lastOffsetDelta: 1,
      attributes: 0,
      baseTimestamp: -1,
      maxTimestamp: NOW_MS,
      producerId: 7,
      producerEpoch: 1,
      baseSequence: 5,
      recordCount: 0,
    })
    expect(clean(batches, { fromOffset: 4, endOffset: 5, lastRecords }).batches).toEqual(batches)
    expect(clean(batches, { fromOffset: 4, endOffset: 5 }).batches).toEqual([batches[1]])
  })

  it('go for a producer that wrote later or is forgotten', () => {
    const lastRecords = new Map([[7, { lastDataOffset: 9, producerEpoch: 1 }]])
    expect(contentOf(clean([first, second], { endOffset: 4, lastRecords }).batches)).toEqual(['2 a=2', '3 b=2'])
    expect(contentOf(clean([first, second], { endOffset: 4 }).batches)).toEqual(['2 a=2', '3 b=2'])
  })

  it('stay at the end of a segment, which covers the offsets up to there', () => {
    const { batches } = clean([first, second], { endOffset: 4, endsSegment: (index) => index === 0 })
    expect(batches.map((bytes) => readBatchHeader(bytes, 0).recordCount)).toEqual([0, 2])
  })
})

describe('transactions', () => {
  const transactional = { producerId: 7, producerEpoch: 0, transactional: true }
  const aborted = [{ producerId: 7, firstOffset: 0, lastOffset: 2, lastStableOffset: 3 }]

  it('aborted records go and do not replace anything; their marker goes in the round after, and its index entry', () => {
    const input = [
      batch(0, [record('a', 'aborted'), record('b', 'aborted')], { ...transactional, baseSequence: 0 }),
      marker(2, 7, false),
      batch(3, [record('c', '1')]),
    ]
    const first = clean(input, { aborted, endOffset: 4 })
    expect(first.aborted).toEqual(aborted)
    expect(first.batches.map((bytes) => readBatchHeader(bytes, 0).baseOffset)).toEqual([2, 3])
    const second = clean(first.batches, { aborted: first.aborted, fromOffset: 4, endOffset: 4, deleteRetentionMs: 10 })
    expect(second.aborted).toEqual([])
    expect(readBatchHeader(second.batches[0]!, 0)).toMatchObject({ baseOffset: 2, baseTimestamp: NOW_MS + 10 })
    expect(recordsOf(second.batches)[0]).toMatchObject({ timestamp: NOW_MS, offset: 2 })
    const third = clean(second.batches, { fromOffset: 4, endOffset: 4, nowMs: NOW_MS + 10 })
    expect(third.batches.map((bytes) => readBatchHeader(bytes, 0).baseOffset)).toEqual([3])
  })

  it('trap 49: aborted records at the end of a round wait for the next one, with their index entry', () => {
    const input = [
      batch(0, [record('a', 'aborted')], { ...transactional, baseSequence: 0 }),
      batch(1, [record('b', 'aborted')], { ...transactional, baseSequence: 1 }),
    ]
    const first = clean(input, { aborted, endOffset: 2 })
    expect(contentOf(first.batches)).toEqual(['1 b=aborted'])
    const more = [...first.batches, marker(2, 7, false), batch(3, [record('b', '1')])]
    const second = clean(more, { aborted, fromOffset: 2, endOffset: 4 })
    expect(second.batches.map((bytes) => readBatchHeader(bytes, 0).baseOffset)).toEqual([2, 3])
    expect(second.aborted).toEqual(aborted)
  })

  it('a commit marker stays as long as a record of its transaction does', () => {
    const input = [
      batch(0, [record('a', '1')], { ...transactional, baseSequence: 0 }),
      marker(1, 7, true),
      batch(2, [record('b', '1')]),
    ]
    const first = clean(input, { endOffset: 3 })
    expect(first.batches).toEqual(input)
    const more = [...first.batches, batch(3, [record('a', '2')])]
    const second = clean(more, { fromOffset: 3, endOffset: 4, nowMs: NOW_MS + 2 * DAY_MS })
    expect(second.batches.map((bytes) => readBatchHeader(bytes, 0).baseOffset)).toEqual([1, 2, 3])
    const third = clean(second.batches, { fromOffset: 4, endOffset: 4, nowMs: NOW_MS + 3 * DAY_MS })
    const fourth = clean(third.batches, { fromOffset: 4, endOffset: 4, nowMs: NOW_MS + 5 * DAY_MS })
    expect(third.batches).toHaveLength(3)
    expect(fourth.batches.map((bytes) => readBatchHeader(bytes, 0).baseOffset)).toEqual([2, 3])
  })

  it('a marker stays whole where it is the last of its producer or of the round', () => {
    const lastRecords = new Map([[7, { lastDataOffset: -1, producerEpoch: 0 }]])
    let batches = [marker(0, 7, true), marker(1, 8, true)]
    for (const day of [0, 2, 4]) {
      batches = clean(batches, { endOffset: 2, lastRecords, nowMs: NOW_MS + day * DAY_MS }).batches
      expect(batches.map((bytes) => readBatchHeader(bytes, 0))).toMatchObject([{ recordCount: 1 }, { recordCount: 1 }])
    }
    expect(clean(batches, { endOffset: 5, nowMs: NOW_MS + 9 * DAY_MS }).batches).toEqual([])
  })

  it('an empty batch of aborted records stays for the sequence, and with it marker and index entry', () => {
    const lastRecords = new Map([[7, { lastDataOffset: 1, producerEpoch: 0 }]])
    let batches = [
      batch(0, [record('a', 'aborted'), record('b', 'aborted')], { ...transactional, baseSequence: 0 }),
      marker(2, 7, false),
      batch(3, [record('c', '1')]),
    ]
    let index = aborted
    for (const day of [0, 2, 4]) {
      const result = clean(batches, { aborted: index, endOffset: 4, lastRecords, nowMs: NOW_MS + day * DAY_MS })
      batches = result.batches
      index = result.aborted
      expect(index).toEqual(aborted)
      expect(batches.map((bytes) => readBatchHeader(bytes, 0).recordCount)).toEqual([0, 1, 1])
      expect(isControl(readBatchHeader(batches[1]!, 0).attributes)).toBe(true)
    }
  })
})

const recordArbitrary = fc.record({
  key: fc.constantFrom('a', 'b', 'c', 'd', null),
  value: fc.option(fc.nat(99).map(String), { freq: 3 }),
})

const commandArbitrary: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('data' as const),
      producer: fc.integer({ min: 0, max: 4 }),
      records: fc.array(recordArbitrary, { minLength: 1, maxLength: 4 }),
      codec: fc.constantFrom(0, 0, 1, 2, 3, 4),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('end' as const),
      producer: fc.integer({ min: 3, max: 4 }),
      commit: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('roll' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('clean' as const),
      advanceMs: fc.constantFrom(0, 1, 500, 1000),
      mergedSegments: fc.integer({ min: 1, max: 3 }),
    }),
  },
)

describe('any log, compacted again and again', () => {
  it('keeps what a model says, readable by both isolations and with the sequences of its producers', () => {
    fc.assert(
      fc.property(fc.array(commandArbitrary, { minLength: 5, maxLength: 60 }), (commands) => {
        const model = new CompactionModel()
        for (const command of commands) model.run(command)
        model.run({ type: 'roll' })
        model.run({ type: 'clean', advanceMs: 1000, mergedSegments: 2 })
      }),
      { numRuns: 600 },
    )
  })
})
