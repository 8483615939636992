/**
 * The embedded consumer protocol: the bytes in JoinGroup's metadata and SyncGroup's assignment, written and read by
 * clients. Each begins with its version as int16. A broker only peeks: which topics a group subscribes to decides
 * about deleting its offsets, and group tools show the assignment.
 */

import { array, bytes, int32, message, string } from '../codec/schema.ts'

export const ConsumerProtocolSubscription = message({
  name: 'ConsumerProtocolSubscription',
  versions: '0-3',
  flexible: 'none',
  fields: {
    topics: array(string()),
    userData: bytes().nullable().default(null),
    ownedPartitions: array({ topic: string(), partitions: array(int32()) }, '1+').ignorable(),
    generationId: int32('2+').default(-1).ignorable(),
    rackId: string('3+').nullable().default(null).ignorable(),
  },
})

export const ConsumerProtocolAssignment = message({
  name: 'ConsumerProtocolAssignment',
  versions: '0-3',
  flexible: 'none',
  fields: {
    assignedPartitions: array({ topic: string(), partitions: array(int32()) }),
    userData: bytes().nullable().default(null),
  },
})
