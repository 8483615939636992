import { ErrorCode } from '../../protocol/errors.ts'
import { DescribeCluster, type DescribeClusterResponse } from '../../protocol/messages/60-describe-cluster.ts'
import { ALL_CLUSTER_OPERATIONS, OPERATIONS_NOT_ASKED } from '../security/authorized-operations.ts'
import { apiEntry } from './api-entry.ts'
import { reachableBrokers } from './node-endpoints.ts'

const BROKERS = 1
const CONTROLLERS = 2

export const describeCluster = apiEntry(DescribeCluster, {
  handle(context, { endpointType, includeClusterAuthorizedOperations }) {
    if (endpointType === CONTROLLERS) {
      const message = 'The request was sent to an endpoint of the wrong type: this is a broker, not a controller.'
      return failed(ErrorCode.MISMATCHED_ENDPOINT_TYPE, message)
    }
    if (endpointType !== BROKERS) {
      return failed(ErrorCode.UNSUPPORTED_ENDPOINT_TYPE, `Unsupported endpoint type ${endpointType}`)
    }
    const { membership, metadata } = context.broker
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      errorMessage: null,
      endpointType,
      clusterId: metadata.image.clusterId,
      controllerId: membership.controllerId,
      brokers: reachableBrokers(context).map(({ id, ...rest }) => ({ brokerId: id, ...rest, isFenced: false })),
      clusterAuthorizedOperations: includeClusterAuthorizedOperations ? ALL_CLUSTER_OPERATIONS : OPERATIONS_NOT_ASKED,
    }
  },
  fail: (_request, error) => failed(error, null),
})

function failed(errorCode: ErrorCode, errorMessage: string | null): DescribeClusterResponse {
  return { throttleTimeMs: 0, errorCode, errorMessage, clusterId: '', brokers: [] }
}
