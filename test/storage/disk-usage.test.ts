import { expect, it } from 'vitest'
import type { TopicConfig } from '../../src/config/topic-config.ts'
import type { SimulatedFileSystem } from '../../src/io/simulated-file-system.ts'
import { SimulatedRandom } from '../../src/io/simulated-random.ts'
import type { LogHandle } from '../../src/storage/storage.ts'
import { appendTo, batchOf, config, type Fixture, identity, openFixture } from './store-fixture.ts'

/** All segments on the disk, those included that are waiting to be removed: what a walk would find. */
function segmentBytesOn(disk: SimulatedFileSystem): { used: number; leaving: number } {
  let [used, leaving] = [0, 0]
  for (const directory of disk.list('/data')) {
    for (const name of disk.list(`/data/${directory}`)) {
      if (!/^\d{20}\.log(?:\.deleted)?$/.test(name)) continue
      const { sizeBytes } = disk.stat(`/data/${directory}/${name}`)!
      used += sizeBytes
      if (name.endsWith('.deleted') || directory.endsWith('-delete')) leaving += sizeBytes
    }
  }
  return { used, leaving }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
}

function expectCounted({ fileSystem, store }: Fixture, what: string): void {
  const { used, leaving } = segmentBytesOn(fileSystem)
  expect({ used: store.disk.usedBytes, leaving: store.disk.leavingBytes }, what).toEqual({ used, leaving })
}

const IDS = ['YWFhYWFhYWFhYWFhYWFhYQ', 'YmJiYmJiYmJiYmJiYmJiYg']

function topicConfig(overrides: Partial<TopicConfig> = {}): TopicConfig {
  return config({ 'segment.bytes': 300, 'min.cleanable.dirty.ratio': 0, ...overrides })
}

/** One random life of two topics; the count is compared with the disk after each step. */
async function runSeed(seed: number): Promise<number> {
  const random = new SimulatedRandom(seed)
  const fixture = await openFixture()
  const { store, clock, fileSystem } = fixture
  const policies = [['delete'], ['compact']] as const
  const open = async (topic: number) => {
    const logs: LogHandle[] = []
    for (const partition of [0, 1]) {
      const settings = topicConfig({ 'cleanup.policy': policies[topic]!, 'file.delete.delay.ms': 5000 })
      logs.push(await store.open(identity(`topic${topic}`, partition, IDS[topic]!), settings, 0))
    }
    return logs
  }
  const topics = [await open(0), await open(1)]
  let most = 0
  for (let step = 0; step < 60; step++) {
    const topic = random.below(2)
    const log = topics[topic]![random.below(2)]!
    const choice = random.below(100)
    if (choice < 60) await appendTo(store, log, batchOf([`value-${step}`], { timestamp: clock.nowMs() }))
    else if (choice < 66) await store.deleteRecords(log, random.below(log.offsets.highWatermark + 1))
    else if (choice < 74) await store.runRetention()
    else if (choice < 80) await store.runCompaction()
    else if (choice < 86) clock.advance(random.below(6000))
    else if (choice < 90) {
      for (const each of topics[topic]!) await store.drop(each)
      topics[topic] = await open(topic)
    } else if (choice < 94) {
      fileSystem.faults.push({ operation: 'write', code: 'ENOSPC', path: '.log' })
      await appendTo(store, log, batchOf(['does not fit']))
      fileSystem.faults.length = 0
      // Reading the log anew removes what waits to be removed; that is counted when its time comes.
      await settled()
      clock.advance(5000)
    } else store.disk.hurry((id) => id === IDS[topic])
    await settled()
    expectCounted(fixture, `seed ${seed}, step ${step}`)
    most = Math.max(most, store.disk.leavingBytes)
  }
  const used = store.disk.usedBytes - store.disk.leavingBytes
  await store.close()
  const again = await openFixture({ fileSystem, clock })
  for (const [topic, id] of IDS.entries()) {
    for (const partition of [0, 1]) await again.store.open(identity(`topic${topic}`, partition, id), topicConfig(), 1)
  }
  expect(again.store.disk.usedBytes, `seed ${seed}, after a restart`).toBe(used)
  return most
}

it('bytes in use are counted as a walk through the directory would find them, whatever happens to the logs', async () => {
  let most = 0
  for (let seed = 0; seed < 25; seed++) most = Math.max(most, await runSeed(seed))
  expect(most, 'some files were on their way out').toBeGreaterThan(0)
})

it('files of a topic in a hurry go a second after they left their log, and no others', async () => {
  const fixture = await openFixture()
  const { store, clock } = fixture
  const logs: LogHandle[] = []
  for (const [topic, id] of IDS.entries())
    logs.push(await store.open(identity(`topic${topic}`, 0, id), topicConfig(), 0))
  for (const log of logs) {
    for (let index = 0; index < 12; index++) await appendTo(store, log, batchOf([`value-${index}`]))
    await store.deleteRecords(log, 6)
  }
  await store.runRetention()
  await settled()
  const [first, second] = IDS.map((id) => store.disk.topicLeavingBytes(id))
  expect(first).toBeGreaterThan(0)
  store.disk.hurry((id) => id === IDS[0])
  clock.advance(999)
  await settled()
  expect(store.disk.topicLeavingBytes(IDS[0]!)).toBe(first)
  clock.advance(1)
  await settled()
  expect(store.disk.topicLeavingBytes(IDS[0]!)).toBe(0)
  expect(store.disk.topicLeavingBytes(IDS[1]!)).toBe(second)
  expectCounted(fixture, 'at the end')
})

it('records deleted while their topic is in a hurry free their segments without waiting for the next check of retention', async () => {
  const fixture = await openFixture()
  const { store, clock } = fixture
  const log = await store.open(identity('topic', 0, IDS[0]!), topicConfig(), 0)
  for (let index = 0; index < 12; index++) await appendTo(store, log, batchOf([`value-${index}`]))
  store.disk.hurry(() => true)
  await store.deleteRecords(log, 12)
  await settled()
  clock.advance(1000)
  await settled()
  expect(store.disk.usedBytes).toBe(0)
  expectCounted(fixture, 'at the end')
})
