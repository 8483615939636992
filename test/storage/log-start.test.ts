import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { buildEndTransactionMarker } from '../../protocol/records/batch-builder.ts'
import type { FileSystem } from '../../src/io/file-system.ts'
import type { ProcessTable } from '../../src/io/process-table.ts'
import { SimulatedClock } from '../../src/io/simulated-clock.ts'
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
const SMALL = config({ 'segment.bytes': 400, 'index.interval.bytes': 100 })

async function written(
  fileSystem: SimulatedFileSystem,
  count: number,
  how: 'close' | 'kill',
): Promise<SimulatedFileSystem> {
  const { store } = await openFixture({ fileSystem })
  const log = await store.open(identity(), SMALL, 0)
  for (let index = 0; index < count; index++) {
    const records = batchOf([`v${index}`], {
      producerId: 1,
      producerEpoch: 0,
      baseSequence: index,
      timestamp: NOW_MS + index,
    })
    await appendTo(store, log, records)
  }
  if (how === 'close') await store.close()
  return fileSystem.kill()
}

async function reopened(fileSystem: SimulatedFileSystem, leaderEpoch = 1) {
  const fixture = await openFixture({ fileSystem })
  return { ...fixture, log: await fixture.store.open(identity(), SMALL, leaderEpoch) }
}

function edit(fileSystem: FileSystem, path: string, change: (content: Buffer) => Buffer): void {
  const content = change(fileSystem.readFile(path)!)
  const file = fileSystem.open(path, 'write')
  file.truncate(content.length)
  file.writeSync([content], 0)
  file.close()
}

const values = (count: number) => Array.from({ length: count }, (_, index) => `v${index}`)
const segments = (fileSystem: FileSystem) => fileSystem.list(DIRECTORY).filter((name) => name.endsWith('.log'))

describe('a start after a clean stop', () => {
  it('finds everything as it was, without reading the logs', async () => {
    const disk = await written(new SimulatedFileSystem(), 30, 'close')
    const clock = new SimulatedClock(NOW_MS + 3_600_000)
    const { store, fileSystem } = await openFixture({ fileSystem: disk, clock })
    const log = await store.open(identity(), SMALL, 1)
    expect(log.offsets).toEqual({ logStartOffset: 0, highWatermark: 30, lastStableOffset: 30, logEndOffset: 30 })
    expect(fileSystem.operations.read).toBeLessThanOrEqual(1)
    expect(valuesOf(await readAll(store, log))).toEqual(values(30))
    expect(store.producers(log)).toMatchObject([{ producerId: 1, producerEpoch: 0, lastSequence: 29 }])
  })

  it('opens a thousand logs from one file', async () => {
    const first = await openFixture()
    const origin = 'client' as const
    const partitions = Array.from({ length: 1000 }, (_, partition) => identity('topic', partition))
    const logs = await Promise.all(partitions.map((partition) => first.store.open(partition, SMALL, 0)))
    await first.store.append(
      logs.map((log) => ({ log, records: batchOf(['x']), origin, leaderEpoch: 0, produceVersion: 11 })),
      'os',
    )
    await first.store.close()
    const { store, fileSystem } = await openFixture({ fileSystem: first.fileSystem.kill() })
    const before = fileSystem.operations.open
    const again = await Promise.all(partitions.map((partition) => store.open(partition, SMALL, 1)))
    expect(fileSystem.operations).toMatchObject({ open: before, read: 0, readSync: 0 })
    expect(again.every((log) => log.offsets.highWatermark === 1)).toBe(true)
    expect(await appendTo(store, again[500]!, batchOf(['y']))).toMatchObject({ error: 0, baseOffset: 1 })
    expect(valuesOf(await readAll(store, again[500]!))).toEqual(['x', 'y'])
  })

  it.each([
    ['no manifest', (disk: SimulatedFileSystem) => disk.unlink('/data/.odradek-manifest')],
    [
      'a damaged manifest',
      (disk: SimulatedFileSystem) => edit(disk, '/data/.odradek-manifest', (all) => all.subarray(9)),
    ],
    [
      'an index that went missing',
      (disk: SimulatedFileSystem) => disk.unlink(`${DIRECTORY}/${segments(disk).at(-1)!.replace('log', 'timeindex')}`),
    ],
  ])('%s changes nothing', async (_name, change) => {
    const disk = await written(new SimulatedFileSystem(), 30, 'close')
    change(disk)
    const { store, log, fileSystem } = await reopened(disk)
    expect(valuesOf(await readAll(store, log))).toEqual(values(30))
    const next = () => appendTo(store, log, batchOf(['v30'], { producerId: 1, producerEpoch: 0, baseSequence: 30 }))
    // Where the indexes have to be made anew first, the answer is one after which a client tries again.
    let result = await next()
    for (let turn = 0; turn < 20 && result.error === ErrorCode.KAFKA_STORAGE_ERROR; turn++) {
      await new Promise((resolve) => setImmediate(resolve))
      result = await next()
    }
    expect(result).toMatchObject({ error: 0, baseOffset: 30 })
    await store.close()
    await checkPartition(fileSystem, DIRECTORY)
  })

  it('a log whose files changed meanwhile is read anew', async () => {
    const disk = await written(new SimulatedFileSystem(), 30, 'close')
    edit(disk, `${DIRECTORY}/${segments(disk).at(-1)}`, (content) => Buffer.concat([content, Buffer.alloc(10)]))
    const { log, reports } = await reopened(disk)
    expect(log.offsets.logEndOffset).toBe(30)
    expect(reports.join()).toMatch(/although the broker was stopped in order/)
  })

  it('removes its mark, so that a crash afterwards is seen', async () => {
    const disk = await written(new SimulatedFileSystem(), 3, 'close')
    expect(disk.exists('/data/.kafka_cleanshutdown')).toBe(true)
    await reopened(disk)
    expect(disk.crash(3).exists('/data/.kafka_cleanshutdown')).toBe(false)
  })

  it('writes an empty stop without touching logs that did not change', async () => {
    const disk = await written(new SimulatedFileSystem(), 30, 'close')
    const { store, fileSystem } = await reopened(disk)
    const before = fileSystem.operations.sync
    await store.close()
    expect(fileSystem.operations.sync - before).toBeLessThanOrEqual(6)
  })

  it('keeps leader epochs, and begins a new one at the end', async () => {
    const disk = await written(new SimulatedFileSystem(), 5, 'close')
    const { store, log } = await reopened(disk, 4)
    expect(store.endOffsetForEpoch(log, 0)).toEqual({ leaderEpoch: 0, endOffset: 5 })
    expect(store.endOffsetForEpoch(log, 4)).toEqual({ leaderEpoch: 4, endOffset: 5 })
  })

  it('trap 36: knows the last five batches of a producer, not only the last one', async () => {
    const disk = await written(new SimulatedFileSystem(), 30, 'close')
    const { store, log } = await reopened(disk)
    for (let index = 25; index < 30; index++) {
      const retry = batchOf([`v${index}`], { producerId: 1, producerEpoch: 0, baseSequence: index })
      expect(await appendTo(store, log, retry)).toMatchObject({ error: 0, baseOffset: index })
    }
    expect(log.offsets.logEndOffset).toBe(30)
  })
})

describe('a start after a crash', () => {
  it('finds what was written, and makes the indexes anew', async () => {
    const disk = await written(new SimulatedFileSystem(), 30, 'kill')
    const { store, log, fileSystem } = await reopened(disk)
    expect(valuesOf(await readAll(store, log))).toEqual(values(30))
    expect(store.producers(log)).toMatchObject([{ producerId: 1, lastSequence: 29 }])
    await store.close()
    await checkPartition(fileSystem, DIRECTORY)
  })

  it('ends the log at the first batch that is not whole, and deletes the segments behind it', async () => {
    const disk = await written(new SimulatedFileSystem(), 30, 'kill')
    const names = segments(disk)
    expect(names.length).toBeGreaterThan(4)
    disk.unlink('/data/recovery-point-offset-checkpoint')
    edit(disk, `${DIRECTORY}/${names[2]}`, (content) => {
      content[content.length - 1] = content[content.length - 1]! ^ 1
      return content
    })
    const { store, log, fileSystem, reports } = await reopened(disk)
    const end = Number(names[3]!.slice(0, 20)) - 1
    expect(log.offsets).toMatchObject({ logEndOffset: end, highWatermark: end })
    expect(segments(fileSystem)).toEqual(names.slice(0, 3))
    expect(valuesOf(await readAll(store, log))).toEqual(values(end))
    expect(reports.join('\n')).toMatch(/CRC .* wrong; truncated/)
    expect(store.producers(log)).toMatchObject([{ lastSequence: end - 1 }])
    expect(await appendTo(store, log, batchOf(['next']), { durability: 'disk' })).toMatchObject({ baseOffset: end })
  })

  it.each([
    ['a header cut off', (content: Buffer) => content.subarray(0, content.length - 60)],
    ['zeros behind the end', (content: Buffer) => Buffer.concat([content, Buffer.alloc(5000)])],
    ['a length beyond the end', (content: Buffer) => Buffer.concat([content, Buffer.alloc(61, 0x7f)])],
  ])('%s', async (_name, change) => {
    const disk = await written(new SimulatedFileSystem(), 30, 'kill')
    edit(disk, `${DIRECTORY}/${segments(disk).at(-1)}`, change)
    const { store, log, fileSystem } = await reopened(disk)
    const records = valuesOf(await readAll(store, log))
    expect(records).toEqual(values(records.length))
    expect(records.length).toBeGreaterThanOrEqual(29)
    await store.close()
    await checkPartition(fileSystem, DIRECTORY)
  })

  it('reads the producers from the log when every snapshot is damaged', async () => {
    const disk = await written(new SimulatedFileSystem(), 30, 'close')
    disk.unlink('/data/.odradek-manifest')
    for (const name of disk.list(DIRECTORY).filter((file) => file.endsWith('.snapshot'))) {
      edit(disk, `${DIRECTORY}/${name}`, (content) => content.subarray(0, 20))
    }
    const { store, log, reports } = await reopened(disk)
    expect(store.producers(log)).toMatchObject([{ producerId: 1, lastSequence: 29 }])
    expect(reports.join()).toMatch(/snapshot is damaged/)
  })

  it('open transactions are open again, aborted ones known again', async () => {
    const { store, fileSystem } = await openFixture()
    const log = await store.open(identity(), SMALL, 0)
    const data = (producerId: number) =>
      appendTo(store, log, batchOf(['x'], { producerId, producerEpoch: 0, baseSequence: 0, transactional: true }))
    await data(1)
    await data(2)
    const end = { producerId: 1, producerEpoch: 0, commit: false, coordinatorEpoch: 0, timestamp: NOW_MS }
    await appendTo(store, log, buildEndTransactionMarker(end), { origin: 'coordinator' })
    for (const how of ['kill', 'close'] as const) {
      if (how === 'close') await store.close()
      const after = await reopened(fileSystem.kill())
      expect(after.log.offsets.lastStableOffset).toBe(1)
      const commit = { ...end, producerId: 2, commit: true }
      await appendTo(after.store, after.log, buildEndTransactionMarker(commit), { origin: 'coordinator' })
      const read = await readFrom(after.store, after.log, 0, { isolation: 'read_committed' })
      expect(read.abortedTransactions).toEqual([{ producerId: 1, firstOffset: 0 }])
      return
    }
  })

  it('records deleted by a caller stay deleted, also when the log was emptied', async () => {
    const { store, fileSystem } = await openFixture()
    const log = await store.open(identity(), SMALL, 0)
    for (let index = 0; index < 8; index++) await appendTo(store, log, batchOf([`v${index}`]))
    await store.deleteRecords(log, 8)
    const after = await reopened(fileSystem.crash(7))
    expect(after.log.offsets).toMatchObject({ logStartOffset: 8, logEndOffset: 8 })
    expect(await appendTo(after.store, after.log, batchOf(['next']))).toMatchObject({ baseOffset: 8 })
  })
})

describe('indexes', () => {
  it.each(['index', 'timeindex'])('a missing or damaged .%s of a closed segment is made anew', async (suffix) => {
    for (const damage of ['missing', 'damaged']) {
      const disk = await written(new SimulatedFileSystem(), 30, 'close')
      const path = `${DIRECTORY}/${segments(disk)[1]!.replace('log', suffix)}`
      if (damage === 'missing') disk.unlink(path)
      else edit(disk, path, () => Buffer.from([1, 2, 3]))
      const { store, log, fileSystem } = await openFixture({ fileSystem: disk, tailCacheBytes: 0 }).then(
        async (fixture) => ({
          ...fixture,
          log: await fixture.store.open(identity(), SMALL, 1),
        }),
      )
      expect(valuesOf(await readAll(store, log))).toEqual(values(30))
      expect(await store.findByTimestamp(log, NOW_MS + 7, 'read_uncommitted')).toMatchObject({ offset: 7 })
      await checkPartition(fileSystem, DIRECTORY)
    }
  })
})

describe('many partitions', () => {
  it('opening them opens no files, and writing to them keeps the number of open files bounded', async () => {
    const { store, fileSystem } = await openFixture({ openFileLimit: 20 })
    const logs = await Promise.all(
      Array.from({ length: 200 }, (_, partition) => store.open(identity('topic', partition), config(), 0)),
    )
    expect(fileSystem.openFiles).toBe(0)
    const origin = 'client' as const
    await store.append(
      logs.map((log) => ({ log, records: batchOf(['x']), origin, leaderEpoch: 0, produceVersion: 11 })),
      'disk',
    )
    for (const log of logs) expect(valuesOf(await readAll(store, log))).toEqual(['x'])
    expect(fileSystem.openFilesAtMost).toBeLessThanOrEqual(64)
    expect(fileSystem.openFiles).toBeLessThanOrEqual(20)
  })

  it('a partition without records has no files', async () => {
    const { store, fileSystem } = await openFixture()
    await store.open(identity(), config(), 0)
    expect(fileSystem.exists(DIRECTORY)).toBe(false)
  })
})

describe('dropping a log', () => {
  it('frees the name at once, and the files later', async () => {
    const { store, fileSystem, clock } = await openFixture()
    const log = await store.open(identity(), config({ 'file.delete.delay.ms': 60_000 }), 0)
    await appendTo(store, log, batchOf(['old']))
    const dropped = store.drop(log)
    expect(store.get(log.topicId, 0)).toBeUndefined()
    expect(await appendTo(store, log, batchOf(['x']))).toMatchObject({ error: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION })
    expect(await readFrom(store, log, 0)).toMatchObject({ error: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION })
    await dropped
    const gone = fileSystem.list('/data').find((name) => name.endsWith('-delete'))
    expect(gone).toMatch(/^topic-0\.[0-9a-f]{32}-delete$/)
    const again = await store.open(identity('topic', 0, 'YW5vdGhlci10b3BpYy1pZA'), config(), 0)
    expect(again.offsets.logEndOffset).toBe(0)
    await appendTo(store, again, batchOf(['new']))
    expect(valuesOf(await readAll(store, again))).toEqual(['new'])
    clock.advance(60_000)
    await new Promise((resolve) => setImmediate(resolve))
    expect(fileSystem.list('/data').some((name) => name.endsWith('-delete'))).toBe(false)
    expect(valuesOf(await readAll(store, again))).toEqual(['new'])
  })

  it('a name of 249 characters gives a directory name of 255 at most', async () => {
    const { store, fileSystem } = await openFixture()
    const log = await store.open(identity('t'.repeat(249), 12345), config(), 0)
    await appendTo(store, log, batchOf(['x']))
    await store.drop(log)
    const name = fileSystem.list('/data').find((entry) => entry.endsWith('-delete'))!
    expect(name).toMatch(/^t{209}-12345\.[0-9a-f]{32}-delete$/)
    expect(name.length).toBe(255)
  })

  it('what a power cut left of a deleted topic is not given to a new one of the same name', async () => {
    const disk = await written(new SimulatedFileSystem(), 3, 'kill')
    const { store, fileSystem, reports } = await openFixture({ fileSystem: disk })
    const log = await store.open(identity('topic', 0, 'YW5vdGhlci10b3BpYy1pZA'), config(), 0)
    expect(log.offsets.logEndOffset).toBe(0)
    expect(fileSystem.list('/data').some((name) => name.endsWith('-stray'))).toBe(true)
    expect(reports.join()).toMatch(/belongs to topic id/)
  })
})

describe('whose directory it is', () => {
  it('keeps the cluster id it was made with', async () => {
    const first = await openFixture({ clusterId: 'one' })
    expect(first.store.identity).toMatchObject({ clusterId: 'one', nodeId: 1 })
    const second = await openFixture({ fileSystem: first.fileSystem.kill(), clusterId: 'two' })
    expect(second.store.identity).toEqual(first.store.identity)
  })

  const properties = (text: string) => {
    const disk = new SimulatedFileSystem()
    disk.makeDirectory('/data')
    const file = disk.open('/data/meta.properties', 'create')
    file.writeSync([Buffer.from(text)], 0)
    file.close()
    return disk
  }

  it.each([
    ['a newer version', 'version=2\nnode.id=1\ncluster.id=x\n', /version 2 is not 1/],
    ['another format', 'version=0\nbroker.id=1\n', /version 0 is not 1/],
    ['no version', 'node.id=1\ncluster.id=x\n', /version missing/],
    ['another node', 'version=1\nnode.id=7\ncluster.id=x\n', /belongs to node.id 7/],
    ['no cluster id', 'version=1\nnode.id=1\n', /cluster.id or node.id is missing/],
  ])('%s is refused, and nothing is touched', async (_name, text, message) => {
    const disk = properties(text)
    await expect(openFixture({ fileSystem: disk })).rejects.toThrow(message)
    expect(disk.list('/data')).toEqual(['meta.properties'])
  })

  it('reads what Kafka writes', async () => {
    const disk = properties(
      '#\n#Sat Nov 21 12:00:00 UTC 2026\ncluster.id=abc\ndirectory.id=k3pKIgj3QuqEzHZhPZiAoA\nnode.id=1\nversion=1\n',
    )
    const { store } = await openFixture({ fileSystem: disk })
    expect(store.identity).toEqual({ clusterId: 'abc', directoryId: 'k3pKIgj3QuqEzHZhPZiAoA', nodeId: 1 })
  })

  it('partitions without meta.properties are somebody else’s', async () => {
    const disk = new SimulatedFileSystem()
    disk.makeDirectory('/data/orders-0')
    await expect(openFixture({ fileSystem: disk })).rejects.toThrow(/orders-0 but no meta.properties/)
  })

  it('a second process is refused while the first one runs, and not after it died', async () => {
    const running = new Set([1, 2])
    const processes = (pid: number): ProcessTable => ({
      self: { pid, startTime: `${pid}00`, bootId: 'boot' },
      isRunning: (other) => running.has(other.pid) && other.startTime === `${other.pid}00` && other.bootId === 'boot',
    })
    const first = await openFixture({ processes: processes(1) })
    const { fileSystem } = first
    await expect(openFixture({ fileSystem, processes: processes(2) })).rejects.toThrow(/in use by the process 1/)
    running.delete(1)
    const second = await openFixture({ fileSystem, processes: processes(2) })
    await second.store.close()
    expect(fileSystem.exists('/data/.lock')).toBe(false)
  })
})
