import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { Kafka, logLevel } from 'kafkajs'
import { startBroker } from 'odradek'
import { startCounting } from '../src/counter.js'

let broker
let kafka

before(async () => {
  broker = await startBroker({ topics: [{ name: 'clicks', partitions: 3 }] })
  kafka = new Kafka({ brokers: [broker.bootstrapServers], logLevel: logLevel.NOTHING })
})
afterEach(() => broker.reset())
after(() => broker.close())

async function click(...keys) {
  const producer = kafka.producer()
  await producer.connect()
  await producer.send({ topic: 'clicks', messages: keys.map((key) => ({ key, value: 'click' })) })
  await producer.disconnect()
}

test('clicks are counted by key', async () => {
  await click('a', 'b', 'a')
  const { counts, stop } = await startCounting(kafka, 'clicks', 'counters')
  await broker.waitForGroup('counters', 'caught up')
  assert.deepEqual([...counts].sort(), [
    ['a', 2],
    ['b', 1],
  ])
  await stop()
})

test('after a reset nothing is left of the test before', async () => {
  assert.deepEqual(broker.topic('clicks').endOffsets, [0, 0, 0])
  await click('c')
  for await (const message of broker.topic('clicks').messages()) assert.equal(message.keyText, 'c')
})
