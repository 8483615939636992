import { Kafka, logLevel } from 'kafkajs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startBroker } from '../../src/index.ts'
import type { TestBroker } from '../../src/testing/test-broker.ts'

let broker: TestBroker
beforeEach(async () => {
  broker = await startBroker({ topics: ['a-orders', 'b-orders'], http: 0 })
})
afterEach(() => broker.close())

function kafka(): Kafka {
  return new Kafka({
    brokers: [broker.bootstrapServers],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 5, retries: 30 },
  })
}

async function produce(topic: string, value: string): Promise<void> {
  const producer = kafka().producer()
  await producer.connect()
  await producer.send({ topic, messages: [{ value }] })
  await producer.disconnect()
}

async function consume(groupId: string, topic: string) {
  const consumer = kafka().consumer({ groupId, maxWaitTimeInMs: 20, heartbeatInterval: 50 })
  const seen: string[] = []
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({ eachMessage: async ({ message }) => void seen.push(String(message.value)) })
  await broker.waitForGroup(groupId, 'caught up')
  return { consumer, seen }
}

describe('a reset of what has a prefix', () => {
  it('takes its topics and groups, and nobody else notices', async () => {
    await produce('a-orders', 'mine')
    await produce('b-orders', 'theirs')
    await broker.createTopics(['a-more', 'b-more'])
    const mine = await consume('a-group', 'a-orders')
    const theirs = await consume('b-group', 'b-orders')
    const rebalanced: string[] = []
    broker.on('rebalance', ({ groupId }) => rebalanced.push(groupId))
    await mine.consumer.stop()

    await broker.reset({ prefix: 'a-' })

    expect(broker.topicNames).toEqual(['a-orders', 'b-more', 'b-orders'])
    expect(broker.topic('a-orders').endOffsets).toEqual([0])
    await expect(broker.waitForGroup('a-group', 'assigned', { timeoutMs: 0 })).rejects.toThrow('there is no such group')
    await produce('b-orders', 'more')
    await broker.waitForGroup('b-group', 'caught up')
    expect(theirs.seen).toEqual(['theirs', 'more'])
    expect(rebalanced).not.toContain('b-group')
    await mine.consumer.disconnect()
    await theirs.consumer.disconnect()
  })

  it('sends members away, who come back to a group without offsets', async () => {
    await produce('a-orders', 'before')
    const { consumer, seen } = await consume('a-group', 'a-orders')
    await broker.reset({ prefix: 'a-' })
    await produce('a-orders', 'after')
    await broker.waitForGroup('a-group', 'caught up')
    expect(seen).toEqual(['before', 'after'])
    await consumer.disconnect()
  })

  it('leaves faults, which have no owner', async () => {
    const { id } = broker.faults.add({ kind: 'delay', api: 'Fetch', delayMs: 1 })
    await broker.reset({ prefix: 'a-' })
    expect(broker.faults.get(id)).toMatchObject({ state: 'active' })
    await broker.reset()
    expect(broker.faults.get(id)).toBeNull()
  })

  it('is there over HTTP as well', async () => {
    const reset = (body: object) =>
      fetch(`${broker.httpUrl}/reset`, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      })
    await broker.createTopics(['a-more', 'b-more'])
    expect((await reset({ prefix: 'a-' })).status).toBe(200)
    expect(broker.topicNames).toEqual(['a-orders', 'b-more', 'b-orders'])
    const refused = await reset({ prefix: 1 })
    expect([refused.status, await refused.json()]).toEqual([400, { error: 'prefix must be a text' }])
    expect((await reset({ prefixx: 'a-' })).status).toBe(400)
    expect((await reset({})).status).toBe(200)
    expect(broker.topicNames).toEqual(['a-orders', 'b-orders'])
  })

  it('works on several brokers, one of them killed', async () => {
    await using cluster = await startBroker({ brokers: 3, topics: ['b-kept'] })
    await cluster.createTopics(['a-gone'])
    const client = new Kafka({ brokers: cluster.bootstrapServers.split(','), logLevel: logLevel.NOTHING })
    for (const groupId of ['a-1', 'a-2', 'b-1']) {
      const consumer = client.consumer({ groupId, maxWaitTimeInMs: 20 })
      await consumer.connect()
      await consumer.subscribe({ topic: 'b-kept' })
      await consumer.run({ eachMessage: async () => {} })
      await cluster.waitForGroup(groupId, 'assigned')
      await consumer.disconnect()
    }
    await cluster.killBroker(3)
    await cluster.reset({ prefix: 'a-' })
    expect(cluster.topicNames).toEqual(['b-kept'])
    for (const [group, reason] of [
      ['a-1', 'no such group'],
      ['a-2', 'no such group'],
      ['b-1', 'is Empty'],
    ] as const) {
      await expect(cluster.waitForGroup(group, 'assigned', { timeoutMs: 0 })).rejects.toThrow(reason)
    }
  })
})
