import type { Kafka, Message, Producer, Transaction } from 'kafkajs'
import type { Codec, OutgoingRecord, PartitionOffset } from '../../client.ts'
import type { Handlers } from '../node-driver.ts'

interface Transactional {
  producer: Producer
  codec: Codec
  transaction: Transaction | undefined
}

interface Parts {
  kafka: Kafka
  codecs: Record<Codec, number>
  message: (record: OutgoingRecord) => Message
  retry: { retries: number; initialRetryTime: number; maxRetryTime: number }
}

export interface TransactionHandlers {
  handlers: Handlers
  close: () => Promise<void>
}

function byTopic(offsets: readonly PartitionOffset[]) {
  return [...new Set(offsets.map(({ topic }) => topic))].map((topic) => {
    const own = offsets.filter((each) => each.topic === topic)
    return { topic, partitions: own.map(({ partition, offset }) => ({ partition, offset: String(offset) })) }
  })
}

export function transactionHandlers({ kafka, codecs, message, retry }: Parts): TransactionHandlers {
  const producers = new Map<string, Transactional>()
  const find = (name: string): Transactional => {
    const found = producers.get(name)
    if (found === undefined) throw new Error(`no producer ${name}`)
    return found
  }
  const current = (name: string): Transaction => {
    const { transaction } = find(name)
    if (transaction === undefined) throw new Error(`producer ${name} is in no transaction`)
    return transaction
  }
  const handlers: Handlers = {
    initTransactions: async ({ producer: name, transactionalId, transactionTimeoutMs, codec }) => {
      const producer = kafka.producer({
        transactionalId,
        transactionTimeout: transactionTimeoutMs,
        // More would let one record overtake another.
        maxInFlightRequests: 1,
        idempotent: true,
        retry,
      })
      await producer.connect()
      // It asks for its producer id when its first transaction begins.
      const transaction = await producer.transaction()
      await transaction.abort()
      producers.set(name, { producer, codec, transaction: undefined })
      return {}
    },
    beginTransaction: async ({ producer: name }) => {
      const transactional = find(name)
      transactional.transaction = await transactional.producer.transaction()
      return {}
    },
    produceInTransaction: async ({ producer: name, topic, records }) => {
      const compression = codecs[find(name).codec]
      await current(name).send({ topic, acks: -1, compression, messages: records.map(message) })
      return {}
    },
    sendOffsets: async ({ producer: name, group, offsets }) => {
      await current(name).sendOffsets({ consumerGroupId: group, topics: byTopic(offsets) })
      return {}
    },
    endTransaction: async ({ producer: name, commit }) => {
      if (commit) await current(name).commit()
      else await current(name).abort()
      return {}
    },
    closeProducer: async ({ producer: name }) => {
      const { producer } = find(name)
      producers.delete(name)
      await producer.disconnect()
      return {}
    },
  }
  const close = async () => {
    await Promise.allSettled([...producers.values()].map(({ producer }) => producer.disconnect()))
  }
  return { handlers, close }
}
