import { type BaseOptions, type Consumer, type Message, Producer } from '@platformatic/kafka'
import type { OutgoingRecord, PartitionOffset } from '../../client.ts'
import type { Handlers } from '../node-driver.ts'
import { TransactionalProducers } from '../transactional-producers.ts'

type Transaction = Awaited<ReturnType<Producer['beginTransaction']>>

interface Parts {
  base: BaseOptions
  message: (topic: string, record: OutgoingRecord) => Parameters<Producer['send']>[0]['messages'][number]
  consumer: (member: string) => Consumer
}

/** Otherwise it sends 0 and 0, which Kafka takes for what an earlier producer of the id had: error 90. */
const UNKNOWN_PRODUCER = { producerId: -1n, producerEpoch: -1 }

/** What a message tells of the group it was read in; part of TxnOffsetCommit. */
interface Membership {
  groupId: string
  generationId: number
  memberId: string | null
  coordinatorId: number | null
}

function membershipOf({ groupId, generationId, memberId, coordinatorId }: Consumer): Membership {
  return { groupId, generationId, memberId, coordinatorId }
}

export function transactionHandlers({ base, message, consumer }: Parts): {
  handlers: Handlers
  close: () => Promise<void>
} {
  const producers = new TransactionalProducers<Producer, Transaction>()
  const held = new Map<string, Membership>()
  const addOffset = async (transaction: Transaction, membership: Membership, each: PartitionOffset) => {
    const { topic, partition, offset } = each
    // The offset of a message that has been processed; only these fields are looked at.
    const processed = { topic, partition, offset: BigInt(offset) - 1n, metadata: { consumer: membership } }
    await transaction.addOffset(processed as unknown as Message)
  }
  const handlers: Handlers = {
    initTransactions: async ({ producer: name, transactionalId, transactionTimeoutMs, codec }) => {
      // The timeout of its requests is that of its transactions.
      const timeout = transactionTimeoutMs
      const producer = new Producer({
        ...base,
        idempotent: true,
        transactionalId,
        timeout,
        retries: 60,
        retryDelay: 300,
      })
      // It asks for its producer id when its first transaction begins.
      const transaction = await producer.beginTransaction(UNKNOWN_PRODUCER)
      await transaction.cancel()
      producers.add(name, producer, codec)
      return {}
    },
    beginTransaction: async ({ producer: name }) => {
      const transactional = producers.find(name)
      transactional.transaction = await transactional.producer.beginTransaction(UNKNOWN_PRODUCER)
      return {}
    },
    produceInTransaction: async ({ producer: name, topic, records }) => {
      const messages = records.map((record) => message(topic, record))
      await producers.current(name).send({ messages, acks: -1, compression: producers.find(name).codec })
      return {}
    },
    holdGeneration: async ({ member }) => {
      held.set(member, membershipOf(consumer(member)))
      return {}
    },
    sendOffsets: async ({ producer: name, member, offsets }) => {
      const transaction = producers.current(name)
      await transaction.addConsumer(consumer(member))
      for (const each of offsets) await addOffset(transaction, held.get(member) ?? membershipOf(consumer(member)), each)
      return {}
    },
    endTransaction: async ({ producer: name, commit }) => {
      if (commit) await producers.current(name).commit()
      else await producers.current(name).abort()
      return {}
    },
    closeProducer: async ({ producer: name }) => {
      await producers.take(name).close(true)
      return {}
    },
  }
  const close = async () => {
    await Promise.allSettled(producers.all.map((producer) => producer.close(true)))
  }
  return { handlers, close }
}
