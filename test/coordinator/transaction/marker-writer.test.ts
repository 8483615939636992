import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../../protocol/errors.ts'
import { readBatchHeader } from '../../../protocol/records/batch.ts'
import { readRecords } from '../../../protocol/records/record.ts'
import type { TransactionEnd } from '../../../src/coordinator/coordinator-log.ts'
import { MarkerWriter, type MarkerWriterOptions } from '../../../src/coordinator/transaction/marker-writer.ts'
import { SimulatedClock } from '../../../src/io/simulated-clock.ts'
import type { Append } from '../../../src/storage/storage.ts'
import { partition } from './transaction-driver.ts'

const END: TransactionEnd = { producerId: 7, producerEpoch: 3, commit: true, coordinatorEpoch: 5 }
const HEADER_BYTES = 61

function fixture({ errors = [], hasGroups = true }: { errors?: readonly ErrorCode[]; hasGroups?: boolean } = {}) {
  const appends: (Append & { durability: string })[] = []
  const ends: [number, TransactionEnd][] = []
  const log = (topicId: string, index: number) => ({ topicId, partition: index })
  const partitions = [{ leaderEpoch: 4 }, { leaderEpoch: 6 }]
  const topics = new Map(['t', '__consumer_offsets'].map((name) => [name, { id: `id-${name}`, partitions }]))
  const groups = {
    endTransaction: (shard: number, end: TransactionEnd) => {
      ends.push([shard, end])
      return Promise.resolve(ErrorCode.NONE)
    },
  }
  const options = {
    store: {
      get: log,
      append: ([append]: Append[], durability: string) => {
        appends.push({ ...append!, durability })
        return Promise.resolve([{ error: errors[appends.length - 1] ?? ErrorCode.NONE }])
      },
    },
    metadata: { image: { topics } },
    membership: {},
    peers: { groups: () => (hasGroups ? groups : undefined) },
    clock: new SimulatedClock(),
    durability: 'disk',
  }
  return { markers: new MarkerWriter(options as unknown as MarkerWriterOptions), appends, ends, clock: options.clock }
}

describe('markers', () => {
  it.each([true, false])(
    'are control batches of the producer and its epoch, on the disk (commit: %s)',
    async (commit) => {
      const { markers, appends, clock } = fixture()
      expect(await markers.write([partition(0), partition(1)], { ...END, commit })).toEqual([
        ErrorCode.NONE,
        ErrorCode.NONE,
      ])
      expect(appends).toMatchObject([
        { leaderEpoch: 4, origin: 'coordinator', durability: 'disk', log: { topicId: 'id-t', partition: 0 } },
        { leaderEpoch: 6, origin: 'coordinator', durability: 'disk', log: { topicId: 'id-t', partition: 1 } },
      ])
      const { records } = appends[0]!
      const header = readBatchHeader(records, 0)
      expect(header).toMatchObject({ producerId: 7, producerEpoch: 3, baseSequence: -1, recordCount: 1 })
      expect(header.attributes & 0x30).toBe(0x30)
      const [record] = readRecords(records.subarray(HEADER_BYTES), header)
      expect(record).toMatchObject({ timestamp: clock.nowMs() })
      expect(record!.key).toEqual(Buffer.from([0, 0, 0, commit ? 1 : 0]))
      expect(record!.value).toEqual(Buffer.from([0, 0, 0, 0, 0, 5]))
    },
  )

  it('each partition has its own outcome, in order', async () => {
    const { markers } = fixture({ errors: [ErrorCode.KAFKA_STORAGE_ERROR, ErrorCode.NONE] })
    const errors = await markers.write([partition(0), partition(0, 'gone'), partition(1), partition(2)], END)
    expect(errors).toEqual([
      ErrorCode.KAFKA_STORAGE_ERROR,
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      ErrorCode.NONE,
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ])
  })

  it("the offsets' partitions get theirs from the groups' coordinator, which learns what counts", async () => {
    const { markers, appends, ends } = fixture()
    const offsets = (index: number) => partition(index, '__consumer_offsets')
    expect(await markers.write([offsets(1), offsets(7)], END)).toEqual([
      ErrorCode.NONE,
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ])
    expect(appends).toEqual([])
    expect(ends).toEqual([[1, END]])
  })

  it('while nobody coordinates those groups, they have to be written later', async () => {
    const { markers } = fixture({ hasGroups: false })
    const errors = await markers.write([partition(0, '__consumer_offsets')], END)
    expect(errors).toEqual([ErrorCode.COORDINATOR_NOT_AVAILABLE])
  })
})
