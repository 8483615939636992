import { ErrorCode } from '../../../protocol/errors.ts'
import { OffsetFetch } from '../../../protocol/messages/09-offset-fetch.ts'
import { FindCoordinator } from '../../../protocol/messages/10-find-coordinator.ts'
import { DescribeGroups } from '../../../protocol/messages/15-describe-groups.ts'
import { ListGroups } from '../../../protocol/messages/16-list-groups.ts'
import { ConsumerGroupDescribe } from '../../../protocol/messages/69-consumer-group-describe.ts'
import { ClientError } from '../../client/client-error.ts'
import type { ClusterBroker } from '../../client/cluster-metadata.ts'
import { readAssignment } from '../../client/embedded-protocol.ts'
import { failureOf, refuse } from './java-errors.ts'
import { ToolFailure } from './tool-failure.ts'
import type { ToolClient } from './tool-io.ts'

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

export interface GroupMember {
  readonly memberId: string
  readonly instanceId: string | null
  readonly clientId: string
  readonly host: string
  readonly partitions: readonly TopicPartition[]
  /** What it is to have, and the epochs: only of groups of the newer kind (KIP-848). */
  readonly target: readonly TopicPartition[]
  readonly epoch: number | null
  readonly targetEpoch: number | null
}

export interface GroupDescription {
  readonly groupId: string
  readonly state: string
  readonly assignor: string
  readonly members: readonly GroupMember[]
  /** Null for classic groups. */
  readonly groupEpoch: number | null
  readonly targetEpoch: number | null
}

export interface ListedGroup {
  readonly groupId: string
  readonly state: string
  readonly type: string
}

export interface CommittedOffset extends TopicPartition {
  readonly offset: number
  readonly leaderEpoch: number
}

/** Versions before these have no state, no type of a group. */
const STATE_VERSION = 4
const TYPE_VERSION = 5
/** From here on OffsetFetch names topics by id; before the other it knows one group alone. */
const NAMED_TOPICS_VERSION = 9
const SEVERAL_GROUPS_VERSION = 8
const CONSUMER_PROTOCOL = 'consumer'

/** Groups of consumers on all brokers; others, such as those of Connect, are left out as Kafka's tool does. */
export async function listedGroups(
  client: ToolClient,
  statesFilter: readonly string[],
  typesFilter: readonly string[],
): Promise<ListedGroup[]> {
  const { brokers } = await client.cluster()
  const answers = await Promise.all(
    brokers.map(async ({ id }) => {
      const version = await client.versionOf(ListGroups, { brokerId: id })
      const request = {
        statesFilter: version >= STATE_VERSION ? statesFilter : [],
        typesFilter: version >= TYPE_VERSION ? typesFilter : [],
      }
      const answer = await client.send(ListGroups, request, { brokerId: id })
      refuse(answer.errorCode)
      return answer.groups
    }),
  )
  return answers
    .flat()
    .filter(({ protocolType, groupType }) => {
      if (groupType !== '' && !/^(?:classic|consumer)$/i.test(groupType)) return false
      return protocolType === CONSUMER_PROTOCOL || protocolType === ''
    })
    .map(({ groupId, groupState, groupType }) => ({
      groupId,
      state: groupState || 'Unknown',
      type: groupType === '' ? 'Classic' : groupType.charAt(0).toUpperCase() + groupType.slice(1).toLowerCase(),
    }))
}

/** Throws what a Java client throws for a group that is not there. */
export async function describeGroup(client: ToolClient, group: string): Promise<GroupDescription> {
  return (await consumerGroup(client, group)) ?? classicGroup(client, group)
}

/** Null for a group of the older kind, and from a broker that has no other. */
async function consumerGroup(client: ToolClient, group: string): Promise<GroupDescription | null> {
  try {
    await client.versionOf(ConsumerGroupDescribe, { group })
  } catch (error) {
    if (error instanceof ClientError && error.kind === 'unsupported') return null
    throw error
  }
  const request = { groupIds: [group], includeAuthorizedOperations: false }
  const { groups } = await client.send(ConsumerGroupDescribe, request, { group })
  const found = groups[0]
  if (found === undefined || found.errorCode === ErrorCode.GROUP_ID_NOT_FOUND) return null
  if (found.errorCode === ErrorCode.UNSUPPORTED_VERSION) return null
  refuseWrapped(found.errorCode, found.errorMessage)
  return {
    groupId: group,
    state: found.groupState,
    assignor: found.assignorName,
    groupEpoch: found.groupEpoch,
    targetEpoch: found.assignmentEpoch,
    members: found.members.map((member) => ({
      memberId: member.memberId,
      instanceId: member.instanceId,
      clientId: member.clientId,
      host: member.clientHost,
      partitions: flat(member.assignment.topicPartitions),
      target: flat(member.targetAssignment.topicPartitions),
      epoch: member.memberEpoch,
      targetEpoch: found.assignmentEpoch,
    })),
  }
}

function flat(topics: readonly { topicName: string; partitions: readonly number[] }[]): TopicPartition[] {
  return topics.flatMap(({ topicName, partitions }) => partitions.map((partition) => ({ topic: topicName, partition })))
}

async function classicGroup(client: ToolClient, group: string): Promise<GroupDescription> {
  const { groups } = await client.send(
    DescribeGroups,
    { groups: [group], includeAuthorizedOperations: false },
    { group },
  )
  const found = groups[0]
  if (found === undefined) throw failureOf(ErrorCode.GROUP_ID_NOT_FOUND)
  refuseWrapped(found.errorCode, found.errorMessage)
  return {
    groupId: group,
    state: found.groupState,
    assignor: found.protocolData,
    groupEpoch: null,
    targetEpoch: null,
    members: found.members.map((member) => ({
      memberId: member.memberId,
      instanceId: member.groupInstanceId,
      clientId: member.clientId,
      host: member.clientHost,
      partitions: readAssignment(member.memberAssignment),
      target: [],
      epoch: null,
      targetEpoch: null,
    })),
  }
}

/** Refusals of an admin client come wrapped: their class is part of what is printed. */
function refuseWrapped(code: number, message: string | null): void {
  if (code === ErrorCode.NONE) return
  const failure = failureOf(code, message)
  throw new ToolFailure(failure.message, failure.javaClass, true)
}

/** All offsets that a group has committed. */
export async function committedOffsets(client: ToolClient, group: string): Promise<CommittedOffset[]> {
  const to = { group }
  const severalGroups = (await client.versionOf(OffsetFetch, to, NAMED_TOPICS_VERSION)) >= SEVERAL_GROUPS_VERSION
  const request = severalGroups ? { groups: [{ groupId: group, topics: null }] } : { groupId: group, topics: null }
  const answer = await client.send(OffsetFetch, request, to, { maxVersion: NAMED_TOPICS_VERSION })
  const found = severalGroups ? answer.groups[0] : answer
  refuse(found?.errorCode ?? 0)
  return (found?.topics ?? []).flatMap(({ name, partitions }) =>
    partitions
      .filter(({ errorCode, committedOffset }) => errorCode === 0 && committedOffset >= 0)
      .map(({ partitionIndex, committedOffset, committedLeaderEpoch }) => ({
        topic: name,
        partition: partitionIndex,
        offset: committedOffset,
        leaderEpoch: committedLeaderEpoch,
      })),
  )
}

/** The broker that looks after a group. */
export async function coordinatorOf(client: ToolClient, group: string): Promise<ClusterBroker> {
  const request = { key: group, keyType: 0, coordinatorKeys: [] }
  const found = await client.send(FindCoordinator, request, 'any', { maxVersion: 3 })
  refuse(found.errorCode, found.errorMessage)
  return { id: found.nodeId, host: found.host, port: found.port, rack: null }
}
