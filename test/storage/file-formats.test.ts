import { describe, expect, it } from 'vitest'
import { crc32c } from '../../protocol/records/crc32c.ts'
import { SimulatedFileSystem } from '../../src/io/simulated-file-system.ts'
import {
  formatOffsetCheckpoint,
  parseCheckpoint,
  readOffsetCheckpoint,
} from '../../src/storage/local/checkpoint-file.ts'
import { LeaderEpochCache, parseLeaderEpochs } from '../../src/storage/local/leader-epoch-cache.ts'
import { OffsetIndex } from '../../src/storage/local/offset-index.ts'
import {
  decodeProducerSnapshot,
  encodeProducerSnapshot,
  ProducerState,
} from '../../src/storage/local/producer-state.ts'
import { TimeIndex } from '../../src/storage/local/time-index.ts'
import { parseTransactionIndex, TransactionIndex } from '../../src/storage/local/transaction-index.ts'
import { appendTo, batchOf, config, identity, openFixture } from './store-fixture.ts'

describe('.index', () => {
  it('int32 relative last offset and int32 position per entry', () => {
    const index = new OffsetIndex(1000)
    index.append(1004, 77)
    index.append(1010, 4200)
    expect(index.bytesFrom(0).toString('hex')).toBe('000000040000004d0000000a00001068')
    expect(index.bytesFrom(1).toString('hex')).toBe('0000000a00001068')
  })

  it('gives the entry at or before an offset', () => {
    const index = new OffsetIndex(1000)
    for (let entry = 1; entry <= 200; entry++) index.append(1000 + entry * 10, entry * 100)
    expect([1000, 1009, 1010, 1011, 2999, 3000, 9999].map((offset) => index.positionBefore(offset))).toEqual([
      0, 0, 100, 100, 19_900, 20_000, 20_000,
    ])
    expect([0, 99, 100, 150, 20_001].map((position) => index.batchStartBefore(position))).toEqual([
      0, 0, 100, 100, 20_000,
    ])
    index.truncateToPosition(150)
    expect(index.count).toBe(1)
  })

  it.each([
    ['a length that is no multiple of 8', Buffer.alloc(7), 100],
    ['offsets that fall', Buffer.from('00000005000000010000000400000002', 'hex'), 100],
    ['preallocated zeros', Buffer.alloc(16), 100],
    ['a position behind the end', Buffer.from('0000000500000064', 'hex'), 100],
  ])('refuses %s', (_name, content, segmentBytes) => {
    expect(new OffsetIndex(0, content).problem(content.length, segmentBytes)).not.toBeNull()
  })
})

describe('.timeindex', () => {
  it('int64 timestamp and int32 relative offset per entry, only later timestamps', () => {
    const index = new TimeIndex(10)
    index.append(1_700_000_000_000, 12)
    index.append(1_700_000_000_000, 13)
    index.append(1_600_000_000_000, 14)
    index.append(1_700_000_000_001, 15)
    expect(index.bytesFrom(0).toString('hex')).toBe('0000018bcfe56800000000020000018bcfe5680100000005')
    expect(index.offsetBefore(1_700_000_000_001)).toBe(12)
    expect(index.offsetBefore(1_700_000_000_002)).toBe(15)
    expect(index.offsetBefore(5)).toBe(10)
  })

  it('an entry for no timestamp is none', () => {
    const index = new TimeIndex(0)
    index.append(-1, 3)
    expect(index.count).toBe(0)
  })
})

describe('.txnindex', () => {
  it('34 bytes per aborted transaction, read back', () => {
    const index = new TransactionIndex()
    index.append({ producerId: 7, firstOffset: 1, lastOffset: 5, lastStableOffset: 6 })
    const content = index.toBuffer()
    expect(content.toString('hex')).toBe(
      '0000' + '0000000000000007' + '0000000000000001' + '0000000000000005' + '0000000000000006',
    )
    expect(parseTransactionIndex(content)!.entries).toEqual(index.entries)
    expect(parseTransactionIndex(content.subarray(1))).toBeNull()
    expect(parseTransactionIndex(Buffer.alloc(34, 1))).toBeNull()
  })
})

describe('.snapshot', () => {
  const state = new ProducerState()
  state.restore({
    producerId: 1000,
    producerEpoch: 3,
    coordinatorEpoch: -1,
    endedTransactions: 0,
    currentTransactionFirstOffset: -1,
    lastTimestampMs: 1_700_000_000_000,
    lastAppendMs: 0,
    batches: [{ baseSequence: 8, lastSequence: 9, baseOffset: 40, lastOffset: 41, timestampMs: 1_700_000_000_000 }],
  })
  const content = encodeProducerSnapshot(state)

  it('version 1, the CRC of what follows it, the count, 46 bytes per producer', () => {
    expect(content.length).toBe(10 + 46)
    expect(content.readUInt32BE(2)).toBe(crc32c(content, 6, content.length))
    expect(content.subarray(0, 2).toString('hex') + content.subarray(6).toString('hex')).toBe(
      ['0001', '00000001', '00000000000003e8', '0003', '00000009', '0000000000000029', '00000001']
        .concat(['0000018bcfe56800', 'ffffffff', 'ffffffffffffffff'])
        .join(''),
    )
  })

  it('is read back, and refused when a bit is wrong', () => {
    const back = decodeProducerSnapshot(content, 5)!
    expect([...back.all()]).toEqual([{ ...[...state.all()][0]!, lastAppendMs: 5 }])
    for (let at = 0; at < content.length; at++) {
      const damaged = Buffer.from(content)
      damaged[at] = damaged[at]! ^ 0x10
      expect(decodeProducerSnapshot(damaged, 0), `byte ${at}`).toBeNull()
    }
    expect(decodeProducerSnapshot(content.subarray(0, 30), 0)).toBeNull()
  })
})

describe('checkpoints', () => {
  it('a version, a count, a line per partition', () => {
    const content = formatOffsetCheckpoint([
      { topic: 'a-b', partition: 3, offset: 42 },
      { topic: 'c', partition: 0, offset: 0 },
    ])
    expect(content.toString()).toBe('0\n2\na-b 3 42\nc 0 0\n')
  })

  it.each(['1\n0\n', '0\n2\na 0 1\n', '0\n1\na 0\n', '\n', '0\n1\na b 1\n'])('refuses %j', (text) => {
    const disk = new SimulatedFileSystem()
    const file = disk.open('/checkpoint', 'create')
    file.writeSync([Buffer.from(text)], 0)
    expect(() => readOffsetCheckpoint(disk, '/checkpoint')).toThrow(/checkpoint/)
  })

  it('leader epochs', () => {
    const epochs = new LeaderEpochCache()
    epochs.assign(0, 0)
    epochs.assign(2, 30)
    epochs.assign(4, 30)
    expect(epochs.toBuffer().toString()).toBe('0\n2\n0 0\n4 30\n')
    expect(parseLeaderEpochs(epochs.toBuffer(), 'x').entries).toEqual(epochs.entries)
    expect(() => parseCheckpoint(Buffer.from('0\n1\n'), 'x')).toThrow()
  })
})

describe('leader epochs', () => {
  const epochs = () =>
    new LeaderEpochCache([
      { epoch: 0, startOffset: 0 },
      { epoch: 2, startOffset: 30 },
    ])

  it('answer with the floor epoch and the start of the next', () => {
    expect(epochs().endOffset(1, 99)).toEqual({ leaderEpoch: 0, endOffset: 30 })
    expect(epochs().endOffset(2, 99)).toEqual({ leaderEpoch: 2, endOffset: 99 })
    expect(epochs().endOffset(3, 99)).toEqual({ leaderEpoch: -1, endOffset: -1 })
    expect(new LeaderEpochCache().endOffset(0, 5)).toEqual({ leaderEpoch: -1, endOffset: -1 })
    expect(new LeaderEpochCache([{ epoch: 5, startOffset: 7 }]).endOffset(3, 9)).toEqual({
      leaderEpoch: 3,
      endOffset: 7,
    })
  })

  it('an epoch never falls', () => {
    const cache = epochs()
    cache.assign(1, 50)
    expect(cache.latest).toEqual({ epoch: 2, startOffset: 30 })
  })

  it('are cut at both ends', () => {
    const cut = epochs()
    cut.truncateFromEnd(29)
    expect(cut.entries).toEqual([{ epoch: 0, startOffset: 0 }])
    const moved = epochs()
    moved.truncateFromStart(40)
    expect(moved.entries).toEqual([{ epoch: 2, startOffset: 40 }])
  })
})

describe('the directory', () => {
  it('has the files that Kafka has, under its names', async () => {
    const { store, fileSystem } = await openFixture()
    const log = await store.open(identity('orders', 3), config(), 0)
    await appendTo(store, log, batchOf(['x']))
    await store.close()
    expect(fileSystem.list('/data')).toEqual([
      '.kafka_cleanshutdown',
      '.odradek-manifest',
      'cleaner-offset-checkpoint',
      'log-start-offset-checkpoint',
      'meta.properties',
      'orders-3',
      'recovery-point-offset-checkpoint',
      'replication-offset-checkpoint',
    ])
    expect(fileSystem.list('/data/orders-3')).toEqual([
      '00000000000000000000.index',
      '00000000000000000000.log',
      '00000000000000000000.timeindex',
      '00000000000000000001.snapshot',
      'leader-epoch-checkpoint',
      'partition.metadata',
    ])
    expect(fileSystem.readFile('/data/orders-3/partition.metadata')!.toString()).toBe(
      `version: 0\ntopic_id: ${log.topicId}`,
    )
    expect(fileSystem.readFile('/data/replication-offset-checkpoint')!.toString()).toBe('0\n1\norders 3 1\n')
    expect(fileSystem.readFile('/data/.kafka_cleanshutdown')!.toString()).toBe('{"version":0,"brokerEpoch":-1}')
  })
})
