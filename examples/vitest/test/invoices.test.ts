import { Kafka, logLevel } from 'kafkajs'
import { broker } from 'odradek/vitest'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startInvoicing } from '../src/invoices.ts'

const kafka = new Kafka({ brokers: [broker.bootstrapServers], logLevel: logLevel.ERROR })
let stop: () => Promise<void>

beforeEach(async () => {
  await broker.createTopics(['orders', 'invoices'])
  stop = await startInvoicing({
    kafka,
    groupId: broker.group('invoicing'),
    orders: broker.topic('orders'),
    invoices: broker.topic('invoices'),
    maxWaitTimeInMs: 100,
  })
})

afterEach(async () => {
  await stop()
  await broker.reset()
})

async function order(id: string, ...prices: number[]): Promise<void> {
  const producer = kafka.producer()
  await producer.connect()
  const value = JSON.stringify({ id, items: prices.map((price) => ({ price })) })
  await producer.send({ topic: broker.topic('orders'), messages: [{ key: id, value }] })
  await producer.disconnect()
}

test('an order leads to an invoice', async () => {
  await order('o-1', 20, 3)
  const [invoice] = await broker.waitForMessages('invoices', 1)
  expect(invoice!.keyText).toBe('o-1')
  expect(invoice!.json()).toEqual({ order: 'o-1', total: 23 })
})

test('every order is read once', async () => {
  await order('o-1', 1)
  await order('o-2', 2)
  await broker.waitForGroup('invoicing', 'caught up')
  const invoices = await broker.messages('invoices')
  expect(invoices.map((invoice) => invoice.json())).toEqual([
    { order: 'o-1', total: 1 },
    { order: 'o-2', total: 2 },
  ])
})
