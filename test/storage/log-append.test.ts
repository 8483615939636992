import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { partitionLeaderEpoch, patchCrc } from '../../protocol/records/batch.ts'
import { buildEndTransactionMarker } from '../../protocol/records/batch-builder.ts'
import { SimulatedFileSystem } from '../../src/io/simulated-file-system.ts'
import { checkPartition } from './segment-checker.ts'
import {
  appendTo,
  batchOf,
  config,
  identity,
  NOW_MS,
  openFixture,
  readAll,
  readFrom,
  valuesOf,
} from './store-fixture.ts'

const DIRECTORY = '/data/topic-0'

function sequenced(
  values: string[],
  baseSequence: number,
  options: { producerEpoch?: number; producerId?: number } = {},
) {
  return batchOf(values, { producerId: 9, producerEpoch: 0, baseSequence, ...options })
}

describe('appending', () => {
  it('assigns offsets in the order of the calls, before any of them is written', async () => {
    const { store } = await openFixture()
    const log = await store.open(identity(), config(), 0)
    const results = await Promise.all([['a'], ['b', 'c'], ['d']].map((values) => appendTo(store, log, batchOf(values))))
    expect(results.map(({ baseOffset, nextOffset }) => [baseOffset, nextOffset])).toEqual([
      [0, 1],
      [1, 3],
      [3, 4],
    ])
  })

  it('what one turn brings is one write', async () => {
    const { store, fileSystem } = await openFixture()
    const log = await store.open(identity(), config(), 0)
    await appendTo(store, log, batchOf(['first']))
    const before = fileSystem.operations.writeSync
    await Promise.all(Array.from({ length: 50 }, () => appendTo(store, log, batchOf(['x']))))
    expect(fileSystem.operations.writeSync - before).toBe(1)
  })

  it('one sync serves all that waited for it', async () => {
    const { store, fileSystem } = await openFixture()
    const log = await store.open(identity(), config(), 0)
    await appendTo(store, log, batchOf(['first']), { durability: 'disk' })
    const before = fileSystem.operations.sync
    await Promise.all(Array.from({ length: 50 }, () => appendTo(store, log, batchOf(['x']), { durability: 'disk' })))
    expect(fileSystem.operations.sync - before).toBe(1)
  })

  it('an append after the sync began waits for the next one', async () => {
    const { store, fileSystem } = await openFixture({
      fileSystem: new SimulatedFileSystem({ latency: () => new Promise((resolve) => setTimeout(resolve, 5)) }),
    })
    const log = await store.open(identity(), config(), 0)
    await appendTo(store, log, batchOf(['first']), { durability: 'disk' })
    const one = appendTo(store, log, batchOf(['one']), { durability: 'disk' })
    await new Promise((resolve) => setImmediate(resolve))
    await new Promise((resolve) => setImmediate(resolve))
    const two = appendTo(store, log, batchOf(['two']), { durability: 'disk' })
    await one
    const disk = fileSystem.crash(1)
    const after = await openFixture({ fileSystem: disk })
    const left = await after.store.open(identity(), config(), 0)
    expect(left.offsets.logEndOffset).toBeGreaterThanOrEqual(2)
    void two
  })

  it('one log that fails never fails another of the same call', async () => {
    const { store } = await openFixture()
    const good = await store.open(identity('topic', 0), config(), 0)
    const bad = await store.open(identity('topic', 1), config({ 'max.message.bytes': 10 }), 0)
    const origin = 'client' as const
    const appends = [bad, good].map((log) => ({
      log,
      records: batchOf(['x']),
      origin,
      leaderEpoch: 0,
      produceVersion: 11,
    }))
    const results = await store.append(appends, 'disk')
    expect(results.map(({ error }) => error)).toEqual([ErrorCode.MESSAGE_TOO_LARGE, ErrorCode.NONE])
  })

  it('later appends wait for an earlier one that is still being recompressed', async () => {
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const work = {
      compress: async (_codec: number, data: Buffer) => data,
      async decompress(_codec: number, data: Buffer) {
        await held
        return data
      },
    }
    const { store } = await openFixture({ work })
    const log = await store.open(identity(), config({ 'odradek.record.validation': 'deep' }), 0)
    const large = batchOf(['x'.repeat(200_000)])
    large[22] = 1 // gzip, says the header
    patchCrc(large, 0)
    const first = appendTo(store, log, large)
    const second = appendTo(store, log, batchOf(['second']))
    expect(log.offsets.logEndOffset).toBe(0)
    release()
    expect(await first).toMatchObject({ error: 0, baseOffset: 0 })
    expect(await second).toMatchObject({ error: 0, baseOffset: 1 })
  })

  it('stamps the leader epoch, which only rises', async () => {
    const { store } = await openFixture()
    const log = await store.open(identity(), config(), 3)
    await appendTo(store, log, batchOf(['a']), { leaderEpoch: 3 })
    store.setLeaderEpoch(log, 5)
    store.setLeaderEpoch(log, 4)
    await appendTo(store, log, batchOf(['b']), { leaderEpoch: 4 })
    const epochs = []
    for (const offset of [0, 1]) epochs.push(partitionLeaderEpoch((await readFrom(store, log, offset)).chunks[0]!, 0))
    expect(epochs).toEqual([3, 5])
    expect([store.epochAt(log, 0), store.epochAt(log, 1)]).toEqual([3, 5])
    expect(store.endOffsetForEpoch(log, 3)).toEqual({ leaderEpoch: 3, endOffset: 1 })
    expect(store.endOffsetForEpoch(log, 4)).toEqual({ leaderEpoch: 3, endOffset: 1 })
    expect(store.endOffsetForEpoch(log, 5)).toEqual({ leaderEpoch: 5, endOffset: 2 })
    expect(store.endOffsetForEpoch(log, 6)).toEqual({ leaderEpoch: -1, endOffset: -1 })
    expect(store.endOffsetForEpoch(log, 1)).toEqual({ leaderEpoch: 1, endOffset: 0 })
  })

  it('the buffer of a request may be used again once the append is answered', async () => {
    const { store } = await openFixture()
    const log = await store.open(identity(), config(), 0)
    const records = batchOf(['kept'])
    await appendTo(store, log, records)
    records.fill(0)
    expect(valuesOf(await readAll(store, log))).toEqual(['kept'])
  })

  it('flush.messages = 1 makes every append wait for the disk', async () => {
    const { store, fileSystem } = await openFixture()
    const log = await store.open(identity(), config({ 'flush.messages': 1 }), 0)
    await appendTo(store, log, batchOf(['a']), { durability: 'os' })
    const after = await openFixture({ fileSystem: fileSystem.crash(2) })
    expect((await after.store.open(identity(), config(), 0)).offsets.logEndOffset).toBe(1)
  })

  it('flush.ms syncs what lies in the page cache', async () => {
    const { store, fileSystem, clock } = await openFixture()
    const log = await store.open(identity(), config({ 'flush.ms': 1000 }), 0)
    const before = fileSystem.operations.sync
    await appendTo(store, log, batchOf(['a']), { durability: 'os' })
    expect(fileSystem.operations.sync).toBe(before)
    clock.advance(1000)
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
    const after = await openFixture({ fileSystem: fileSystem.crash(2) })
    expect((await after.store.open(identity(), config(), 0)).offsets.logEndOffset).toBe(1)
  })
})

describe('rolling', () => {
  const logs = (fileSystem: SimulatedFileSystem) =>
    fileSystem.list(DIRECTORY).flatMap((name) => (name.endsWith('.log') ? [Number(name.slice(0, 20))] : []))

  it('by size', async () => {
    const { store, fileSystem } = await openFixture()
    const sizeBytes = batchOf(['12345']).length
    const log = await store.open(identity(), config({ 'segment.bytes': sizeBytes * 2 }), 0)
    for (let index = 0; index < 5; index++) await appendTo(store, log, batchOf(['12345']))
    expect(logs(fileSystem)).toEqual([0, 2, 4])
  })

  it('by the time of the records, not of the clock', async () => {
    const { store, fileSystem, clock } = await openFixture()
    const log = await store.open(
      identity(),
      config({ 'segment.ms': 1000, 'message.timestamp.after.max.ms': 10_000 }),
      0,
    )
    await appendTo(store, log, batchOf(['a'], { timestamp: NOW_MS }))
    clock.advance(500_000)
    await appendTo(store, log, batchOf(['b'], { timestamp: NOW_MS + 1000 }))
    await appendTo(store, log, batchOf(['c'], { timestamp: NOW_MS + 1001 }))
    expect(logs(fileSystem)).toEqual([0, 2])
  })

  it('by the clock where records have no time', async () => {
    const { store, fileSystem, clock } = await openFixture()
    const log = await store.open(identity(), config({ 'segment.ms': 1000 }), 0)
    await appendTo(store, log, batchOf(['a'], { timestamp: -1 }))
    clock.advance(1001)
    await appendTo(store, log, batchOf(['b'], { timestamp: -1 }))
    expect(logs(fileSystem)).toEqual([0, 1])
  })

  it('a compacted topic rolls within max.compaction.lag.ms', async () => {
    const { store, fileSystem } = await openFixture()
    const compacted = config({ 'cleanup.policy': ['compact'], 'max.compaction.lag.ms': 50 })
    const log = await store.open(identity(), compacted, 0)
    await appendTo(store, log, batchOf(['a'], { timestamp: NOW_MS }))
    await appendTo(store, log, batchOf(['b'], { timestamp: NOW_MS + 51 }))
    expect(logs(fileSystem)).toEqual([0, 1])
  })

  it('when the index is full, leaving files that agree with each other', async () => {
    const { store, fileSystem } = await openFixture()
    const log = await store.open(identity(), config({ 'segment.index.bytes': 24, 'index.interval.bytes': 0 }), 0)
    for (let index = 0; index < 20; index++) await appendTo(store, log, batchOf(['x'], { timestamp: NOW_MS + index }))
    await store.close()
    expect(logs(fileSystem).length).toBeGreaterThan(5)
    await checkPartition(fileSystem, DIRECTORY)
  })
})

describe('idempotent producers', () => {
  it('trap 35: a retry gets the original offset and the stored timestamp, and appends nothing', async () => {
    const { store } = await openFixture()
    const log = await store.open(identity(), config(), 0)
    for (let index = 0; index < 5; index++) await appendTo(store, log, sequenced(['x', 'y'], index * 2))
    for (let index = 0; index < 5; index++) {
      const retry = await appendTo(store, log, sequenced(['x', 'y'], index * 2))
      expect(retry).toMatchObject({
        error: 0,
        baseOffset: index * 2,
        nextOffset: index * 2 + 2,
        logAppendTimeMs: NOW_MS,
      })
    }
    expect(log.offsets.logEndOffset).toBe(10)
    await appendTo(store, log, sequenced(['x', 'y'], 10))
    expect(await appendTo(store, log, sequenced(['x', 'y'], 0))).toMatchObject({
      error: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
    })
  })

  it('a retry of a batch that is not written yet waits with it', async () => {
    const { store } = await openFixture()
    const log = await store.open(identity(), config(), 0)
    const first = appendTo(store, log, sequenced(['x'], 0), { durability: 'disk' })
    const retry = appendTo(store, log, sequenced(['x'], 0), { durability: 'disk' })
    expect(await Promise.all([first, retry])).toMatchObject([{ baseOffset: 0 }, { baseOffset: 0 }])
    expect(log.offsets.logEndOffset).toBe(1)
  })

  it.each([
    ['a gap', 0, 3, 0, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER],
    ['an old epoch', 4, 1, 3, ErrorCode.INVALID_PRODUCER_EPOCH],
    ['a new epoch that does not begin at 0', 0, 1, 1, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER],
    ['a new epoch that begins at 0', 0, 0, 1, ErrorCode.NONE],
  ])('%s', async (_name, knownEpoch, sequence, epoch, error) => {
    const { store } = await openFixture()
    const log = await store.open(identity(), config(), 0)
    await appendTo(store, log, sequenced(['x'], 0, { producerEpoch: knownEpoch }))
    expect(await appendTo(store, log, sequenced(['y'], sequence, { producerEpoch: epoch }))).toMatchObject({ error })
  })

  it('an unknown producer may begin anywhere, but not in an implicit transaction', async () => {
    const { store } = await openFixture()
    const log = await store.open(identity(), config(), 0)
    expect(await appendTo(store, log, sequenced(['x'], 77))).toMatchObject({ error: 0 })
    const transactional = () =>
      batchOf(['x'], { producerId: 5, producerEpoch: 0, baseSequence: 7, transactional: true })
    expect(await appendTo(store, log, transactional(), { produceVersion: 12 })).toMatchObject({
      error: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
    })
    expect(await appendTo(store, log, transactional(), { produceVersion: 11 })).toMatchObject({ error: 0 })
  })

  it('sequences wrap from 2^31 - 1 to 0', async () => {
    const { store } = await openFixture()
    const log = await store.open(identity(), config(), 0)
    await appendTo(store, log, sequenced(['x', 'y'], 2 ** 31 - 2))
    expect(await appendTo(store, log, sequenced(['z'], 0))).toMatchObject({ error: 0 })
    await appendTo(store, log, sequenced(['x', 'y', 'z'], 2 ** 31 - 2, { producerId: 10 }))
    expect(store.producers(log).map(({ lastSequence }) => lastSequence)).toEqual([0, 0])
  })

  it('plain records of a producer with an open transaction are refused', async () => {
    const { store } = await openFixture()
    const log = await store.open(identity(), config(), 0)
    await appendTo(
      store,
      log,
      batchOf(['x'], { producerId: 9, producerEpoch: 0, baseSequence: 0, transactional: true }),
    )
    expect(await appendTo(store, log, sequenced(['y'], 1))).toMatchObject({ error: ErrorCode.INVALID_TXN_STATE })
  })

  it('a marker of the same epoch keeps the sequence, one of a higher epoch starts it anew', async () => {
    const { store } = await openFixture()
    const log = await store.open(identity(), config(), 0)
    const end = (producerEpoch: number, coordinatorEpoch: number) => {
      const marker = { producerId: 9, producerEpoch, commit: true, coordinatorEpoch, timestamp: NOW_MS }
      return appendTo(store, log, buildEndTransactionMarker(marker), { origin: 'coordinator' })
    }
    const data = (baseSequence: number, producerEpoch: number) =>
      appendTo(store, log, batchOf(['x'], { producerId: 9, producerEpoch, baseSequence, transactional: true }))
    expect([await data(0, 0), await end(0, 1), await data(1, 0)].map(({ error }) => error)).toEqual([0, 0, 0])
    expect(await end(1, 1)).toMatchObject({ error: 0 })
    expect(store.producers(log)[0]).toMatchObject({ producerEpoch: 1, lastSequence: -1, coordinatorEpoch: 1 })
    expect(await data(2, 1)).toMatchObject({ error: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER })
    expect(await data(0, 1)).toMatchObject({ error: 0 })
    expect(await end(0, 1)).toMatchObject({ error: ErrorCode.INVALID_PRODUCER_EPOCH })
    expect(await end(1, 0)).toMatchObject({ error: ErrorCode.TRANSACTION_COORDINATOR_FENCED })
  })

  it('are forgotten after producer.id.expiration.ms, but not with a transaction open', async () => {
    const { store, clock } = await openFixture({
      producerIdExpirationMs: 1000,
      producerIdExpirationCheckIntervalMs: 100,
    })
    const log = await store.open(identity(), config(), 0)
    await appendTo(store, log, sequenced(['x'], 0))
    await appendTo(
      store,
      log,
      batchOf(['x'], { producerId: 8, producerEpoch: 0, baseSequence: 0, transactional: true }),
    )
    clock.advance(900)
    expect(store.producers(log)).toHaveLength(2)
    clock.advance(200)
    expect(store.producers(log).map(({ producerId }) => producerId)).toEqual([8])
  })
})

describe('a disk that fails', () => {
  it('full: the append is refused, readers go on, and the next append works once there is room', async () => {
    const capacity = { capacityBytes: 3000 }
    const { store, fileSystem, reports } = await openFixture({ fileSystem: new SimulatedFileSystem(capacity) })
    const log = await store.open(identity(), config(), 0)
    await appendTo(store, log, sequenced(['kept'], 0), { durability: 'disk' })
    const refused = await appendTo(store, log, sequenced(['x'.repeat(4000)], 1))
    expect(refused).toMatchObject({ error: ErrorCode.KAFKA_STORAGE_ERROR, baseOffset: -1 })
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(log.offsets).toMatchObject({ highWatermark: 1, logEndOffset: 1 })
    expect(valuesOf(await readAll(store, log))).toEqual(['kept'])
    expect(reports.join()).toMatch(/disk took no more/)
    // The sequence that was refused was not taken: the producer's retry is in order.
    expect(await appendTo(store, log, sequenced(['fits'], 1), { durability: 'disk' })).toMatchObject({
      error: 0,
      baseOffset: 1,
    })
    expect(valuesOf(await readAll(store, log))).toEqual(['kept', 'fits'])
    await store.close()
    await checkPartition(fileSystem, DIRECTORY)
  })

  it('a failed write takes the log offline for good', async () => {
    const { store, fileSystem } = await openFixture()
    const log = await store.open(identity(), config(), 0)
    const other = await store.open(identity('topic', 1), config(), 0)
    await appendTo(store, log, batchOf(['a']))
    fileSystem.faults.push({ operation: 'write', code: 'EIO', path: '/topic-0/' })
    expect(await appendTo(store, log, batchOf(['b']))).toMatchObject({ error: ErrorCode.KAFKA_STORAGE_ERROR })
    expect(await appendTo(store, log, batchOf(['c']))).toMatchObject({ error: ErrorCode.KAFKA_STORAGE_ERROR })
    expect(await readFrom(store, log, 0)).toMatchObject({ error: ErrorCode.KAFKA_STORAGE_ERROR })
    expect(await appendTo(store, other, batchOf(['d']))).toMatchObject({ error: 0 })
    await store.close()
    expect(fileSystem.exists('/data/.kafka_cleanshutdown')).toBe(false)
  })

  it('a failed sync is never tried again: a later one would prove nothing', async () => {
    const { store, fileSystem } = await openFixture()
    const log = await store.open(identity(), config(), 0)
    await appendTo(store, log, batchOf(['a']), { durability: 'disk' })
    fileSystem.faults.push({ operation: 'sync', code: 'EIO', path: '.log' })
    const results = await Promise.all([
      appendTo(store, log, batchOf(['b']), { durability: 'disk' }),
      appendTo(store, log, batchOf(['c']), { durability: 'disk' }),
    ])
    expect(results.map(({ error }) => error)).toEqual([ErrorCode.KAFKA_STORAGE_ERROR, ErrorCode.KAFKA_STORAGE_ERROR])
    expect(await appendTo(store, log, batchOf(['d']))).toMatchObject({ error: ErrorCode.KAFKA_STORAGE_ERROR })
  })
})
