import assert from 'node:assert/strict'
import { Kafka, logLevel } from 'kafkajs'

const PATIENCE_MS = 20_000

/**
 * Some records through a broker and back, by a client that knows it by these addresses alone. Gives the address that the
 * client was told to use.
 */
export async function roundTrip(bootstrapServers: string, topic = 'orders'): Promise<string> {
  const retry = { retries: 10, initialRetryTime: 50, maxRetryTime: 500 }
  const kafka = new Kafka({ brokers: bootstrapServers.split(','), logLevel: logLevel.NOTHING, retry })
  const values = [0, 1, 2].map((index) => `${topic} ${process.hrtime.bigint()} ${index}`)
  const producer = kafka.producer()
  const admin = kafka.admin()
  const consumer = kafka.consumer({ groupId: `readers-of-${topic}`, maxWaitTimeInMs: 100 })
  try {
    await producer.connect()
    await producer.send({ topic, messages: values.map((value) => ({ value })) })
    await admin.connect()
    const { brokers } = await admin.describeCluster()
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    const seen: string[] = []
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`read ${seen.length} within ${PATIENCE_MS} ms`)), PATIENCE_MS)
      consumer.on('consumer.crash', ({ payload }) => reject(payload.error))
      const eachMessage = async ({ message }: { message: { value: Buffer | null } }) => {
        seen.push(String(message.value))
        if (values.every((value) => seen.includes(value))) {
          clearTimeout(timer)
          resolve()
        }
      }
      consumer.run({ eachMessage }).catch(reject)
    })
    assert.ok(brokers.length > 0)
    return brokers.map(({ host, port }) => `${host}:${port}`).join(',')
  } finally {
    await Promise.all([producer.disconnect(), admin.disconnect(), consumer.disconnect()])
  }
}

// In a container of its own: node round-trip.ts HOST:PORT
if (import.meta.main) process.stdout.write(`${await roundTrip(process.argv[2]!)}\n`)
