import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { ListOffsets } from '../../../protocol/messages/02-list-offsets.ts'
import { OffsetFetch } from '../../../protocol/messages/09-offset-fetch.ts'
import { eachBatch, lastOffset, readBatchHeader } from '../../../protocol/records/batch.ts'
import { buildBatch } from '../../../protocol/records/batch-builder.ts'
import { PlainClient } from '../../support/plain-client.ts'
import { BrokerProcess, endAll, temporaryFolder } from '../../support/process.ts'
import { expectSound, odradek, restored } from './backup-command.ts'
import { type Acknowledged, BackupLoad, COMPACTED, GROUP, PARTITIONS, PLAIN, RETAINED } from './backup-load.ts'
import { type StoredRecord, storedRecords } from './stored-records.ts'

const BACKUPS = Number(process.env['ODRADEK_BACKUPS'] ?? 3)
const EARLIEST = -2
const LATEST = -1
const OUT_OF_ORDER_SEQUENCE_NUMBER = 45
const SETTINGS = [
  'offsets.topic.num.partitions=3',
  'log.initial.task.delay.ms=0',
  'log.retention.check.interval.ms=50',
  'log.cleaner.backoff.ms=50',
  'odradek.durability=os',
].flatMap((setting) => ['--set', setting])

describe('a backup under load', () => {
  afterEach(endAll)

  it('holds all that was acknowledged before it began, and a broker goes on from it', async () => {
    const broker = await BrokerProcess.start({ args: SETTINGS })
    const load = new BackupLoad(broker.bootstrap)
    await load.start()
    for (let backup = 1; backup <= BACKUPS; backup++) {
      await load.progress(300)
      const before = load.acknowledged()
      const copy = path.join(temporaryFolder(), 'copy')
      const { code, stdout, stderr } = await odradek('backup', broker.data, copy)
      expect(code, stdout + stderr).toBe(0)
      await expectSound(copy)
      const second = await BrokerProcess.start({ data: restored(copy), args: SETTINGS })
      const client = await PlainClient.connect(second.port)
      await expectContents(client, before, load.everCreated)
      await client.close()
      expect(await second.end('SIGTERM')).toMatchObject({ code: 0 })
      expect(warnings(second)).toEqual([])
      await expectSound(second.data)
    }
    await load.stop()
    expect(await broker.end('SIGTERM')).toMatchObject({ code: 0 })
    expect(warnings(broker)).toEqual([])
    await expectSound(broker.data)
  })
})

function warnings({ stderr }: BrokerProcess): string[] {
  return stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{"level":30,'))
}

async function expectContents(
  client: PlainClient,
  before: Acknowledged,
  everCreated: ReadonlySet<string>,
): Promise<void> {
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const stored = await storedRecords(client, PLAIN, partition)
    // As they were sent: all, in order, once, from the first on.
    expect(stored.map(({ value }) => value)).toEqual(stored.map((_, number) => String(number)))
    expectAll(stored, before.plain[partition]!, `${PLAIN}-${partition}`)
    const committed = await committedOffset(client, partition)
    expect(committed, `committed of ${partition}`).toBeLessThanOrEqual(await offsetOf(client, PLAIN, partition, LATEST))
    expect(committed, `committed of ${partition}`).toBeGreaterThanOrEqual(before.committed.get(partition) ?? -1)
    await expectProducerGoesOn(client, PLAIN, partition, stored.at(-1)!)
  }
  const latest = new Map((await storedRecords(client, COMPACTED)).map((record) => [record.key, record]))
  for (const [key, { offset, value }] of before.compacted) {
    const stored = latest.get(key)!
    expect(stored.offset, key).toBeGreaterThanOrEqual(offset)
    expect(Number(stored.value), key).toBeGreaterThanOrEqual(value)
  }
  const start = await offsetOf(client, RETAINED, 0, EARLIEST)
  expect(start, 'retention was at work').toBeGreaterThan(0)
  const kept = (await storedRecords(client, RETAINED, 0, start)).map((record) => {
    return { ...record, value: record.value.split(' ')[0]! }
  })
  expectAll(kept, new Map([...before.retained].filter(([offset]) => offset >= start)), RETAINED)
  const retainedEnd = await offsetOf(client, RETAINED, 0, LATEST)
  expect(retainedEnd).toBeGreaterThan(Math.max(...before.retained.keys()))
  await expectPassingTopics(client, everCreated)
}

/** A topic of which there is anything is whole: what it holds begins with offset 0 and comes from one incarnation. */
async function expectPassingTopics(client: PlainClient, everCreated: ReadonlySet<string>): Promise<void> {
  for (const topic of everCreated) {
    if ((await client.partitionCount(topic)) === null) continue
    const stored = await storedRecords(client, topic)
    const rounds = new Set(stored.map(({ value }) => value.split(' ')[0]))
    expect(rounds.size, topic).toBeLessThanOrEqual(1)
    expect(stored.map(({ offset, value }) => `${offset}=${value.split(' ')[1]}`)).toEqual(
      stored.map((_, index) => `${index}=${index}`),
    )
  }
}

function expectAll(stored: readonly StoredRecord[], wanted: ReadonlyMap<number, string>, where: string): void {
  const values = new Map(stored.map(({ offset, value }) => [offset, value]))
  expect(values.size, `${where}: offsets that are there twice`).toBe(stored.length)
  const missing = [...wanted].filter(([offset, value]) => values.get(offset) !== value)
  expect(missing, where).toEqual([])
}

/** A retry of the last batch is known, its successor is taken, and a gap is refused. */
async function expectProducerGoesOn(
  client: PlainClient,
  topic: string,
  partition: number,
  last: StoredRecord,
): Promise<void> {
  const bytes = await client.fetch(topic, last.offset, partition)
  const at = [...eachBatch(bytes)].at(-1)!
  const header = readBatchHeader(bytes, at)
  expect(header.producerId).toBeGreaterThanOrEqual(0)
  const retry = Buffer.from(bytes.subarray(at, at + header.sizeBytes))
  retry.writeBigInt64BE(0n)
  expect(await client.produceBatch(topic, retry, -1, partition)).toBe(header.baseOffset)
  const next = (more: number) => {
    const { producerId, producerEpoch, baseSequence, lastOffsetDelta } = header
    const sequence = baseSequence + lastOffsetDelta + 1 + more
    const records = [{ timestamp: Date.now(), key: null, value: Buffer.from('after the restore') }]
    return buildBatch({ producerId, producerEpoch, baseSequence: sequence, records })
  }
  const refused = client.produceBatch(topic, next(7), -1, partition)
  await expect(refused).rejects.toThrow(`error ${OUT_OF_ORDER_SEQUENCE_NUMBER}`)
  const end = lastOffset(bytes, at) + 1
  expect(await client.produceBatch(topic, next(0), -1, partition)).toBe(end)
}

async function offsetOf(client: PlainClient, name: string, partitionIndex: number, timestamp: number): Promise<number> {
  const topics = [{ name, partitions: [{ partitionIndex, timestamp }] }]
  const answer = await client.wire.send(ListOffsets, 5, { replicaId: -1, isolationLevel: 0, topics })
  const partition = answer.topics[0]!.partitions[0]!
  expect(partition.errorCode).toBe(0)
  return partition.offset
}

async function committedOffset(client: PlainClient, partition: number): Promise<number> {
  const topics = [{ name: PLAIN, partitionIndexes: [partition] }]
  const answer = await client.wire.send(OffsetFetch, 7, { groupId: GROUP, topics, groups: [] })
  expect(answer.errorCode).toBe(0)
  return answer.topics[0]!.partitions[0]!.committedOffset
}
