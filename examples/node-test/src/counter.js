/** Counts the messages of a topic by key. */
export async function startCounting(kafka, topic, groupId) {
  const counts = new Map()
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message }) => {
      const key = String(message.key)
      counts.set(key, (counts.get(key) ?? 0) + 1)
    },
  })
  return { counts, stop: () => consumer.disconnect() }
}
