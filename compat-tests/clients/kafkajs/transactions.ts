import type { Kafka, Message, Producer, Transaction } from 'kafkajs'
import type { Codec, OutgoingRecord, PartitionOffset } from '../../client.ts'
import type { Handlers } from '../node-driver.ts'
import { TransactionalProducers } from '../transactional-producers.ts'

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
  const producers = new TransactionalProducers<Producer, Transaction>()
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
      producers.add(name, producer, codec)
      return {}
    },
    beginTransaction: async ({ producer: name }) => {
      const transactional = producers.find(name)
      transactional.transaction = await transactional.producer.transaction()
      return {}
    },
    produceInTransaction: async ({ producer: name, topic, records }) => {
      const compression = codecs[producers.find(name).codec]
      await producers.current(name).send({ topic, acks: -1, compression, messages: records.map(message) })
      return {}
    },
    sendOffsets: async ({ producer: name, group, offsets }) => {
      await producers.current(name).sendOffsets({ consumerGroupId: group, topics: byTopic(offsets) })
      return {}
    },
    endTransaction: async ({ producer: name, commit }) => {
      if (commit) await producers.current(name).commit()
      else await producers.current(name).abort()
      return {}
    },
    closeProducer: async ({ producer: name }) => {
      await producers.take(name).disconnect()
      return {}
    },
  }
  const close = async () => {
    await Promise.allSettled(producers.all.map((producer) => producer.disconnect()))
  }
  return { handlers, close }
}
