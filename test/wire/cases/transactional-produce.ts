import { Produce } from '../../../protocol/messages/00-produce.ts'
import { batchOf } from '../batches.ts'
import { endOffset, produceRequest } from '../data.ts'
import { inAnyOrder } from '../matcher.ts'
import {
  describeTransaction,
  GENERATIONS,
  PRODUCE_VERSION,
  TransactionalProducer,
  transactionalId,
} from '../transactional-producer.ts'
import { versionsOf, wireCases } from '../wire-case.ts'

export const transactionalProduceCases = wireCases('Produce, transactional', (wireCase) => {
  for (const version of versionsOf(Produce, 3, 11)) {
    wireCase(`v${version} of a partition that was not added is refused`, async (test) => {
      const topic = await test.topic({ partitions: 2 })
      const producer = await TransactionalProducer.start(test, 1)
      const { errorCode, baseOffset } = await producer.send(topic, { version })
      // Producers that know TRANSACTION_ABORTABLE can go on with another transaction.
      const notAdded = version < 11 ? 48 : 120
      test.same([errorCode, baseOffset], [notAdded, -1], 'no transaction')
      await producer.add(topic, [1])
      test.same((await producer.send(topic, { version, sequence: 0 })).errorCode, notAdded, 'another partition')
      test.same((await producer.send(topic, { version, index: 1 })).errorCode, 0, 'the partition')
      test.same(await endOffset(test, topic), 0, 'end of the log')
      test.same(
        (await describeTransaction(test, producer.id)).topics,
        [{ topic: topic.name, partitions: [1] }],
        'added',
      )
    })
  }

  for (const version of versionsOf(Produce, 12)) {
    wireCase(`trap 10: v${version}: the first write makes a partition part of the transaction`, async (test) => {
      const topic = await test.topic({ partitions: 3 })
      const producer = await TransactionalProducer.start(test)
      const { errorCode, baseOffset } = await producer.send(topic, { version })
      test.same([errorCode, baseOffset], [0, 0], 'first')
      test.same((await producer.send(topic, { version })).errorCode, 0, 'second')
      test.same((await producer.send(topic, { version, index: 2 })).errorCode, 0, 'another partition')
      const { transactionState, topics } = await describeTransaction(test, producer.id)
      const expected = ['Ongoing', [{ topic: topic.name, partitions: inAnyOrder(0, 2) }]]
      test.same([transactionState, topics], expected, 'transaction')
    })
  }

  for (const version of [9, 11, 12, 13]) {
    const generation = version < 12 ? 1 : 2
    wireCase(`v${version} without a transactional id`, async (test) => {
      const topic = await test.topic()
      const producer = await TransactionalProducer.start(test, generation)
      await producer.add(topic)
      const { responses } = await test.call(Produce, version, produceRequest(topic, producer.batch(topic)))
      test.same(responses[0]!.partitionResponses[0]!.errorCode, 53, 'error')
    })

    wireCase(`v${version} with a producer or an id that is not so`, async (test) => {
      const topic = await test.topic()
      const producer = await TransactionalProducer.start(test, generation)
      await producer.add(topic)
      const stranger = new TransactionalProducer(test, producer.id, generation)
      stranger.producerId = producer.producerId + 1_000_000
      stranger.producerEpoch = 0
      test.same((await stranger.send(topic, { version })).errorCode, 49, 'producer id')
      const lost = new TransactionalProducer(test, await transactionalId(test), generation)
      Object.assign(lost, producer.identity)
      test.same((await lost.send(topic, { version })).errorCode, 49, 'transactional id')
      const ahead = await producer.send(topic, { version, sequence: 0, producerEpoch: producer.producerEpoch + 1 })
      test.same(ahead.errorCode, 47, 'an epoch that never was')
      await producer.twin().begin()
      test.same((await producer.send(topic, { version, sequence: 0 })).errorCode, 47, 'an epoch from before')
    })
  }

  for (const generation of GENERATIONS) {
    const version = PRODUCE_VERSION[generation]
    wireCase(
      `generation ${generation}: outside of its transaction a producer may not write where it is open`,
      async (test) => {
        const topic = await test.topic()
        const producer = await TransactionalProducer.writing(test, topic, generation)
        const { producerId, producerEpoch } = producer
        const plain = batchOf(1, { producerId, producerEpoch, baseSequence: 1 })
        const { responses } = await test.call(Produce, version, produceRequest(topic, plain))
        test.same(responses[0]!.partitionResponses[0]!.errorCode, 48, 'error')
      },
    )

    wireCase(
      `trap 37: generation ${generation}: pipelined writes keep their order while the first is looked up`,
      async (test) => {
        const topic = await test.topic()
        const producer = await TransactionalProducer.start(test, generation)
        if (generation === 1) await producer.add(topic)
        const answers = await Promise.all(Array.from({ length: 5 }, () => producer.send(topic)))
        test.same(
          answers.map(({ errorCode, baseOffset }) => [errorCode, baseOffset]),
          [0, 1, 2, 3, 4].map((offset) => [0, offset]),
          'answers',
        )
      },
    )

    wireCase(`generation ${generation}: a duplicate in a transaction is known`, async (test) => {
      const topic = await test.topic()
      const producer = await TransactionalProducer.writing(test, topic, generation)
      const { errorCode, baseOffset } = await producer.send(topic, { sequence: 0 })
      test.same([errorCode, baseOffset], [0, 0], 'answer')
      test.same(await endOffset(test, topic), 1, 'end of the log')
      test.same((await producer.send(topic, { sequence: 5 })).errorCode, 45, 'a gap')
    })

    wireCase(`generation ${generation}: a whole request over several partitions, one of them unknown`, async (test) => {
      const topic = await test.topic({ partitions: 2 })
      const producer = await TransactionalProducer.start(test, generation)
      if (generation === 1) await producer.add(topic, [0, 1])
      const partitionData = [0, 1, 9].map((index) => ({ index, records: producer.batch(topic, { index }) }))
      const { responses } = await test.call(Produce, version, {
        ...{ transactionalId: producer.id, acks: -1, timeoutMs: 5000 },
        topicData: [{ name: topic.name, topicId: topic.id, partitionData }],
      })
      test.same(
        responses[0]!.partitionResponses.map(({ index, errorCode }) => [index, errorCode]),
        inAnyOrder([0, 0], [1, 0], [9, 3]),
        'errors',
      )
      const { topics } = await describeTransaction(test, producer.id)
      test.same(topics, [{ topic: topic.name, partitions: inAnyOrder(0, 1) }], 'added')
    })
  }

  wireCase('generation 1: sequences go on in the next transaction', async (test) => {
    const topic = await test.topic()
    const producer = await TransactionalProducer.writing(test, topic, 1)
    await producer.finish(true)
    await producer.add(topic)

    test.same((await producer.send(topic, { sequence: 2 })).errorCode, 45, 'a gap')
    test.same((await producer.send(topic, { sequence: 1 })).errorCode, 0, 'the next one')
  })

  wireCase('generation 2: sequences begin anew in the next transaction', async (test) => {
    const topic = await test.topic()
    const producer = await TransactionalProducer.writing(test, topic)
    await producer.finish(true)
    test.same((await producer.send(topic, { sequence: 1 })).errorCode, 45, 'a first sequence that is not 0')
    test.same((await producer.send(topic, { sequence: 0 })).errorCode, 0, 'the first one')
  })

  for (const generation of GENERATIONS) {
    wireCase(`generation ${generation}: the first sequence that a partition sees of a producer`, async (test) => {
      const topic = await test.topic()
      const producer = await TransactionalProducer.start(test, generation)
      if (generation === 1) await producer.add(topic)
      // Where every transaction begins with a new epoch, one that does not begin at 0 has lost something.
      test.same((await producer.send(topic, { sequence: 5 })).errorCode, generation === 1 ? 0 : 45, 'error')
    })
  }

  wireCase('generation 2: a write with the epoch from before the commit is refused', async (test) => {
    const topic = await test.topic()
    const producer = await TransactionalProducer.writing(test, topic)
    const { producerEpoch } = producer
    await producer.finish(true)
    test.same((await producer.send(topic, { sequence: 1, producerEpoch })).errorCode, 47, 'error')
    test.same(await endOffset(test, topic), 2, 'end of the log')
  })
})
