import { ElectLeaders } from '../../../protocol/messages/43-elect-leaders.ts'
import { anyWords, inAnyOrder } from '../matcher.ts'
import { versionsOf, wireCases } from '../wire-case.ts'

export const electLeadersCases = wireCases('ElectLeaders', (wireCase) => {
  const PREFERRED = 0
  const UNCLEAN = 1

  for (const version of versionsOf(ElectLeaders)) {
    wireCase(`v${version}: no election is needed; unknown partitions and topics`, async (test) => {
      const topic = await test.topic({ partitions: 2 })
      const unknown = test.unique('unknown')
      const topicPartitions = [
        { topic: topic.name, partitions: [0, 5] },
        { topic: unknown, partitions: [0] },
      ]
      const row = (partitionId: number, errorCode: number) => ({ partitionId, errorCode, errorMessage: anyWords })
      await test.expect(
        ElectLeaders,
        version,
        { electionType: PREFERRED, topicPartitions, timeoutMs: 10_000 },
        {
          errorCode: 0,
          replicaElectionResults: inAnyOrder<object>(
            { topic: topic.name, partitionResult: inAnyOrder<object>(row(0, 84), row(5, 3)) },
            { topic: unknown, partitionResult: [row(0, 3)] },
          ),
        },
      )
    })

    wireCase(`v${version} of all topics has nothing to report`, async (test) => {
      const topic = await test.topic()
      const { errorCode, replicaElectionResults } = await test.call(ElectLeaders, version, {
        electionType: PREFERRED,
        topicPartitions: null,
        timeoutMs: 10_000,
      })
      const reported = replicaElectionResults
        .filter((one) => one.topic === topic.name)
        .flatMap(({ partitionResult }) => partitionResult)
      test.same([errorCode, reported], [0, []], 'answer')
    })
  }

  wireCase('an unclean election is not needed either', async (test) => {
    const topic = await test.topic()
    const topicPartitions = [{ topic: topic.name, partitions: [0] }]
    const { replicaElectionResults } = await test.call(ElectLeaders, 2, {
      electionType: UNCLEAN,
      topicPartitions,
      timeoutMs: 10_000,
    })
    test.same(
      replicaElectionResults.map(({ partitionResult }) => partitionResult[0]!.errorCode),
      [84],
      'errors',
    )
  })

  wireCase('a kind of election nobody knows', async (test) => {
    const topic = await test.topic()
    const topicPartitions = [{ topic: topic.name, partitions: [0] }]
    const { errorCode, replicaElectionResults } = await test.call(ElectLeaders, 2, {
      electionType: 9,
      topicPartitions,
      timeoutMs: 10_000,
    })
    const errors = replicaElectionResults.flatMap(({ partitionResult }) => partitionResult.map((one) => one.errorCode))
    test.same(
      [errorCode, ...errors].some((code) => code !== 0),
      true,
      'an error',
    )
  })
})
