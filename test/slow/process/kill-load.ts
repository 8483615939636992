import type { Consumer, Producer } from 'kafkajs'

/** Where a record was said to be. */
export interface Place {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly value: string
}

/** Sends small batches to one partition, one after the other, and keeps what was acknowledged. */
export class Load {
  readonly acknowledged: Place[] = []
  readonly name: string
  readonly topic: string
  readonly partition: number
  sent = 0

  constructor(name: string, topic: string, partition: number) {
    this.name = name
    this.topic = topic
    this.partition = partition
  }

  async run(producer: Producer, isOver: () => boolean): Promise<void> {
    const { topic, partition } = this
    while (!isOver()) {
      const values = Array.from({ length: 1 + (this.sent % 7) }, () => `${this.name}-${this.sent++}`)
      const messages = values.map((value) => ({ partition, value }))
      const [answer] = await producer.send({ topic, acks: -1, messages })
      const baseOffset = Number(answer!.baseOffset)
      this.acknowledged.push(...values.map((value, index) => ({ topic, partition, offset: baseOffset + index, value })))
    }
  }
}

/** A member of a group: reads everything, and commits what it has read, batch by batch. */
export class Reader {
  readonly seen: Place[] = []
  /** By topic and partition: the highest offset whose commit was acknowledged. */
  readonly committed = new Map<string, number>()

  async run(consumer: Consumer, topics: readonly string[]): Promise<void> {
    await consumer.connect()
    await consumer.subscribe({ topics: [...topics], fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch: { topic, partition, messages } }) => {
        for (const { offset, value } of messages) {
          this.seen.push({ topic, partition, offset: Number(offset), value: String(value) })
        }
        const next = Number(messages.at(-1)!.offset) + 1
        await consumer.commitOffsets([{ topic, partition, offset: String(next) }])
        this.committed.set(`${topic}-${partition}`, next)
      },
    })
  }
}
