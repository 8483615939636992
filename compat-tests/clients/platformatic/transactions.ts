import { type BaseOptions, type Consumer, type Message, Producer } from '@platformatic/kafka'
import type { Codec, OutgoingRecord, PartitionOffset } from '../../client.ts'
import type { Handlers } from '../node-driver.ts'

type Transaction = Awaited<ReturnType<Producer['beginTransaction']>>

interface Transactional {
  producer: Producer
  codec: Codec
  transaction: Transaction | undefined
}

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
  const producers = new Map<string, Transactional>()
  const held = new Map<string, Membership>()
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
      producers.set(name, { producer, codec, transaction: undefined })
      return {}
    },
    beginTransaction: async ({ producer: name }) => {
      const transactional = find(name)
      transactional.transaction = await transactional.producer.beginTransaction(UNKNOWN_PRODUCER)
      return {}
    },
    produceInTransaction: async ({ producer: name, topic, records }) => {
      const messages = records.map((record) => message(topic, record))
      await current(name).send({ messages, acks: -1, compression: find(name).codec })
      return {}
    },
    holdGeneration: async ({ member }) => {
      held.set(member, membershipOf(consumer(member)))
      return {}
    },
    sendOffsets: async ({ producer: name, member, offsets }) => {
      const transaction = current(name)
      await transaction.addConsumer(consumer(member))
      for (const each of offsets) await addOffset(transaction, held.get(member) ?? membershipOf(consumer(member)), each)
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
      await producer.close(true)
      return {}
    },
  }
  const close = async () => {
    await Promise.allSettled([...producers.values()].map(({ producer }) => producer.close(true)))
  }
  return { handlers, close }
}
