import { api, array, bool, int16, int32, type RequestOf, type ResponseOf, string } from '../codec/schema.ts'

/** Moves partitions to other replicas; null replicas cancels a move (NO_REASSIGNMENT_IN_PROGRESS when there is none). */
export const AlterPartitionReassignments = api({
  key: 45,
  name: 'AlterPartitionReassignments',
  versions: '0-1', // 1 forbids a change of the replication factor
  flexible: '0+',
  request: {
    timeoutMs: int32().default(60000),
    allowReplicationFactorChange: bool('1+').default(true),
    topics: array({
      name: string(),
      partitions: array({ partitionIndex: int32(), replicas: array(int32()).nullable().default(null) }),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    allowReplicationFactorChange: bool('1+').default(true).ignorable(),
    errorCode: int16(),
    errorMessage: string().nullable(),
    responses: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string().nullable(),
      }),
    }),
  },
})
export type AlterPartitionReassignmentsRequest = RequestOf<typeof AlterPartitionReassignments>
export type AlterPartitionReassignmentsResponse = ResponseOf<typeof AlterPartitionReassignments>
