import { ErrorCode } from '../../protocol/errors.ts'
import {
  DescribeLogDirs,
  type DescribeLogDirsRequest,
  type DescribeLogDirsResponse,
} from '../../protocol/messages/35-describe-log-dirs.ts'
import { apiEntry } from './api-entry.ts'
import type { RequestContext } from './context.ts'

type DescribedTopic = DescribeLogDirsResponse['results'][number]['topics'][number]

export const describeLogDirs = apiEntry(DescribeLogDirs, {
  handle(context, request) {
    const topics = describeTopics(context, request)
    const results = context.broker.store.directories().map(({ path, error, totalBytes, usableBytes }) => ({
      errorCode: error,
      logDir: path,
      topics: error === ErrorCode.NONE ? topics : [],
      totalBytes,
      usableBytes,
      isCordoned: false,
    }))
    return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, results }
  },
  fail: (_request, errorCode) => ({ throttleTimeMs: 0, errorCode, results: [] }),
})

/** Partitions that do not exist are left out, as are topics without any. */
function describeTopics({ broker }: RequestContext, { topics }: DescribeLogDirsRequest): DescribedTopic[] {
  const { image } = broker.metadata
  const wanted = topics ?? [...image.topics.values()].map(everyPartition)
  return wanted.flatMap(({ topic: name, partitions }) => {
    const described = partitions.flatMap((index) => {
      const log = broker.partitions.replica(image.topics.get(name), index)
      if (log === undefined) return []
      return [{ partitionIndex: index, partitionSize: broker.store.sizeBytes(log), offsetLag: 0, isFutureKey: false }]
    })
    return described.length === 0 ? [] : [{ name, partitions: described }]
  })
}

function everyPartition({ name, partitions }: { name: string; partitions: readonly { index: number }[] }) {
  return { topic: name, partitions: partitions.map(({ index }) => index) }
}
