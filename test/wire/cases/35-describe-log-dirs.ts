import type { DecodedResponseOf } from '../../../protocol/codec/schema.ts'
import { DescribeLogDirs } from '../../../protocol/messages/35-describe-log-dirs.ts'
import { batchOf } from '../batches.ts'
import { append } from '../data.ts'
import { atLeast, inAnyOrder, including, matching } from '../matcher.ts'
import { versionsOf, wireCases } from '../wire-case.ts'

type LogDirTopic = DecodedResponseOf<typeof DescribeLogDirs>['results'][number]['topics'][number]

export const describeLogDirsCases = wireCases('DescribeLogDirs', (wireCase) => {
  const directory = (topics: unknown) => ({
    errorCode: 0,
    results: [
      {
        errorCode: 0,
        logDir: matching(/^\//),
        topics: topics as never,
        totalBytes: atLeast(1),
        usableBytes: atLeast(0),
        isCordoned: false,
      },
    ],
  })
  const partition = (partitionIndex: number, partitionSize: number) => ({
    partitionIndex,
    partitionSize,
    offsetLag: 0,
    isFutureKey: false,
  })

  for (const version of versionsOf(DescribeLogDirs)) {
    wireCase(`v${version} gives the sizes of partitions`, async (test) => {
      const topic = await test.topic({ partitions: 2 })
      await append(test, topic, batchOf(3), 1)
      const topics = [{ name: topic.name, partitions: inAnyOrder(partition(0, 0), partition(1, batchOf(3).length)) }]
      const request = { topics: [{ topic: topic.name, partitions: [0, 1] }] }
      await test.expect(DescribeLogDirs, version, request, directory(topics))
    })

    wireCase(`v${version} of all topics`, async (test) => {
      const topic = await test.topic()
      const topics = including<LogDirTopic>({ name: topic.name, partitions: [partition(0, 0)] })
      await test.expect(DescribeLogDirs, version, { topics: null }, directory(topics))
    })

    wireCase(`v${version} leaves out what does not exist`, async (test) => {
      const topic = await test.topic()
      const request = {
        topics: [
          { topic: topic.name, partitions: [0, 7] },
          { topic: test.unique('unknown'), partitions: [0] },
        ],
      }
      await test.expect(
        DescribeLogDirs,
        version,
        request,
        directory([{ name: topic.name, partitions: [partition(0, 0)] }]),
      )
    })

    wireCase(`v${version} of no topics`, async (test) => {
      await test.expect(DescribeLogDirs, version, { topics: [] }, directory([]))
    })
  }
})
