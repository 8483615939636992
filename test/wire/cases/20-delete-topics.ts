import { ZERO_UUID } from '../../../protocol/codec/schema.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { CreateTopics } from '../../../protocol/messages/19-create-topics.ts'
import { DeleteTopics } from '../../../protocol/messages/20-delete-topics.ts'
import { batchOf } from '../batches.ts'
import { append, endOffset } from '../data.ts'
import { type Expected, inAnyOrder } from '../matcher.ts'
import { versionsOf, wireCases } from '../wire-case.ts'
import type { WireTest } from '../wire-test.ts'

const UNKNOWN_ID = 'dGhpcy1pcy1uby10b3BpYw'

/** By name in the way of each version. */
function byName(...names: readonly string[]) {
  return { topics: names.map((name) => ({ name, topicId: ZERO_UUID })), topicNames: names, timeoutMs: 10_000 }
}

function byId(...ids: readonly string[]) {
  return { topics: ids.map((topicId) => ({ name: null, topicId })), timeoutMs: 10_000 }
}

function answer(name: string | null, topicId: string, errorCode = 0, errorMessage: Expected<string | null> = null) {
  return { name, topicId, errorCode, errorMessage }
}

const UNKNOWN_TOPIC = 'This server does not host this topic-partition.'

async function metadataError(test: WireTest, name: string): Promise<number> {
  const { topics } = await test.call(Metadata, 12, {
    topics: [{ name }],
    allowAutoTopicCreation: false,
    includeTopicAuthorizedOperations: false,
  })
  return topics[0]!.errorCode
}

export const deleteTopicsCases = wireCases('DeleteTopics', (wireCase) => {
  for (const version of versionsOf(DeleteTopics)) {
    wireCase(`v${version} deletes by name`, async (test) => {
      const [topic, other] = [await test.topic(), await test.topic()]
      await test.expect(DeleteTopics, version, byName(topic.name), { responses: [answer(topic.name, topic.id)] })
      await test.untilGone(topic.name)
      test.same([await metadataError(test, topic.name), await metadataError(test, other.name)], [3, 0], 'errors')
    })

    wireCase(`v${version} of an unknown topic`, async (test) => {
      const name = test.unique('unknown')
      await test.expect(DeleteTopics, version, byName(name), { responses: [answer(name, ZERO_UUID, 3, UNKNOWN_TOPIC)] })
    })

    wireCase(`v${version}: one that is unknown does not keep the other`, async (test) => {
      const topic = await test.topic()
      const name = test.unique('unknown')
      await test.expect(DeleteTopics, version, byName(name, topic.name), {
        responses: inAnyOrder(answer(topic.name, topic.id), answer(name, ZERO_UUID, 3, UNKNOWN_TOPIC)),
      })
    })

    wireCase(`trap 28: v${version}: a deleted topic can be made again, and is empty`, async (test) => {
      const topic = await test.topic()
      await append(test, topic, batchOf(3))
      await test.call(DeleteTopics, version, byName(topic.name))
      await test.untilGone(topic.name)
      const made = await test.topic({ name: topic.name })
      test.same(made.id === topic.id, false, 'the same id')
      test.same(await endOffset(test, made), 0, 'end of the log')
    })
  }

  wireCase('trap 28: deleting is done when it is answered', async (test) => {
    for (let round = 0; round < 5; round++) {
      const { name } = await test.topic()
      await test.call(DeleteTopics, 6, byName(name))
      await test.untilGone(name)
      const again = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
      const { topics } = await test.call(CreateTopics, 7, { topics: [again], timeoutMs: 10_000, validateOnly: false })
      test.same(topics[0]!.errorCode, 0, 'making it again')
    }
  })

  wireCase('v6 deletes by id', async (test) => {
    const topic = await test.topic()
    await test.expect(DeleteTopics, 6, byId(topic.id), { responses: [answer(topic.name, topic.id)] })
    await test.untilGone(topic.name)
    test.same(await metadataError(test, topic.name), 3, 'error')
  })

  wireCase('v6 of an unknown id', async (test) => {
    const message = 'This server does not host this topic ID.'
    await test.expect(DeleteTopics, 6, byId(UNKNOWN_ID), { responses: [answer(null, UNKNOWN_ID, 100, message)] })
  })

  wireCase('v6 with name and id is an invalid request', async (test) => {
    const topic = await test.topic()
    const request = { topics: [{ name: topic.name, topicId: topic.id }], timeoutMs: 10_000 }
    const refusal = answer(topic.name, topic.id, 42, 'You may not specify both topic name and topic id.')
    await test.expect(DeleteTopics, 6, request, { responses: [refusal] })
    test.same(await metadataError(test, topic.name), 0, 'error')
  })

  wireCase('v6 with neither name nor id is an invalid request', async (test) => {
    const request = { topics: [{ name: null, topicId: ZERO_UUID }], timeoutMs: 10_000 }
    const { responses } = await test.call(DeleteTopics, 6, request)
    test.same(responses, [answer(null, ZERO_UUID, 42, 'Neither topic name nor id were specified.')], 'answer')
  })

  for (const version of [1, 5, 6]) {
    wireCase(`trap 88: v${version}: a name given twice is refused, and answered once`, async (test) => {
      const topic = await test.topic()
      const { responses } = await test.call(DeleteTopics, version, byName(topic.name, topic.name))
      test.same(
        responses.map(({ name, errorCode }) => [name, errorCode]),
        [[topic.name, 42]],
        'answers',
      )
      test.same(await metadataError(test, topic.name), 0, 'it is still there')
    })
  }

  wireCase('trap 88: v6: an id given twice, and name and id of one topic', async (test) => {
    const topic = await test.topic()
    const twice = await test.call(DeleteTopics, 6, byId(topic.id, topic.id))
    test.same(
      twice.responses.map(({ errorCode }) => errorCode),
      [42],
      'twice',
    )
    const topics = [
      { name: topic.name, topicId: ZERO_UUID },
      { name: null, topicId: topic.id },
    ]
    const both = await test.call(DeleteTopics, 6, { topics, timeoutMs: 10_000 })
    test.same(
      both.responses.map(({ errorCode }) => errorCode).every((code) => code === 42),
      true,
      'both',
    )
    test.same(await metadataError(test, topic.name), 0, 'it is still there')
  })

  wireCase('no topics, no answer', async (test) => {
    for (const version of versionsOf(DeleteTopics)) {
      await test.expect(DeleteTopics, version, byName(), { responses: [] })
    }
  })

  wireCase(
    'with delete.topic.enable=false nothing is deleted',
    async (test) => {
      const topic = await test.topic()
      for (const version of versionsOf(DeleteTopics)) {
        const { responses } = await test.call(DeleteTopics, version, byName(topic.name))
        // Clients older than the error are told that the request is invalid.
        test.same(
          responses.map(({ errorCode }) => errorCode),
          [version < 3 ? 42 : 73],
          'errors',
        )
      }
      test.same(await metadataError(test, topic.name), 0, 'it is still there')
    },
    'tuned',
  )
})
