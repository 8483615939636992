import type { Decision, MetadataRecord } from './metadata.ts'
import { ConfigResource, type MetadataImage } from './metadata-image.ts'
import { configRecord, removeTopicRecord } from './metadata-record.ts'

/** Everything that users have made goes: topics, internal ones too, and settings. What must never repeat stays: producer ids. */
export function resetMetadata(image: MetadataImage): Decision<null> {
  const records: MetadataRecord[] = []
  for (const { id } of image.topics.values()) records.push(removeTopicRecord({ topicId: id }))
  for (const type of Object.values(ConfigResource)) {
    // A topic's settings go with it.
    if (type === ConfigResource.TOPIC) continue
    for (const resource of image.configuredResources(type)) {
      for (const name of image.configOf(type, resource).keys()) {
        records.push(configRecord({ resourceType: type, resourceName: resource, name, value: null }))
      }
    }
  }
  return { records, result: null }
}
