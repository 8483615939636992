import { InitProducerId } from '../../../protocol/messages/22-init-producer-id.ts'
import { atLeast } from '../matcher.ts'
import { describeTransaction, GENERATIONS, TransactionalProducer, transactionalId } from '../transactional-producer.ts'
import { versionsOf, wireCases } from '../wire-case.ts'

const REFUSED = { producerId: -1, producerEpoch: -1 }
/** What a producer gets that has been overtaken, by version: the newer code is unknown to older ones. */
const FENCED = [
  { version: 3, errorCode: 47 },
  { version: 4, errorCode: 90 },
  { version: 5, errorCode: 90 },
] as const

export const transactionalInitCases = wireCases('InitProducerId, transactional', (wireCase) => {
  for (const version of versionsOf(InitProducerId)) {
    wireCase(`v${version} gives a new id epoch 0, and the same id the next epoch`, async (test) => {
      const id = await transactionalId(test)
      const request = { transactionalId: id, transactionTimeoutMs: 60_000 }
      const fresh = { errorCode: 0, producerId: atLeast(0), producerEpoch: 0 }
      const { producerId } = await test.expect(InitProducerId, version, request, fresh)
      await test.expect(InitProducerId, version, request, { errorCode: 0, producerId, producerEpoch: 1 })
      await test.expect(InitProducerId, version, request, { errorCode: 0, producerId, producerEpoch: 2 })
    })

    wireCase(`v${version}: a timeout of nothing, below it or above the limit is refused`, async (test) => {
      const id = await transactionalId(test)
      for (const transactionTimeoutMs of [0, -1, 900_001]) {
        const request = { transactionalId: id, transactionTimeoutMs }
        await test.expect(InitProducerId, version, request, { errorCode: 50, ...REFUSED })
      }
      test.same((await describeTransaction(test, id)).errorCode, 105, 'whether the id is known')
      const longest = { transactionalId: id, transactionTimeoutMs: 900_000 }
      const fresh = { errorCode: 0, producerId: atLeast(0), producerEpoch: 0 }
      await test.expect(InitProducerId, version, longest, fresh)
    })
  }

  for (const version of versionsOf(InitProducerId, 3)) {
    wireCase(`v${version}: half an expected identity is an invalid request`, async (test) => {
      const id = await transactionalId(test)
      for (const half of [{ producerId: 7 }, { producerEpoch: 7 }]) {
        const request = { transactionalId: id, transactionTimeoutMs: 60_000, ...half }
        await test.expect(InitProducerId, version, request, { errorCode: 42, ...REFUSED })
      }
    })
  }

  wireCase('an id that nobody knows is new, whatever the producer believes to be', async (test) => {
    const producer = new TransactionalProducer(test, await transactionalId(test), 2)
    const { errorCode, producerId, producerEpoch } = await producer.init({
      expected: { producerId: 987_654, producerEpoch: 3 },
    })
    test.same([errorCode, producerEpoch], [0, 0], 'answer')
    test.same(producerId === 987_654, false, 'whether the stale id was taken over')
  })

  wireCase('KIP-360: whoever has the identity gets its next epoch, and by asking again the same one', async (test) => {
    const producer = await TransactionalProducer.start(test)
    const expected = producer.identity
    for (let attempt = 0; attempt < 3; attempt++) {
      const { errorCode, producerId, producerEpoch } = await producer.init({ expected })
      test.same([errorCode, producerId, producerEpoch], [0, expected.producerId, 1], `attempt ${attempt}`)
    }
  })

  for (const { version, errorCode } of FENCED) {
    wireCase(`trap 77: v${version} tells a producer that was overtaken ${errorCode}`, async (test) => {
      const old = await TransactionalProducer.start(test)
      const expected = old.identity
      await old.twin().begin()
      const answer = await old.init({ version, expected })
      test.same([answer.errorCode, answer.producerId, answer.producerEpoch], [errorCode, -1, -1], 'answer')
    })

    wireCase(`trap 77: v${version} with an id or an epoch that never was`, async (test) => {
      const producer = await TransactionalProducer.start(test)
      const { producerId } = producer
      for (const expected of [
        { producerId: producerId + 5_000_000, producerEpoch: 0 },
        { producerId, producerEpoch: 9 },
      ]) {
        const answer = await producer.init({ version, expected })
        test.same([answer.errorCode, answer.producerId, answer.producerEpoch], [errorCode, -1, -1], 'answer')
      }
    })
  }

  for (const generation of GENERATIONS) {
    wireCase(
      `generation ${generation}: an open transaction is aborted for the next producer, epoch + 2`,
      async (test) => {
        const topic = await test.topic()
        const old = await TransactionalProducer.writing(test, topic, generation)
        const next = old.twin()
        const first = await next.init()
        test.same([first.errorCode, first.producerId, first.producerEpoch], [51, -1, -1], 'first answer')
        await next.begin()
        test.same(next.identity, { producerId: old.producerId, producerEpoch: old.producerEpoch + 2 }, 'identity')
        test.same((await describeTransaction(test, old.id)).transactionState, 'Empty', 'state')
        const { errorCode } = await old.send(topic)
        test.same(errorCode, 47, 'the write of the producer that was overtaken')
        test.same(await old.end(true), 90, 'its commit')
      },
    )

    wireCase(`generation ${generation}: after a transaction the next producer gets the next epoch`, async (test) => {
      const topic = await test.topic()
      const old = await TransactionalProducer.writing(test, topic, generation)
      await old.finish(true)
      const next = old.twin()
      await next.begin()
      test.same(next.identity, { producerId: old.producerId, producerEpoch: old.producerEpoch + 1 }, 'identity')
      test.same((await describeTransaction(test, old.id)).transactionState, 'Empty', 'state')
    })

    wireCase(`generation ${generation}: a producer may abort its own open transaction by asking anew`, async (test) => {
      const topic = await test.topic()
      const producer = await TransactionalProducer.writing(test, topic, generation)
      const expected = producer.identity
      const { errorCode } = await producer.init({ expected })
      test.same(errorCode, 51, 'first answer')
      await producer.begin({ expected })
      test.same(producer.identity, { ...expected, producerEpoch: expected.producerEpoch + 1 }, 'identity')
      test.same((await describeTransaction(test, producer.id)).transactionState, 'Empty', 'state')
    })
  }

  wireCase('the timeout is that of the last who asked', async (test) => {
    const producer = await TransactionalProducer.start(test)
    test.same((await describeTransaction(test, producer.id)).transactionTimeoutMs, 60_000, 'first timeout')
    await producer.begin({ timeoutMs: 1234 })
    test.same((await describeTransaction(test, producer.id)).transactionTimeoutMs, 1234, 'second timeout')
  })
})
