import { api, array, bool, int8, int16, int32, type RequestOf, type ResponseOf, string } from '../codec/schema.ts'

/** Brokers, controller and cluster id, without topics. endpointType 1 asks for brokers, 2 for controllers. */
export const DescribeCluster = api({
  key: 60,
  name: 'DescribeCluster',
  versions: '0-2', // 1 endpoint type · 2 fenced brokers
  flexible: '0+',
  request: {
    includeClusterAuthorizedOperations: bool(),
    endpointType: int8('1+').default(1),
    includeFencedBrokers: bool('2+'),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string().nullable().default(null),
    endpointType: int8('1+').default(1),
    clusterId: string(),
    controllerId: int32().default(-1),
    brokers: array({
      brokerId: int32(),
      host: string(),
      port: int32(),
      rack: string().nullable().default(null),
      isFenced: bool('2+'),
    }),
    clusterAuthorizedOperations: int32().default(-2147483648),
  },
})
export type DescribeClusterRequest = RequestOf<typeof DescribeCluster>
export type DescribeClusterResponse = ResponseOf<typeof DescribeCluster>
