const { Kafka, logLevel } = require('kafkajs')
const { broker } = require('odradek/jest')

const kafka = new Kafka({ brokers: [process.env.KAFKA_BROKERS], logLevel: logLevel.NOTHING })

test('a reader that comes back goes on where it was', async () => {
  await broker.createTopics(['events'])
  const producer = kafka.producer()
  await producer.connect()
  const seen = []
  for (const value of ['first', 'second']) {
    await producer.send({ topic: broker.topic('events'), messages: [{ value }] })
    const consumer = kafka.consumer({ groupId: broker.group('readers'), maxWaitTimeInMs: 100 })
    await consumer.connect()
    await consumer.subscribe({ topic: broker.topic('events'), fromBeginning: true })
    await consumer.run({ eachMessage: async ({ message }) => void seen.push(String(message.value)) })
    await broker.waitForGroup('readers', 'caught up')
    await consumer.disconnect()
  }
  await producer.disconnect()
  expect(seen).toEqual(['first', 'second'])
})
