import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../protocol/errors.ts'
import { AppendsUnderWay } from '../../src/coordinator/appends-under-way.ts'
import type { CoordinatorRecord } from '../../src/coordinator/coordinator-log.ts'
import { LocalCoordinatorLog } from '../../src/coordinator/local-coordinator-log.ts'
import type { SimulatedFileSystem } from '../../src/io/simulated-file-system.ts'
import type { Metadata } from '../../src/metadata/metadata.ts'
import type { MetadataImage, TopicImage } from '../../src/metadata/metadata-image.ts'
import type { LogStore } from '../../src/storage/storage.ts'
import { config, type Fixture, NOW_MS, openFixture, readAll, TOPIC_ID } from '../storage/store-fixture.ts'
import { fakeBroker } from '../support/fake-broker.ts'
import { plainWrite } from './fake-coordinator-log.ts'

const TOPIC = '__consumer_offsets'
const PARTITIONS = 3

const record = (key: string, value: string | null = `value of ${key}`): CoordinatorRecord => {
  return { key: Buffer.from(key), value: value === null ? null : Buffer.from(value) }
}

function topicImage(): TopicImage {
  const partitions = Array.from({ length: PARTITIONS }, (_, index) => {
    return { index, leader: 1, leaderEpoch: 4, partitionEpoch: 0, replicas: [1], isr: [1] }
  })
  return { name: TOPIC, id: TOPIC_ID, internal: true, partitions }
}

/** A log over a store on a simulated disk; the topic comes to be at its first use. */
async function open(disk?: SimulatedFileSystem, options: { exists?: boolean; ensure?: () => Promise<void> } = {}) {
  const fixture = await openFixture(disk ? { fileSystem: disk } : {})
  let topics = new Map<string, TopicImage>()
  const base = fakeBroker().metadata
  const metadata: Metadata = {
    ...base,
    get image(): MetadataImage {
      return { ...base.image, topics }
    },
  }
  let created = 0
  const owners = { fence: 9 }
  const underWay = new AppendsUnderWay()
  const create = async () => {
    created++
    await openAll(fixture.store)
    topics = new Map([[TOPIC, topicImage()]])
  }
  if (options.exists) await create()
  const log = new LocalCoordinatorLog({
    topic: TOPIC,
    partitions: PARTITIONS,
    store: fixture.store,
    metadata,
    ensureTopic: options.ensure ?? create,
    durability: 'disk',
    fence: () => owners.fence,
    underWay,
  })
  return { ...fixture, log, created: () => created, owners, underWay }
}

async function openAll(store: LogStore): Promise<void> {
  for (let partition = 0; partition < PARTITIONS; partition++) {
    await store.open({ topic: TOPIC, topicId: TOPIC_ID, partition }, config(), 4)
  }
}

async function load({ log }: { log: LocalCoordinatorLog }, shard = 0): Promise<string[]> {
  const keys: string[] = []
  await log.load(shard, {
    record: ({ key, value }) => keys.push(`${key}=${value}`),
    transactionEnd: ({ producerId }) => keys.push(`end of ${producerId}`),
  })
  return keys
}

function stored({ store }: Pick<Fixture, 'store'>, shard = 0) {
  return readAll(store, store.get(TOPIC_ID, shard)!)
}

describe('a coordinator log on this disk', () => {
  it('has the number of shards that was configured, and creates nothing to load', async () => {
    const opened = await open()
    expect(opened.log.shardCount()).toBe(PARTITIONS)
    expect(await load(opened)).toEqual([])
    expect(opened.created()).toBe(0)
  })

  it('creates its topic at the first append, once', async () => {
    const opened = await open()
    const appends = [
      opened.log.append(0, 9, plainWrite([record('a')]), NOW_MS),
      opened.log.append(2, 9, plainWrite([record('b')]), NOW_MS),
    ]
    expect(await Promise.all(appends)).toEqual([ErrorCode.NONE, ErrorCode.NONE])
    expect(opened.created()).toBe(1)
    expect(await load(opened, 0)).toEqual(['a=value of a'])
    expect(await load(opened, 2)).toEqual(['b=value of b'])
  })

  it('a shard that is taken over while the topic is created gets nothing from the owner before', async () => {
    let create = () => {}
    const opened = await open(undefined, { ensure: () => new Promise((resolve) => (create = resolve)) })
    const append = opened.log.append(0, 9, plainWrite([record('a')]), NOW_MS)
    opened.owners.fence = 10
    create()
    expect(await append).toBe(ErrorCode.NOT_COORDINATOR)
  })

  it('who never owned a shard cannot write to it', async () => {
    const opened = await open(undefined, { exists: true })
    opened.owners.fence = -1
    expect(await opened.log.append(0, -1, plainWrite([record('a')]), NOW_MS)).toBe(ErrorCode.NOT_COORDINATOR)
    expect(await opened.log.append(0, 9, plainWrite([record('a')]), NOW_MS)).toBe(ErrorCode.NOT_COORDINATOR)
    expect(await load(opened)).toEqual([])
  })

  it('a new owner reads what the one before was still writing', async () => {
    const opened = await open(undefined, { exists: true })
    const append = opened.log.append(0, 9, plainWrite([record('a')]), NOW_MS)
    opened.owners.fence = 10
    expect(await load(opened)).toEqual(['a=value of a'])
    expect(await append).toBe(ErrorCode.NONE)
  })

  it('keeps the order of appends that arrive while the topic is created, and after', async () => {
    const opened = await open()
    const appends: Promise<ErrorCode>[] = []
    for (let i = 0; i < 20; i++) {
      appends.push(opened.log.append(0, 9, plainWrite([record(`k${i}`)]), NOW_MS))
      // Some arrive at each stage of the creation.
      await Promise.resolve()
    }
    await Promise.all(appends)
    expect(await load(opened)).toEqual(Array.from({ length: 20 }, (_, i) => `k${i}=value of k${i}`))
  })

  it('writes what Kafka would: time, tombstones, the leader epoch', async () => {
    const opened = await open(undefined, { exists: true })
    await opened.log.append(1, 9, plainWrite([record('a'), record('a', null)]), NOW_MS + 5)
    const records = await stored(opened, 1)
    expect(
      records.map(({ offset, timestamp, key, value }) => [offset, timestamp, `${key}`, value?.toString()]),
    ).toEqual([
      [0, NOW_MS + 5, 'a', 'value of a'],
      [1, NOW_MS + 5, 'a', undefined],
    ])
    expect(opened.store.epochAt(opened.store.get(TOPIC_ID, 1)!, 0)).toBe(4)
  })

  it('cuts what is too large for one batch, and reads it back in order', async () => {
    const opened = await open(undefined, { exists: true })
    const large = Array.from({ length: 20 }, (_, i) => record(`k${i}`, 'x'.repeat(1024 * 1024)))
    expect(await opened.log.append(0, 9, plainWrite(large), NOW_MS)).toBe(ErrorCode.NONE)
    const keys = (await load(opened)).map((line) => line.split('=')[0])
    expect(keys).toEqual(large.map(({ key }) => `${key}`))
  })

  it('what was acknowledged is there after the power went', async () => {
    const opened = await open()
    for (const key of ['a', 'b', 'c'])
      expect(await opened.log.append(0, 9, plainWrite([record(key)]), NOW_MS)).toBe(ErrorCode.NONE)
    const after = await open(opened.fileSystem.crash(7), { exists: true })
    expect(await load(after)).toEqual(['a', 'b', 'c'].map((key) => `${key}=value of ${key}`))
  })

  it('a fence from before is refused, and nothing is written', async () => {
    const opened = await open(undefined, { exists: true })
    expect(await opened.log.append(0, 8, plainWrite([record('zombie')]), NOW_MS)).toBe(ErrorCode.NOT_COORDINATOR)
    expect(await load(opened)).toEqual([])
  })

  it('a disk that fails is an error of the append', async () => {
    const opened = await open(undefined, { exists: true })
    opened.fileSystem.faults.push({ operation: 'sync', code: 'EIO', times: 10 })
    expect(await opened.log.append(0, 9, plainWrite([record('a')]), NOW_MS)).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
  })

  it('a topic that cannot be created fails the appends that need it, and the next one tries again', async () => {
    let attempts = 0
    const ensure = () => Promise.reject(new Error(`attempt ${++attempts}`))
    const opened = await open(undefined, { ensure })
    await expect(opened.log.append(0, 9, plainWrite([record('a')]), NOW_MS)).rejects.toThrow('attempt 1')
    await expect(opened.log.append(0, 9, plainWrite([record('a')]), NOW_MS)).rejects.toThrow('attempt 2')
  })
})
