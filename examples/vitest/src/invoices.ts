import type { Kafka } from 'kafkajs'

export interface InvoicingOptions {
  readonly kafka: Kafka
  readonly groupId: string
  readonly orders: string
  readonly invoices: string
  /** How long a fetch may wait, and with it the end of the consumer; kafkajs says 5,000. */
  readonly maxWaitTimeInMs?: number
}

/** Writes an invoice for each order. Gives a function that ends it. */
export async function startInvoicing(options: InvoicingOptions): Promise<() => Promise<void>> {
  const { kafka, groupId, orders, invoices, maxWaitTimeInMs = 5000 } = options
  const producer = kafka.producer()
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs })
  await Promise.all([producer.connect(), consumer.connect()])
  await consumer.subscribe({ topic: orders, fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message }) => {
      const { id, items } = JSON.parse(String(message.value)) as { id: string; items: { price: number }[] }
      const total = items.reduce((sum, { price }) => sum + price, 0)
      await producer.send({ topic: invoices, messages: [{ key: id, value: JSON.stringify({ order: id, total }) }] })
    },
  })
  return async () => {
    await consumer.disconnect()
    await producer.disconnect()
  }
}
