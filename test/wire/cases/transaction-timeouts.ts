import { InitProducerId } from '../../../protocol/messages/22-init-producer-id.ts'
import { endOffset } from '../data.ts'
import type { Generation } from '../transactional-producer.ts'
import { describeTransaction, TransactionalProducer, untilComplete } from '../transactional-producer.ts'
import { wireCases } from '../wire-case.ts'
import type { TestTopic, WireTest } from '../wire-test.ts'

/** A producer whose transaction took too long and was aborted by the coordinator. */
async function tooSlow(test: WireTest, topic: TestTopic, generation: Generation): Promise<TransactionalProducer> {
  const producer = await TransactionalProducer.start(test, generation)
  await producer.begin({ timeoutMs: 200, expected: producer.identity })
  await producer.write(topic)
  await test.eventually('the transaction to be aborted', async () => {
    return (await describeTransaction(test, producer.id)).transactionState === 'CompleteAbort'
  })
  return producer
}

export const transactionTimeoutCases = wireCases('transactions that take too long', (wireCase) => {
  const tuned = (title: string, run: (test: WireTest) => Promise<void>) => wireCase(title, run, 'tuned')

  tuned('trap 80: the coordinator aborts; the epoch is the next one, the marker is written', async (test) => {
    const topic = await test.topic()
    const producer = await tooSlow(test, topic, 2)
    const { producerEpoch, topics } = await describeTransaction(test, producer.id)
    test.same([producerEpoch, topics], [producer.producerEpoch + 1, []], 'transaction')
    test.same(await endOffset(test, topic), 2, 'end of the log')
  })

  tuned('trap 80: generation 1: later writes are fenced, and so is the commit', async (test) => {
    const topic = await test.topic()
    const producer = await tooSlow(test, topic, 1)
    test.same((await producer.send(topic)).errorCode, 47, 'write')
    test.same(await producer.add(topic), [90], 'adding')
    test.same(await producer.end(true), 90, 'commit')
    test.same(await producer.end(false), 90, 'abort')
    test.same(await producer.end(true, 1), 47, 'trap 77: commit of an old client')
  })

  tuned('trap 80: generation 2: later writes are fenced, a commit is in the wrong state', async (test) => {
    const topic = await test.topic()
    const producer = await tooSlow(test, topic, 2)
    const { producerId, producerEpoch } = producer
    test.same((await producer.send(topic)).errorCode, 47, 'write')
    test.same(await producer.end(true), 48, 'commit')
    test.same(await producer.end(false), 0, 'abort')
    test.same(producer.identity, { producerId, producerEpoch: producerEpoch + 1 }, 'identity afterwards')
    test.same(await producer.write(topic), 2, 'the next transaction')
    await producer.finish(true)
  })

  for (const generation of [1, 2] as const) {
    tuned(`KIP-588: generation ${generation}: the producer recovers with its old identity`, async (test) => {
      const topic = await test.topic()
      const producer = await tooSlow(test, topic, generation)
      const expected = producer.identity
      const request = { transactionalId: producer.id, transactionTimeoutMs: 60_000, ...expected }
      const identity = { producerId: expected.producerId, producerEpoch: expected.producerEpoch + 1 }
      await test.expect(InitProducerId, 5, request, { errorCode: 0, ...identity })
      Object.assign(producer, identity)
      test.same(await producer.write(topic, { sequence: 0 }), 2, 'the next transaction')
      test.same(await producer.end(true), 0, 'commit')
      await untilComplete(test, producer.id)
    })
  }
})
