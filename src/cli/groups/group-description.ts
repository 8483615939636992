import { ErrorCode } from '../../../protocol/errors.ts'
import { DescribeGroups } from '../../../protocol/messages/15-describe-groups.ts'
import { ConsumerGroupDescribe } from '../../../protocol/messages/69-consumer-group-describe.ts'
import { ClientError, refuseError } from '../../client/client-error.ts'
import { readAssignment } from '../../client/embedded-protocol.ts'
import type { KafkaClient } from '../../client/kafka-client.ts'
import type { TopicPartition } from '../../client/topic-leaders.ts'

export interface GroupMemberDescription {
  readonly memberId: string
  readonly instanceId: string | null
  readonly clientId: string
  readonly host: string
  readonly partitions: readonly TopicPartition[]
}

export interface GroupDescription {
  readonly group: string
  readonly state: string
  readonly assignor: string
  readonly members: readonly GroupMemberDescription[]
}

/** Of either protocol. Throws ClientError where there is no such group. */
export async function describeGroupNamed(client: KafkaClient, group: string): Promise<GroupDescription> {
  return (await describeNew(client, group)) ?? (await describeClassic(client, group))
}

async function describeClassic(client: KafkaClient, group: string): Promise<GroupDescription> {
  const request = { groups: [group], includeAuthorizedOperations: false }
  const [answer] = (await client.send(DescribeGroups, request, { group })).groups
  const { errorCode, errorMessage, groupState, protocolType, protocolData, members } = answer!
  // Up to version 5 a group that is not there is a dead one.
  if (errorCode === ErrorCode.GROUP_ID_NOT_FOUND || groupState === 'Dead') refuseUnknownGroup(group)
  refuseError(`the group ${group}`, errorCode, errorMessage)
  return {
    group,
    state: groupState,
    assignor: protocolData,
    members: members.map(({ memberId, groupInstanceId, clientId, clientHost, memberAssignment }) => ({
      memberId,
      instanceId: groupInstanceId,
      clientId,
      host: clientHost.replace(/^\//, ''),
      // What members of another kind than consumers exchange is theirs alone.
      partitions: protocolType === 'consumer' ? readAssignment(memberAssignment) : [],
    })),
  }
}

/** Null where the broker, or the group, is of the classic kind (KIP-848 is the other). */
async function describeNew(client: KafkaClient, group: string): Promise<GroupDescription | null> {
  const { apiKeys } = await client.apiVersions({ group })
  if (!apiKeys.some(({ apiKey }) => apiKey === ConsumerGroupDescribe.key)) return null
  const request = { groupIds: [group], includeAuthorizedOperations: false }
  const [answer] = (await client.send(ConsumerGroupDescribe, request, { group })).groups
  const { errorCode, errorMessage, groupState, assignorName, members } = answer!
  if (errorCode === ErrorCode.GROUP_ID_NOT_FOUND) return null
  refuseError(`the group ${group}`, errorCode, errorMessage)
  return {
    group,
    state: groupState,
    assignor: assignorName,
    members: members.map(({ memberId, instanceId, clientId, clientHost, assignment }) => ({
      memberId,
      instanceId,
      clientId,
      host: clientHost.replace(/^\//, ''),
      partitions: assignment.topicPartitions.flatMap(({ topicName: topic, partitions }) => {
        return partitions.map((partition) => ({ topic, partition }))
      }),
    })),
  }
}

export function refuseUnknownGroup(group: string): never {
  throw new ClientError('refused', `there is no group ${group}; odradek groups list shows those that there are`, {
    errorCode: ErrorCode.GROUP_ID_NOT_FOUND,
  })
}
