import { Kafka, logLevel } from 'kafkajs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ObservedBroker } from './observed-broker.ts'

let broker: ObservedBroker
let kafka: Kafka
beforeEach(async () => {
  broker = await ObservedBroker.start()
  await broker.createTopic('orders')
  await broker.createTopic('quarantine')
  kafka = new Kafka({ clientId: 'shop', brokers: [`127.0.0.1:${broker.port}`], logLevel: logLevel.NOTHING })
})
afterEach(() => broker.close())

async function send(...values: string[]) {
  const producer = kafka.producer()
  await producer.connect()
  try {
    return await producer.send({ topic: 'orders', messages: values.map((value) => ({ value })) })
  } finally {
    await producer.disconnect()
  }
}

const textsOf = async (topic: string) => (await broker.stored(topic)).flatMap(({ values }) => values)

describe('kafkajs', () => {
  it('produces, joins, commits and leaves, and each of it is told', async () => {
    broker.observe('produce', 'rebalance', 'member', 'commit', 'disconnect')
    await send('a', 'b')
    expect(broker.of('produce')).toMatchObject([{ topic: 'orders', recordCount: 2, clientId: 'shop', errorCode: 0 }])

    const consumer = kafka.consumer({ groupId: 'billing', maxWaitTimeInMs: 20 })
    const stable = broker.events.next('rebalance', ({ after }) => after === 'Stable')
    const committed = broker.events.next('commit', ({ offset }) => offset === 2)
    await consumer.connect()
    await consumer.subscribe({ topic: 'orders', fromBeginning: true })
    await consumer.run({ eachMessage: async () => {} })
    expect(await stable).toMatchObject({ groupId: 'billing', generationId: 1, memberCount: 1 })
    await consumer.commitOffsets([{ topic: 'orders', partition: 0, offset: '2' }])
    const { memberId } = broker.of('member')[0]!
    expect(await committed).toMatchObject({
      groupId: 'billing',
      topic: 'orders',
      partition: 0,
      memberId,
      generationId: 1,
    })
    await consumer.disconnect()
    expect(broker.of('member').map(({ change, clientId }) => [change, clientId])).toEqual([
      ['joined', 'shop'],
      ['left', 'shop'],
    ])
    expect(broker.of('rebalance').at(-1)).toMatchObject({ after: 'Empty', cause: `${memberId} left` })
  })

  it('gives up at once on a rejected batch', async () => {
    let asked = 0
    broker.interceptors.add((batch) => {
      if (!batch.records().some(({ value }) => value?.toString() === 'bad')) return null
      asked++
      return { reject: 'POLICY_VIOLATION', message: 'bad orders are not taken' }
    })
    await expect(send('bad')).rejects.toMatchObject({ type: 'POLICY_VIOLATION', code: 44 })
    await send('good')
    expect(asked).toBe(1)
    expect(await textsOf('orders')).toEqual(['good'])
  })

  it('gives up at once when an interceptor fails', async () => {
    let asked = 0
    broker.interceptors.add(() => {
      asked++
      throw new Error('a bug')
    })
    await expect(send('a')).rejects.toMatchObject({ type: 'INVALID_RECORD', code: 87 })
    expect(asked).toBe(1)
  })

  it('gets the offset of the topic that a batch is routed to', async () => {
    broker.interceptors.add((batch) => {
      const bad = batch.records().some(({ value }) => value?.toString() === 'bad')
      return bad ? { route: { topic: 'quarantine' } } : null
    })
    await send('good', 'good')
    const [sent] = await send('bad')
    expect(sent).toMatchObject({ topicName: 'orders', partition: 0, errorCode: 0, baseOffset: '0' })
    expect(await textsOf('quarantine')).toEqual(['bad'])
    expect(await textsOf('orders')).toEqual(['good', 'good'])
  })
})
