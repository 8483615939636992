import { ErrorCode } from '../../protocol/errors.ts'
import {
  FindCoordinator,
  type FindCoordinatorRequest,
  type FindCoordinatorResponse,
} from '../../protocol/messages/10-find-coordinator.ts'
import { apiEntry } from './api-entry.ts'
import type { RequestContext } from './context.ts'
import { reachableBrokers } from './node-endpoints.ts'

type Coordinator = NonNullable<FindCoordinatorResponse['coordinators']>[number]

const GROUP = 0
const TRANSACTION = 1
const SHARE = 2
const SHARE_VERSION = 6
/** From this version on a request asks for several keys. */
const BATCH_VERSION = 4

export const findCoordinator = apiEntry(FindCoordinator, { handle: handleFindCoordinator, fail: failFindCoordinator })

function handleFindCoordinator(context: RequestContext, request: FindCoordinatorRequest): FindCoordinatorResponse {
  return shape(
    context,
    keysOf(context, request).map((key) => find(context, request.keyType, key)),
  )
}

function find(context: RequestContext, keyType: number, key: string): Coordinator {
  if (keyType === SHARE && context.apiVersion >= SHARE_VERSION) {
    return none(key, ErrorCode.INVALID_REQUEST, 'This broker has no share groups yet.')
  }
  if (keyType !== GROUP && keyType !== TRANSACTION) {
    return none(
      key,
      ErrorCode.INVALID_REQUEST,
      `The coordinator type must be 0 (group) or 1 (transaction), not ${keyType}.`,
    )
  }
  const { membership, groups, transactions } = context.broker
  const id =
    keyType === GROUP
      ? membership.coordinatorFor('group', groups.shardOf(key))
      : membership.coordinatorFor('transaction', transactions.shardOf(key))
  const node = reachableBrokers(context).find((broker) => broker.id === id)
  if (node === undefined) {
    return none(key, ErrorCode.COORDINATOR_NOT_AVAILABLE, `The coordinator of ${key}, broker ${id}, is not alive.`)
  }
  // Older clients print the message; a broker says NONE.
  return { key, nodeId: node.id, host: node.host, port: node.port, errorCode: ErrorCode.NONE, errorMessage: 'NONE' }
}

function none(key: string, errorCode: ErrorCode, errorMessage: string | null): Coordinator {
  return { key, nodeId: -1, host: '', port: -1, errorCode, errorMessage }
}

function keysOf({ apiVersion }: RequestContext, { key, coordinatorKeys }: FindCoordinatorRequest): readonly string[] {
  return apiVersion >= BATCH_VERSION ? coordinatorKeys : [key]
}

function shape({ apiVersion }: RequestContext, found: readonly Coordinator[]): FindCoordinatorResponse {
  if (apiVersion >= BATCH_VERSION) {
    const coordinators = found.map((one) => (one.errorCode === ErrorCode.NONE ? { ...one, errorMessage: '' } : one))
    return { throttleTimeMs: 0, coordinators }
  }
  const { nodeId, host, port, errorCode, errorMessage } = found[0]!
  return { throttleTimeMs: 0, nodeId, host, port, errorCode, errorMessage }
}

function failFindCoordinator(
  request: FindCoordinatorRequest,
  error: ErrorCode,
  context: RequestContext,
): FindCoordinatorResponse {
  return shape(
    context,
    keysOf(context, request).map((key) => none(key, error, null)),
  )
}
