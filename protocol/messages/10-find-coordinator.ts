import { api, array, int8, int16, int32, type RequestOf, type ResponseOf, string } from '../codec/schema.ts'

/**
 * Which broker coordinates a group (key type 0), a transactional id (1) or a share partition (2, key
 * groupId:topicId:partition).
 */
export const FindCoordinator = api({
  key: 10,
  name: 'FindCoordinator',
  // 1 key type, error message · 3 flexible · 4 several keys · 5 TRANSACTION_ABORTABLE · 6 share partitions
  versions: '0-6',
  flexible: '3+',
  request: {
    key: string('0-3'),
    keyType: int8('1+').default(0),
    coordinatorKeys: array(string(), '4+'),
  },
  response: {
    throttleTimeMs: int32('1+').ignorable(),
    errorCode: int16('0-3'),
    errorMessage: string('1-3').nullable().ignorable(),
    nodeId: int32('0-3'),
    host: string('0-3'),
    port: int32('0-3'),
    coordinators: array(
      {
        key: string(),
        nodeId: int32(),
        host: string(),
        port: int32(),
        errorCode: int16(),
        errorMessage: string().nullable().ignorable(),
      },
      '4+',
    ),
  },
})
export type FindCoordinatorRequest = RequestOf<typeof FindCoordinator>
export type FindCoordinatorResponse = ResponseOf<typeof FindCoordinator>
