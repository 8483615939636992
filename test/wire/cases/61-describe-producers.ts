import { DescribeProducers } from '../../../protocol/messages/61-describe-producers.ts'
import { batchOf, NOW_MS } from '../batches.ts'
import { append, producerId } from '../data.ts'
import { inAnyOrder, perhaps, text } from '../matcher.ts'
import { wireCases } from '../wire-case.ts'

function ask(name: string, ...partitionIndexes: number[]) {
  return { topics: [{ name, partitionIndexes }] }
}

export const describeProducersCases = wireCases('DescribeProducers', (wireCase) => {
  wireCase('v0 describes what is known of idempotent producers', async (test) => {
    const topic = await test.topic({ partitions: 2 })
    const [one, two] = [await producerId(test), await producerId(test)]
    await append(test, topic, batchOf(3, { producerId: one, producerEpoch: 0, baseSequence: 0 }))
    await append(test, topic, batchOf(2, { producerId: one, producerEpoch: 0, baseSequence: 3 }))
    await append(test, topic, batchOf(1, { producerId: two, producerEpoch: 4, baseSequence: 7 }))
    await append(test, topic, batchOf(1))
    const idle = { coordinatorEpoch: -1, currentTxnStartOffset: -1 }
    await test.expect(DescribeProducers, 0, ask(topic.name, 0, 1), {
      topics: [
        {
          name: topic.name,
          partitions: inAnyOrder<object>(
            {
              partitionIndex: 0,
              errorCode: 0,
              errorMessage: null,
              activeProducers: inAnyOrder<object>(
                { producerId: one, producerEpoch: 0, lastSequence: 4, lastTimestamp: NOW_MS + 1, ...idle },
                { producerId: two, producerEpoch: 4, lastSequence: 7, lastTimestamp: NOW_MS, ...idle },
              ),
            },
            { partitionIndex: 1, errorCode: 0, errorMessage: null, activeProducers: [] },
          ),
        },
      ],
    })
  })

  wireCase('v0 of an unknown topic and an unknown partition', async (test) => {
    const topic = await test.topic()
    for (const [name, index] of [
      [test.unique('unknown'), 0],
      [topic.name, 5],
    ] as const) {
      const partitions = [{ partitionIndex: index, errorCode: 3, errorMessage: perhaps(text), activeProducers: [] }]
      await test.expect(DescribeProducers, 0, ask(name, index), { topics: [{ name, partitions }] })
    }
  })

  wireCase('v0 of an invalid topic name', async (test) => {
    const partitions = [{ partitionIndex: 0, errorCode: 17, errorMessage: perhaps(text), activeProducers: [] }]
    await test.expect(DescribeProducers, 0, ask('a b', 0), { topics: [{ name: 'a b', partitions }] })
  })
})
