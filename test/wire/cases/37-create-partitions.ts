import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { CreatePartitions } from '../../../protocol/messages/37-create-partitions.ts'
import { batchOf } from '../batches.ts'
import { append, endOffset } from '../data.ts'
import { anyWords, type Expected } from '../matcher.ts'
import { versionsOf, wireCases } from '../wire-case.ts'

export const createPartitionsCases = wireCases('CreatePartitions', (wireCase) => {
  function ask(
    name: string,
    count: number,
    assignments: readonly (readonly number[])[] | null = null,
    validateOnly = false,
  ) {
    const assigned = assignments?.map((brokerIds) => ({ brokerIds })) ?? null
    return { topics: [{ name, count, assignments: assigned }], timeoutMs: 10_000, validateOnly }
  }
  const result = (name: string, errorCode = 0, errorMessage: Expected<string | null> = null) => ({
    results: [{ name, errorCode, errorMessage }],
  })

  for (const version of versionsOf(CreatePartitions)) {
    wireCase(`v${version} adds partitions and keeps what was there`, async (test) => {
      const topic = await test.topic()
      await append(test, topic, batchOf(3))
      await test.expect(CreatePartitions, version, ask(topic.name, 3), result(topic.name))
      await test.untilUsable(topic.name, 3)
      await append(test, topic, batchOf(1), 2)
      test.same([await endOffset(test, topic, 0), await endOffset(test, topic, 1)], [3, 0], 'ends')
    })

    wireCase(`v${version} validates only, when asked to`, async (test) => {
      const topic = await test.topic()
      await test.expect(CreatePartitions, version, ask(topic.name, 3, null, true), result(topic.name))
      const { topics } = await test.call(Metadata, 12, {
        topics: [{ name: topic.name }],
        allowAutoTopicCreation: false,
        includeTopicAuthorizedOperations: false,
      })
      test.same(topics[0]!.partitions.length, 1, 'partitions')
    })

    wireCase(`v${version}: errors`, async (test) => {
      const { name } = await test.topic({ partitions: 3 })
      const unknown = test.unique('unknown')
      const unknownTopic = result(unknown, 3, anyWords)
      await test.expect(CreatePartitions, version, ask(unknown, 3), unknownTopic)
      await test.expect(CreatePartitions, version, ask(name, 3), result(name, 37, 'Topic already has 3 partition(s).'))
      const fewer = `The topic ${name} currently has 3 partition(s); 2 would not be an increase.`
      await test.expect(CreatePartitions, version, ask(name, 2), result(name, 37, fewer))
      for (const count of [0, -1]) {
        const answer = await test.call(CreatePartitions, version, ask(name, count))
        test.same(answer.results[0]!.errorCode, 37, 'error')
      }
    })
  }

  wireCase('an assignment for each new partition', async (test) => {
    const { name } = await test.topic()
    await test.expect(CreatePartitions, 3, ask(name, 3, [[1], [1]]), result(name))
    await test.untilUsable(name, 3)
  })

  for (const [what, assignments] of [
    ['too few assignments', [[1]]],
    ['too many assignments', [[1], [1], [1]]],
    ['an unknown broker', [[1], [9]]],
    ['a broker twice', [[1], [1, 1]]],
    ['no broker', [[1], []]],
  ] as const) {
    wireCase(`${what} is an invalid assignment`, async (test) => {
      const { name } = await test.topic()
      const { results } = await test.call(CreatePartitions, 3, ask(name, 3, assignments))
      test.same(
        results.map(({ errorCode }) => errorCode),
        [39],
        'errors',
      )
    })
  }

  wireCase('trap 88: a topic given twice is refused, and answered once', async (test) => {
    const { name } = await test.topic()
    const topic = { name, count: 2, assignments: null }
    const { results } = await test.call(CreatePartitions, 3, {
      topics: [topic, topic],
      timeoutMs: 10_000,
      validateOnly: false,
    })
    test.same(
      results.map(({ errorCode }) => errorCode),
      [42],
      'errors',
    )
  })

  wireCase('trap 29: every topic is answered', async (test) => {
    const [good, other] = [await test.topic(), await test.topic()]
    const topics = [
      { name: good.name, count: 2, assignments: null },
      { name: other.name, count: 1, assignments: null },
    ]
    const { results } = await test.call(CreatePartitions, 3, { topics, timeoutMs: 10_000, validateOnly: false })
    const codes = Object.fromEntries(results.map(({ name, errorCode }) => [name, errorCode]))
    test.same(codes, { [good.name]: 0, [other.name]: 37 }, 'errors')
  })

  wireCase('no topics, no answer', async (test) => {
    await test.expect(CreatePartitions, 3, { topics: [], timeoutMs: 1000, validateOnly: false }, { results: [] })
  })
})
