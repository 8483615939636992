import { OffsetForLeaderEpoch } from '../../../protocol/messages/23-offset-for-leader-epoch.ts'
import { batchOf } from '../batches.ts'
import { append } from '../data.ts'
import { versionsOf, wireCases } from '../wire-case.ts'
import type { TestTopic } from '../wire-test.ts'

interface Question {
  readonly epoch: number
  readonly currentLeaderEpoch?: number
  readonly partition?: number
}

function ask({ name }: Pick<TestTopic, 'name'>, { epoch, currentLeaderEpoch = -1, partition = 0 }: Question) {
  return {
    replicaId: -1,
    topics: [{ topic: name, partitions: [{ partition, currentLeaderEpoch, leaderEpoch: epoch }] }],
  }
}

function answer({ name }: Pick<TestTopic, 'name'>, errorCode: number, leaderEpoch = -1, endOffset = -1, partition = 0) {
  return { topics: [{ topic: name, partitions: [{ errorCode, partition, leaderEpoch, endOffset }] }] }
}

export const offsetForLeaderEpochCases = wireCases('OffsetForLeaderEpoch', (wireCase) => {
  for (const version of versionsOf(OffsetForLeaderEpoch)) {
    wireCase(`v${version} of the current epoch is the end of the log`, async (test) => {
      const topic = await test.topic()
      await append(test, topic, batchOf(7))
      await test.expect(OffsetForLeaderEpoch, version, ask(topic, { epoch: 0 }), answer(topic, 0, 0, 7))
    })

    wireCase(`v${version} of an epoch that never was is undefined, without an error`, async (test) => {
      const topic = await test.topic()
      await append(test, topic, batchOf(1))
      await test.expect(OffsetForLeaderEpoch, version, ask(topic, { epoch: 5 }), answer(topic, 0))
    })

    wireCase(`v${version} checks the current leader epoch`, async (test) => {
      const topic = await test.topic()
      await append(test, topic, batchOf(1))
      const right = ask(topic, { epoch: 0, currentLeaderEpoch: 0 })
      await test.expect(OffsetForLeaderEpoch, version, right, answer(topic, 0, 0, 1))
      const wrong = ask(topic, { epoch: 0, currentLeaderEpoch: 1 })
      await test.expect(OffsetForLeaderEpoch, version, wrong, answer(topic, 75))
    })

    wireCase(`v${version} of an unknown topic and an unknown partition`, async (test) => {
      const nowhere = { name: test.unique('unknown') }
      await test.expect(OffsetForLeaderEpoch, version, ask(nowhere, { epoch: 0 }), answer(nowhere, 3))
      const topic = await test.topic()
      const beyond = ask(topic, { epoch: 0, partition: 3 })
      await test.expect(OffsetForLeaderEpoch, version, beyond, answer(topic, 3, -1, -1, 3))
    })
  }

  wireCase('an epoch of -1 is undefined', async (test) => {
    const topic = await test.topic()
    await append(test, topic, batchOf(1))
    await test.expect(OffsetForLeaderEpoch, 4, ask(topic, { epoch: -1 }), answer(topic, 0))
  })

  wireCase('several partitions are all answered', async (test) => {
    const topic = await test.topic({ partitions: 3 })
    await append(test, topic, batchOf(2), 1)
    const partitions = [1, 9, 0].map((partition) => ({ partition, leaderEpoch: 0 }))
    const { topics } = await test.call(OffsetForLeaderEpoch, 4, {
      replicaId: -1,
      topics: [{ topic: topic.name, partitions }],
    })
    const answers = topics.flatMap((one) => one.partitions.map(({ partition, errorCode }) => [partition, errorCode]))
    test.same(
      answers.toSorted(),
      [
        [0, 0],
        [1, 0],
        [9, 3],
      ],
      'answers',
    )
  })

  wireCase('no topics, no answer', async (test) => {
    await test.expect(OffsetForLeaderEpoch, 3, { replicaId: -1, topics: [] }, { topics: [] })
  })
})
