import { DescribeTransactions } from '../../../protocol/messages/65-describe-transactions.ts'
import { atLeast } from '../matcher.ts'
import {
  describeTransaction,
  TransactionalProducer,
  transactionalId,
  untilComplete,
} from '../transactional-producer.ts'
import { wireCases } from '../wire-case.ts'

function unknown(id: string, errorCode: number) {
  return {
    ...{ errorCode, transactionalId: id, transactionState: '', transactionTimeoutMs: 0, transactionStartTimeMs: 0 },
    ...{ producerId: 0, producerEpoch: 0, topics: [] },
  }
}

export const describeTransactionsCases = wireCases('DescribeTransactions', (wireCase) => {
  wireCase('of an id that nobody knows, and of the empty one', async (test) => {
    const id = await transactionalId(test)
    const request = { transactionalIds: [id, ''] }
    const expected = { transactionStates: [unknown(id, 105), unknown('', 42)] }
    await test.expect(DescribeTransactions, 0, request, expected)
    await test.expect(DescribeTransactions, 0, { transactionalIds: [] }, { transactionStates: [] })
  })

  wireCase('from beginning to end', async (test) => {
    const topic = await test.topic({ partitions: 2 })
    const producer = await TransactionalProducer.start(test)
    const { id, producerId, producerEpoch } = producer
    const always = { errorCode: 0, transactionalId: id, transactionTimeoutMs: 60_000, producerId }
    const empty = { ...always, producerEpoch, transactionState: 'Empty', transactionStartTimeMs: -1, topics: [] }
    test.same(await describeTransaction(test, id), empty, 'before')
    await producer.write(topic, { index: 1 })
    const ongoing = await describeTransaction(test, id)
    const topics = [{ topic: topic.name, partitions: [1] }]
    const startedAt = atLeast(1_600_000_000_000)
    const open = { ...always, producerEpoch, transactionState: 'Ongoing', transactionStartTimeMs: startedAt, topics }
    test.same(ongoing, open, 'open')
    test.same(await producer.end(true), 0, 'end')
    const complete = { ...ongoing, producerEpoch: producerEpoch + 1, transactionState: 'CompleteCommit', topics: [] }
    test.same(await untilComplete(test, id), complete, 'after')
    await producer.twin().begin()
    const renewed = { ...empty, producerEpoch: producerEpoch + 2 }
    test.same(await describeTransaction(test, id), renewed, 'the next producer')
  })

  wireCase('an abort of nothing', async (test) => {
    const producer = await TransactionalProducer.start(test)
    const { producerId, producerEpoch } = producer
    test.same(await producer.end(false), 0, 'end')
    const { transactionState, transactionStartTimeMs, topics, ...rest } = await untilComplete(test, producer.id)
    test.same([transactionState, topics], ['CompleteAbort', []], 'transaction')
    test.same([rest.producerId, rest.producerEpoch], [producerId, producerEpoch + 1], 'identity')
    test.same(transactionStartTimeMs, atLeast(1_600_000_000_000), 'start')
  })

  wireCase('several, one of them twice', async (test) => {
    const [one, two] = [await TransactionalProducer.start(test), await TransactionalProducer.start(test)]
    const request = { transactionalIds: [one.id, two.id, one.id] }
    const { transactionStates } = await test.call(DescribeTransactions, 0, request)
    test.same(
      transactionStates.map((described) => described.transactionalId),
      [one.id, two.id, one.id],
      'ids',
    )
  })
})
