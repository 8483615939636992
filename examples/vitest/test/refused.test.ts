import { Kafka, logLevel } from 'kafkajs'
import { broker } from 'odradek/vitest'
import { expect, inject, test } from 'vitest'

test('the broker is told to whoever asks Vitest or the environment', () => {
  expect(inject('odradek')).toEqual({ bootstrapServers: broker.bootstrapServers, httpUrl: broker.httpUrl })
  expect(process.env['KAFKA_BROKERS']).toBe(broker.bootstrapServers)
})

test('topics of the same name in other files are other topics', async () => {
  await broker.createTopics(['orders'])
  expect(await broker.messages('orders')).toEqual([])
})

test('a producer tries again when the broker refuses', async () => {
  await broker.createTopics(['payments'])
  const topic = broker.topic('payments')
  const fault = { kind: 'error', api: 'Produce', topic, errorCode: 'NOT_LEADER_OR_FOLLOWER', times: 1 }
  const { id } = (await broker.request('POST', '/faults', fault)) as { id: string }
  const producer = new Kafka({ brokers: [broker.bootstrapServers], logLevel: logLevel.NOTHING }).producer()
  await producer.connect()
  await producer.send({ topic, messages: [{ value: 'paid' }] })
  await producer.disconnect()
  expect((await broker.messages('payments')).map(({ text }) => text)).toEqual(['paid'])
  expect(await broker.request('GET', `/faults/${id}`)).toMatchObject({ fired: 1 })
})
