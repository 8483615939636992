import { EndTxn } from '../../../protocol/messages/26-end-txn.ts'
import { endOffset } from '../data.ts'
import { oneOf } from '../matcher.ts'
import {
  describeTransaction,
  END_VERSION,
  GENERATIONS,
  TransactionalProducer,
  transactionalId,
  untilComplete,
} from '../transactional-producer.ts'
import { versionsOf, wireCases } from '../wire-case.ts'

const NOBODY = { producerId: -1, producerEpoch: -1 }
const OUTCOMES = [true, false]
const named = (committed: boolean) => (committed ? 'commit' : 'abort')
const stateAfter = (committed: boolean) => (committed ? 'CompleteCommit' : 'CompleteAbort')

export const endTxnCases = wireCases('EndTxn', (wireCase) => {
  for (const version of versionsOf(EndTxn)) {
    for (const committed of OUTCOMES) {
      wireCase(`v${version} ${named(committed)}: the answer, the state and the marker`, async (test) => {
        const topic = await test.topic()
        const producer = await TransactionalProducer.writing(test, topic, 1)
        const { producerId, producerEpoch } = producer
        const request = { transactionalId: producer.id, ...producer.identity, committed }
        const identity = version < 5 ? NOBODY : { producerId, producerEpoch: producerEpoch + 1 }
        await test.expect(EndTxn, version, request, { errorCode: 0, ...(version >= 5 && identity) })
        const { transactionState, topics } = await untilComplete(test, producer.id)
        test.same([transactionState, topics], [stateAfter(committed), []], 'transaction')
        test.same(await endOffset(test, topic), 2, 'end of the log')
      })
    }

    wireCase(`v${version} with an id, a producer or an epoch that is not so`, async (test) => {
      const topic = await test.topic()
      const producer = await TransactionalProducer.writing(test, topic, version < 5 ? 1 : 2)
      const { producerId, producerEpoch } = producer
      const request = { transactionalId: producer.id, ...producer.identity, committed: true }
      const errorOf = async (change: object) => (await test.call(EndTxn, version, { ...request, ...change })).errorCode
      test.same(await errorOf({ transactionalId: await transactionalId(test) }), 49, 'unknown transactional id')
      test.same(await errorOf({ transactionalId: '' }), 42, 'empty transactional id')
      test.same(await errorOf({ producerId: producerId + 1_000_000 }), 49, 'another producer id')
      const fenced = version < 2 ? 47 : 90
      test.same(await errorOf({ producerEpoch: producerEpoch + 1 }), fenced, 'trap 77: an epoch that never was')
      test.same(await errorOf({ producerEpoch: producerEpoch + 2 }), fenced, 'trap 77: an epoch far ahead')
      test.same((await describeTransaction(test, producer.id)).transactionState, 'Ongoing', 'state')
    })
  }

  for (const committed of OUTCOMES) {
    wireCase(`v4: ${named(committed)} of nothing`, async (test) => {
      const producer = await TransactionalProducer.start(test, 1)
      test.same(await producer.end(committed), 48, 'error')
    })

    for (const repeated of OUTCOMES) {
      wireCase(`v4: ${named(repeated)} after ${named(committed)}`, async (test) => {
        const topic = await test.topic()
        const producer = await TransactionalProducer.writing(test, topic, 1)
        await producer.finish(committed)
        for (let attempt = 0; attempt < 2; attempt++) {
          test.same(await producer.end(repeated), repeated === committed ? 0 : 48, `attempt ${attempt}`)
        }
        test.same(await endOffset(test, topic), 2, 'end of the log')
      })

      wireCase(`v5: ${named(repeated)} after ${named(committed)}, by the epoch from before`, async (test) => {
        const topic = await test.topic()
        const producer = await TransactionalProducer.writing(test, topic)
        const before = producer.identity
        await producer.finish(committed)
        const after = producer.identity
        test.same(after.producerEpoch, before.producerEpoch + 1, 'epoch')
        const request = { transactionalId: producer.id, ...before, committed: repeated }
        const expected =
          repeated === committed ? { errorCode: 0, ...after } : { errorCode: 48, producerId: -1, producerEpoch: -1 }
        await test.expect(EndTxn, 5, request, expected)
        await test.expect(EndTxn, 5, request, expected)
        test.same(await endOffset(test, topic), 2, 'end of the log')
      })
    }

    wireCase(
      `v5: abort after ${named(committed)}, by the epoch after it: nothing is aborted, epoch + 1`,
      async (test) => {
        const topic = await test.topic()
        const producer = await TransactionalProducer.writing(test, topic)
        await producer.finish(committed)
        const { producerId, producerEpoch } = producer
        const request = { transactionalId: producer.id, producerId, producerEpoch, committed: false }
        const answer = { errorCode: 0, producerId, producerEpoch: producerEpoch + 1 }
        await test.expect(EndTxn, 5, request, answer)
        const { transactionState } = await untilComplete(test, producer.id)
        test.same(transactionState, 'CompleteAbort', 'state')
        await test.expect(EndTxn, 5, request, answer)
        test.same(await endOffset(test, topic), 2, 'end of the log')
      },
    )

    wireCase(`v5: commit after ${named(committed)}, by the epoch after it`, async (test) => {
      const topic = await test.topic()
      const producer = await TransactionalProducer.writing(test, topic)
      await producer.finish(committed)
      const after = producer.identity
      const request = { transactionalId: producer.id, ...after, committed: true }
      await test.expect(EndTxn, 5, request, { errorCode: 48, ...NOBODY })
    })
  }

  wireCase('v5: commit of nothing is refused, abort of nothing gives the next epoch', async (test) => {
    const producer = await TransactionalProducer.start(test)
    const { producerId, producerEpoch } = producer
    const request = { transactionalId: producer.id, producerId, producerEpoch }
    await test.expect(EndTxn, 5, { ...request, committed: true }, { errorCode: 48, ...NOBODY })
    const next = { errorCode: 0, producerId, producerEpoch: producerEpoch + 1 }
    await test.expect(EndTxn, 5, { ...request, committed: false }, next)
    test.same((await untilComplete(test, producer.id)).transactionState, 'CompleteAbort', 'state')
  })

  for (const generation of GENERATIONS) {
    wireCase(`generation ${generation}: the same again at once is done or to be asked again`, async (test) => {
      const topic = await test.topic({ partitions: 8 })
      const producer = await TransactionalProducer.start(test, generation)
      for (let index = 0; index < 8; index++) await producer.write(topic, { index })
      const client = await test.client()
      const request = { transactionalId: producer.id, ...producer.identity, committed: true }
      const send = (committed: boolean) =>
        client.call(EndTxn, END_VERSION[generation], { ...request, committed }).then(({ errorCode }) => errorCode)
      const [first, second, other] = await Promise.all([send(true), send(true), send(false)])
      test.same([first, second, other], [0, oneOf(0, 51), oneOf(48, 51)], 'answers')
      test.same((await untilComplete(test, producer.id)).transactionState, 'CompleteCommit', 'state')
    })

    wireCase(`trap 10: generation ${generation}: one transaction after the other`, async (test) => {
      const topic = await test.topic()
      const producer = await TransactionalProducer.start(test, generation)
      const first = producer.producerEpoch
      for (let round = 0; round < 4; round++) {
        test.same(await producer.write(topic), round * 2, 'offset')
        test.same(await producer.end(round % 2 === 0), 0, 'error')
        await untilComplete(test, producer.id)
      }
      test.same(producer.producerEpoch - first, generation === 1 ? 0 : 4, 'epochs')
    })
  }
})
