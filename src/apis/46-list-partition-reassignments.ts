import { ErrorCode } from '../../protocol/errors.ts'
import { ListPartitionReassignments } from '../../protocol/messages/46-list-partition-reassignments.ts'
import { apiEntry } from './api-entry.ts'

/** Nothing ever moves while every partition has its one replica here, so the list of moves is empty. */
export const listPartitionReassignments = apiEntry(ListPartitionReassignments, {
  handle: () => ({ throttleTimeMs: 0, errorCode: ErrorCode.NONE, errorMessage: null, topics: [] }),
  fail: (_request, errorCode) => ({ throttleTimeMs: 0, errorCode, errorMessage: null, topics: [] }),
})
