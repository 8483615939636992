import { AddPartitionsToTxn } from '../../../protocol/messages/24-add-partitions-to-txn.ts'
import { endOffset } from '../data.ts'
import { inAnyOrder } from '../matcher.ts'
import { describeTransaction, TransactionalProducer, transactionalId } from '../transactional-producer.ts'
import { versionsOf, wireCases } from '../wire-case.ts'
import type { WireTest } from '../wire-test.ts'

interface Adding {
  readonly producer: TransactionalProducer
  readonly topics: readonly { readonly name: string; readonly partitions: number[] }[]
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly transactionalId?: string
  readonly verifyOnly?: boolean
}

/** Of either form: errors by topic and partition. */
async function add(test: WireTest, version: number, adding: Adding) {
  const { producer, topics, verifyOnly = false } = adding
  const { producerId = producer.producerId, producerEpoch = producer.producerEpoch } = adding
  const id = adding.transactionalId ?? producer.id
  const request =
    version < 4
      ? {
          v3AndBelowTransactionalId: id,
          v3AndBelowProducerId: producerId,
          v3AndBelowProducerEpoch: producerEpoch,
          v3AndBelowTopics: [...topics],
        }
      : { transactions: [{ transactionalId: id, producerId, producerEpoch, verifyOnly, topics: [...topics] }] }
  const answer = await test.call(AddPartitionsToTxn, version, request)
  if (version >= 4) {
    test.same(answer.errorCode, 0, 'error of the whole')
    test.same(
      answer.resultsByTransaction.map((result) => result.transactionalId),
      [id],
      'transactions',
    )
  }
  const results = version < 4 ? answer.resultsByTopicV3AndBelow : answer.resultsByTransaction[0]!.topicResults
  return results
    .flatMap(({ name, resultsByPartition }) =>
      resultsByPartition.map(({ partitionIndex, partitionErrorCode }) => [name, partitionIndex, partitionErrorCode]),
    )
    .sort()
}

export const addPartitionsCases = wireCases('AddPartitionsToTxn', (wireCase) => {
  for (const version of versionsOf(AddPartitionsToTxn)) {
    wireCase(`v${version} begins a transaction, adds to it, and may repeat itself`, async (test) => {
      const topic = await test.topic({ partitions: 3 })
      const producer = await TransactionalProducer.start(test, 1)
      const { name } = topic
      const topics = [{ name, partitions: [0, 2] }]
      const both = [
        [name, 0, 0],
        [name, 2, 0],
      ]
      test.same(await add(test, version, { producer, topics }), both, 'first')
      const begun = await describeTransaction(test, producer.id)
      test.same(await add(test, version, { producer, topics }), both, 'again')
      test.same(await add(test, version, { producer, topics: [{ name, partitions: [1] }] }), [[name, 1, 0]], 'more')
      const described = await describeTransaction(test, producer.id)
      test.same(described.transactionState, 'Ongoing', 'state')
      test.same(described.transactionStartTimeMs, begun.transactionStartTimeMs, 'start')
      test.same(described.topics, [{ topic: name, partitions: inAnyOrder(0, 1, 2) }], 'partitions')
    })

    wireCase(`trap 79: v${version} adds nothing where one partition does not exist`, async (test) => {
      const { name } = await test.topic({ partitions: 2 })
      const producer = await TransactionalProducer.start(test, 1)
      const nowhere = test.unique('zz')
      const topics = [
        { name, partitions: [0, 7] },
        { name: nowhere, partitions: [0] },
      ]
      const expected = [
        [name, 0, 55],
        [name, 7, 3],
        [nowhere, 0, 3],
      ].sort()
      test.same(await add(test, version, { producer, topics }), expected, 'errors')
      const { transactionState, topics: added } = await describeTransaction(test, producer.id)
      test.same([transactionState, added], ['Empty', []], 'transaction')
    })

    wireCase(`v${version} with an id, a producer or an epoch that is not so`, async (test) => {
      const { name } = await test.topic()
      const producer = await TransactionalProducer.start(test, 1)
      const topics = [{ name, partitions: [0] }]
      const { producerId, producerEpoch } = producer
      const errorOf = async (adding: Partial<Adding>) =>
        (await add(test, version, { producer, topics, ...adding }))[0]![2]
      const fenced = version < 2 ? 47 : 90
      test.same(await errorOf({ transactionalId: await transactionalId(test) }), 49, 'unknown transactional id')
      test.same(await errorOf({ producerId: producerId + 1_000_000 }), 49, 'another producer id')
      test.same(await errorOf({ producerEpoch: producerEpoch + 1 }), fenced, 'trap 77: an epoch that never was')
      await producer.twin().begin()
      test.same(await errorOf({}), fenced, 'trap 77: an epoch from before')
      test.same((await describeTransaction(test, producer.id)).transactionState, 'Empty', 'state')
    })

    wireCase(`v${version} after a transaction begins the next one`, async (test) => {
      const topic = await test.topic()
      const producer = await TransactionalProducer.writing(test, topic, 1)
      for (const committed of [true, false]) {
        await producer.finish(committed)
        const [[, , error]] = (await add(test, version, {
          producer,
          topics: [{ name: topic.name, partitions: [0] }],
        })) as [[string, number, number]]
        test.same(error, 0, 'error')
        test.same((await describeTransaction(test, producer.id)).transactionState, 'Ongoing', 'state')
      }
    })
  }

  for (const version of versionsOf(AddPartitionsToTxn, 0, 3)) {
    wireCase(`v${version} with an empty transactional id`, async (test) => {
      const { name } = await test.topic()
      const producer = await TransactionalProducer.start(test, 1)
      const topics = [{ name, partitions: [0] }]
      test.same(await add(test, version, { producer, topics, transactionalId: '' }), [[name, 0, 42]], 'errors')
    })
  }

  for (const version of versionsOf(AddPartitionsToTxn, 4)) {
    wireCase(`v${version} of several transactions answers each by itself`, async (test) => {
      const topic = await test.topic({ partitions: 2 })
      const one = await TransactionalProducer.start(test, 1)
      const two = await TransactionalProducer.start(test, 1)
      const of = (producer: TransactionalProducer, producerEpoch: number, partition: number) => {
        const topics = [{ name: topic.name, partitions: [partition] }]
        return {
          transactionalId: producer.id,
          producerId: producer.producerId,
          producerEpoch,
          verifyOnly: false,
          topics,
        }
      }
      const answer = await test.call(AddPartitionsToTxn, version, { transactions: [of(one, 0, 0), of(two, 5, 1)] })
      const errors = answer.resultsByTransaction.map(({ transactionalId: id, topicResults }) => {
        return [id, topicResults[0]!.resultsByPartition[0]!.partitionErrorCode]
      })
      test.same(errors, inAnyOrder([one.id, 0], [two.id, 90]), 'errors')
    })

    wireCase(`v${version} to verify only adds nothing`, async (test) => {
      const topic = await test.topic({ partitions: 2 })
      const producer = await TransactionalProducer.start(test, 1)
      await producer.add(topic, [0])
      const { name } = topic
      const topics = [{ name, partitions: [0, 1] }]

      const expected = [
        [name, 0, 0],
        [name, 1, 120],
      ]
      test.same(await add(test, version, { producer, topics, verifyOnly: true }), expected, 'errors')
      test.same((await describeTransaction(test, producer.id)).topics, [{ topic: name, partitions: [0] }], 'added')
    })
  }

  wireCase('a partition that was added and never written to gets its marker all the same', async (test) => {
    const topic = await test.topic({ partitions: 2 })
    const producer = await TransactionalProducer.start(test, 1)
    await producer.add(topic, [0, 1])
    await producer.send(topic)
    await producer.finish(true)
    test.same([await endOffset(test, topic), await endOffset(test, topic, 1)], [2, 1], 'ends')
  })
})
