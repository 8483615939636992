import { ZERO_UUID } from '../../../protocol/codec/schema.ts'
import { Produce } from '../../../protocol/messages/00-produce.ts'
import { DeleteTopics } from '../../../protocol/messages/20-delete-topics.ts'
import { batchOf, batchOfBytes, stored } from '../batches.ts'
import {
  accepted,
  append,
  bytesOf,
  endOffset,
  produceAnswer,
  produceRequest,
  refused,
  useOffsetsTopic,
} from '../data.ts'
import { inAnyOrder } from '../matcher.ts'
import { versionsOf, wireCases } from '../wire-case.ts'
import type { TestTopic } from '../wire-test.ts'

/** Kafka answers the partitions of a request in the order of a hash table. */
function eachOf({ name, id }: TestTopic, ...partitions: Parameters<typeof produceAnswer>[1][]) {
  return { responses: [{ name, topicId: id, partitionResponses: inAnyOrder(...partitions) }] }
}

const UNKNOWN_ID = 'dGhpcy1pcy1uby10b3BpYw'

export const produceCases = wireCases('Produce', (wireCase) => {
  for (const version of versionsOf(Produce)) {
    for (const acks of [1, -1]) {
      wireCase(`v${version} acks=${acks} appends and answers with the base offset`, async (test) => {
        const topic = await test.topic()
        const batch = batchOf(3)
        await test.expect(Produce, version, produceRequest(topic, batch, { acks }), produceAnswer(topic, accepted(0)))
        await test.expect(Produce, version, produceRequest(topic, batch, { acks }), produceAnswer(topic, accepted(3)))
        test.same(await bytesOf(test, topic), Buffer.concat([stored(batch, 0), stored(batch, 3)]), 'the log')
      })
    }

    wireCase(`v${version} to an unknown topic`, async (test) => {
      const topic = { name: test.unique('unknown'), id: UNKNOWN_ID }
      const answered = version < 13 ? topic : { ...topic, name: '' }
      const refusal = refused(test, version < 13 ? 3 : 100)
      await test.expect(Produce, version, produceRequest(topic, batchOf(1)), produceAnswer(answered, refusal))
    })

    wireCase(`v${version} to a partition that the topic does not have`, async (test) => {
      const topic = await test.topic({ partitions: 2 })
      const request = produceRequest(topic, batchOf(1), { index: 2 })
      await test.expect(Produce, version, request, produceAnswer(topic, refused(test, 3, { index: 2 })))
    })

    wireCase(`v${version} without topics is answered without topics`, async (test) => {
      const request = { acks: 1, timeoutMs: 1000, topicData: [] }
      await test.expect(Produce, version, request, { responses: [] })
    })
  }

  wireCase('v13 with the zero topic id', async (test) => {
    const topic = { name: '', id: ZERO_UUID }
    const refusal = refused(test, 100)
    await test.expect(Produce, 13, produceRequest(topic, batchOf(1)), produceAnswer(topic, refusal))
  })

  for (const version of [3, 8, 13]) {
    wireCase(
      `v${version}: several topics and partitions are each answered once, and one failure leaves the others`,
      async (test) => {
        const [one, two] = [await test.topic({ partitions: 3 }), await test.topic()]
        const request = {
          acks: -1,
          timeoutMs: 1000,
          topicData: [
            {
              name: one.name,
              topicId: one.id,
              partitionData: [
                { index: 2, records: batchOf(2) },
                { index: 0, records: batchOf(1, { baseOffset: 9 }) },
                { index: 1, records: batchOf(1) },
              ],
            },
            { name: two.name, topicId: two.id, partitionData: [{ index: 0, records: batchOf(4) }] },
          ],
        }
        const { responses } = await test.call(Produce, version, request)
        const byName = version < 13 ? one.name : one.id
        const answerOf = (key: string) =>
          responses.find(({ name, topicId }) => (version < 13 ? name : topicId) === key)!
        test.same(responses.length, 2, 'topics')
        const indexes = answerOf(byName).partitionResponses.map(({ index, errorCode }) => [index, errorCode])
        test.same(
          indexes.toSorted(),
          [
            [0, 87],
            [1, 0],
            [2, 0],
          ],
          'partitions and errors',
        )
        test.same(answerOf(version < 13 ? two.name : two.id).partitionResponses[0]!.errorCode, 0, 'the other topic')
        test.same(
          [await endOffset(test, one, 0), await endOffset(test, one, 1), await endOffset(test, one, 2)],
          [0, 1, 2],
          'ends',
        )
      },
    )
  }

  for (const acks of [-2, 2, 100]) {
    wireCase(`acks=${acks} is refused for every partition`, async (test) => {
      const topic = await test.topic({ partitions: 2 })
      const request = {
        ...produceRequest(topic, null, { acks }),
        topicData: [
          {
            name: topic.name,
            topicId: topic.id,
            partitionData: [
              { index: 0, records: batchOf(1) },
              { index: 1, records: batchOf(1) },
            ],
          },
        ],
      }
      const answer = eachOf(topic, refused(test, 21, { index: 0 }), refused(test, 21, { index: 1 }))
      await test.expect(Produce, 9, request, answer)
      test.same(await endOffset(test, topic), 0, 'end of the log')
    })
  }

  wireCase('the internal offsets topic is not for clients', async (test) => {
    await useOffsetsTopic(test)
    const topic = { name: '__consumer_offsets', id: '' }
    await test.expect(
      Produce,
      9,
      { ...produceRequest({ ...topic, id: ZERO_UUID }, batchOf(1)) },
      produceAnswer(topic, refused(test, 17)),
    )
  })

  wireCase('an invalid topic name is an unknown topic', async (test) => {
    const topic = { name: 'no such/topic!', id: ZERO_UUID }
    await test.expect(Produce, 9, produceRequest(topic, batchOf(1)), produceAnswer(topic, refused(test, 3)))
  })

  wireCase('Produce never creates a topic', async (test) => {
    const topic = { name: test.unique('not-created'), id: ZERO_UUID }
    for (let attempt = 0; attempt < 2; attempt++) {
      const { responses } = await test.call(Produce, 7, produceRequest(topic, batchOf(1)))
      test.same(responses[0]!.partitionResponses[0]!.errorCode, 3, 'error')
    }
  })

  for (const acks of [1, -1]) {
    // Kafka counts no more replicas than the partition has, whatever min.insync.replicas says.
    wireCase(`min.insync.replicas 2 is no obstacle to the only replica there is (acks=${acks})`, async (test) => {
      const topic = await test.topic({ configs: { 'min.insync.replicas': '2' } })
      await test.expect(Produce, 9, produceRequest(topic, batchOf(1), { acks }), produceAnswer(topic, accepted(0)))
    })
  }

  wireCase('trap 88: a partition that is in the request twice', async (test) => {
    const topic = await test.topic()
    const partitionData = [
      { index: 0, records: batchOf(1) },
      { index: 0, records: batchOf(2) },
    ]
    const request = { acks: 1, timeoutMs: 1000, topicData: [{ name: topic.name, topicId: topic.id, partitionData }] }
    const { responses } = await test.call(Produce, 9, request)
    const answers = responses.flatMap(({ partitionResponses }) =>
      partitionResponses.map(({ index, errorCode, baseOffset }) => ({ index, errorCode, baseOffset })),
    )
    const differs = test.differs({
      kafka: { answers: [{ index: 0, errorCode: 0, baseOffset: 0 }], end: 2 },
      odradek: { answers: [{ index: 0, errorCode: 42, baseOffset: -1 }], end: 0 },
      why: 'Kafka keeps one of the two and says so of both; nothing is appended where the order could only be guessed',
    })
    test.same(answers, differs.answers, 'answers')
    test.same(await endOffset(test, topic), differs.end, 'end of the log')
  })

  wireCase('a transactional batch without a transactional id fails the whole request', async (test) => {
    const topic = await test.topic({ partitions: 2 })
    const transactional = batchOf(1, { producerId: 1, producerEpoch: 0, baseSequence: 0, transactional: true })
    const partitionData = [
      { index: 0, records: batchOf(1) },
      { index: 1, records: transactional },
    ]
    const request = { acks: -1, timeoutMs: 1000, topicData: [{ name: topic.name, topicId: topic.id, partitionData }] }
    const answer = eachOf(topic, refused(test, 53, { index: 0 }), refused(test, 53, { index: 1 }))
    await test.expect(Produce, 9, request, answer)
    test.same(await endOffset(test, topic), 0, 'end of the log')
  })

  wireCase('a client id and a transactional id do not matter to a batch outside a transaction', async (test) => {
    const topic = await test.topic()
    const request = produceRequest(topic, batchOf(1), { transactionalId: test.unique('txn') })
    await test.expect(Produce, 9, request, produceAnswer(topic, accepted(0)))
  })

  wireCase('a batch of one megabyte, then a small one', async (test) => {
    const topic = await test.topic()
    const large = batchOfBytes(1_000_000)
    await test.expect(Produce, 9, produceRequest(topic, large), produceAnswer(topic, accepted(0)))
    await test.expect(Produce, 9, produceRequest(topic, batchOf(1)), produceAnswer(topic, accepted(1)))
    test.same(await bytesOf(test, topic), Buffer.concat([stored(large, 0), stored(batchOf(1), 1)]), 'the log')
  })

  wireCase('trap 37: pipelined requests of one connection are appended in their order', async (test) => {
    const topic = await test.topic()
    const client = await test.client()
    const answers = await Promise.all(
      Array.from({ length: 40 }, () => client.call(Produce, 9, produceRequest(topic, batchOf(2)))),
    )
    const offsets = answers.map(({ responses }) => responses[0]!.partitionResponses[0]!.baseOffset)
    test.same(
      offsets,
      Array.from({ length: 40 }, (_, index) => index * 2),
      'base offsets',
    )
  })

  wireCase('what was appended before a deletion is not in the topic of the same name made after it', async (test) => {
    const old = await test.topic()
    await append(test, old, batchOf(1))
    await test.call(DeleteTopics, 6, { topics: [{ name: old.name, topicId: ZERO_UUID }], timeoutMs: 10_000 })
    await test.untilGone(old.name)
    const made = await test.topic({ name: old.name })
    await test.expect(
      Produce,
      13,
      produceRequest(old, batchOf(1)),
      produceAnswer({ ...old, name: '' }, refused(test, 100)),
    )
    test.same(await endOffset(test, made), 0, 'end of the log')
  })
})
