import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { baseOffset } from '../../protocol/records/batch.ts'
import { buildBatch, buildEndTransactionMarker } from '../../protocol/records/batch-builder.ts'
import type { LocalLogStore } from '../../src/storage/local/local-log-store.ts'
import type { LogHandle } from '../../src/storage/storage.ts'
import {
  appendTo,
  batchOf,
  config,
  identity,
  NOW_MS,
  openFixture,
  readAll,
  readFrom,
  recordsOf,
  valuesOf,
} from './store-fixture.ts'

/** Ten batches of two records, in segments of about four batches. */
async function tenBatches(options: { tailCacheBytes?: number } = {}) {
  const fixture = await openFixture(options)
  const log = await fixture.store.open(identity(), config({ 'segment.bytes': 500, 'index.interval.bytes': 100 }), 0)
  let sizeBytes = 0
  for (let index = 0; index < 10; index++) {
    const records = batchOf([`${index}a`, `${index}b`])
    sizeBytes = records.length
    await appendTo(fixture.store, log, records)
  }
  return { ...fixture, log, sizeBytes }
}

// Once from memory, once from files: the rules are the same.
describe.each([
  ['memory', 1_000_000],
  ['files', 0],
])('reading from %s', (_name, tailCacheBytes) => {
  it('returns every record in order', async () => {
    const { store, log } = await tenBatches({ tailCacheBytes })
    expect(valuesOf(await readAll(store, log, 1))).toEqual(
      Array.from({ length: 10 }, (_, i) => [`${i}a`, `${i}b`]).flat(),
    )
  })

  it('trap 41: the batch that contains a mid-batch offset is returned whole', async () => {
    const { store, log } = await tenBatches({ tailCacheBytes })
    const result = await readFrom(store, log, 7)
    expect(baseOffset(result.chunks[0]!, 0)).toBe(6)
    expect(recordsOf(result.chunks)[0]!.offset).toBe(6)
  })

  it('trap 42: a first batch larger than max_bytes is returned', async () => {
    const { store, log, sizeBytes } = await tenBatches({ tailCacheBytes })
    const result = await readFrom(store, log, 4, { maxBytes: 1 })
    expect(result.sizeBytes).toBe(sizeBytes)
    expect(recordsOf(result.chunks).map(({ offset }) => offset)).toEqual([4, 5])
  })

  it('whole batches only, as many as fit', async () => {
    const { store, log, sizeBytes } = await tenBatches({ tailCacheBytes })
    const result = await readFrom(store, log, 0, { maxBytes: sizeBytes * 3 - 1 })
    expect(result.sizeBytes).toBe(sizeBytes * 2)
  })

  it('only the first non-empty partition may exceed the limit', async () => {
    const { store, log, sizeBytes } = await tenBatches({ tailCacheBytes })
    const other = await store.open(identity('topic', 1), config(), 0)
    const empty = await store.open(identity('topic', 2), config(), 0)
    await appendTo(store, other, batchOf(['xa', 'xb']))
    const reads = [
      { log: empty, offset: 0, maxBytes: 1000 },
      { log, offset: 0, maxBytes: 10 },
      { log: other, offset: 0, maxBytes: 1000 },
    ]
    const results = await store.read(reads, { maxBytes: sizeBytes + 1, isolation: 'read_uncommitted' })
    expect(results.map((result) => result.sizeBytes)).toEqual([0, sizeBytes, 0])
    const roomy = await store.read(reads, { maxBytes: sizeBytes * 2, isolation: 'read_uncommitted' })
    expect(roomy.map((result) => result.sizeBytes)).toEqual([0, sizeBytes, sizeBytes])
  })

  it('nothing at the end, an error beyond it and before the start', async () => {
    const { store, log } = await tenBatches({ tailCacheBytes })
    expect(await readFrom(store, log, 20)).toMatchObject({ error: ErrorCode.NONE, sizeBytes: 0, chunks: [] })
    expect(await readFrom(store, log, 21)).toMatchObject({ error: ErrorCode.OFFSET_OUT_OF_RANGE, logEndOffset: 20 })
    await store.deleteRecords(log, 5)
    expect(await readFrom(store, log, 4)).toMatchObject({ error: ErrorCode.OFFSET_OUT_OF_RANGE, logStartOffset: 5 })
    expect(recordsOf((await readFrom(store, log, 5)).chunks)[0]!.offset).toBe(4)
  })

  it('views stay valid until they are released, whatever is appended meanwhile', async () => {
    const { store, log } = await tenBatches({ tailCacheBytes })
    const result = await readFrom(store, log, 18)
    const before = Buffer.concat(result.chunks)
    for (let index = 0; index < 300; index++) await appendTo(store, log, batchOf(['z'.repeat(5000)]))
    for (let index = 0; index < 50; index++) (await readFrom(store, log, index * 5)).release()
    expect(Buffer.concat(result.chunks)).toEqual(before)
    result.release()
    result.release()
  })

  it('trap 51, trap 52: aborted transactions in order for read_committed, null otherwise', async () => {
    const { store } = await openFixture({ tailCacheBytes })
    const log = await store.open(identity(), config({ 'segment.bytes': 400 }), 0)
    await transactional(store, log, 1, 'one') // 0
    await transactional(store, log, 2, 'two') // 1
    await transactional(store, log, 3, 'three') // 2
    await marker(store, log, 2, false) // 3
    await marker(store, log, 1, false) // 4
    await marker(store, log, 3, true) // 5
    await transactional(store, log, 1, 'four') // 6
    await marker(store, log, 1, false) // 7
    const aborted = async (offset: number, maxBytes = 10_000) => {
      const result = await readFrom(store, log, offset, { isolation: 'read_committed', maxBytes })
      result.release()
      return result.abortedTransactions
    }
    expect((await aborted(0))!.slice(0, 2)).toEqual([
      { producerId: 1, firstOffset: 0 },
      { producerId: 2, firstOffset: 1 },
    ])
    expect(await aborted(0, 1)).toEqual([{ producerId: 1, firstOffset: 0 }])
    expect(await aborted(6)).toEqual([{ producerId: 1, firstOffset: 6 }])
    expect(await aborted(8)).toEqual([])
    expect((await readFrom(store, log, 0)).abortedTransactions).toBeNull()
  })

  it('trap 50: control batches are returned', async () => {
    const { store } = await openFixture({ tailCacheBytes })
    const log = await store.open(identity(), config(), 0)
    await transactional(store, log, 1, 'one')
    await marker(store, log, 1, false)
    expect(recordsOf((await readFrom(store, log, 0)).chunks)).toHaveLength(2)
  })
})

describe('the bound of a reader', () => {
  it('an open transaction holds back read_committed, its marker wakes it', async () => {
    const { store } = await openFixture()
    const log = await store.open(identity(), config(), 0)
    const advances: number[] = []
    store.onAdvance((advanced) => advances.push(advanced.offsets.lastStableOffset))
    await appendTo(store, log, batchOf(['plain']))
    await transactional(store, log, 1, 'held')
    expect(log.offsets).toEqual({ logStartOffset: 0, highWatermark: 2, lastStableOffset: 1, logEndOffset: 2 })
    const committed = await readFrom(store, log, 0, { isolation: 'read_committed' })
    expect(valuesOf(recordsOf(committed.chunks))).toEqual(['plain'])
    expect(await readFrom(store, log, 1, { isolation: 'read_committed' })).toMatchObject({ error: 0, sizeBytes: 0 })
    await marker(store, log, 1, true)
    expect(log.offsets.lastStableOffset).toBe(3)
    expect(advances).toEqual([1, 1, 3])
  })

  it('what is not in the file yet is never shown', async () => {
    const { store } = await openFixture()
    const log = await store.open(identity(), config(), 0)
    const pending = appendTo(store, log, batchOf(['late']))
    expect(log.offsets).toMatchObject({ highWatermark: 0, logEndOffset: 1 })
    expect(await readFrom(store, log, 0)).toMatchObject({ error: 0, sizeBytes: 0 })
    await pending
    expect(log.offsets.highWatermark).toBe(1)
  })

  it('a batch of several megabytes is read from the file', async () => {
    const { store } = await openFixture({ tailCacheBytes: 0 })
    const log = await store.open(identity(), config({ 'max.message.bytes': 10_000_000 }), 0)
    await appendTo(store, log, batchOf(['small']))
    await appendTo(store, log, batchOf(['x'.repeat(5_000_000)]))
    await appendTo(store, log, batchOf(['after']))
    expect((await readAll(store, log, 100)).map((record) => record.value!.length)).toEqual([5, 5_000_000, 5])
  })
})

async function transactional(store: LocalLogStore, log: LogHandle, producerId: number, value: string): Promise<void> {
  const known = store.producers(log).find((producer) => producer.producerId === producerId)
  const records = [{ timestamp: NOW_MS, key: null, value: Buffer.from(value) }]
  const baseSequence = (known?.lastSequence ?? -1) + 1
  const batch = buildBatch({ producerId, producerEpoch: 0, baseSequence, transactional: true, records })
  expect(await appendTo(store, log, batch)).toMatchObject({ error: 0 })
}

async function marker(store: LocalLogStore, log: LogHandle, producerId: number, commit: boolean): Promise<void> {
  const bytes = buildEndTransactionMarker({
    producerId,
    producerEpoch: 0,
    commit,
    coordinatorEpoch: 0,
    timestamp: NOW_MS,
  })
  expect(await appendTo(store, log, bytes, { origin: 'coordinator' })).toMatchObject({ error: 0 })
}
