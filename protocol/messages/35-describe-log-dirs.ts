import { api, array, bool, int16, int32, int64, type RequestOf, type ResponseOf, string } from '../codec/schema.ts'

/** Size and lag of each partition, per log directory. Null topics means all. */
export const DescribeLogDirs = api({
  key: 35,
  name: 'DescribeLogDirs',
  versions: '1-5', // 2 flexible · 3 top-level error · 4 volume sizes · 5 cordoned directories
  flexible: '2+',
  request: { topics: array({ topic: string(), partitions: array(int32()) }).nullable() },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16('3+').ignorable(),
    results: array({
      errorCode: int16(),
      logDir: string(),
      topics: array({
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          partitionSize: int64(),
          offsetLag: int64(),
          isFutureKey: bool(),
        }),
      }),
      totalBytes: int64('4+').default(-1).ignorable(),
      usableBytes: int64('4+').default(-1).ignorable(),
      isCordoned: bool('5+').default(false).ignorable(),
    }),
  },
})
export type DescribeLogDirsRequest = RequestOf<typeof DescribeLogDirs>
export type DescribeLogDirsResponse = ResponseOf<typeof DescribeLogDirs>
