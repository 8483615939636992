import { FindCoordinator } from '../../../protocol/messages/10-find-coordinator.ts'
import { DeleteTopics } from '../../../protocol/messages/20-delete-topics.ts'
import { DeleteRecords } from '../../../protocol/messages/21-delete-records.ts'
import { AddPartitionsToTxn } from '../../../protocol/messages/24-add-partitions-to-txn.ts'
import { batchOf } from '../batches.ts'
import { append, endOffset } from '../data.ts'
import { oneOf } from '../matcher.ts'
import {
  describeTransaction,
  GENERATIONS,
  TransactionalProducer,
  transactionalId,
  untilComplete,
} from '../transactional-producer.ts'
import { versionsOf, wireCases } from '../wire-case.ts'

export const transactionEdgeCases = wireCases('transactions at their edges', (wireCase) => {
  for (const version of versionsOf(AddPartitionsToTxn)) {
    wireCase(`AddPartitionsToTxn v${version} of nothing begins a transaction of nothing`, async (test) => {
      const producer = await TransactionalProducer.start(test, 1)
      const { id, producerId, producerEpoch } = producer

      const request = {
        ...{ v3AndBelowTransactionalId: id, v3AndBelowProducerId: producerId, v3AndBelowProducerEpoch: producerEpoch },
        v3AndBelowTopics: [],
        transactions: [{ transactionalId: id, producerId, producerEpoch, verifyOnly: false, topics: [] }],
      }
      const { resultsByTopicV3AndBelow, resultsByTransaction } = await test.call(AddPartitionsToTxn, version, request)
      test.same(version < 4 ? resultsByTopicV3AndBelow : resultsByTransaction[0]!.topicResults, [], 'results')
      const { transactionState, topics } = await describeTransaction(test, id)
      test.same([transactionState, topics], ['Ongoing', []], 'transaction')
      test.same((await producer.finish(true)).transactionState, 'CompleteCommit', 'state afterwards')
    })
  }

  for (const generation of GENERATIONS) {
    for (const committed of [true, false]) {
      const outcome = committed ? 'commit' : 'abort'
      wireCase(
        `generation ${generation}: a topic that is deleted meanwhile does not hold up the ${outcome}`,
        async (test) => {
          const [stays, goes] = [await test.topic(), await test.topic()]
          const producer = await TransactionalProducer.writing(test, goes, generation)
          await producer.write(stays)
          await test.call(DeleteTopics, 5, { topicNames: [goes.name], timeoutMs: 10_000 })
          await test.untilGone(goes.name)
          test.same(await producer.end(committed), 0, 'error')
          const { transactionState } = await untilComplete(test, producer.id)
          test.same(transactionState, committed ? 'CompleteCommit' : 'CompleteAbort', 'state')
          test.same(await endOffset(test, stays), 2, 'end of the other log')
        },
      )
    }

    wireCase(`generation ${generation}: records of an open transaction may be deleted`, async (test) => {
      const topic = await test.topic()
      const producer = await TransactionalProducer.writing(test, topic, generation)
      await append(test, topic, batchOf(1))
      const { topics } = await test.call(DeleteRecords, 2, {
        topics: [{ name: topic.name, partitions: [{ partitionIndex: 0, offset: 2 }] }],
        timeoutMs: 10_000,
      })
      test.same(topics[0]!.partitions[0]!.errorCode, 0, 'deletion')
      test.same(await producer.write(topic), 2, 'offset')
      await producer.finish(true)
      test.same(await endOffset(test, topic), 4, 'end of the log')
    })
  }

  wireCase('FindCoordinator of the transactional id with the empty name', async (test) => {
    await transactionalId(test)
    const { coordinators } = await test.call(FindCoordinator, 4, { keyType: 1, coordinatorKeys: [''] })
    test.same([coordinators[0]!.errorCode, coordinators[0]!.nodeId], [0, 1], 'coordinator')
  })

  wireCase('two transactional ids at once in one partition: each ends for itself', async (test) => {
    const topic = await test.topic()
    const producers = [await TransactionalProducer.start(test), await TransactionalProducer.start(test, 1)]
    for (let round = 0; round < 3; round++) for (const producer of producers) await producer.write(topic)
    test.same(await producers[0]!.end(true), 0, 'first')
    test.same(await producers[1]!.end(false), 0, 'second')
    for (const { id } of producers) await untilComplete(test, id)
    test.same(await endOffset(test, topic), 8, 'end of the log')
  })

  wireCase('a commit right after a commit: the producer may have to wait for its markers', async (test) => {
    const topic = await test.topic({ partitions: 4 })
    const producer = await TransactionalProducer.start(test)
    for (let index = 0; index < 4; index++) await producer.write(topic, { index })
    test.same(await producer.end(true), 0, 'first')
    const { errorCode } = await producer.send(topic)
    test.same(errorCode, oneOf(0, 51), 'the next write')
  })
})
