import { Produce } from '../../../protocol/messages/00-produce.ts'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { ListOffsets } from '../../../protocol/messages/02-list-offsets.ts'
import { DeleteRecords } from '../../../protocol/messages/21-delete-records.ts'
import { batchOf, stored } from '../batches.ts'
import {
  accepted,
  append,
  fetchAnswer,
  fetched,
  fetchRequest,
  NO_RECORDS,
  notFetched,
  produceAnswer,
  produceRequest,
  useOffsetsTopic,
} from '../data.ts'
import { versionsOf, wireCases } from '../wire-case.ts'
import type { TestTopic } from '../wire-test.ts'

function ask({ name }: Pick<TestTopic, 'name'>, offset: number, partitionIndex = 0) {
  return { topics: [{ name, partitions: [{ partitionIndex, offset }] }], timeoutMs: 10_000 }
}

function answer({ name }: Pick<TestTopic, 'name'>, lowWatermark: number, errorCode = 0, partitionIndex = 0) {
  return { topics: [{ name, partitions: [{ partitionIndex, lowWatermark, errorCode }] }] }
}

export const deleteRecordsCases = wireCases('DeleteRecords', (wireCase) => {
  for (const version of versionsOf(DeleteRecords)) {
    wireCase(`v${version} moves the start of the log`, async (test) => {
      const topic = await test.topic()
      await append(test, topic, batchOf(5))
      await append(test, topic, batchOf(5))
      await test.expect(DeleteRecords, version, ask(topic, 5), answer(topic, 5))
      await test.expect(Fetch, 12, fetchRequest(topic, 4), fetchAnswer(topic, notFetched(1)))
      const left = fetched(10, stored(batchOf(5), 5), { logStartOffset: 5 })
      await test.expect(Fetch, 12, fetchRequest(topic, 5), fetchAnswer(topic, left))
      const { topics } = await test.call(ListOffsets, 4, {
        replicaId: -1,
        isolationLevel: 0,
        topics: [{ name: topic.name, partitions: [{ partitionIndex: 0, timestamp: -2 }] }],
      })
      test.same(topics[0]!.partitions[0]!.offset, 5, 'earliest')
    })

    wireCase(`v${version} of an unknown topic and an unknown partition`, async (test) => {
      const nowhere = { name: test.unique('unknown') }
      await test.expect(DeleteRecords, version, ask(nowhere, 0), answer(nowhere, -1, 3))
      const topic = await test.topic()
      await test.expect(DeleteRecords, version, ask(topic, 0, 4), answer(topic, -1, 3, 4))
    })

    wireCase(`v${version} beyond the end is out of range`, async (test) => {
      const topic = await test.topic()
      await append(test, topic, batchOf(2))
      await test.expect(DeleteRecords, version, ask(topic, 3), answer(topic, -1, 1))
      await test.expect(DeleteRecords, version, ask(topic, 2), answer(topic, 2))
    })

    wireCase(`v${version} of -1 deletes all there is`, async (test) => {
      const topic = await test.topic()
      await append(test, topic, batchOf(3))
      await test.expect(DeleteRecords, version, ask(topic, -1), answer(topic, 3))
      const empty = fetched(3, NO_RECORDS, { logStartOffset: 3 })
      await test.expect(Fetch, 12, fetchRequest(topic, 3), fetchAnswer(topic, empty))
    })
  }

  wireCase('an offset below the start changes nothing and is a success', async (test) => {
    const topic = await test.topic()
    await append(test, topic, batchOf(5))
    await test.expect(DeleteRecords, 2, ask(topic, 3), answer(topic, 3))
    await test.expect(DeleteRecords, 2, ask(topic, 1), answer(topic, 3))
    await test.expect(DeleteRecords, 2, ask(topic, 0), answer(topic, 3))
  })

  wireCase('an offset below -1 is out of range', async (test) => {
    const topic = await test.topic()
    await append(test, topic, batchOf(1))
    await test.expect(DeleteRecords, 2, ask(topic, -2), answer(topic, -1, 1))
  })

  wireCase('an offset within a batch: the batch stays, the start is where it was asked for', async (test) => {
    const topic = await test.topic()
    await append(test, topic, batchOf(5))
    await test.expect(DeleteRecords, 2, ask(topic, 2), answer(topic, 2))
    const whole = fetched(5, stored(batchOf(5), 0), { logStartOffset: 2 })
    await test.expect(Fetch, 12, fetchRequest(topic, 2), fetchAnswer(topic, whole))
  })

  wireCase('what is produced afterwards goes on where it was', async (test) => {
    const topic = await test.topic()
    await append(test, topic, batchOf(5))
    await test.expect(DeleteRecords, 2, ask(topic, -1), answer(topic, 5))
    const taken = produceAnswer(topic, accepted(5, { logStartOffset: 5 }))
    await test.expect(Produce, 9, produceRequest(topic, batchOf(1)), taken)
  })

  wireCase('a topic that only compacts is against the policy', async (test) => {
    const topic = await test.topic({ configs: { 'cleanup.policy': 'compact' } })
    await append(test, topic, batchOf(1))
    await test.expect(DeleteRecords, 2, ask(topic, 1), answer(topic, -1, 44))
  })

  wireCase('a topic that compacts and deletes may lose records', async (test) => {
    const topic = await test.topic({ configs: { 'cleanup.policy': 'compact,delete' } })
    await append(test, topic, batchOf(1))
    await test.expect(DeleteRecords, 2, ask(topic, 1), answer(topic, 1))
  })

  wireCase('an internal topic is not for clients', async (test) => {
    await useOffsetsTopic(test)
    const topic = { name: '__consumer_offsets' }
    const { topics } = await test.call(DeleteRecords, 2, ask(topic, 0))
    test.same(topics[0]!.partitions[0]!.errorCode, 17, 'error')
  })

  wireCase('trap 29: every partition is answered, and one failure leaves the others', async (test) => {
    const topic = await test.topic({ partitions: 3 })
    await append(test, topic, batchOf(2), 1)
    const partitions = [
      { partitionIndex: 2, offset: 1 },
      { partitionIndex: 1, offset: 1 },
      { partitionIndex: 0, offset: 0 },
    ]
    const { topics } = await test.call(DeleteRecords, 2, {
      topics: [{ name: topic.name, partitions }],
      timeoutMs: 10_000,
    })
    const answers = topics[0]!.partitions.map(({ partitionIndex, errorCode, lowWatermark }) => [
      partitionIndex,
      errorCode,
      lowWatermark,
    ])
    test.same(
      answers.toSorted(),
      [
        [0, 0, 0],
        [1, 0, 1],
        [2, 1, -1],
      ],
      'answers',
    )
  })

  wireCase('no topics, no answer', async (test) => {
    await test.expect(DeleteRecords, 2, { topics: [], timeoutMs: 1000 }, { topics: [] })
  })
})
