import { Produce } from '../../../protocol/messages/00-produce.ts'
import { batchOf, NOW_MS } from '../batches.ts'
import { accepted, endOffset, produceAnswer, produceRequest, producerId, refused } from '../data.ts'
import { anything, perhaps, text } from '../matcher.ts'
import { wireCases } from '../wire-case.ts'
import type { TestTopic, WireTest } from '../wire-test.ts'

interface Sequenced {
  readonly id: number
  readonly epoch?: number
  readonly sequence: number
  readonly count?: number
  readonly index?: number
}

function sequenced({ id, epoch = 0, sequence, count = 1 }: Sequenced): Buffer {
  return batchOf(count, { producerId: id, producerEpoch: epoch, baseSequence: sequence })
}

/** Sends one idempotent batch and demands its base offset. */
async function takes(test: WireTest, topic: TestTopic, batch: Sequenced, baseOffset: number): Promise<void> {
  const request = produceRequest(topic, sequenced(batch), { index: batch.index ?? 0 })
  await test.expect(Produce, 9, request, produceAnswer(topic, accepted(baseOffset, { index: batch.index ?? 0 })))
}

async function refuses(test: WireTest, topic: TestTopic, batch: Sequenced, errorCode: number): Promise<void> {
  const before = await endOffset(test, topic)
  const { responses } = await test.call(Produce, 9, produceRequest(topic, sequenced(batch)))
  const refusal = refused(test, errorCode, { message: anything, logStartOffset: 0 })
  test.compare(Produce, 9, { responses, throttleTimeMs: 0, nodeEndpoints: [] }, produceAnswer(topic, refusal))
  test.same(await endOffset(test, topic), before, 'end of the log')
}

/** A batch that was appended before: its first offset again, and its own time as if it were log append time. */
async function repeats(test: WireTest, topic: TestTopic, batch: Sequenced, baseOffset: number): Promise<void> {
  const before = await endOffset(test, topic)
  const logAppendTimeMs = NOW_MS + (batch.count ?? 1) - 1
  const answer = produceAnswer(topic, accepted(baseOffset, { logAppendTimeMs }))
  await test.expect(Produce, 9, produceRequest(topic, sequenced(batch)), answer)
  test.same(await endOffset(test, topic), before, 'end of the log')
}

export const idempotenceCases = wireCases('idempotence', (wireCase) => {
  wireCase('sequences that follow one another are appended', async (test) => {
    const topic = await test.topic()
    const id = await producerId(test)
    await takes(test, topic, { id, sequence: 0, count: 3 }, 0)
    await takes(test, topic, { id, sequence: 3 }, 3)
    await takes(test, topic, { id, sequence: 4, count: 2 }, 4)
  })

  wireCase('trap 35: a duplicate is answered with the original base offset and appended no more', async (test) => {
    const topic = await test.topic()
    const id = await producerId(test)
    await takes(test, topic, { id, sequence: 0, count: 3 }, 0)
    await takes(test, topic, { id, sequence: 3, count: 2 }, 3)
    await repeats(test, topic, { id, sequence: 3, count: 2 }, 3)
    await repeats(test, topic, { id, sequence: 0, count: 3 }, 0)
    await takes(test, topic, { id, sequence: 5 }, 5)
  })

  wireCase('the last five batches are known as duplicates, the one before them is out of order', async (test) => {
    const topic = await test.topic()
    const id = await producerId(test)
    for (let sequence = 0; sequence < 6; sequence++) await takes(test, topic, { id, sequence }, sequence)
    for (let sequence = 1; sequence < 6; sequence++) await repeats(test, topic, { id, sequence }, sequence)
    await refuses(test, topic, { id, sequence: 0 }, 45)
  })

  wireCase('a gap in the sequence is refused, and so is a part of a batch that was appended', async (test) => {
    const topic = await test.topic()
    const id = await producerId(test)
    await takes(test, topic, { id, sequence: 0, count: 3 }, 0)
    await refuses(test, topic, { id, sequence: 4 }, 45)
    await refuses(test, topic, { id, sequence: 1, count: 2 }, 45)
    await refuses(test, topic, { id, sequence: 0, count: 2 }, 45)
    await takes(test, topic, { id, sequence: 3 }, 3)
  })

  wireCase('an older epoch is fenced', async (test) => {
    const topic = await test.topic()
    const id = await producerId(test)
    await takes(test, topic, { id, epoch: 2, sequence: 0 }, 0)
    await refuses(test, topic, { id, epoch: 1, sequence: 1 }, 47)
    await refuses(test, topic, { id, epoch: 0, sequence: 0 }, 47)
  })

  wireCase('a newer epoch begins at sequence 0', async (test) => {
    const topic = await test.topic()
    const id = await producerId(test)
    await takes(test, topic, { id, sequence: 0 }, 0)
    await refuses(test, topic, { id, epoch: 1, sequence: 1 }, 45)
    await takes(test, topic, { id, epoch: 1, sequence: 0 }, 1)
    await takes(test, topic, { id, epoch: 1, sequence: 1 }, 2)
    await refuses(test, topic, { id, epoch: 0, sequence: 1 }, 47)
  })

  wireCase('a producer seen for the first time may begin anywhere', async (test) => {
    const topic = await test.topic()
    const id = await producerId(test)
    await takes(test, topic, { id, sequence: 1234 }, 0)
    await takes(test, topic, { id, sequence: 1235 }, 1)
    await refuses(test, topic, { id, sequence: 0 }, 45)
  })

  wireCase('after the sequence 2147483647 comes 0', async (test) => {
    const topic = await test.topic()
    const id = await producerId(test)
    await takes(test, topic, { id, sequence: 2147483646, count: 2 }, 0)
    await takes(test, topic, { id, sequence: 0, count: 2 }, 2)
    await takes(test, topic, { id, sequence: 2 }, 4)
  })

  wireCase('the sequence may wrap within a batch', async (test) => {
    const topic = await test.topic()
    const id = await producerId(test)
    await takes(test, topic, { id, sequence: 2147483646, count: 4 }, 0)
    await takes(test, topic, { id, sequence: 2 }, 4)
    await refuses(test, topic, { id, sequence: 0 }, 45)
  })

  wireCase('each partition has its own sequence', async (test) => {
    const topic = await test.topic({ partitions: 2 })
    const id = await producerId(test)
    await takes(test, topic, { id, sequence: 0, count: 3 }, 0)
    await takes(test, topic, { id, sequence: 0, index: 1 }, 0)
    await takes(test, topic, { id, sequence: 3 }, 3)
    await takes(test, topic, { id, sequence: 1, index: 1 }, 1)
  })

  wireCase('each producer has its own sequence', async (test) => {
    const topic = await test.topic()
    const [one, two] = [await producerId(test), await producerId(test)]
    await takes(test, topic, { id: one, sequence: 0 }, 0)
    await takes(test, topic, { id: two, sequence: 0 }, 1)
    await takes(test, topic, { id: one, sequence: 1 }, 2)
    await takes(test, topic, { id: two, sequence: 1 }, 3)
  })

  wireCase('a producer id that was never given out is accepted', async (test) => {
    const topic = await test.topic()
    await takes(test, topic, { id: 123_456_789_012, sequence: 0 }, 0)
  })

  wireCase('trap 37: five pipelined batches of one producer keep their order', async (test) => {
    const topic = await test.topic()
    const id = await producerId(test)
    const client = await test.client()
    const sequences = Array.from({ length: 5 }, (_, index) => index)
    const answers = await Promise.all(
      sequences.map((sequence) => client.call(Produce, 9, produceRequest(topic, sequenced({ id, sequence })))),
    )
    const results = answers.map(({ responses }) => responses[0]!.partitionResponses[0]!)
    test.same(
      results.map(({ errorCode }) => errorCode),
      [0, 0, 0, 0, 0],
      'errors',
    )
    test.same(
      results.map(({ baseOffset }) => baseOffset),
      sequences,
      'offsets',
    )
  })

  wireCase('a duplicate and its successor in one packet', async (test) => {
    const topic = await test.topic()
    const id = await producerId(test)
    const client = await test.client()
    const answers = await Promise.all(
      [0, 0, 1].map((sequence) => client.call(Produce, 9, produceRequest(topic, sequenced({ id, sequence })))),
    )
    const results = answers.map(({ responses }) => responses[0]!.partitionResponses[0]!)
    test.same(
      results.map(({ errorCode, baseOffset }) => [errorCode, baseOffset]),
      [
        [0, 0],
        [0, 0],
        [0, 1],
      ],
      'answers',
    )
  })

  wireCase('an out of order sequence says so in words, or says nothing', async (test) => {
    const topic = await test.topic()
    const id = await producerId(test)
    await takes(test, topic, { id, sequence: 0 }, 0)
    const { responses } = await test.call(Produce, 9, produceRequest(topic, sequenced({ id, sequence: 5 })))
    test.same(responses[0]!.partitionResponses[0]!.errorMessage, perhaps(text), 'message')
  })

  wireCase('a duplicate on a topic of log append time has the time it was stored with', async (test) => {
    const topic = await test.topic({ configs: { 'message.timestamp.type': 'LogAppendTime' } })
    const id = await producerId(test)
    const send = async () => {
      const { responses } = await test.call(Produce, 9, produceRequest(topic, sequenced({ id, sequence: 0 })))
      return responses[0]!.partitionResponses[0]!
    }
    const first = await send()
    const second = await send()
    test.same([second.baseOffset, second.logAppendTimeMs], [0, first.logAppendTimeMs], 'offset and time')
  })
})
