import { expect, it } from 'vitest'
import { ErrorCode } from '../../../protocol/errors.ts'
import { Produce } from '../../../protocol/messages/00-produce.ts'
import { DeleteRecords } from '../../../protocol/messages/21-delete-records.ts'
import { buildBatch } from '../../../protocol/records/batch-builder.ts'
import { SimulatedClock } from '../../../src/io/simulated-clock.ts'
import { SimulatedFileSystem } from '../../../src/io/simulated-file-system.ts'
import { ClockedBroker } from '../../support/clocked-broker.ts'

const CAPACITY_BYTES = 24_000_000

async function send(broker: ClockedBroker, topic: string, bytes: number): Promise<number> {
  const records = buildBatch({
    records: [{ timestamp: 1_700_000_000_000, key: null, value: Buffer.alloc(bytes, 'x') }],
  })
  const topicData = [{ name: topic, partitionData: [{ index: 0, records }] }]
  const { responses } = await broker.call(Produce, 9, { acks: -1, timeoutMs: 10_000, topicData })
  return responses[0]!.partitionResponses[0]!.errorCode
}

async function deleteRecords(broker: ClockedBroker, topic: string, offset: number): Promise<number> {
  const topics = [{ name: topic, partitions: [{ partitionIndex: 0, offset }] }]
  return (await broker.call(DeleteRecords, 2, { topics, timeoutMs: 10_000 })).topics[0]!.partitions[0]!.errorCode
}

it('on a disk that was full to the last byte records could not be deleted, so that nothing ever made room', async () => {
  const clock = new SimulatedClock()
  const disk = new SimulatedFileSystem({ capacityBytes: CAPACITY_BYTES, nowMs: () => clock.nowMs() })
  const broker = await ClockedBroker.start({}, { clock, disk })
  await broker.createTopic('t', { 'segment.bytes': '2000000' })
  for (let count = 0; count < 18; count++) expect(await send(broker, 't', 1_000_000)).toBe(ErrorCode.NONE)
  await broker.advance(60_000)
  for (const bytes of [1_000_000, 100_000, 10_000, 1000, 100, 1]) {
    while ((await send(broker, 't', bytes)) === ErrorCode.NONE);
    await broker.advance(0)
  }
  const last = disk.open('/last-bytes', 'create')
  last.writeSync([Buffer.alloc(disk.space()!.freeBytes)], 0)
  last.close()
  expect(disk.space()?.freeBytes).toBe(0)
  expect(await send(broker, 't', 1)).toBe(ErrorCode.KAFKA_STORAGE_ERROR)

  expect(await deleteRecords(broker, 't', 8)).toBe(ErrorCode.NONE)
  expect(await broker.earliest('t')).toBe(8)
  await broker.advance(2000, 2)
  expect(disk.space()?.freeBytes).toBeGreaterThan(5_000_000)
  expect(await send(broker, 't', 1_000_000)).toBe(ErrorCode.NONE)
  const messages = broker.lines.map(({ msg }) => msg)
  expect(messages).toContainEqual(
    expect.stringMatching(/the disk is full .* is given up, so that records can be deleted/),
  )
  await broker.advance(60_000)
  expect(broker.lines.at(-1)?.msg).toBe('there is room again: /data/.odradek-reserve is set aside')
  await broker.close()
})
