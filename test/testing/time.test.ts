import { type Admin, Kafka, logLevel } from 'kafkajs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startBroker } from '../../src/index.ts'
import type { TestBroker } from '../../src/testing/test-broker.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

let broker: TestBroker
let kafka: Kafka

beforeEach(async () => {
  broker = await startBroker()
  kafka = new Kafka({ brokers: [broker.bootstrapServers], logLevel: logLevel.NOTHING, retry: { initialRetryTime: 5 } })
})

afterEach(() => broker.close())

async function produce(topic: string, messages: readonly { key: string; value: string | null }[]): Promise<void> {
  const producer = kafka.producer()
  await producer.connect()
  await producer.send({ topic, messages: [...messages] })
  await producer.disconnect()
}

async function pairsOf(topic: string): Promise<[string | null, string | null][]> {
  const pairs: [string | null, string | null][] = []
  for await (const { keyText, text } of broker.topic(topic).messages()) pairs.push([keyText, text])
  return pairs
}

describe('time in a test', () => {
  it('records are gone when their retention is over', async () => {
    await broker.createTopics([{ name: 'short', config: { 'retention.ms': HOUR_MS } }])
    await produce('short', [{ key: 'a', value: '1' }])
    await broker.runRetention()
    expect(await pairsOf('short')).toEqual([['a', '1']])
    await broker.advance(2 * HOUR_MS)
    await broker.runRetention()
    expect(await pairsOf('short')).toEqual([])
    expect(broker.topic('short').endOffsets).toEqual([1])
  })

  it('retention follows by itself when its check is due', async () => {
    await broker.createTopics([{ name: 'short', config: { 'retention.ms': HOUR_MS } }])
    await produce('short', [{ key: 'a', value: '1' }])
    await broker.advance(2 * HOUR_MS)
    expect(await pairsOf('short')).toEqual([])
  })

  it('compaction keeps the last value of each key, at once', async () => {
    await broker.createTopics([{ name: 'state', config: { 'cleanup.policy': 'compact' } }])
    await produce('state', [
      { key: 'a', value: '1' },
      { key: 'b', value: '1' },
      { key: 'a', value: '2' },
    ])
    await broker.runCompaction()
    expect(await pairsOf('state')).toEqual([
      ['b', '1'],
      ['a', '2'],
    ])
  })

  it('tombstones are gone a day later', async () => {
    await broker.createTopics([{ name: 'state', config: { 'cleanup.policy': 'compact' } }])
    await produce('state', [
      { key: 'a', value: '1' },
      { key: 'a', value: null },
      { key: 'b', value: '1' },
    ])
    await broker.runCompaction()
    expect(await pairsOf('state')).toEqual([
      ['a', null],
      ['b', '1'],
    ])
    await broker.advance(2 * DAY_MS)
    await broker.runCompaction()
    expect(await pairsOf('state')).toEqual([['b', '1']])
  })

  it('committed offsets are forgotten when they are too old', async () => {
    await broker.createTopics(['t'])
    // One for each question: the broker closes what was idle for eight days.
    const ask = async <T>(question: (admin: Admin) => Promise<T>): Promise<T> => {
      const admin = kafka.admin()
      await admin.connect()
      const answer = await question(admin)
      await admin.disconnect()
      return answer
    }
    const groups = () => ask(async (admin) => (await admin.listGroups()).groups.map(({ groupId }) => groupId))
    const consumer = kafka.consumer({ groupId: 'g', maxWaitTimeInMs: 20 })
    await consumer.connect()
    await consumer.subscribe({ topic: 't' })
    await consumer.run({ autoCommit: false, eachMessage: async () => {} })
    await broker.waitForGroup('g', 'assigned')
    await consumer.commitOffsets([{ topic: 't', partition: 0, offset: '0' }])
    await consumer.disconnect()
    expect(await groups()).toEqual(['g'])
    await broker.runOffsetExpiration()
    expect(await groups()).toEqual(['g'])
    await broker.advance(8 * DAY_MS)
    await broker.runOffsetExpiration()
    expect(await groups()).toEqual([])
  })
})
