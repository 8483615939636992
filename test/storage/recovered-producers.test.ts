import { describe, expect, it } from 'vitest'
import { buildEndTransactionMarker } from '../../protocol/records/batch-builder.ts'
import { SimulatedClock } from '../../src/io/simulated-clock.ts'
import type { SimulatedFileSystem } from '../../src/io/simulated-file-system.ts'
import { appendTo, batchOf, config, type Fixture, identity, NOW_MS, openFixture, readFrom } from './store-fixture.ts'

const SMALL = config({ 'segment.bytes': 300, 'index.interval.bytes': 100, 'file.delete.delay.ms': 0 })
const producer = { producerId: 1, producerEpoch: 0 }
const transaction = { producerId: 9, producerEpoch: 0, transactional: true }

async function opened(fileSystem?: SimulatedFileSystem, settings = SMALL) {
  const clock = new SimulatedClock(NOW_MS)
  const fixture = await openFixture({ clock, ...(fileSystem ? { fileSystem } : {}) })
  return { ...fixture, log: await fixture.store.open(identity(), settings, 0) }
}

type Opened = Awaited<ReturnType<typeof opened>>

async function put({ store, log }: Opened, ids: readonly string[], options: Parameters<typeof batchOf>[1] = {}) {
  const result = await appendTo(store, log, batchOf(ids, options), { durability: 'disk' })
  expect(result.error).toBe(0)
}

async function abort({ store, log }: Opened): Promise<void> {
  const marker = { producerId: 9, producerEpoch: 0, commit: false, coordinatorEpoch: 0, timestamp: NOW_MS }
  await appendTo(store, log, buildEndTransactionMarker(marker), { durability: 'disk', origin: 'coordinator' })
}

const aborted = async ({ store, log }: Opened) => {
  const result = await readFrom(store, log, log.offsets.logStartOffset, { isolation: 'read_committed' })
  result.release()
  return result.abortedTransactions
}

const sequences = ({ store }: Fixture, log: Opened['log']) =>
  store.producers(log).map(({ producerId, lastSequence }) => [producerId, lastSequence])

describe('recovery of producers and transactions', () => {
  it('aborted records stay hidden after a kill that follows two clean stops', async () => {
    const first = await opened(undefined, config({}))
    await put(first, ['a'], { ...transaction, baseSequence: 0 })
    await abort(first)
    await first.store.close()
    const second = await opened(first.fileSystem.kill(), config({}))
    await put(second, ['b'])
    await put(second, ['c'])
    await second.store.close()
    const third = await opened(second.fileSystem.kill(), config({}))
    await put(third, ['d'])
    const fourth = await opened(third.fileSystem.kill(), config({}))
    expect(await aborted(fourth)).toEqual([{ producerId: 9, firstOffset: 0 }])
  })

  it('a producer is known after two kills and the removal of all that it sent in between', async () => {
    const first = await opened()
    for (let index = 0; index < 4; index++) await put(first, [`v${index}`], { ...producer, baseSequence: index })
    for (let index = 4; index < 16; index++) await put(first, [`other${index}`])
    const left = first.fileSystem.kill()
    // As if it had been killed before the first checkpoint.
    left.unlink('/data/recovery-point-offset-checkpoint')
    const second = await opened(left)
    await second.store.deleteRecords(second.log, 13)
    await second.store.runRetention()
    const names = second.fileSystem.list('/data/topic-0').filter((name) => name.endsWith('.log'))
    expect(Number.parseInt(names[0]!, 10)).toBeGreaterThan(4)
    const third = await opened(second.fileSystem.kill())
    expect(third.log.offsets).toMatchObject({ logStartOffset: 13, logEndOffset: 16 })
    expect(sequences(third, third.log)).toEqual([[1, 3]])
    await put(third, ['v4'], { ...producer, baseSequence: 4 })
  })

  it('a half written transaction index of an unfinished segment does not have the whole log read again', async () => {
    const first = await opened()
    await put(first, ['a'], { ...transaction, baseSequence: 0 })
    await abort(first)
    const left = first.fileSystem.kill()
    const file = left.open('/data/topic-0/00000000000000000000.txnindex', 'create')
    file.writeSync([Buffer.alloc(5)], 0)
    file.close()
    const second = await opened(left)
    expect(second.reports.filter((report) => report.includes('read from its beginning'))).toEqual([])
    expect(await aborted(second)).toEqual([{ producerId: 9, firstOffset: 0 }])
  })

  it('records deleted under an open transaction take the last stable offset with them', async () => {
    const first = await opened()
    await put(first, ['a', 'b'], { ...transaction, baseSequence: 0 })
    await put(first, ['c'])
    expect(first.log.offsets).toMatchObject({ logStartOffset: 0, lastStableOffset: 0 })
    await first.store.deleteRecords(first.log, 2)
    expect(first.log.offsets).toMatchObject({ logStartOffset: 2, lastStableOffset: 2, highWatermark: 3 })
    const answer = await readFrom(first.store, first.log, 2, { isolation: 'read_committed' })
    expect(answer).toMatchObject({ error: 0, sizeBytes: 0 })
  })
})
