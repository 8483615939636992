import { EndTxn } from '../../../protocol/messages/26-end-txn.ts'
import { TransactionalProducer, untilComplete } from '../transactional-producer.ts'
import { wireCases } from '../wire-case.ts'

export const overtakenCases = wireCases('producers that were overtaken', (wireCase) => {
  wireCase('what one believes to be does not end the open transaction of its successor', async (test) => {
    const topic = await test.topic()
    const old = await TransactionalProducer.start(test)
    const expected = old.identity
    const next = old.twin()
    await next.begin()
    await next.write(topic)
    const { error, state } = test.differs({
      kafka: { error: 51, state: 'CompleteAbort' },
      odradek: { error: 90, state: 'CompleteCommit' },
      why: 'Kafka compares the epoch only when nothing is open, and aborts for a producer that it then refuses',
    })
    test.same((await old.init({ expected })).errorCode, error, 'error')
    await next.end(true)
    test.same((await untilComplete(test, next.id)).transactionState, state, 'state')
  })

  wireCase('one of generation 2 is not given the identity of one of generation 1', async (test) => {
    const topic = await test.topic()
    const old = await TransactionalProducer.start(test, 2)
    const next = new TransactionalProducer(test, old.id, 1)
    await next.begin()
    await next.write(topic)
    await next.finish(false)
    const request = { transactionalId: old.id, ...old.identity, committed: false }
    const expected = test.differs({
      kafka: { errorCode: 0, ...next.identity },
      odradek: { errorCode: 90, producerId: -1, producerEpoch: -1 },
      why: "two producers with one identity would write into each other's transactions",
    })
    await test.expect(EndTxn, 5, request, expected)
  })

  wireCase('one of generation 2 may not end the open transaction that came after its own', async (test) => {
    const topic = await test.topic()
    const producer = await TransactionalProducer.writing(test, topic)
    const before = producer.identity
    await producer.finish(true)
    await producer.write(topic)
    for (const committed of [true, false]) {
      const request = { transactionalId: producer.id, ...before, committed }
      await test.expect(EndTxn, 5, request, { errorCode: 90, producerId: -1, producerEpoch: -1 })
    }
    test.same(await producer.end(true), 0, 'its own end')
  })

  wireCase('v4 may end what was begun without adding, and the epoch stays', async (test) => {
    const topic = await test.topic()
    const producer = await TransactionalProducer.writing(test, topic, 2)
    const before = producer.identity
    test.same(await producer.end(true, 4), 0, 'error')
    await untilComplete(test, producer.id)
    test.same(producer.identity, before, 'identity')
    test.same(await producer.write(topic), 2, 'the next transaction')
  })
})
