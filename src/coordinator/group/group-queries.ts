import { ErrorCode } from '../../../protocol/errors.ts'
import { type ClassicGroup, NO_BYTES } from './classic-group.ts'
import type {
  DescribedGroup,
  FetchedOffset,
  ListedGroup,
  ListGroupsCall,
  ListGroupsResult,
  OffsetFetchCall,
  OffsetFetchResult,
  TopicPartitions,
} from './group-calls.ts'
import type { OffsetStore } from './offset-store.ts'
import type { PendingOffsets } from './pending-offsets.ts'

const NEVER_COMMITTED = { offset: -1, leaderEpoch: -1, metadata: '' }

/** What was never committed is no error, in groups that do not exist neither: that is how consumers begin. */
export function fetchOffsets(
  offsets: OffsetStore,
  pending: PendingOffsets,
  { groupId, topics, requireStable = false }: OffsetFetchCall,
): OffsetFetchResult {
  const fetched = (topic: string, partition: number): FetchedOffset => {
    if (requireStable && pending.has(groupId, topic, partition))
      return { partition, ...NEVER_COMMITTED, unstable: true }
    const { offset, leaderEpoch, metadata } = offsets.get(groupId, topic, partition) ?? NEVER_COMMITTED
    return { partition, offset, leaderEpoch, metadata }
  }
  const asked = topics ?? everything(offsets, groupId)
  return {
    error: ErrorCode.NONE,
    topics: asked.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map((partition) => fetched(topic, partition)),
    })),
  }
}

function everything(offsets: OffsetStore, groupId: string): TopicPartitions[] {
  return [...offsets.topicsOf(groupId)].map(([topic, partitions]) => ({ topic, partitions: [...partitions.keys()] }))
}

export function describeGroup(groupId: string, group: ClassicGroup | undefined): DescribedGroup {
  if (!group) return undescribed(groupId, ErrorCode.GROUP_ID_NOT_FOUND, `Group ${groupId} not found.`)
  const isStable = group.state === 'Stable'
  return {
    error: ErrorCode.NONE,
    message: null,
    groupId,
    state: group.state,
    protocolType: group.protocolType ?? '',
    protocol: isStable ? (group.protocolName ?? '') : '',
    members: [...group.members.values()].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      metadata: isStable ? group.metadataOf(member) : NO_BYTES,
      // During a rebalance Kafka still tells what the member had, until the next assignment is under way.
      assignment: member.assignment,
    })),
  }
}

export function undescribed(groupId: string, error: ErrorCode, message: string | null): DescribedGroup {
  const state = error === ErrorCode.GROUP_ID_NOT_FOUND ? 'Dead' : ''
  return { error, message, groupId, state, protocolType: '', protocol: '', members: [] }
}

export function listGroups(groups: Iterable<ClassicGroup>, { states, types }: ListGroupsCall): ListGroupsResult {
  const wantedStates = new Set(states.map((state) => state.toLowerCase()))
  const wantedTypes = new Set(types.map((type) => type.toLowerCase()))
  const listed: ListedGroup[] = []
  if (wantedTypes.size > 0 && !wantedTypes.has('classic')) return { error: ErrorCode.NONE, groups: listed }
  for (const { groupId, state, protocolType } of groups) {
    if (wantedStates.size > 0 && !wantedStates.has(state.toLowerCase())) continue
    listed.push({ groupId, protocolType: protocolType ?? '', state, type: 'classic' })
  }
  return { error: ErrorCode.NONE, groups: listed }
}
