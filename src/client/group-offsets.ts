import { OffsetCommit } from '../../protocol/messages/08-offset-commit.ts'
import { OffsetFetch } from '../../protocol/messages/09-offset-fetch.ts'
import { refuseError } from './client-error.ts'
import type { RequestRouter } from './request-router.ts'
import { byTopic, type TopicPartition } from './topic-leaders.ts'

export interface CommittedOffset extends TopicPartition {
  readonly offset: number
  readonly leaderEpoch: number
  readonly metadata: string
}

/** Who commits: a member in its generation, or nobody in particular. */
export interface Committer {
  readonly memberId: string
  readonly generationId: number
}

const NOBODY: Committer = { memberId: '', generationId: -1 }
/** Newer ones ask about several groups at once. */
const ONE_GROUP_VERSION = 7
/** Newer ones name topics by id. */
const NAMED_TOPICS_VERSION = 9

/** What a group has committed: of some partitions, or of all; without those where it has nothing. */
export async function fetchOffsets(
  router: RequestRouter,
  group: string,
  partitions: readonly TopicPartition[] | null,
): Promise<CommittedOffset[]> {
  const topics =
    partitions === null
      ? null
      : [...byTopic(partitions)].map(([name, part]) => {
          return { name, partitionIndexes: part.map(({ partition }) => partition) }
        })
  const request = { groupId: group, topics, groups: [] }
  const answer = await router.send(OffsetFetch, request, { group }, { maxVersion: ONE_GROUP_VERSION })
  refuseError(`offsets of the group ${group}`, answer.errorCode)
  const committed: CommittedOffset[] = []
  for (const { name: topic, partitions } of answer.topics) {
    for (const row of partitions) {
      refuseError(`the group ${group} at ${topic}-${row.partitionIndex}`, row.errorCode)
      if (row.committedOffset < 0) continue
      committed.push({
        topic,
        partition: row.partitionIndex,
        offset: row.committedOffset,
        leaderEpoch: row.committedLeaderEpoch,
        metadata: row.metadata ?? '',
      })
    }
  }
  return committed
}

/** Throws ClientError at the first partition that is refused. */
export async function commitOffsets(
  router: RequestRouter,
  group: string,
  offsets: readonly (TopicPartition & { readonly offset: number })[],
  { memberId, generationId }: Committer = NOBODY,
): Promise<void> {
  if (offsets.length === 0) return
  const topics = [...byTopic(offsets)].map(([name, part]) => ({
    name,
    partitions: part.map(({ partition, offset }) => {
      return { partitionIndex: partition, committedOffset: offset, committedMetadata: '' }
    }),
  }))
  const request = { groupId: group, generationIdOrMemberEpoch: generationId, memberId, topics }
  const answer = await router.send(OffsetCommit, request, { group }, { maxVersion: NAMED_TOPICS_VERSION })
  for (const { name, partitions } of answer.topics) {
    for (const { partitionIndex, errorCode } of partitions) {
      refuseError(`committing for the group ${group} at ${name}-${partitionIndex}`, errorCode)
    }
  }
}
