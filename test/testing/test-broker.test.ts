import { Kafka, logLevel } from 'kafkajs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startBroker } from '../../src/index.ts'
import type { TestBroker } from '../../src/testing/test-broker.ts'

let broker: TestBroker

beforeEach(async () => {
  broker = await startBroker({ topics: ['orders', { name: 'wide', partitions: 3 }] })
})

afterEach(() => broker.close())

function kafka(): Kafka {
  const brokers = broker.bootstrapServers.split(',')
  return new Kafka({
    clientId: 'test',
    brokers,
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 5, retries: 20 },
  })
}

async function produce(topic: string, values: readonly string[], client = kafka()): Promise<void> {
  const producer = client.producer()
  await producer.connect()
  await producer.send({ topic, messages: values.map((value) => ({ key: value, value, headers: { from: 'test' } })) })
  await producer.disconnect()
}

async function textsOf(topic: string): Promise<(string | null)[]> {
  const texts: (string | null)[] = []
  for await (const message of broker.topic(topic).messages()) texts.push(message.text)
  return texts
}

describe('a broker in a test', () => {
  it('has the topics of the start and nothing else', () => {
    expect(broker.topicNames).toEqual(['orders', 'wide'])
    expect(broker.topic('wide').endOffsets).toEqual([0, 0, 0])
  })

  it('shows what a client produced', async () => {
    await produce('orders', ['a', 'b'])
    const [first] = await broker.waitForMessages('orders', 2)
    expect(first).toMatchObject({ topic: 'orders', partition: 0, offset: 0, text: 'a', keyText: 'a' })
    expect(first!.header('from')).toBe('test')
    expect(await textsOf('orders')).toEqual(['a', 'b'])
  })

  it('gives messages as they come', async () => {
    const seen: (string | null)[] = []
    const reading = (async () => {
      for await (const message of broker.topic('orders').messages({ follow: true })) {
        seen.push(message.text)
        if (seen.length === 3) return
      }
    })()
    await produce('orders', ['a'])
    await produce('orders', ['b', 'c'])
    await reading
    expect(seen).toEqual(['a', 'b', 'c'])
  })

  it('says what is missing when messages do not come', async () => {
    await produce('orders', ['a'])
    await expect(broker.waitForMessages('orders', 2, { timeoutMs: 20 })).rejects.toThrow(
      '2 messages in orders: not within 20 ms; there are 1',
    )
    expect(() => broker.topic('nothing').endOffsets).toThrow('there is no topic nothing; there are: orders, wide')
  })

  it('tells when a group has its partitions, and when it has read everything', async () => {
    await produce('orders', ['a', 'b'])
    const consumer = kafka().consumer({ groupId: 'g', maxWaitTimeInMs: 20 })
    await consumer.connect()
    await consumer.subscribe({ topic: 'orders', fromBeginning: true })
    const seen: string[] = []
    await consumer.run({ eachMessage: async ({ message }) => void seen.push(String(message.value)) })
    await broker.waitForGroup('g', 'assigned')
    await broker.waitForGroup('g', 'caught up')
    expect(seen).toEqual(['a', 'b'])
    await consumer.disconnect()
  })

  it('survives a reset with connected clients', async () => {
    const client = kafka()
    const producer = client.producer()
    await producer.connect()
    await producer.send({ topic: 'orders', messages: [{ value: 'before' }] })
    await client.admin().createTopics({ topics: [{ topic: 'made-later' }] })
    const consumer = client.consumer({ groupId: 'g', maxWaitTimeInMs: 20 })
    await consumer.connect()
    await consumer.subscribe({ topic: 'orders', fromBeginning: true })
    const seen: string[] = []
    await consumer.run({ eachMessage: async ({ message }) => void seen.push(String(message.value)) })
    await broker.waitForGroup('g', 'caught up')

    await broker.reset()

    expect(broker.topicNames).toEqual(['orders', 'wide'])
    expect(await textsOf('orders')).toEqual([])
    await producer.send({ topic: 'orders', messages: [{ value: 'after' }] })
    expect(await textsOf('orders')).toEqual(['after'])
    await broker.waitForGroup('g', 'caught up')
    expect(seen).toEqual(['before', 'after'])
    await consumer.disconnect()
    await producer.disconnect()
  })

  it('goes back to a snapshot as often as asked', async () => {
    await produce('orders', ['kept'])
    const snapshot = await broker.snapshot()
    const address = broker.bootstrapServers
    for (const round of ['first', 'second']) {
      await produce('orders', [round])
      await broker.createTopics(['more'])
      await broker.restore(snapshot)
      expect(broker.bootstrapServers).toBe(address)
      expect(broker.topicNames).toEqual(['orders', 'wide'])
      expect(await textsOf('orders')).toEqual(['kept'])
    }
  })

  it('lets time pass: the session of a member that says nothing ends', async () => {
    const consumer = kafka().consumer({ groupId: 'g', sessionTimeout: 30_000, maxWaitTimeInMs: 20 })
    await consumer.connect()
    await consumer.subscribe({ topic: 'orders' })
    await consumer.run({ eachMessage: async () => {} })
    await broker.waitForGroup('g', 'assigned')
    await broker.advance(31_000)
    await expect(broker.waitForGroup('g', 'assigned', { timeoutMs: 0 })).rejects.toThrow('its state is Empty')
    await consumer.disconnect()
  })
})

describe('several brokers in one process', () => {
  it('spread leaders, and go on when one is killed', async () => {
    await using cluster = await startBroker({ brokers: 3, topics: [{ name: 'spread', partitions: 3 }] })
    const client = new Kafka({
      brokers: cluster.bootstrapServers.split(','),
      logLevel: logLevel.NOTHING,
      retry: { initialRetryTime: 5, retries: 30 },
    })
    const admin = client.admin()
    await admin.connect()
    const { topics } = await admin.fetchTopicMetadata({ topics: ['spread'] })
    expect(topics[0]!.partitions.map(({ leader }) => leader).sort()).toEqual([1, 2, 3])
    const producer = client.producer()
    await producer.connect()
    const send = (value: string) =>
      producer.send({ topic: 'spread', messages: [0, 1, 2].map((partition) => ({ partition, value })) })
    await send('before')
    await cluster.killBroker(1)
    await send('without 1')
    await cluster.startBroker(1)
    await cluster.moveLeader('spread', 2, 1)
    await send('after')
    const texts: (string | null)[] = []
    for await (const { text } of cluster.topic('spread').messages({ partition: 2 })) texts.push(text)
    expect(texts).toEqual(['before', 'without 1', 'after'])
    await producer.disconnect()
    await admin.disconnect()
  })
})

describe('a broker in a test over HTTP', () => {
  const ask = async (method: string, path: string, body?: object) => {
    const response = await fetch(`${hosted.httpUrl}${path}`, { method, ...(body && { body: JSON.stringify(body) }) })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  let hosted: TestBroker

  beforeEach(async () => {
    hosted = await startBroker({ http: 0, brokers: 2 })
  })

  afterEach(() => hosted.close())

  it('is off unless asked for', () => {
    expect(broker.httpUrl).toBe(null)
  })

  it('does what its own language does', async () => {
    expect(await ask('POST', '/topics', { topics: ['a', { name: 'b', partitions: 2 }] })).toMatchObject({ status: 201 })
    const kept = await ask('POST', '/snapshots')
    expect(kept.status).toBe(201)
    await produce('a', ['one'], new Kafka({ brokers: hosted.bootstrapServers.split(','), logLevel: logLevel.NOTHING }))
    const waited = await ask('POST', '/topics/a/wait', { count: 1 })
    expect(waited.body).toMatchObject({ messages: [{ partition: 0, offset: 0, value: 'one' }] })
    expect((await ask('POST', '/groups/g/wait', { until: 'assigned', timeoutMs: 0 })).body).toEqual({
      error: 'group g assigned: not within 0 ms; there is no such group',
    })
    await ask('POST', '/snapshots/1/restore')
    expect((await ask('GET', '/topics')).body).toEqual({
      topics: [
        { name: 'a', endOffsets: [0] },
        { name: 'b', endOffsets: [0, 0] },
      ],
    })
    await ask('POST', '/reset')
    expect((await ask('GET', '/topics')).body).toEqual({ topics: [] })
    expect((await ask('POST', '/clock/advance', { ms: 5000 })).body).toMatchObject({ aheadMs: 5000 })
    await ask('POST', '/brokers/2/kill')
    expect(hosted.brokers.map(({ state }) => state)).toEqual(['running', 'killed'])
    for (const what of ['retention', 'compaction', 'offset-expiration']) {
      expect((await ask('POST', `/run/${what}`)).status).toBe(200)
    }
  })

  it('says what does not fit', async () => {
    expect(await ask('POST', '/clock/advance', { ms: -1 })).toMatchObject({
      status: 400,
      body: { error: 'ms must be a whole number from 0 to 316224000000' },
    })
    expect(await ask('POST', '/topics', { topic: 'a' })).toMatchObject({
      status: 400,
      body: { error: 'topics must be a list' },
    })
    for (const action of ['kill', 'pause', 'resume', 'start']) {
      expect(await ask('POST', `/brokers/9/${action}`)).toMatchObject({
        status: 409,
        body: { error: 'there is no broker 9; there are 1, 2' },
      })
    }
    expect(await ask('POST', '/snapshots/4/restore')).toMatchObject({
      status: 404,
      body: { error: 'there is no snapshot 4; there are: none' },
    })
  })
})
