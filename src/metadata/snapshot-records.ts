import type { MetadataRecord } from './metadata.ts'
import { ConfigResource, type MetadataImage } from './metadata-image.ts'
import {
  configRecord,
  featureLevelRecord,
  partitionRecord,
  producerIdsRecord,
  registerBrokerRecord,
  topicRecord,
} from './metadata-record.ts'

/** What of the node itself belongs into a snapshot. */
export type Registration = Parameters<typeof registerBrokerRecord>[0]

/** The records that make an image out of nothing, in an order in which they can be applied. */
export function snapshotRecords(image: MetadataImage, registration: Registration): MetadataRecord[] {
  const records: MetadataRecord[] = []
  for (const [name, level] of image.features) records.push(featureLevelRecord({ name, featureLevel: level }))
  records.push(registerBrokerRecord(registration))
  for (const topic of image.topics.values()) {
    records.push(topicRecord({ name: topic.name, topicId: topic.id }))
    for (const { index, ...partition } of topic.partitions) {
      records.push(
        partitionRecord({
          partitionId: index,
          topicId: topic.id,
          replicas: partition.replicas,
          isr: partition.isr,
          removingReplicas: [],
          addingReplicas: [],
          leader: partition.leader,
          leaderEpoch: partition.leaderEpoch,
          partitionEpoch: partition.partitionEpoch,
          directories: partition.replicas.map(() => registration.logDirs?.[0] ?? UNASSIGNED_DIRECTORY),
        }),
      )
    }
  }
  for (const type of Object.values(ConfigResource)) {
    for (const resource of image.configuredResources(type)) {
      for (const [name, value] of image.configOf(type, resource)) {
        records.push(configRecord({ resourceType: type, resourceName: resource, name, value }))
      }
    }
  }
  if (image.nextProducerId > 0) {
    const { brokerId, brokerEpoch } = registration
    records.push(producerIdsRecord({ brokerId, brokerEpoch, nextProducerId: image.nextProducerId }))
  }
  return records
}

/** KRaft's reserved directory id for a replica whose place is not recorded. */
const UNASSIGNED_DIRECTORY = 'AAAAAAAAAAAAAAAAAAAAAA'
