import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { DescribeCluster } from '../../../protocol/messages/60-describe-cluster.ts'
import { matching, perhaps, text } from '../matcher.ts'
import { versionsOf, wireCases } from '../wire-case.ts'
import type { WireTest } from '../wire-test.ts'

const NOT_ASKED = -2147483648
const EVERY_CLUSTER_OPERATION = 8096

function answer(test: WireTest, operations = NOT_ASKED) {
  return {
    errorCode: 0,
    errorMessage: null,
    endpointType: 1,
    clusterId: matching(/^[\w-]{22}$/),
    controllerId: 1,
    brokers: [{ brokerId: 1, host: test.target.host, port: test.target.port, rack: null, isFenced: false }],
    clusterAuthorizedOperations: operations,
  }
}

export const describeClusterCases = wireCases('DescribeCluster', (wireCase) => {
  for (const version of versionsOf(DescribeCluster)) {
    wireCase(`v${version} describes the broker`, async (test) => {
      const request = { includeClusterAuthorizedOperations: false, endpointType: 1, includeFencedBrokers: false }
      await test.expect(DescribeCluster, version, request, answer(test))
    })

    wireCase(`v${version} tells what one may do when asked`, async (test) => {
      const request = { includeClusterAuthorizedOperations: true, endpointType: 1, includeFencedBrokers: true }
      await test.expect(DescribeCluster, version, request, answer(test, EVERY_CLUSTER_OPERATION))
    })
  }

  for (const version of [1, 2]) {
    for (const [endpointType, errorCode] of [
      [2, 114],
      [3, 115],
      [0, 115],
    ] as const) {
      wireCase(`v${version} for endpoints of type ${endpointType} is refused with ${errorCode}`, async (test) => {
        const request = { includeClusterAuthorizedOperations: false, endpointType, includeFencedBrokers: false }
        await test.expect(DescribeCluster, version, request, {
          errorCode,
          errorMessage: perhaps(text),
          endpointType: 1,
          clusterId: '',
          controllerId: -1,
          brokers: [],
          clusterAuthorizedOperations: NOT_ASKED,
        })
      })
    }
  }

  wireCase('trap 25: the cluster id is that of Metadata', async (test) => {
    const metadata = await test.call(Metadata, 9, {
      topics: [],
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    })
    const cluster = await test.call(DescribeCluster, 0, { includeClusterAuthorizedOperations: false })
    test.same(cluster.clusterId, metadata.clusterId, 'cluster id')
  })
})
