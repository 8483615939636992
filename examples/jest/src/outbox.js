/** Sends what was written down while Kafka could not be reached, in order. */
class Outbox {
  #kafka
  #topic
  #waiting = []

  constructor(kafka, topic) {
    this.#kafka = kafka
    this.#topic = topic
  }

  add(key, event) {
    this.#waiting.push({ key, value: JSON.stringify(event) })
  }

  async flush() {
    const producer = this.#kafka.producer({ idempotent: true })
    await producer.connect()
    try {
      await producer.send({ topic: this.#topic, messages: this.#waiting })
      this.#waiting = []
    } finally {
      await producer.disconnect()
    }
  }
}

module.exports = { Outbox }
