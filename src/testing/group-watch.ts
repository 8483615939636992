import { codecOf } from '../../protocol/codec/codec.ts'
import { Reader } from '../../protocol/codec/reader.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { ConsumerProtocolAssignment } from '../../protocol/messages/consumer-protocol.ts'
import type { DescribedGroup } from '../coordinator/group/group-calls.ts'
import type { Odradek } from '../server/odradek.ts'

/** assigned: all members have their partitions. caught up: and they have committed everything there is in these. */
export type GroupMilestone = 'assigned' | 'caught up'

/** How far a group is: null when it has arrived, otherwise what it still lacks, in words. */
export async function whatGroupLacks(
  odradek: Odradek,
  groupId: string,
  milestone: GroupMilestone,
  members: number,
): Promise<string | null> {
  const broker = odradek.coordinatorOf(groupId)
  if (broker === null) return 'it has no coordinator'
  const [group] = await broker.groups.describeGroups([groupId])
  if (group!.error === ErrorCode.GROUP_ID_NOT_FOUND) return 'there is no such group'
  const missing = missingMembers(group!, members)
  if (missing !== null || milestone === 'assigned') return missing
  const { topics } = await broker.groups.fetchOffsets({ groupId, topics: null })
  const committed = new Map(
    topics.flatMap((one) => one.partitions.map((each) => [`${one.topic}-${each.partition}`, each.offset])),
  )
  const behind = assignedPartitions(group!).flatMap(({ topic, partition }) => {
    const image = odradek.engine.metadata.image.topics.get(topic)
    const log = image && odradek.engine.store.get(image.id, partition)
    if (log === undefined) return []
    const { logStartOffset, lastStableOffset } = log.offsets
    const offset = committed.get(`${topic}-${partition}`) ?? -1
    if (offset >= lastStableOffset || logStartOffset === lastStableOffset) return []
    return [`${topic}-${partition} is committed up to ${offset < 0 ? 'nothing' : offset} of ${lastStableOffset}`]
  })
  return behind.length === 0 ? null : behind.join(', ')
}

function missingMembers({ state, members }: DescribedGroup, wanted: number): string | null {
  const ready = members.filter(({ assignment }) => assignment.length > 0)
  if (state === 'Stable' && ready.length >= wanted) return null
  return `its state is ${state}, ${ready.length} of ${members.length} members have an assignment, ${wanted} wanted`
}

/** Of a group whose assignments are those of consumers; what others agree on among themselves is not looked into. */
function assignedPartitions({ protocolType, members }: DescribedGroup): { topic: string; partition: number }[] {
  if (protocolType !== 'consumer') return []
  return members.flatMap(({ assignment }) => {
    const reader = new Reader(assignment)
    const version = Math.min(reader.int16(), ConsumerProtocolAssignment.versions.max)
    const { assignedPartitions: topics } = codecOf(ConsumerProtocolAssignment, version).decode(reader)
    return topics.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })))
  })
}
