import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../../protocol/errors.ts'
import { Produce } from '../../../protocol/messages/00-produce.ts'
import { OffsetCommit } from '../../../protocol/messages/08-offset-commit.ts'
import { OffsetFetch } from '../../../protocol/messages/09-offset-fetch.ts'
import { DeleteTopics } from '../../../protocol/messages/20-delete-topics.ts'
import { DeleteRecords } from '../../../protocol/messages/21-delete-records.ts'
import { buildBatch } from '../../../protocol/records/batch-builder.ts'
import { SimulatedClock } from '../../../src/io/simulated-clock.ts'
import { SimulatedFileSystem } from '../../../src/io/simulated-file-system.ts'
import { BROKER_RESOURCE, ClockedBroker, type Settings, TOPIC_RESOURCE } from '../../support/clocked-broker.ts'

const MIB = 1024 * 1024
const VALUE_BYTES = 100_000
/** A few batches to a segment: it is full when its index is. */
const SMALL_SEGMENTS: Settings = { 'segment.index.bytes': '12', 'index.interval.bytes': '1' }
const REJECT: Settings = { 'odradek.disk.budget.high': String(MIB) }
const DELETE: Settings = { ...REJECT, 'odradek.disk.budget.action': 'delete' }

interface Answer {
  readonly error: number
  readonly message: string | null
  readonly offset: number
  readonly throttleTimeMs: number
}

function batchOf(value: string, producer: object = {}): Buffer {
  const bytes = Buffer.alloc(VALUE_BYTES, value)
  return buildBatch({ ...producer, records: [{ timestamp: 1_700_000_000_000, key: null, value: bytes }] })
}

async function send(broker: ClockedBroker, topic: string, value = 'x', producer: object = {}): Promise<Answer> {
  const partitionData = [{ index: 0, records: batchOf(value, producer) }]
  const request = { acks: -1, timeoutMs: 10_000, topicData: [{ name: topic, partitionData }] }
  const { responses, throttleTimeMs } = await broker.call(Produce, 9, request)
  const { errorCode, errorMessage, baseOffset } = responses[0]!.partitionResponses[0]!
  return { error: errorCode, message: errorMessage, offset: baseOffset, throttleTimeMs }
}

/** Sends until the broker refuses; gives the refusal. */
async function fill(broker: ClockedBroker, topic: string): Promise<Answer> {
  for (let count = 0; count < 100; count++) {
    const answer = await send(broker, topic)
    if (answer.error !== ErrorCode.NONE) return answer
  }
  throw new Error('everything was taken')
}

async function deleteRecords(broker: ClockedBroker, topic: string, offset: number): Promise<number> {
  const topics = [{ name: topic, partitions: [{ partitionIndex: 0, offset }] }]
  const answer = await broker.call(DeleteRecords, 2, { topics, timeoutMs: 10_000 })
  return answer.topics[0]!.partitions[0]!.errorCode
}

async function commit(broker: ClockedBroker, topic: string, committedOffset: number): Promise<number> {
  const partitions = [{ partitionIndex: 0, committedOffset, committedMetadata: '' }]
  const answer = await broker.call(OffsetCommit, 7, {
    groupId: 'group',
    memberId: '',
    topics: [{ name: topic, partitions }],
  })
  return answer.topics[0]!.partitions[0]!.errorCode
}

async function committed(broker: ClockedBroker, topic: string): Promise<number> {
  const request = { groupId: 'group', topics: [{ name: topic, partitionIndexes: [0] }], groups: [] }
  return (await broker.call(OffsetFetch, 7, request)).topics[0]!.partitions[0]!.committedOffset
}

function budgetLines({ lines }: ClockedBroker): string[] {
  return lines.map(({ msg }) => msg).filter((msg) => msg.includes('disk budget'))
}

describe('a disk budget that rejects', () => {
  it('refuses producers above the high mark with the numbers, and takes them again once records were deleted', async () => {
    const broker = await ClockedBroker.start(REJECT)
    await broker.createTopic('t')
    const refusal = await fill(broker, 't')
    expect(refusal).toMatchObject({ error: ErrorCode.KAFKA_STORAGE_ERROR, offset: -1, throttleTimeMs: 1000 })
    const { diskBudget } = broker.broker
    expect(refusal.message).toContain(`${diskBudget.usedBytes} bytes are used of ${MIB} (odradek.disk.budget.high)`)
    expect(diskBudget).toMatchObject({ state: 'rejecting', limitBytes: MIB, rejectedRequests: 1, deletedBytes: 0 })
    expect(diskBudget.usedBytes).toBeGreaterThan(MIB)
    expect(await broker.latest('t')).toBe(11)
    expect((await broker.records('t')).length).toBe(11)
    await broker.advance(10_000, 10)
    expect((await send(broker, 't')).error).toBe(ErrorCode.KAFKA_STORAGE_ERROR)

    expect(await deleteRecords(broker, 't', -1)).toBe(ErrorCode.NONE)
    await broker.advance(2000, 2)
    expect(diskBudget).toMatchObject({ state: 'open', usedBytes: 0, rejectedRequests: 2 })
    expect(await send(broker, 't')).toMatchObject({ error: ErrorCode.NONE, offset: 11, throttleTimeMs: 0 })
    expect(budgetLines(broker)).toEqual([
      expect.stringContaining('producers have to wait'),
      expect.stringContaining('has room again: 0 bytes'),
    ])
    await broker.close()
  })

  it('lets commits, DeleteTopics, DeleteRecords and settings go on, and gives the space of a deleted topic back within seconds', async () => {
    const broker = await ClockedBroker.start({ ...REJECT, 'offsets.topic.num.partitions': '1' })
    await broker.createTopic('full')
    await broker.createTopic('other')
    await send(broker, 'other')
    await fill(broker, 'full')
    expect((await send(broker, 'other')).error).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    expect(await commit(broker, 'full', 7)).toBe(ErrorCode.NONE)
    expect(await committed(broker, 'full')).toBe(7)
    expect(await deleteRecords(broker, 'other', 1)).toBe(ErrorCode.NONE)
    await broker.createTopic('new')
    await broker.alter(TOPIC_RESOURCE, 'new', { 'retention.ms': '1000' })
    const answer = await broker.call(DeleteTopics, 5, { topics: [], topicNames: ['full'], timeoutMs: 10_000 })
    expect(answer.responses[0]!.errorCode).toBe(ErrorCode.NONE)
    expect(broker.broker.diskBudget.state, 'its files are still there').toBe('rejecting')
    await broker.advance(3000, 3)
    expect(broker.broker.diskBudget.state).toBe('open')
    expect((await send(broker, 'new')).error).toBe(ErrorCode.NONE)
    await broker.close()
  })

  it('an idempotent producer keeps its sequence while it is refused', async () => {
    const broker = await ClockedBroker.start(REJECT)
    await broker.createTopic('t')
    const producer = (baseSequence: number) => ({ producerId: 1000, producerEpoch: 0, baseSequence })
    expect(await send(broker, 't', 'a', producer(0))).toMatchObject({ error: 0, offset: 0 })
    await fill(broker, 't')
    for (let retry = 0; retry < 3; retry++) {
      expect((await send(broker, 't', 'b', producer(1))).error).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    }
    await deleteRecords(broker, 't', -1)
    await broker.advance(2000, 2)
    const stored = await send(broker, 't', 'b', producer(1))
    expect(stored.error).toBe(ErrorCode.NONE)
    expect(await send(broker, 't', 'b', producer(1)), 'a retry').toMatchObject({ error: 0, offset: stored.offset })
    expect(await broker.latest('t')).toBe(stored.offset + 1)
    await broker.close()
  })

  it('follows settings at run time, also those of one topic', async () => {
    const broker = await ClockedBroker.start()
    await broker.createTopic('t', SMALL_SEGMENTS)
    for (let count = 0; count < 12; count++) expect((await send(broker, 't')).error).toBe(ErrorCode.NONE)
    expect(broker.broker.diskBudget).toMatchObject({ state: 'open', limitBytes: null })
    await broker.alter(BROKER_RESOURCE, '', { 'odradek.disk.budget.high': String(MIB) })
    await broker.advance(0)
    expect((await send(broker, 't')).error).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    await broker.alter(BROKER_RESOURCE, '1', { 'odradek.disk.budget.high': String(2 * MIB) })
    await broker.advance(0)
    expect((await send(broker, 't')).error).toBe(ErrorCode.NONE)
    await broker.alter(BROKER_RESOURCE, '1', { 'odradek.disk.budget.high': String(MIB) })
    await broker.advance(0)
    await broker.alter(TOPIC_RESOURCE, 't', { 'odradek.disk.budget.action': 'delete' })
    await broker.advance(3000, 3)
    expect(broker.broker.diskBudget.state).toBe('open')
    expect(await broker.earliest('t')).toBeGreaterThan(0)
    expect((await send(broker, 't')).error).toBe(ErrorCode.NONE)
    await broker.close()
  })

  it.each([
    [{ 'odradek.disk.budget.low': '90%', 'odradek.disk.budget.high': '90%' }, 'must be less than'],
    [
      { 'odradek.disk.budget.low': '2097152', 'odradek.disk.budget.high': '90%' },
      'both be bytes or both be percentages',
    ],
    [{ 'odradek.disk.budget.high': '0.5%' }, 'Must be off, bytes from 1048576, or a percentage'],
    [{ 'odradek.disk.budget.high': '10GB' }, 'Must be off, bytes from 1048576, or a percentage'],
    [{ 'odradek.disk.budget.action': 'ignore' }, 'String must be one of: delete, reject'],
  ])('refuses %j', async (settings, message) => {
    const broker = await ClockedBroker.start()
    await expect(broker.alter(BROKER_RESOURCE, '', settings as Settings)).rejects.toThrow(message)
    await expect(ClockedBroker.start(settings as Settings)).rejects.toThrow(message)
    await broker.close()
  })
})

describe('the disk budget of one topic', () => {
  it('rejects its producers and nobody else, without slowing them down', async () => {
    const broker = await ClockedBroker.start()
    await broker.createTopic('small', { 'odradek.disk.budget.bytes': '300000' })
    await broker.createTopic('large')
    const refusal = await fill(broker, 'small')
    expect(refusal).toMatchObject({ error: ErrorCode.KAFKA_STORAGE_ERROR, throttleTimeMs: 0 })
    expect(refusal.message).toMatch(/the disk budget of topic small is used up: \d+ bytes are used of 300000/)
    for (let count = 0; count < 5; count++) expect((await send(broker, 'large')).error).toBe(ErrorCode.NONE)
    expect(broker.broker.diskBudget.state).toBe('open')
    expect(broker.broker.diskBudget.topics).toEqual([
      expect.objectContaining({ topic: 'small', state: 'rejecting', highBytes: 300_000, lowBytes: 285_000 }),
    ])
    await deleteRecords(broker, 'small', -1)
    await broker.advance(2000, 2)
    expect((await send(broker, 'small')).error).toBe(ErrorCode.NONE)
    await broker.close()
  })

  it('deletes its oldest segments, and those of no other topic', async () => {
    const broker = await ClockedBroker.start()
    const settings = { ...SMALL_SEGMENTS, 'odradek.disk.budget.action': 'delete' }
    await broker.createTopic('ring', { ...settings, 'odradek.disk.budget.bytes': '1000000' })
    await broker.createTopic('other', settings)
    for (let count = 0; count < 8; count++) await send(broker, 'other')
    for (let count = 0; count < 40; count++) {
      expect((await send(broker, 'ring')).error).toBe(ErrorCode.NONE)
      await broker.advance(500)
    }
    expect(await broker.latest('ring')).toBe(40)
    expect(40 - (await broker.earliest('ring'))).toBeLessThanOrEqual(10)
    expect(await broker.earliest('other')).toBe(0)
    await broker.close()
  })
})

describe('a disk budget that deletes', () => {
  it('keeps the newest records of all topics within the budget, and never refuses a producer', async () => {
    const broker = await ClockedBroker.start(DELETE)
    for (const topic of ['a', 'b']) await broker.createTopic(topic, SMALL_SEGMENTS)
    for (let count = 0; count < 60; count++) {
      expect((await send(broker, count % 3 === 0 ? 'a' : 'b')).error, `record ${count}`).toBe(ErrorCode.NONE)
      await broker.advance(500)
    }
    const { diskBudget } = broker.broker
    expect(diskBudget.usedBytes).toBeLessThan(MIB + 4 * VALUE_BYTES)
    expect(diskBudget.rejectedRequests).toBe(0)
    expect(diskBudget.deletedBytes).toBeGreaterThan(4 * MIB)
    expect(await broker.latest('a')).toBe(20)
    expect(await broker.latest('b')).toBe(40)
    expect(await broker.earliest('a')).toBeGreaterThan(10)
    expect(await broker.earliest('b')).toBeGreaterThan(20)
    expect(
      budgetLines(broker).some((line) => /closed segments with \d+ bytes are deleted.*now starts at/.test(line)),
    ).toBe(true)
    await broker.close()
  })

  it('rejects when all that is left is active, compacted or meant to be kept', async () => {
    const broker = await ClockedBroker.start(DELETE)
    await broker.createTopic('active')
    await broker.createTopic('compacted', { ...SMALL_SEGMENTS, 'cleanup.policy': 'compact' })
    await broker.createTopic('kept', { ...SMALL_SEGMENTS, 'odradek.disk.budget.action': 'reject' })
    for (let count = 0; count < 4; count++) await send(broker, 'kept')
    const refusal = await fill(broker, 'active')
    expect(refusal.error).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    expect(await broker.earliest('kept')).toBe(0)
    expect(broker.broker.diskBudget).toMatchObject({ state: 'rejecting', deletedSegments: 0 })
    await broker.close()
  })
})

describe('a disk budget as a share of the file system', () => {
  function write(disk: SimulatedFileSystem, path: string, bytes: number): void {
    const file = disk.open(path, 'create')
    file.writeSync([Buffer.alloc(bytes)], 0)
    file.close()
  }

  it('counts what others have on it, and takes producers again when they have made room', async () => {
    const clock = new SimulatedClock()
    const disk = new SimulatedFileSystem({ capacityBytes: 4 * MIB, nowMs: () => clock.nowMs() })
    const broker = await ClockedBroker.start(
      { 'odradek.disk.budget.high': '50%', 'odradek.disk.budget.low': '40%' },
      { clock, disk },
    )
    await broker.createTopic('t')
    const { diskBudget } = broker.broker
    expect(diskBudget.limitBytes).toBe(2 * MIB)
    write(disk, '/another-program', 1.5 * MIB)
    await broker.advance(1000)
    expect((await fill(broker, 't')).message).toContain(`of ${2 * MIB}`)
    expect(diskBudget.usedBytes).toBeLessThan(2 * MIB + 2 * VALUE_BYTES)
    const taken = await broker.latest('t')
    disk.unlink('/another-program')
    await broker.advance(1000)
    expect(diskBudget.state).toBe('open')
    expect(await send(broker, 't')).toMatchObject({ error: ErrorCode.NONE, offset: taken })
    await broker.close()
  })

  it('does not delete more than it must while the files are on their way out', async () => {
    const clock = new SimulatedClock()
    const disk = new SimulatedFileSystem({ capacityBytes: 4 * MIB, nowMs: () => clock.nowMs() })
    const settings = { 'odradek.disk.budget.high': '50%', 'odradek.disk.budget.low': '25%' }
    const broker = await ClockedBroker.start({ ...settings, 'odradek.disk.budget.action': 'delete' }, { clock, disk })
    await broker.createTopic('t', { ...SMALL_SEGMENTS, 'file.delete.delay.ms': '600000' })
    while (broker.broker.diskBudget.deletedSegments === 0) {
      expect((await send(broker, 't')).error).toBe(ErrorCode.NONE)
      await broker.advance(0)
    }
    const start = await broker.earliest('t')
    await broker.advance(5000, 10)
    expect(await broker.earliest('t')).toBe(start)
    const { diskBudget } = broker.broker
    expect(diskBudget.state).toBe('open')
    expect(diskBudget.usedBytes).toBeLessThanOrEqual(MIB)
    expect(diskBudget.usedBytes).toBeGreaterThan(MIB - 4 * VALUE_BYTES)
    await broker.close()
  })
})
