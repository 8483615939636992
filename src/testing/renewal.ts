import { ErrorCode } from '../../protocol/errors.ts'
import { nodeClock } from '../io/node-clock.ts'
import { type CreatedTopic, createTopics, type NewTopic } from '../metadata/create-topics.ts'
import { applyRecords } from '../metadata/image-builder.ts'
import type { MetadataRecord } from '../metadata/metadata.ts'
import { ConfigResource, type MetadataImage } from '../metadata/metadata-image.ts'
import { configRecord, removeTopicRecord } from '../metadata/metadata-record.ts'
import { resetMetadata } from '../metadata/reset.ts'
import type { Odradek } from '../server/odradek.ts'
import { until } from './waiting.ts'

/** Groups may be being loaded, and a member that joins while its group is removed makes it once more. */
const PATIENCE_MS = 10_000
const GONE: readonly ErrorCode[] = [ErrorCode.NONE, ErrorCode.GROUP_ID_NOT_FOUND]

/** Everything that users have made goes, and these topics are there again. All members of groups are sent away. */
export async function renewAll(odradek: Odradek, topics: readonly NewTopic[]): Promise<CreatedTopic[]> {
  const created = await replace(odradek, (image) => resetMetadata(image).records, topics)
  await odradek.reloadCoordinators()
  return created
}

/** The same for topics and groups whose names begin like this, with their settings and offsets. */
export async function renewPrefixed(
  odradek: Odradek,
  prefix: string,
  topics: readonly NewTopic[],
): Promise<CreatedTopic[]> {
  const created = await replace(odradek, (image) => removals(image, prefix), topics)
  await until(nodeClock, PATIENCE_MS, `no groups that begin with ${prefix}`, async () => {
    const groupIds = await odradek.groupIds()
    if (groupIds === null) return 'groups are being loaded'
    const doomed = groupIds.filter((groupId) => groupId.startsWith(prefix))
    const removed = await Promise.all(doomed.map((groupId) => removeGroup(odradek, groupId)))
    const left = doomed.filter((_, at) => !removed[at])
    return left.length === 0 ? null : `there are ${left.join(', ')}`
  })
  return created
}

/** In one change: a client that asks in between would make the topic itself, with other partitions. */
function replace(
  { engine }: Odradek,
  removed: (image: MetadataImage) => readonly MetadataRecord[],
  topics: readonly NewTopic[],
): Promise<CreatedTopic[]> {
  return engine.metadata.change((image) => {
    const gone = removed(image)
    const left = applyRecords(image, gone, image.offset)
    const { records, result } = createTopics(left, topics, engine.topicDefaults, false)
    return { records: [...gone, ...records], result }
  })
}

function removals(image: MetadataImage, prefix: string): MetadataRecord[] {
  const records: MetadataRecord[] = []
  for (const { id, name, internal } of image.topics.values()) {
    if (!internal && name.startsWith(prefix)) records.push(removeTopicRecord({ topicId: id }))
  }
  const resourceType = ConfigResource.GROUP
  for (const resourceName of image.configuredResources(resourceType)) {
    if (!resourceName.startsWith(prefix)) continue
    for (const name of image.configOf(resourceType, resourceName).keys()) {
      records.push(configRecord({ resourceType, resourceName, name, value: null }))
    }
  }
  return records
}

/** False when somebody came in between, or nobody is there to ask. */
async function removeGroup(odradek: Odradek, groupId: string): Promise<boolean> {
  const groups = odradek.coordinatorOf(groupId)?.groups
  if (groups === undefined) return false
  const [group] = await groups.describeGroups([groupId])
  const members = group!.members.map(({ memberId, groupInstanceId }) => ({ memberId, groupInstanceId }))
  // Asked in one go, so that nobody joins between the two.
  const [, [deleted]] = await Promise.all([groups.leaveGroup({ groupId, members }), groups.deleteGroups([groupId])])
  return GONE.includes(deleted!.error)
}
