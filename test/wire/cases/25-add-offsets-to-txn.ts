import { AddOffsetsToTxn } from '../../../protocol/messages/25-add-offsets-to-txn.ts'
import { describeTransaction, TransactionalProducer, transactionalId } from '../transactional-producer.ts'
import { versionsOf, wireCases } from '../wire-case.ts'

export const addOffsetsCases = wireCases('AddOffsetsToTxn', (wireCase) => {
  for (const version of versionsOf(AddOffsetsToTxn)) {
    wireCase(`v${version} makes the partition of the group's offsets part of the transaction`, async (test) => {
      const groupId = await test.group()
      const producer = await TransactionalProducer.start(test, 1)
      const request = { transactionalId: producer.id, ...producer.identity, groupId }
      await test.expect(AddOffsetsToTxn, version, request, { errorCode: 0 })
      const begun = await describeTransaction(test, producer.id)
      await test.expect(AddOffsetsToTxn, version, request, { errorCode: 0 })
      const { transactionState, topics } = await describeTransaction(test, producer.id)
      test.same(
        [transactionState, topics.length, topics[0]?.topic],
        ['Ongoing', 1, '__consumer_offsets'],
        'transaction',
      )
      test.same(topics, begun.topics, 'partitions')
    })

    wireCase(`v${version} with an id, a producer or an epoch that is not so`, async (test) => {
      const groupId = await test.group()
      const producer = await TransactionalProducer.start(test, 1)
      const request = { transactionalId: producer.id, ...producer.identity, groupId }
      const unknown = await transactionalId(test)
      await test.expect(AddOffsetsToTxn, version, { ...request, transactionalId: unknown }, { errorCode: 49 })
      const foreign = { ...request, producerId: producer.producerId + 1_000_000 }
      await test.expect(AddOffsetsToTxn, version, foreign, { errorCode: 49 })
      await producer.twin().begin()
      await test.expect(AddOffsetsToTxn, version, request, { errorCode: version < 2 ? 47 : 90 })
      await test.expect(AddOffsetsToTxn, version, { ...request, transactionalId: '' }, { errorCode: 42 })
    })

    wireCase(`v${version} of the group with the empty name`, async (test) => {
      const producer = await TransactionalProducer.start(test, 1)
      const request = { transactionalId: producer.id, ...producer.identity, groupId: '' }
      await test.untilCoordinated('')
      await test.expect(AddOffsetsToTxn, version, request, { errorCode: 0 })
    })
  }
})
