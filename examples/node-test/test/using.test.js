import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Kafka, logLevel } from 'kafkajs'
import { startBroker } from 'odradek'

test('what retention removes is gone a week later', async () => {
  await using broker = await startBroker({
    topics: [{ name: 'clicks', config: { 'retention.ms': 86_400_000, 'segment.ms': 3_600_000 } }],
  })
  const producer = new Kafka({ brokers: [broker.bootstrapServers], logLevel: logLevel.NOTHING }).producer()
  await producer.connect()
  await producer.send({ topic: 'clicks', messages: [{ value: 'old' }] })
  await broker.advance(7 * 86_400_000)
  await broker.runRetention()
  await producer.send({ topic: 'clicks', messages: [{ value: 'new' }] })
  await producer.disconnect()
  const [first] = await broker.waitForMessages('clicks', 1)
  assert.equal(first.text, 'new')
})

test('a producer goes on when a broker dies', async () => {
  await using cluster = await startBroker({ brokers: 3, topics: [{ name: 'clicks', partitions: 3 }] })
  const brokers = cluster.bootstrapServers.split(',')
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING, retry: { initialRetryTime: 20, retries: 30 } })
  const producer = kafka.producer()
  await producer.connect()
  // One by one: of messages that it sends together, kafkajs 2.2.4 drops those whose partition moves to a broker that
  // has already answered.
  const send = async (value) => {
    for (const partition of [0, 1, 2]) await producer.send({ topic: 'clicks', messages: [{ partition, value }] })
  }
  await send('before')
  await cluster.killBroker(2)
  await send('after')
  await producer.disconnect()
  assert.deepEqual(cluster.topic('clicks').endOffsets, [2, 2, 2])
})
